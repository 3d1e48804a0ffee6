"""Poisson demand: many customers, each of whom buys rarely and one unit."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import steady, time_major
from restock.demand.processes.parameters import check_vector
from restock.shapes import DemandPaths

__all__ = ["Poisson"]


@dataclass(frozen=True, eq=False)
class Poisson:
    """Independent Poisson demand, P(D=k) = e^(−λ) λᵏ / k!.

    ``mean`` (λ) is units per period and product, ≥ 0; the variance equals it.

    Raises :class:`ConfigurationError` when a mean is negative, NaN or infinite.

    >>> from restock.seeds import Seeds
    >>> Poisson(torch.tensor([5.0])).sample(2, 3, Seeds(0).torch("demand")).shape
    torch.Size([2, 3, 1, 1])
    """

    mean: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check the means."""
        check_vector("mean", self.mean)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.mean)

    @property
    def whole_units(self) -> bool:
        """Poisson demand comes in whole units."""
        return True

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.draw(steady(self, periods), paths, generator))

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw demand with mean ``factor × mean``; sums of Poissons keep this form."""
        rate = (factor * self.mean).expand(-1, paths, -1)
        return torch.poisson(rate, generator=generator)
