"""Gamma demand in whole units: what is sold by the piece and varies much."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import time_major
from restock.errors import ConfigurationError, require
from restock.shapes import DemandPaths

__all__ = ["RoundedGamma"]


@dataclass(frozen=True, slots=True)
class RoundedGamma:
    """One product; a gamma variable rounded to the nearest unit.

    ``gamma_mean`` (units per period, > 0) and ``variation`` (standard deviation over mean, > 0)
    are those before rounding.

    Source: B. J. De Moor, J. Gijsbrechts & R. N. Boute (2022), European Journal of Operational
    Research 301(2):535–545.

    Raises :class:`ConfigurationError` for a number that is not finite and > 0.

    >>> RoundedGamma(4.0, 0.5).mean
    tensor([4.0001])
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
    def n_products(self) -> int:
        """P, the number of products: one."""
        return 1

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand after rounding, units per period: Σ P(X ≥ k − ½) over k = 1, 2, …."""
        scale = self.gamma_mean * self.variation**2
        # forty deviations of a tail that falls like exp(−x / scale)
        most = int(self.gamma_mean * (1 + 40 * self.variation) + 40 * scale) + 2
        levels = (torch.arange(1, most, dtype=torch.float64) - 0.5) / scale
        shape = torch.full_like(levels, self.variation**-2)
        above: Tensor = torch.special.gammaincc(shape, levels)
        return above.sum().reshape(1).float()

    @property
    def whole_units(self) -> bool:
        """Demand comes in whole units."""
        return True

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        shape = torch.full((periods, paths, 1), self.variation**-2)
        # torch.distributions.Gamma takes no generator; what it calls underneath does
        draws = torch._standard_gamma(shape, generator=generator)  # noqa: SLF001
        return time_major((draws * (self.gamma_mean * self.variation**2)).round())
