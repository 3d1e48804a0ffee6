"""A policy's decisions written down: looked up, not computed, where stock comes in units."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.shapes import LaneValues
from restock.simulation import Ages, Decision, Memory, Observation, Policy, Scenario, World
from restock.simulation.ordering import PackedOrders, WholeUnitOrders
from restock.simulation.perishing import Shelf

__all__ = ["Tabulated"]

MAX_ENTRIES = 8_000_000
AT_ONCE = 1 << 18
HEADROOM = 1.25
"""How far a table reaches beyond the most that it was asked for, so that it seldom has to grow."""


class Tabulated:
    """The wishes of ``policy`` for each lane, from a table of all states in whole units.

    For one product whose stock, orders and ages are whole numbers, and whose signals do not
    change: a textbook instance. The table holds what is wished, in units at most the cap, before
    any rounding and below 0 where the position is above the level; it grows when a state lies
    outside. Rollouts that evaluate a network a million times over look it up instead.

    Raises :class:`ConfigurationError`, when it decides, for more than one product, for a policy
    that decides more than quantities. States that would need a table of more than eight million
    entries are decided by the policy itself.

    >>> from restock.policies.classical import BaseStock
    >>> table = Tabulated(BaseStock(torch.tensor([[[5.0]]])))
    >>> seen = Observation(
    ...     torch.tensor([[[2.0]], [[4.0]]]),
    ...     torch.zeros(2, 1, 1),
    ...     (),
    ...     torch.ones(1, 1, 1, dtype=torch.long),
    ... )
    >>> table.decide(seen).target.flatten().tolist(), table.entries
    ([5.0, 5.0], 7)
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.most: list[int] = []
        self.radix: list[int] = []
        self.wishes: Float[Tensor, "N E"] = torch.zeros(0, 1)

    @staticmethod
    def serves(world: World, scenario: Scenario) -> bool:
        """Whether a policy can be looked up in ``world`` under demand like ``scenario``'s.

        So where one product has one location and no price, everything is in whole units (no shares
        of them are lost, returned or taken by age), and signals never change.
        """
        signals = scenario.signals
        return (
            world.n_products == 1
            and world.n_locations == 1
            and world.market is None
            and isinstance(world.ordering, WholeUnitOrders | PackedOrders)
            and _stays_whole(world)
            and bool((scenario.demand == scenario.demand.round()).all())
            and (signals is None or bool((signals == signals[:1, :1]).all()))
        )

    @property
    def entries(self) -> int:
        """Number of states in the table."""
        return len(self.wishes)

    def decide(self, observation: Observation) -> Decision:
        """Return position plus wish, looked up."""
        columns = _columns(observation)
        most = [int(column.amax()) for column in columns]
        if len(most) != len(self.most) or any(map(int.__gt__, most, self.most)):
            if math.prod(self._larger(most)) > MAX_ENTRIES:
                return self.policy.decide(observation)
            self._grow(observation, most)
        row = columns[-1]
        for column, radix in zip(columns[:-1], self.radix, strict=False):
            row = torch.add(row, column, alpha=radix)
        wish = self.wishes.index_select(0, row.flatten().long())
        return Decision(observation.lane_position + wish.unsqueeze(1))

    def _larger(self, most: list[int]) -> list[int]:
        """Return how many levels each component needs, with room to spare where it has to grow."""
        known = self.most if len(self.most) == len(most) else [0] * len(most)
        # lanes on which nothing can be due in a slot keep their zero
        return [
            1 + (old if new <= old else math.ceil(HEADROOM * new) + 1)
            for old, new in zip(known, most, strict=True)
        ]

    @torch.no_grad()
    def _grow(self, observation: Observation, most: list[int]) -> None:
        """Tabulate all states up to ``most``, and some more."""
        require(
            observation.on_hand.shape[1:] == (1, 1),
            ConfigurationError,
            f"a table holds one product at one location; got {observation.on_hand.shape[1]} at"
            f" {observation.on_hand.shape[2]}. Use the policy itself.",
        )
        levels = self._larger(most)
        self.most = [count - 1 for count in levels]
        entries = math.prod(levels)
        self.radix = [math.prod(levels[place + 1 :]) for place in range(len(levels))]
        axes = [torch.arange(float(n)) for n in levels]
        grid = torch.cartesian_prod(*axes).reshape(entries, -1)
        self.wishes = torch.cat(
            [self._wishes(observation, part) for part in torch.split(grid, AT_ONCE)]
        )

    def _wishes(self, observation: Observation, grid: Float[Tensor, "N C"]) -> Float[Tensor, "N E"]:
        seen = _with_units(observation, grid)
        decision = self.policy.decide(seen)
        require(
            decision.batch is None and decision.price is None,
            ConfigurationError,
            "a table holds quantities; this policy decides batches or prices too. Use the policy"
            " itself.",
        )
        return decision.wished_order(seen)[:, 0].to(torch.float32)


def _stays_whole(world: World) -> bool:
    """Whether whole orders and demand leave whole units everywhere."""
    shelves = [each for each in world.openings if isinstance(each, Shelf)]
    shares = [world.lost_share, *(shelf.fifo_share for shelf in shelves)]
    ordering = world.ordering
    packed = not isinstance(ordering, PackedOrders) or bool(
        ((ordering.case_pack >= 1) | (ordering.capacity == 0)).all()
    )
    return (
        packed
        and len(shelves) == len(world.openings)
        and not world.closings
        and all(bool(((share == 0) | (share == 1)).all()) for share in shares)
    )


def _columns(observation: Observation) -> list[Float[Tensor, "B 1"]]:
    """Return the state's units, a column each: stock (by age), what is due, what is owed."""
    memory = observation.memory
    ages = None if memory is None else memory.ages
    parts = [observation.on_hand if ages is None else ages.on_hand.flatten(2)]
    parts += [slot for slot in observation.pipeline if slot is not None]
    if observation.backlog is not None:
        parts.append(observation.backlog)
    if all(part.shape[-1] == 1 for part in parts):
        return [part.squeeze(-1) for part in parts]
    # columns of their own in memory: each is read several times
    return list(torch.cat(parts, -1)[:, 0].T.contiguous().unsqueeze(-1))


def _with_units(observation: Observation, grid: Float[Tensor, "N C"]) -> Observation:
    """Return the observation of each row of the grid; undoes :func:`_columns`."""
    columns = grid.unsqueeze(1)
    taken = 0

    def take(width: int) -> LaneValues:
        nonlocal taken
        taken += width
        return columns[..., taken - width : taken]

    memory = observation.memory
    ages = None if memory is None else memory.ages
    if ages is None:
        on_hand = take(1)
    else:
        by_age = take(ages.on_hand.shape[-1])
        on_hand = by_age.sum(-1, keepdim=True)
        memory = replace(memory or Memory(), ages=Ages(by_age.unsqueeze(2), ages.pipeline))
    lanes = observation.on_order.shape[-1]
    pipeline = tuple(None if slot is None else take(lanes) for slot in observation.pipeline)
    due = [slot for slot in pipeline if slot is not None]
    on_order = sum(due, torch.zeros(len(grid), 1, lanes))
    backlog = None if observation.backlog is None else take(observation.backlog.shape[-1])
    return replace(
        observation,
        on_hand=on_hand,
        on_order=on_order,
        pipeline=pipeline,
        backlog=backlog,
        signals=None if observation.signals is None else observation.signals[:1],
        memory=memory,
    )
