"""In which order a region asks the locations: first choice, second choice, …."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from restock.simulation.grouping import FixedGroups, Groups, VaryingGroups

__all__ = ["FixedRanking", "Ranking", "Turn", "VaryingRanking", "pick_rows", "ranking_for"]

Rows = Int[Tensor, " N"]


class Turn(NamedTuple):
    """The location that each region asks, and 1 where it may (``None``: everywhere)."""

    groups: Groups
    reached: Float[Tensor, "#B #P R"] | None


@runtime_checkable
class Ranking(Protocol):
    """Locations in the order in which regions ask them; each value is what is still to come."""

    def take(self) -> tuple[Turn, "Ranking"] | None:
        """Return the next turn and what comes after it; ``None`` after the last."""
        ...

    def of_rows(self, rows: Rows, products: int) -> "Ranking":
        """Return the ranking of some rows only, on axes ``[1, N]`` for ``[B, P]``.

        ``rows`` are numbers b·P + p with P the number of ``products``.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FixedRanking:
    """The same order on every path and for every product, sorted once."""

    turns: tuple[Turn, ...]

    def take(self) -> tuple[Turn, Ranking] | None:
        """Return the next turn and what comes after it; ``None`` after the last."""
        return (self.turns[0], FixedRanking(self.turns[1:])) if self.turns else None

    def of_rows(self, rows: Rows, products: int) -> Ranking:
        """Return the ranking of some rows only."""
        if all(turn.reached is None for turn in self.turns):
            return self
        return FixedRanking(
            tuple(
                Turn(groups, None if reached is None else pick_rows(reached, rows, products))
                for groups, reached in self.turns
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class VaryingRanking:
    """An order that differs by path or product, found turn by turn, since few are needed.

    ``score`` is infinite where a location does not serve a region or has been asked already.
    """

    score: Float[Tensor, "#B #P #R L"] = field(repr=False)
    regions: int
    turns_left: int
    is_complete: bool

    def take(self) -> tuple[Turn, Ranking] | None:
        """Return the next turn and what comes after it; ``None`` after the last."""
        if self.turns_left == 0:
            return None
        best = self.score.argmin(-1, keepdim=True)
        reached = None
        if not self.is_complete:
            finite = self.score.gather(-1, best).squeeze(-1).isfinite()
            reached = finite.to(self.score.dtype).expand(-1, -1, self.regions)
        member = best.squeeze(-1).expand(-1, -1, self.regions)
        rest = self.score.scatter(-1, best, torch.inf)
        turn = Turn(VaryingGroups(member, self.score.shape[-1]), reached)
        return turn, VaryingRanking(rest, self.regions, self.turns_left - 1, self.is_complete)

    def of_rows(self, rows: Rows, products: int) -> Ranking:
        """Return the ranking of some rows only."""
        score = pick_rows(self.score, rows, products)
        return VaryingRanking(score, self.regions, self.turns_left, self.is_complete)


def ranking_for(score: Float[Tensor, "#B #P #R L"], reach: Bool[Tensor, "#P R L"]) -> Ranking:
    """Rank locations by score, lowest first, ties in the order of the locations.

    ``score`` ``[#B, #P, #R, L]`` is any finite number; ``reach`` ``[#P, R, L]`` is true where a
    location serves a region. The smallest mechanism is picked: a score that is the same for all
    paths and products is sorted here, another is searched when it is used.

    >>> first, rest = ranking_for(
    ...     torch.tensor([[[[3.0, 1.0], [0.0, 2.0]]]]), torch.ones(1, 2, 2, dtype=torch.bool)
    ... ).take()
    >>> first.groups.member.tolist(), rest.take()[0].groups.member.tolist()
    ([1, 0], [0, 1])
    """
    score = score.detach()
    regions, locations = reach.shape[-2:]
    if score.shape[:2] == (1, 1):
        anywhere = reach.any(0)
        masked = torch.where(anywhere, score[0, 0], torch.inf)
        order = torch.argsort(masked, dim=-1, stable=True)
        ranks = int(anywhere.sum(-1).max())
        return FixedRanking(
            tuple(_fixed_turn(order[:, rank], reach, score.dtype) for rank in range(ranks))
        )
    complete = bool(reach.all())
    if not complete:
        score = torch.where(reach, score, torch.inf)
    return VaryingRanking(score, regions, locations, complete)


def pick_rows(values: Tensor, rows: Rows, products: int) -> Tensor:
    """Return rows b·P + p of ``[#B, #P, …]`` as ``[1, N, …]``."""
    path = rows // products if values.shape[0] > 1 else torch.zeros_like(rows)
    product = rows % products if values.shape[1] > 1 else torch.zeros_like(rows)
    return values[path, product].unsqueeze(0)


def _fixed_turn(location: Tensor, reach: Tensor, dtype: torch.dtype) -> Turn:
    regions, locations = reach.shape[-2:]
    groups = FixedGroups.of(location, locations, dtype)
    reached = reach[:, torch.arange(regions, device=reach.device), location]
    return Turn(groups, None if bool(reached.all()) else reached.to(dtype).unsqueeze(0))
