"""Tuning: every candidate of a rule is replayed at once on the weeks before the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.evaluation import Outcome, evaluate
from restock.planning.case import PlanningCase
from restock.simulation import Policy, Scenario, State

__all__ = ["TuningGround", "grid"]


@dataclass(frozen=True, eq=False)
class TuningGround:
    """The days ``start`` to ``stop`` of a case, all of them before the test that follows.

    A rule may look at these days and at the history before them, never beyond ``stop``.
    """

    case: PlanningCase
    start: int
    stop: int

    @cached_property
    def scenario(self) -> Scenario:
        """Demand and signals of the tuning days."""
        return self.case.scenario.window(self.start, self.stop)

    @cached_property
    def daily_mean(self) -> Float[Tensor, " P"]:
        """Mean demand per trading day over all days before ``stop``, in units."""
        return torch.from_numpy(self.case.history.units[: self.stop].mean(0)).float()

    def replay(self, policy: Policy, candidates: int) -> Outcome:
        """Replay a policy whose parameters carry ``candidates`` on the path axis B."""
        demand = self.scenario.demand.expand(candidates, -1, -1, -1)
        scenario = Scenario(demand, self.scenario.signals, self.scenario.signal_names)
        state = self.case.opening_state(self.start)
        repeated = State(
            state.on_hand.expand(candidates, -1, -1),
            state.on_order.expand(candidates, -1, -1),
            state.pipeline,
            None if state.backlog is None else state.backlog.expand(candidates, -1, -1),
        )
        return evaluate(self.case.planning_world, policy, scenario, repeated)

    def best(self, policy: Policy, candidates: int, groups: Int[Tensor, " P"]) -> Int[Tensor, " P"]:
        """Return, for each product, the candidate that is cheapest over the product's group."""
        cost = torch.from_numpy(self.replay(policy, candidates).cost().amount)
        count = int(groups.max()) + 1
        by_group = torch.zeros(candidates, count, dtype=cost.dtype)
        by_group.index_add_(1, groups, cost)
        return by_group.argmin(0)[groups]


def grid(*axes: Sequence[float]) -> Float[Tensor, "B K"]:
    """Return every combination of the axes' values, one row each.

    >>> grid([1, 2], [5]).tolist()
    [[1.0, 5.0], [2.0, 5.0]]
    """
    mesh = torch.meshgrid(
        *(torch.tensor(axis, dtype=torch.float32) for axis in axes), indexing="ij"
    )
    return torch.stack([axis.flatten() for axis in mesh], dim=-1)
