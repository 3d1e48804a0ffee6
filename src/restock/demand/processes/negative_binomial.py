"""Negative-binomial demand: Poisson customers whose rate itself varies from day to day."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import steady, time_major
from restock.demand.processes.parameters import check, check_same_products, check_vector
from restock.shapes import DemandPaths

__all__ = ["NegativeBinomial"]


@dataclass(frozen=True, eq=False)
class NegativeBinomial:
    """Independent gamma–Poisson demand with variance mean + dispersion × mean².

    ``mean`` (m) is units per period and product, ≥ 0; ``dispersion`` (a) is > 0, without unit:
    near 0 it is Poisson, 1 is geometric. The rate is Gamma(shape 1/a, mean m), the demand
    Poisson with that rate. Source: Cameron and Trivedi (2013), Regression Analysis of Count
    Data, 2nd ed., section 3.3.1 (the form NB2).

    Raises :class:`ConfigurationError` when a number is NaN, infinite or outside its range.

    >>> from restock.seeds import Seeds
    >>> demand = NegativeBinomial(torch.tensor([5.0]), torch.tensor([0.5]))
    >>> demand.sample(2, 3, Seeds(0).torch("demand")).shape
    torch.Size([2, 3, 1, 1])
    """

    mean: Float[Tensor, "P"]
    dispersion: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check both parameters."""
        check_vector("mean", self.mean)
        remedy = "Use the Poisson process where the variance equals the mean."
        check_vector("dispersion", self.dispersion, remedy=remedy)
        check_same_products(mean=self.mean, dispersion=self.dispersion)
        check("dispersion", self.dispersion, self.dispersion > 0, "> 0", remedy)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.mean)

    @property
    def whole_units(self) -> bool:
        """Negative-binomial demand comes in whole units."""
        return True

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.draw(steady(self, periods), paths, generator))

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw demand with mean ``factor × mean`` and the same dispersion."""
        shape = (1 / self.dispersion).expand(len(factor), paths, -1)
        # torch.distributions.Gamma takes no generator; what it calls underneath does
        rate = torch._standard_gamma(shape, generator=generator)  # noqa: SLF001
        return torch.poisson(rate.mul_(factor * self.mean * self.dispersion), generator=generator)
