"""The batched world under a fixed policy: its average cost, or its discounted one."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from restock.evaluation import StudySettings
from restock.seeds import Seeds
from restock.simulation import Flows, Policy, Scenario, World, average_cost, rollout

from .figure import Computed

__all__ = ["Runs", "counted_demand", "levels"]


@dataclass(frozen=True)
class Runs:
    """How much is simulated: ``paths`` from empty of ``periods`` each, after a warm-up."""

    paths: int
    periods: int

    @classmethod
    def of(cls, settings: StudySettings) -> "Runs":
        """Read the study's parameters."""
        return cls(settings.parameters["paths"], settings.parameters["periods"])

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of a figure's demand, seeded by its name."""
        return Seeds(0).torch(f"known-answers/{name}")

    def average(
        self, world: World, policy: Policy, scenario: Scenario, exact: float, *, more: float = 0.0
    ) -> Computed:
        """Return the average cost per period of the first product, plus ``more``, in money.

        What ``scenario`` is longer than the periods is warm-up. Paths are independent, so that
        the spread of their averages gives the standard error.
        """
        warm_up = scenario.periods - self.periods
        costs = average_cost(world, policy, scenario, warm_up)[:, 0].double()
        error = float(costs.std()) / math.sqrt(len(costs))
        return Computed(float(costs.mean()) + more, error, exact)

    def discounted(
        self, world: World, policy: Policy, scenario: Scenario, warm_up: int, discount: float
    ) -> Computed:
        """Return minus the discounted cost of the periods after ``warm_up``, in money."""
        with torch.no_grad():
            state = world.empty_state(scenario.paths)
            state = rollout(world, policy, scenario.window(0, warm_up), state)
            tally = _Discounting(discount)
            rollout(world, policy, scenario.window(warm_up, scenario.periods), state, tally)
        returns = -tally.total[:, 0, 0].double()
        return Computed(float(returns.mean()), float(returns.std()) / math.sqrt(len(returns)))


@dataclass(slots=True)
class _Discounting:
    discount: float
    weight: float = 1.0
    total: Tensor = field(default_factory=lambda: torch.zeros(1, 1, 1))

    def add(self, world: World, flows: Flows) -> None:
        """Add the period's cost with its weight."""
        del world
        self.total = self.total + self.weight * flows.cost
        self.weight *= self.discount


def counted_demand(
    pmf: np.ndarray, paths: int, periods: int, generator: torch.Generator
) -> Scenario:
    """Draw independent whole units for one product at one location, chance ``pmf[d]`` of d."""
    cumulated = torch.from_numpy(np.cumsum(pmf)).clamp(max=1.0)
    cumulated[-1] = 1.0
    uniform = torch.rand(periods, paths, generator=generator, dtype=torch.float64)
    units = torch.searchsorted(cumulated, uniform, right=True).float()
    return Scenario(units.T[:, :, None, None])


def levels(*units: float) -> Tensor:
    """Return levels as policies take them, ``[1, 1, K]``."""
    return torch.tensor([[units]], dtype=torch.float32)
