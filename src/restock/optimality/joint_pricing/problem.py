"""One product whose price and order are decided together, period by period: what is given."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.pmf import check_pmf

__all__ = ["JointPricing"]


@dataclass(frozen=True, kw_only=True, eq=False)
class JointPricing:
    """A product sold at one of K prices, ordered every period, without a fixed cost.

    ``prices`` are money per unit, ascending; ``demand[k, d]`` is the chance that a period asks d
    units at price k, periods independent (see :func:`additive_demand`). In a period with x units
    of net stock: price and order are chosen; the order lifts the position to y ≥ x; demand D comes
    and is served; each unit left costs ``holding_cost`` (h), each unit lost or waiting
    ``shortage_cost`` (b), each unit ordered ``unit_cost`` (c). With ``lead_time`` 0 the order
    serves the same period, with 1 the next. With ``loses_unmet`` unmet demand leaves and only
    units sold are paid; otherwise it waits, and customers pay the price of the day when they ask.
    Who waits is ordered for at once: y ≥ 0 (which costs nothing where waiting is dear: b ≥ (1 −
    discount) c).

    Profit is to be as high as possible: on average per period; with ``discount`` < 1 the
    discounted sum over all periods; with ``periods`` the (discounted) sum over so many, after
    which a unit left is worth ``end_value`` ≤ c, and a unit owed costs c.

    Raises :class:`InstanceError` for anything else.

    Source: A. Federgruen and A. Heching (1999), Combined pricing and inventory control under
    uncertainty, Operations Research 47(3):454–475, for backorders and lead time 0.

    >>> tea = JointPricing(
    ...     prices=np.array([2.0, 3.0]),
    ...     demand=np.array([[0.0, 0.5, 0.5], [0.5, 0.5, 0.0]]),
    ...     unit_cost=1.0,
    ...     holding_cost=0.1,
    ...     shortage_cost=1.0,
    ... )
    >>> tea.mean_demand.tolist(), tea.states.tolist()
    ([1.5, 0.5], [-2, -1, 0, 1, 2])
    """

    prices: Float[np.ndarray, " K"]
    demand: Float[np.ndarray, "K D"]
    unit_cost: float
    holding_cost: float
    shortage_cost: float
    lead_time: int = 0
    loses_unmet: bool = False
    discount: float = 1.0
    periods: int | None = None
    end_value: float = 0.0
    largest_stock: int = 0
    """Stock up to which tables reach at least, in units: for what is there at the start."""

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        ascending = (np.diff(self.prices) > 0).all() and bool((self.prices >= 0).all())
        require(
            self.prices.size > 0 and bool(ascending) and bool(np.isfinite(self.prices).all()),
            InstanceError,
            f"`prices` must be finite, ≥ 0 and ascending; got {self.prices.tolist()}. Sort them.",
        )
        require(
            len(self.demand) == self.prices.size,
            InstanceError,
            f"`demand` must have a row for each of {self.prices.size} prices; got"
            f" {len(self.demand)}.",
        )
        for row in self.demand:
            check_pmf(row)
        for name in ("unit_cost", "holding_cost", "shortage_cost", "end_value"):
            value = getattr(self, name)
            require(
                bool(0 <= value < math.inf),
                InstanceError,
                f"`{name}` must be finite and ≥ 0; got {value}. Give money per unit.",
            )
        self._check_terms()

    def _check_terms(self) -> None:
        require(
            bool(self.end_value <= self.unit_cost),
            InstanceError,
            f"`end_value` must not exceed `unit_cost` {self.unit_cost}; got {self.end_value}."
            " Lower it: otherwise ordering for the end pays without limit.",
        )
        require(
            self.lead_time in (0, 1),
            InstanceError,
            f"`lead_time` must be 0 or 1; got {self.lead_time}. Longer ones are not solved here.",
        )
        require(
            bool(0 < self.discount <= 1),
            InstanceError,
            f"`discount` must lie in (0, 1]; got {self.discount}. Use 1 for the average.",
        )
        require(
            bool(self.periods is None or self.periods >= 1),
            InstanceError,
            f"`periods` must be ≥ 1; got {self.periods}. Leave it out for an endless horizon.",
        )

    def at_price(self, index: int) -> "JointPricing":
        """Return the same problem with price ``index`` alone."""
        only = slice(index, index + 1)
        reach = max(self.largest_stock, self.highest)
        return replace(
            self, prices=self.prices[only], demand=self.demand[only], largest_stock=reach
        )

    @cached_property
    def mean_demand(self) -> Float[np.ndarray, " K"]:
        """Units per period that each price asks on average."""
        return np.asarray(self.demand @ np.arange(self.demand.shape[1]), dtype=np.float64)

    @property
    def highest(self) -> int:
        """Highest stock and position in the tables.

        No best order lifts the position above L + 1 times the largest demand: the last unit could
        be ordered a period later at no more cost, and would not be missed until then.
        """
        return max((self.lead_time + 1) * (int(self.demand.shape[1]) - 1), self.largest_stock)

    @property
    def lowest(self) -> int:
        """Lowest net stock: the position after ordering is ≥ 0, and one demand comes off."""
        return 0 if self.loses_unmet else 1 - int(self.demand.shape[1])

    @property
    def states(self) -> Int[np.ndarray, " X"]:
        """All net stocks x on which tables are given."""
        return np.arange(self.lowest, self.highest + 1)

    @property
    def end_values(self) -> Float[np.ndarray, " X"]:
        """Money that each net stock is worth after the last period."""
        return np.asarray(np.where(self.states > 0, self.end_value, self.unit_cost) * self.states)

    @cached_property
    def sales_profit(self) -> Float[np.ndarray, "K X"]:
        """Expected revenue less holding and shortage of a period, if demand meets x units."""
        gap = self.states[:, None] - np.arange(self.demand.shape[1])
        costs = np.where(gap > 0, self.holding_cost * gap, -self.shortage_cost * gap)
        sold = np.minimum(gap + np.arange(self.demand.shape[1]), np.arange(self.demand.shape[1]))
        units = self.demand @ sold.T if self.loses_unmet else self.mean_demand[:, None]
        return np.asarray(self.prices[:, None] * units - self.demand @ costs.T)

    @cached_property
    def left_over(self) -> Float[np.ndarray, "K X X"]:
        """Chance that a period which begins its sales with x ≥ 0 units ends with x′."""
        n_prices, n_demands = self.demand.shape
        kernel = np.zeros((n_prices, self.states.size, self.states.size))
        stocks = np.arange(self.highest + 1)
        for units in range(n_demands):
            left = stocks - units
            if self.loses_unmet:
                left = np.maximum(left, 0)
            rows, columns = stocks - self.lowest, left - self.lowest
            kernel[:, rows, columns] += self.demand[:, units, None]
        return kernel
