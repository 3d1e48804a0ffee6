"""One product, lost sales, a fixed lead time: what is given."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from restock.errors import InstanceError, require
from restock.optimality.lost_sales.bounds import largest_order, largest_position
from restock.optimality.pmf import check_pmf, quantile, total_pmf

__all__ = ["LostSales"]


@dataclass(frozen=True, eq=False)
class LostSales:
    """The lost-sales system of Zipkin (2008), to be run at least average cost.

    ``pmf`` is p[d], the chance of demand d = 0..D in a period, periods independent. ``lead_time``
    (L ≥ 1) is in periods: what is ordered in period t can be sold from period t + L on.
    ``holding_cost`` (h > 0) is money per unit left at the end of a period, ``shortage_cost``
    (p ≥ 0) money per unit of demand lost, ``fixed_order_cost`` (K ≥ 0) money per order of any size.

    A state is (x₀, x₁, …, x₍L−1₎): x₀ on hand after the arrival, xᵢ due in i periods. The order z
    is placed at K if z > 0, demand d comes, the period costs h (x₀ − d)⁺ + p (d − x₀)⁺ and the next
    state is ((x₀ − d)⁺ + x₁, x₂, …, x₍L−1₎, z).

    Raises :class:`InstanceError` for anything else.

    Source: P. Zipkin (2008), Old and new methods for lost-sales inventory systems, Operations
    Research 56(5):1256–1263, section 2; with a fixed cost M. Bijvank, S. Bhulai & W. T. Huh (2015),
    European Journal of Operational Research 241(2):381–390.

    >>> LostSales(np.array([0.5, 0.5]), 1, holding_cost=1, shortage_cost=4).position_bound
    2
    """

    pmf: Float[np.ndarray, " D"]
    lead_time: int
    holding_cost: float
    shortage_cost: float
    fixed_order_cost: float = 0.0

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        check_pmf(self.pmf)
        require(
            self.lead_time >= 1 and self.lead_time == int(self.lead_time),
            InstanceError,
            f"`lead_time` must be an integer ≥ 1; got {self.lead_time}. With 0 the newsvendor"
            " answers.",
        )
        require(
            0 < self.holding_cost < math.inf,
            InstanceError,
            f"`holding_cost` must be finite and > 0; got {self.holding_cost}. With free stock"
            " there is no best order.",
        )
        require(
            0 <= self.shortage_cost < math.inf,
            InstanceError,
            f"`shortage_cost` must be finite and ≥ 0; got {self.shortage_cost}. Give money per"
            " unit lost.",
        )
        require(
            0 <= self.fixed_order_cost < math.inf,
            InstanceError,
            f"`fixed_order_cost` must be finite and ≥ 0; got {self.fixed_order_cost}. Give money"
            " per order.",
        )

    @property
    def mean(self) -> float:
        """Units demanded per period."""
        return float(np.arange(self.pmf.size) @ self.pmf)

    def newsvendor_level(self, periods: int) -> int:
        """Return the p / (p + h) quantile of the demand of ``periods`` periods, in units."""
        ratio = self.shortage_cost / (self.shortage_cost + self.holding_cost)
        return quantile(total_pmf(self.pmf, periods), ratio)

    @property
    def position_bound(self) -> int:
        """Most that stock and orders together ever reach under an optimal policy, in units.

        No optimal order lifts x₀ + … + x₍L−1₎ + z above the newsvendor level of L + 1 periods
        (T. E. Morton (1969), SIAM Review 11(4):572–596; Zipkin's standard vector base stock).
        With a fixed cost the bound is that of :mod:`restock.optimality.lost_sales.bounds`.
        """
        if self.fixed_order_cost > 0:
            return largest_position(*self._terms)
        return self.newsvendor_level(self.lead_time + 1)

    @property
    def order_bound(self) -> int:
        """Largest order of an optimal policy, in units: the newsvendor level of one period.

        The same bound for the order alone, which serves period L and what follows.
        """
        if self.fixed_order_cost > 0:
            return largest_order(*self._terms)
        return self.newsvendor_level(1)

    @property
    def _terms(self) -> tuple[Float[np.ndarray, " D"], int, float, float, float]:
        return (
            self.pmf,
            self.lead_time,
            self.holding_cost,
            self.shortage_cost,
            self.fixed_order_cost,
        )

    def period_costs(self, n_levels: int) -> Float[np.ndarray, " X"]:
        """Return h E(x₀ − D)⁺ + p E(D − x₀)⁺ for x₀ = 0..n_levels − 1, in money per period."""
        gap = np.arange(n_levels)[:, None] - np.arange(self.pmf.size)
        costs = np.where(gap > 0, self.holding_cost * gap, -self.shortage_cost * gap)
        return np.asarray(costs @ self.pmf, dtype=np.float64)

    def left_over(self, n_levels: int) -> Float[np.ndarray, "X X"]:
        """Return K[x₀, y], the chance that y = (x₀ − D)⁺ units of x₀ are left.

        >>> LostSales(np.array([0.25, 0.75]), 1, 1, 4).left_over(2).tolist()
        [[1.0, 0.0], [0.75, 0.25]]
        """
        padded = np.zeros(max(n_levels, self.pmf.size))
        padded[: self.pmf.size] = self.pmf
        kernel = np.zeros((n_levels, n_levels))
        rows, columns = np.tril_indices(n_levels)
        kernel[rows, columns] = padded[rows - columns]
        # P(D ≥ x₀), summed from the small end.
        kernel[:, 0] = np.cumsum(padded[::-1])[::-1][:n_levels]
        return kernel
