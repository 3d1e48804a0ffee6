"""The (r, Q) rule under continuous review: a fixed lot whenever the position falls to r."""

import math
from dataclasses import dataclass

from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr, ndtri

from restock.errors import InstanceError, OptimalityError, require
from restock.optimality.newsvendor import Normal

__all__ = ["ContinuousReview", "ReorderQuantity", "optimal_r_q", "r_q_cost"]


@dataclass(frozen=True, slots=True)
class ContinuousReview:
    """One product with backorders whose stock is watched all the time.

    ``demand`` of one unit of time is normal, increments independent; ``lead_time`` (L > 0) is in
    the same unit of time. ``holding_cost`` (h) and ``shortage_cost`` (p) are money per unit and
    unit of time, ``fixed_order_cost`` (K) money per order.

    Raises :class:`InstanceError` unless the mean demand and all four numbers are finite and > 0.
    """

    demand: Normal
    lead_time: float
    holding_cost: float
    shortage_cost: float
    fixed_order_cost: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        given = {"mean of `demand`": self.demand.mean} | {
            f"`{name}`": getattr(self, name)
            for name in ("lead_time", "holding_cost", "shortage_cost", "fixed_order_cost")
        }
        for name, value in given.items():
            require(
                0 < value < math.inf,
                InstanceError,
                f"{name} must be finite and > 0; got {value}. Without it there is no trade-off.",
            )

    @property
    def lead_time_demand(self) -> Normal:
        """Demand during the lead time: mean λL, deviation σ√L."""
        return Normal(self.demand.mean * self.lead_time, self.demand.sd * math.sqrt(self.lead_time))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderQuantity:
    """Order ``quantity`` (Q) whenever the position falls to ``reorder_point`` (r), both in units.

    ``cost`` is money per unit of time.
    """

    reorder_point: float
    quantity: float
    cost: float


def r_q_cost(problem: ContinuousReview, reorder_point: float, quantity: float) -> float:
    """Return the exact cost rate of the (r, Q) rule: (Kλ + ∫ G(y) dy from r to r + Q) / Q.

    G(y) = h E(y − D)⁺ + p E(D − y)⁺ with D the demand of the lead time: the position is uniform
    on (r, r + Q), and the stock a lead time later is the position less D. Money per unit of time.

    Raises :class:`InstanceError` unless r is finite and Q finite and > 0.

    Source: P. Zipkin (1986), Management Science 32(10):1253–1263; Snyder & Shen, Fundamentals of
    Supply Chain Theory, 2nd ed., eq. (5.7). The integral is the normal second-order loss
    function.

    >>> shop = ContinuousReview(Normal(1300, 150), 1 / 12, 0.225, 7.5, 8)
    >>> round(r_q_cost(shop, 126.8, 328.5), 7)
    78.0711625
    """
    require(
        math.isfinite(reorder_point),
        InstanceError,
        f"`reorder_point` must be finite; got {reorder_point}. Give units.",
    )
    require(
        0 < quantity < math.inf,
        InstanceError,
        f"`quantity` must be finite and > 0; got {quantity}. Give units.",
    )
    integral = _cost_integral(problem, reorder_point + quantity)
    integral -= _cost_integral(problem, reorder_point)
    return (problem.fixed_order_cost * problem.demand.mean + integral) / quantity


def optimal_r_q(problem: ContinuousReview) -> ReorderQuantity:
    """Return the (r, Q) of least cost; the cost is convex in both together.

    For given Q the best r has G(r) = G(r + Q), a root. Over Q the cost is then minimised between
    half the economic order quantity with backorders, which Q* exceeds, and twice that quantity
    plus many deviations of the lead time's demand; an answer at either end is refused.

    Raises :class:`OptimalityError` when no interior minimum over Q is found.

    Source: Y.-S. Zheng (1992), On properties of stochastic inventory systems, Management Science
    38(1):87–103 (convexity, and Q* at least the economic order quantity with backorders).

    >>> shop = ContinuousReview(Normal(1300, 150), 1 / 12, 0.225, 7.5, 8)
    >>> best = optimal_r_q(shop)
    >>> round(best.reorder_point, 1), round(best.quantity, 1), round(best.cost, 4)
    (126.9, 328.4, 78.0711)
    """
    holding, shortage = problem.holding_cost, problem.shortage_cost
    ordering = 2 * problem.fixed_order_cost * problem.demand.mean
    smallest = math.sqrt(ordering * (holding + shortage) / (holding * shortage))
    largest = 2 * smallest + 20 * problem.lead_time_demand.sd * math.sqrt(1 + shortage / holding)

    def least(quantity: float) -> float:
        # the search hands over NumPy's floats
        lot = float(quantity)
        return r_q_cost(problem, _best_reorder_point(problem, lot), lot)

    found = minimize_scalar(
        least, bounds=(smallest / 2, largest), method="bounded", options={"xatol": 1e-9 * largest}
    )
    quantity = float(found.x)
    require(
        bool(found.success) and smallest / 2 * 1.001 < quantity < 0.999 * largest,
        OptimalityError,
        f"no least cost between lots of {smallest / 2} and {largest} units; the search ended at"
        f" {quantity}. Check the units of demand and costs.",
    )
    return ReorderQuantity(
        reorder_point=_best_reorder_point(problem, quantity),
        quantity=quantity,
        cost=least(quantity),
    )


def _best_reorder_point(problem: ContinuousReview, quantity: float) -> float:
    """Return the r with G(r) = G(r + Q): it lies within Q below the minimiser of G."""
    over = problem.lead_time_demand
    ratio = problem.shortage_cost / (problem.shortage_cost + problem.holding_cost)
    cheapest = over.mean + over.sd * float(ndtri(ratio))

    def difference(reorder_point: float) -> float:
        return _period_cost(problem, reorder_point + quantity) - _period_cost(
            problem, reorder_point
        )

    return float(brentq(difference, cheapest - quantity, cheapest, xtol=1e-12 * abs(quantity)))


def _period_cost(problem: ContinuousReview, position: float) -> float:
    """Return G(y): h (y − μ) + (h + p) E(D − y)⁺."""
    over = problem.lead_time_demand
    costs = problem.holding_cost + problem.shortage_cost
    return problem.holding_cost * (position - over.mean) + costs * over.sd * _loss(
        (position - over.mean) / over.sd
    )


def _cost_integral(problem: ContinuousReview, position: float) -> float:
    """Return an antiderivative of G: h (y − μ)² / 2 − (h + p) σ² n₂(z), n₂ the integral of n."""
    over = problem.lead_time_demand
    z = (position - over.mean) / over.sd
    costs = problem.holding_cost + problem.shortage_cost
    return problem.holding_cost * (
        position - over.mean
    ) ** 2 / 2 - costs * over.sd**2 * _second_order_loss(z)


def _loss(z: float) -> float:
    """Return n(z) = E(Z − z)⁺ for standard normal Z."""
    return _density(z) - z * float(ndtr(-z))


def _second_order_loss(z: float) -> float:
    """Return n₂(z) = ∫ n(x) dx from z to infinity = ½ E[((Z − z)⁺)²]."""
    return ((z * z + 1) * float(ndtr(-z)) - z * _density(z)) / 2


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
