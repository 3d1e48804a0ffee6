"""Demand with forecasts that no other room has: the truth of the shop environments."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.simulation.scenario import Scenario

__all__ = ["SeasonalShop"]


@dataclass(frozen=True, slots=True, eq=False)
class SeasonalShop:
    """Poisson demand of P products in R regions, with busy weekdays and a slow swing.

    ``mean`` ``[P, R]`` is units per period; ``weekday`` ``[7]`` multiplies it day by day,
    ``swing`` in [0, 1) is the height of a wave of ``cycle`` periods. Each path begins on a day of
    its own. The signal ``today`` is the expected demand of the period at list prices and usual
    satisfaction, over all regions, ``ahead`` its mean over the next ``horizon`` periods.
    """

    mean: Float[Tensor, "P R"]
    weekday: Float[Tensor, "7"]
    swing: float
    cycle: int
    horizon: int

    def sample(self, paths: int, periods: int, generator: Generator) -> Scenario:
        """Return fresh paths with their forecasts."""
        start = torch.randint(0, 7 * self.cycle, (paths, 1), generator=generator)
        day = start + torch.arange(periods + self.horizon)
        wave = 1 + self.swing * torch.sin(2 * math.pi * day / self.cycle)
        factor = self.weekday[day % 7] * wave
        ahead = factor.unfold(1, self.horizon, 1).mean(-1)[:, :periods]
        factor = factor[:, :periods]
        demand = torch.poisson(factor[..., None, None] * self.mean, generator=generator)
        usual = self.mean.sum(-1)
        signals = torch.stack([factor, ahead], dim=-1).unsqueeze(2) * usual[:, None]
        return Scenario(demand, signals, ("today", "ahead"))
