"""Normal demand that moves together: what is good weather for one store is so for all."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import time_major
from restock.demand.processes.normal import Normal
from restock.demand.processes.parameters import check_same_products, check_vector
from restock.errors import ConfigurationError, require
from restock.shapes import DemandPaths

__all__ = ["CorrelatedNormal"]


@dataclass(frozen=True, slots=True, eq=False)
class CorrelatedNormal:
    """Normal demand with the same correlation between every two places, clipped at 0.

    ``location`` (μ) and ``sd`` (σ) ``[P]`` are units per period before clipping, ≥ 0, one for each
    product or, in a network, each place; ``correlation`` (ρ) is that before clipping, in [0, 1]:
    demand is max(0, μ + σ (√ρ Z₀ + √(1 − ρ) Z)), Z₀ common to all.

    Raises :class:`ConfigurationError` for a correlation outside its range, or a number that is
    negative, NaN or infinite.

    >>> CorrelatedNormal(torch.tensor([10.0]), torch.tensor([2.0]), 0.5).mean
    tensor([10.])
    """

    location: Float[Tensor, "P"]
    sd: Float[Tensor, "P"]
    correlation: float

    def __post_init__(self) -> None:
        """Check all three."""
        check_vector("location", self.location)
        check_vector("sd", self.sd)
        check_same_products(location=self.location, sd=self.sd)
        require(
            0 <= self.correlation <= 1,
            ConfigurationError,
            f"`correlation` must lie in [0, 1]; got {self.correlation}. Use 0 where stores have"
            " nothing to do with each other.",
        )

    @property
    def n_products(self) -> int:
        """P, the number of products or places."""
        return len(self.sd)

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand after clipping, units per period; correlation does not matter to it."""
        return Normal(self.location, self.sd).mean

    @property
    def whole_units(self) -> bool:
        """Normal demand is a real number."""
        return False

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        own = torch.randn((periods, paths, len(self.sd)), generator=generator)
        shared = torch.randn((periods, paths, 1), generator=generator)
        mixed = math.sqrt(self.correlation) * shared + math.sqrt(1 - self.correlation) * own
        return time_major((self.location + self.sd * mixed).clamp_min(0))
