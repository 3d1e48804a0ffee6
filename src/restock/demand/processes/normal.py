"""Normal demand clipped at zero: the textbook's continuous approximation."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import steady, time_major
from restock.demand.processes.parameters import check_same_products, check_vector
from restock.shapes import DemandPaths

__all__ = ["Normal"]


@dataclass(frozen=True, eq=False)
class Normal:
    """Independent demand max(0, X), X ~ N(location, sd²).

    ``location`` (μ) and ``sd`` (σ) are units per period and product, ≥ 0: the mean and standard
    deviation before clipping.

    Raises :class:`ConfigurationError` when a number is negative, NaN or infinite.

    >>> Normal(torch.tensor([10.0]), torch.tensor([2.0])).mean
    tensor([10.])
    """

    location: Float[Tensor, "P"]
    sd: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check both parameters."""
        check_vector("location", self.location)
        check_vector("sd", self.sd)
        check_same_products(location=self.location, sd=self.sd)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.location)

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand after clipping, units per period: μ Φ(μ/σ) + σ φ(μ/σ)."""
        ratio = self.location / self.sd.clamp(min=torch.finfo(self.sd.dtype).tiny)
        density = torch.exp(-ratio.square() / 2) / math.sqrt(2 * math.pi)
        below: Tensor = torch.special.ndtr(ratio)
        return self.location * below + self.sd * density

    @property
    def whole_units(self) -> bool:
        """Normal demand is a real number."""
        return False

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.draw(steady(self, periods), paths, generator))

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw demand with mean ``factor × mean``: location and sd are scaled together."""
        units = torch.empty(
            (len(factor), paths, self.n_products), dtype=self.sd.dtype, device=self.sd.device
        ).normal_(generator=generator)
        return units.mul_(self.sd).add_(self.location).clamp_(min=0).mul_(factor)
