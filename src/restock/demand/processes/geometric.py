"""Geometric demand: the textbook's wide distribution, with its peak at zero."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import steady, time_major
from restock.demand.processes.parameters import check_vector
from restock.shapes import DemandPaths

__all__ = ["Geometric", "geometric_counts"]


@dataclass(frozen=True, eq=False)
class Geometric:
    """Independent geometric demand on 0, 1, 2, …: P(D=k) = (1−r)ᵏ r with r = 1 / (1 + mean).

    ``mean`` is units per period and product, ≥ 0; the variance is mean + mean².
    Source: Zipkin (2008), Operations Research 56(5), section 5 (mean 5, r = 1/6).

    Raises :class:`ConfigurationError` when a mean is negative, NaN or infinite.

    >>> from restock.seeds import Seeds
    >>> Geometric(torch.tensor([5.0])).sample(2, 3, Seeds(0).torch("demand")).shape
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
        """Geometric demand comes in whole units."""
        return True

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.draw(steady(self, periods), paths, generator))

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw geometric demand with mean ``factor × mean``."""
        return geometric_counts((factor * self.mean).expand(-1, paths, -1), generator)


def geometric_counts(mean: Float[Tensor, "T B P"], generator: Generator) -> Float[Tensor, "T B P"]:
    """Draw geometric counts on 0, 1, 2, … with the given means, in whole units.

    The floor of an exponential is geometric: with E ~ Exp(1) and s = 1 / log(1 + 1/mean),
    P(⌊s E⌋ ≥ k) = e^(−k/s) = (mean / (1 + mean))ᵏ = (1−r)ᵏ.
    """
    counts = torch.empty(mean.shape, dtype=mean.dtype, device=mean.device)
    counts.exponential_(generator=generator)
    return counts.div_(torch.log1p(1 / mean)).floor_()
