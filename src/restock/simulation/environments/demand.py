"""Demand of the textbook problems that no other room has: the truth of these environments."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import time_major
from restock.errors import ConfigurationError, require
from restock.shapes import DemandPaths
from restock.simulation.scenario import Scenario

__all__ = ["CorrelatedNormal", "RoundedGamma", "SeasonalShop", "UniformUnits"]


@dataclass(frozen=True, slots=True)
class UniformUnits:
    """One product; each of 0, 1, …, ``most`` units is as likely as the others.

    Raises :class:`ConfigurationError` when ``most`` is no integer ≥ 1.

    >>> UniformUnits(4).mean
    tensor([2.])
    """

    most: int

    def __post_init__(self) -> None:
        """Check the largest demand."""
        require(
            self.most >= 1 and self.most % 1 == 0,
            ConfigurationError,
            f"`largest_demand` must be an integer ≥ 1; got {self.most}. Give units per period.",
        )

    @property
    def mean(self) -> Float[Tensor, " P"]:
        """Expected demand, units per period."""
        return torch.tensor([self.most / 2])

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        draws = torch.randint(0, self.most + 1, (periods, paths, 1), generator=generator)
        return time_major(draws.float())


@dataclass(frozen=True, slots=True)
class RoundedGamma:
    """One product; a gamma variable rounded to the nearest unit.

    ``gamma_mean`` (units per period, > 0) and ``variation`` (standard deviation over mean, > 0)
    are those before rounding.

    Source: B. J. De Moor, J. Gijsbrechts & R. N. Boute (2022), European Journal of Operational
    Research 301(2):535–545.

    Raises :class:`ConfigurationError` for a number that is not finite and > 0.
    """

    gamma_mean: float
    variation: float

    def __post_init__(self) -> None:
        """Check both numbers."""
        for name, value in (("mean_demand", self.gamma_mean), ("variation", self.variation)):
            require(
                0 < value < math.inf,
                ConfigurationError,
                f"`{name}` must be finite and > 0; got {value}. Use 4 units and 0.5.",
            )

    @property
    def mean(self) -> Float[Tensor, " P"]:
        """Expected demand before rounding, units per period."""
        return torch.tensor([self.gamma_mean])

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        shape = torch.full((periods, paths, 1), self.variation**-2)
        # torch.distributions.Gamma takes no generator; what it calls underneath does
        draws = torch._standard_gamma(shape, generator=generator)  # noqa: SLF001
        return time_major((draws * (self.gamma_mean * self.variation**2)).round())


@dataclass(frozen=True, slots=True, eq=False)
class CorrelatedNormal:
    """Normal demand at several stores with the same correlation between every two, clipped at 0.

    ``location`` and ``sd`` ``[S]`` are units per period before clipping, ``correlation`` in
    [0, 1]: X = location + sd (√ρ Z₀ + √(1 − ρ) Z).

    Raises :class:`ConfigurationError` for a correlation outside its range.
    """

    location: Float[Tensor, " S"]
    sd: Float[Tensor, " S"]
    correlation: float

    def __post_init__(self) -> None:
        """Check the correlation."""
        require(
            0 <= self.correlation <= 1,
            ConfigurationError,
            f"`correlation` must lie in [0, 1]; got {self.correlation}. Use 0 where stores have"
            " nothing to do with each other.",
        )

    @property
    def mean(self) -> Float[Tensor, " S"]:
        """Expected demand before clipping, units per period."""
        return self.location

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        own = torch.randn((periods, paths, len(self.sd)), generator=generator)
        shared = torch.randn((periods, paths, 1), generator=generator)
        mixed = math.sqrt(self.correlation) * shared + math.sqrt(1 - self.correlation) * own
        return time_major((self.location + self.sd * mixed).clamp_min(0))


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
