"""The best (s, S) rule with backorders and a fixed cost per order, and the cost of any."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.pmf import check_pmf, quantile, total_pmf

__all__ = ["Backorders", "ReorderUpTo", "optimal_s_s", "s_s_cost"]


@dataclass(frozen=True, eq=False)
class Backorders:
    """One product under periodic review with backorders, to be run at least average cost.

    ``pmf`` is p[d], the chance of demand d = 0..D in a period, periods independent. What is
    ordered in period t can serve demand from period t + ``lead_time`` (L ≥ 0) on.
    ``holding_cost`` (h) and ``shortage_cost`` (p) are money per unit on hand or backordered at the
    end of a period, ``fixed_order_cost`` (K) money per order of any size.

    Raises :class:`InstanceError` unless pmf is a distribution with positive mean, L an integer
    ≥ 0, h and p finite and > 0, K finite and ≥ 0.

    >>> Backorders(np.array([0.5, 0.5]), 0, 1, 4, 2).period_costs(np.array([0, 1])).tolist()
    [2.0, 0.5]
    """

    pmf: Float[np.ndarray, " D"]
    lead_time: int
    holding_cost: float
    shortage_cost: float
    fixed_order_cost: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        check_pmf(self.pmf)
        require(
            bool(self.pmf[0] < 1),
            InstanceError,
            "`pmf` must give demand above 0 a chance; got p[0] = 1. Without demand nothing is"
            " ordered.",
        )
        require(
            self.lead_time >= 0 and self.lead_time == int(self.lead_time),
            InstanceError,
            f"`lead_time` must be an integer ≥ 0; got {self.lead_time}. Give periods.",
        )
        for name in ("holding_cost", "shortage_cost"):
            value = getattr(self, name)
            require(
                0 < value < math.inf,
                InstanceError,
                f"`{name}` must be finite and > 0; got {value}. Give money per unit and period.",
            )
        require(
            0 <= self.fixed_order_cost < math.inf,
            InstanceError,
            f"`fixed_order_cost` must be finite and ≥ 0; got {self.fixed_order_cost}. Give money"
            " per order.",
        )

    def period_costs(self, positions: Int[np.ndarray, " Y"]) -> Float[np.ndarray, " Y"]:
        """Return G(y) = h E(y − D)⁺ + p E(D − y)⁺, D the demand of L + 1 periods, in money.

        ``positions`` (y) are inventory positions after ordering, in units; they may be negative.
        """
        total = total_pmf(self.pmf, self.lead_time + 1)
        gap = positions[:, None] - np.arange(total.size)
        costs = np.where(gap > 0, self.holding_cost * gap, -self.shortage_cost * gap)
        return np.asarray(costs @ total)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderUpTo:
    """Order up to ``order_up_to`` (S) when the position is ``reorder_point`` (s) or less.

    Both in units of inventory position; ``cost`` is money per period.
    """

    reorder_point: int
    order_up_to: int
    cost: float


def optimal_s_s(problem: Backorders) -> ReorderUpTo:
    """Return the (s, S) rule of least average cost, which no rule of any other form can beat.

    Exact: S moves up from the minimiser of G while G(S) is below the best cost, and s follows
    upwards; both ends are proven in the source.

    Source: Y.-S. Zheng & A. Federgruen (1991), Finding optimal (s, S) policies is about as simple
    as evaluating a single policy, Operations Research 39(4):654–665. That the form is optimal:
    D. L. Iglehart (1963), Management Science 9(2):259–267.

    >>> from restock.optimality import poisson_pmf
    >>> best = optimal_s_s(Backorders(poisson_pmf(6), 0, 1, 4, 5))
    >>> best.reorder_point, best.order_up_to, round(best.cost, 9)
    (4, 10, 8.034111561)
    """
    chain = _Renewals(problem)
    best_up_to, reorder = chain.cheapest_position, chain.cheapest_position - 1
    while chain.cost(reorder, best_up_to) > chain.period_cost(reorder):
        reorder -= 1
    least = chain.cost(reorder, best_up_to)
    up_to = best_up_to + 1
    while chain.period_cost(up_to) <= least:
        if chain.cost(reorder, up_to) < least:
            best_up_to = up_to
            while reorder + 1 < best_up_to and (
                chain.cost(reorder, best_up_to) <= chain.period_cost(reorder + 1)
            ):
                reorder += 1
            least = chain.cost(reorder, best_up_to)
        up_to += 1
    return ReorderUpTo(reorder_point=reorder, order_up_to=best_up_to, cost=least)


def s_s_cost(problem: Backorders, reorder_point: int, order_up_to: int) -> float:
    """Return the exact average cost of ordering up to S when the position is s or less.

    Money per period; s and S are whole units of inventory position and may be negative.

    Raises :class:`InstanceError` unless s < S.

    Source: Zheng & Federgruen (1991), eqs. (1)–(4), by renewal theory.

    >>> from restock.optimality import poisson_pmf
    >>> round(s_s_cost(Backorders(poisson_pmf(6), 0, 1, 4, 5), 4, 10), 6)
    8.034112
    """
    require(
        reorder_point < order_up_to,
        InstanceError,
        f"`reorder_point` must be below `order_up_to`; got {reorder_point} and {order_up_to}."
        " An order lifts the position.",
    )
    return _Renewals(problem).cost(reorder_point, order_up_to)


class _Renewals:
    """m[j], the expected periods per cycle spent j units below S, and the costs made of them.

    Zheng and Federgruen's m, with m[0] = 1 / (1 − p[0]); it does not depend on s and S.
    """

    def __init__(self, problem: Backorders) -> None:
        self._problem = problem
        total = total_pmf(problem.pmf, problem.lead_time + 1)
        ratio = problem.shortage_cost / (problem.shortage_cost + problem.holding_cost)
        self.cheapest_position = quantile(total, ratio)
        self._visits = self._visits_to(64)
        self._lowest = self.cheapest_position - 64
        self._costs = self._costs_to(self.cheapest_position + 64)

    def period_cost(self, position: int) -> float:
        """Return G(position)."""
        return float(self._costs_between(position, position)[0])

    def cost(self, reorder_point: int, order_up_to: int) -> float:
        """Return c(s, S) = (K + Σ m[j] G(S − j)) / Σ m[j], j from 0 to S − s − 1."""
        span = order_up_to - reorder_point
        if span > self._visits.size:
            self._visits = self._visits_to(2 * span)
        visits = self._visits[:span]
        costs = self._costs_between(reorder_point + 1, order_up_to)[::-1]
        return float((self._problem.fixed_order_cost + visits @ costs) / visits.sum())

    def _visits_to(self, n_points: int) -> Float[np.ndarray, " J"]:
        pmf = self._problem.pmf
        visits = np.zeros(n_points)
        visits[0] = 1.0
        for below in range(1, n_points):
            reach = min(below, pmf.size - 1)
            visits[below] = pmf[1 : reach + 1] @ visits[below - reach : below][::-1]
            visits[below] /= 1 - pmf[0]
        return np.asarray(visits / (1 - pmf[0]))

    def _costs_between(self, low: int, high: int) -> Float[np.ndarray, " Y"]:
        """Return G(low), …, G(high), widening the stored range when it is left."""
        if low < self._lowest:
            self._lowest = 2 * low - self.cheapest_position
            self._costs = self._costs_to(max(high, self._lowest + self._costs.size))
        if high >= self._lowest + self._costs.size:
            self._costs = self._costs_to(2 * high - self.cheapest_position)
        return self._costs[low - self._lowest : high + 1 - self._lowest]

    def _costs_to(self, highest: int) -> Float[np.ndarray, " Y"]:
        return self._problem.period_costs(np.arange(self._lowest, highest + 1))
