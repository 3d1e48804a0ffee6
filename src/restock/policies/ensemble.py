"""Several policies that decide as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation import Decision, Observation, Policy

__all__ = ["Ensemble"]

MAJORITY = 0.5


@dataclass(frozen=True)
class Ensemble:
    """The mean of what the members wish for: levels, caps, batches, prices, shares, weights.

    A member without a cap leaves the ensemble without one; a member without a batch counts as 0.
    Of prices, shares, scores and weights the mean is that of the members that decide them; a
    substitute is proposed where at least half of the members that propose any propose it.

    Raises :class:`ConfigurationError` for no members.

    >>> from restock.policies.classical import BaseStock
    >>> ensemble = Ensemble([BaseStock(torch.tensor([[[level]]])) for level in (4.0, 8.0)])
    >>> empty = torch.zeros(1, 1, 1)
    >>> ensemble.decide(Observation(empty, empty, (), empty.long())).target.item()
    6.0
    """

    members: Sequence[Policy]

    def __post_init__(self) -> None:
        """Refuse an ensemble of nobody."""
        require(
            len(self.members) > 0,
            ConfigurationError,
            "`members` must be at least one policy; got none. Train or name one.",
        )

    def decide(self, observation: Observation) -> Decision:
        """Return the averaged wish."""
        wishes = [member.decide(observation) for member in self.members]
        if len(wishes) == 1:
            return wishes[0]
        caps = [wish.cap for wish in wishes if wish.cap is not None]
        batches = [wish.batch for wish in wishes if wish.batch is not None]
        nothing = [torch.zeros_like(wishes[0].target)] * (len(wishes) - len(batches))
        proposal = _mean_of(wishes, lambda wish: wish.proposal)
        return Decision(
            target=_mean([wish.target for wish in wishes]),
            cap=_mean(caps) if len(caps) == len(wishes) else None,
            batch=_mean(batches + nothing) if batches else None,
            lane_weight=_mean_of(wishes, lambda wish: wish.lane_weight),
            region_share=_mean_of(wishes, lambda wish: wish.region_share),
            region_score=_mean_of(wishes, lambda wish: wish.region_score),
            price=_mean_of(wishes, lambda wish: wish.price),
            proposal=None if proposal is None else (proposal >= MAJORITY).to(proposal),
        )


def _mean_of(wishes: list[Decision], part: Callable[[Decision], Tensor | None]) -> Tensor | None:
    """Return the mean of what some members decide, ``None`` where nobody does."""
    decided = [value for value in map(part, wishes) if value is not None]
    return _mean(decided) if decided else None


def _mean(wishes: list[Tensor]) -> Tensor:
    alike = torch.broadcast_tensors(*wishes)  # type: ignore[no-untyped-call]
    return torch.stack(alike).mean(0)
