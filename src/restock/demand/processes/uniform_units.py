"""Uniform demand: any whole number of units up to a largest one, all as likely."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import time_major
from restock.errors import ConfigurationError, require
from restock.shapes import DemandPaths

__all__ = ["UniformUnits"]


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
    def n_products(self) -> int:
        """P, the number of products: one."""
        return 1

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand, units per period."""
        return torch.tensor([self.most / 2])

    @property
    def whole_units(self) -> bool:
        """Demand comes in whole units."""
        return True

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        draws = torch.randint(0, self.most + 1, (periods, paths, 1), generator=generator)
        return time_major(draws.float())
