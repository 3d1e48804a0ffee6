"""Compound (lumpy) demand: most days nothing, now and then an order of some size."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import steady, time_major
from restock.demand.processes.geometric import geometric_counts
from restock.demand.processes.parameters import check, check_same_products, check_vector
from restock.shapes import DemandPaths

__all__ = ["Compound", "GeometricSize", "LognormalSize", "OrderSize"]


@runtime_checkable
class OrderSize(Protocol):
    """The distribution of one order's size, in units."""

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected size of an order, in units."""
        ...

    @property
    def whole_units(self) -> bool:
        """Whether every size is an integer."""
        ...

    def draw(
        self, factor: Float[Tensor, "T 1 P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw one size per period, path and product, with mean ``factor × mean``."""
        ...


@dataclass(frozen=True, eq=False)
class GeometricSize:
    """Sizes 1, 2, …: one plus a geometric count. ``mean`` is units per order, ≥ 1."""

    mean: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check that an order has at least one unit."""
        check_vector("mean", self.mean, lowest=1.0, remedy="Give units per order.")

    @property
    def whole_units(self) -> bool:
        """Geometric sizes are integers."""
        return True

    def draw(
        self, factor: Float[Tensor, "T 1 P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw sizes with mean ``factor × mean``; ``factor`` is at least 1."""
        above_one = (factor * self.mean - 1).clamp(min=0)
        return geometric_counts(above_one.expand(-1, paths, -1), generator).add_(1)


@dataclass(frozen=True, eq=False)
class LognormalSize:
    """Log-normal sizes, for weights and volumes or a few very large orders.

    ``mean`` is units per order, ≥ 0; ``variation`` is standard deviation / mean, ≥ 0. The
    standard deviation of the logarithm is s = √log(1 + variation²), its mean log(mean) − s²/2.
    """

    mean: Float[Tensor, "P"]
    variation: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check both parameters."""
        check_vector("mean", self.mean, remedy="Give units per order.")
        check_vector("variation", self.variation, remedy="Give standard deviation / mean.")
        check_same_products(mean=self.mean, variation=self.variation)

    @property
    def whole_units(self) -> bool:
        """Log-normal sizes are real numbers."""
        return False

    def draw(
        self, factor: Float[Tensor, "T 1 P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw sizes with mean ``factor × mean`` and the same variation."""
        log_variance = torch.log1p(self.variation.square())
        normal = torch.empty(
            (len(factor), paths, len(self.mean)), dtype=self.mean.dtype, device=self.mean.device
        ).normal_(generator=generator)
        sizes = normal.mul_(log_variance.sqrt()).sub_(log_variance / 2).exp_()
        return sizes.mul_(factor * self.mean)


@dataclass(frozen=True, eq=False)
class Compound:
    """At most one order a period, of random size: demand = Bernoulli × size.

    ``occurrence`` (q) is the probability of an order in a period, in [0, 1]; ``size`` is the
    distribution of its size. The mean is q E[S], the variance q E[S²] − (q E[S])².

    Raises :class:`ConfigurationError` when a probability lies outside [0, 1] or the numbers of
    products disagree.

    >>> from restock.seeds import Seeds
    >>> lumpy = Compound(torch.tensor([0.1]), GeometricSize(torch.tensor([6.0])))
    >>> lumpy.sample(2, 3, Seeds(0).torch("demand")).shape
    torch.Size([2, 3, 1, 1])
    """

    occurrence: Float[Tensor, "P"]
    size: OrderSize

    def __post_init__(self) -> None:
        """Check the probabilities and that both parts speak of the same products."""
        rule, remedy = "a probability in [0, 1]", "Give orders per period, at most one."
        check_vector("occurrence", self.occurrence, remedy=remedy)
        check("occurrence", self.occurrence, self.occurrence <= 1, rule, remedy)
        check_same_products(occurrence=self.occurrence, size=self.size.mean)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.occurrence)

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand, units per period: occurrence × expected size."""
        return self.occurrence * self.size.mean

    @property
    def whole_units(self) -> bool:
        """Whole units if sizes are."""
        return self.size.whole_units

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.draw(steady(self, periods), paths, generator))

    def draw(
        self, factor: Float[Tensor, "T 1 #P"], paths: int, generator: Generator
    ) -> Float[Tensor, "T B P"]:
        """Draw demand with mean ``factor × mean``.

        More demand means more orders; only what exceeds one order in every period makes orders
        larger.
        """
        wanted = factor * self.occurrence
        sizes = self.size.draw(wanted.clamp(min=1), paths, generator)
        chance = torch.rand(
            sizes.shape, dtype=sizes.dtype, device=sizes.device, generator=generator
        )
        return sizes.mul_(chance < wanted)
