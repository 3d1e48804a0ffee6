"""What a rule costs, with the luck of the paths taken out by regression on their demand.

With c_b the average cost of path b and x_b averages over functions of its demand alone, whose
expectations ξ are known from many more paths of demand without a warehouse, the estimate is the
regression's value at ξ:

    ĉ = mean c_b − β·(mean x_b − ξ),   β the least-squares slope of c on x,

the control variates of Law, Simulation Modeling and Analysis, 5th ed., §11.4. Its error has the
residual's variance, about a tenth of the cost's, and that of ξ.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restock.simulation import Policy, Scenario, ScenarioSource, World, average_cost

__all__ = ["Adjusted", "Ruler"]

# sums of demand over so many periods, in deviations from so many means, are what shortage and
# left-over answer to
SPANS = (1, 3, 6, 9)
SHORT_BEYOND = 0.15


@dataclass(frozen=True)
class Adjusted:
    """An estimate in money with its standard error, and the share of variance taken out."""

    value: float
    standard_error: float
    explained_share: float


class Ruler:
    """Paths that all rules are measured on, and what is expected of them.

    ``paths`` of ``periods`` after ``warm_up``; ``demand_paths`` times as many periods again, in
    which demand alone is drawn, tell what to expect.
    """

    def __init__(
        self,
        source: ScenarioSource,
        generator: torch.Generator,
        *,
        paths: int,
        periods: int,
        warm_up: int,
        demand_paths: int,
    ) -> None:
        self.warm_up = warm_up
        self.scenario: Scenario = source.sample(paths, warm_up + periods, generator)
        usual = float(self._totals(self.scenario).mean())
        self.controls = _controls(self._totals(self.scenario) / usual, warm_up)
        parts = []
        for _ in range(math.ceil(demand_paths / paths)):
            alone = source.sample(paths, warm_up + periods, generator)
            parts.append(_controls(self._totals(alone) / usual, warm_up))
        many = np.concatenate(parts)
        self.expected = many.mean(0)
        self.covariance_of_expected = np.cov(many.T) / len(many)

    @staticmethod
    def _totals(scenario: Scenario) -> Float[Tensor, "B T"]:
        return scenario.demand[:, :, 0].double().sum(-1)

    @torch.no_grad()
    def costs(self, world: World, policy: Policy, stores: int) -> Float[np.ndarray, " B"]:
        """Return each path's average cost per store and period, money."""
        costs = average_cost(world, policy, self.scenario, self.warm_up)
        return costs[:, 0].double().numpy() / stores

    def adjusted(self, costs: Float[np.ndarray, " B"]) -> Adjusted:
        """Return the expectation of ``costs``, or of a difference of costs on the same paths."""
        design = np.column_stack([np.ones(len(costs)), self.controls - self.expected])
        weights, *_ = np.linalg.lstsq(design, costs, rcond=None)
        residual = costs - design @ weights
        freedom = len(costs) - design.shape[1]
        variance = float(residual @ residual) / freedom / len(costs)
        slope = weights[1:]
        variance += float(slope @ self.covariance_of_expected @ slope)
        explained = 1 - float(residual @ residual) / float(((costs - costs.mean()) ** 2).sum())
        return Adjusted(float(weights[0]), math.sqrt(variance), explained)


def _controls(totals: Float[Tensor, "B T"], warm_up: int) -> Float[np.ndarray, "B K"]:
    """Return averages of sums over several periods, of their squares and of their excess."""
    columns = [totals[:, warm_up:].mean(1)]
    for span in SPANS:
        sums = totals.unfold(1, span, 1).sum(-1)[:, warm_up - span + 1 :] - span
        columns.append(sums.square().mean(1))
        columns.append((sums - SHORT_BEYOND * math.sqrt(span)).clamp_min(0).mean(1))
    return torch.stack(columns, dim=1).numpy()
