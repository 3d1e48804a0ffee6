"""What every source of demand paths promises.

A path is one possible future: demand of P products over T periods. Arrays read ``[B, T, P, L]``
like everywhere in the house, but lie in memory time first: the period is the outermost loop of
the world, and ``demand[:, t]`` is then one contiguous block.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.shapes import DemandPaths

__all__ = ["DemandProcess", "ScalableProcess", "steady", "time_major"]


@runtime_checkable
class DemandProcess(Protocol):
    """A stochastic source of demand for P products at one location (L = 1)."""

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        ...

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand, units per period, of each product."""
        ...

    @property
    def whole_units(self) -> bool:
        """Whether every draw is an integer."""
        ...

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw ``paths`` (B) independent futures of ``periods`` (T) periods, in units.

        The result lies time first in memory; draws come from ``generator`` alone, on its device.
        """
        ...


@runtime_checkable
class ScalableProcess(DemandProcess, Protocol):
    """A process without memory whose level can be scaled from period to period."""

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw demand whose expectation in period t is ``factor[t] × mean``, in units."""
        ...


def steady(process: ScalableProcess, periods: int) -> Float[Tensor, "T 1 1"]:
    """Return the factor 1 for every period: the process as it is."""
    return torch.ones((1, 1, 1), device=process.mean.device).expand(periods, 1, 1)


def time_major(draws: Float[Tensor, "T B P"]) -> DemandPaths:
    """Return draws as ``[B, T, P, 1]``, a view that keeps time outermost in memory.

    >>> demand = time_major(torch.zeros(7, 5, 3))
    >>> tuple(demand.shape), demand[:, 2].is_contiguous()
    ((5, 7, 3, 1), True)
    """
    return draws.contiguous().transpose(0, 1).unsqueeze(-1)
