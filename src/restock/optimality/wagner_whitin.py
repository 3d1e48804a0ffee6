"""Lot sizes for demand that is known: Wagner and Whitin's dynamic program."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restock.errors import InstanceError, require

__all__ = ["LotSizes", "wagner_whitin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSizes:
    """``orders`` in units per period and their ``cost`` in money over all periods."""

    orders: tuple[float, ...]
    cost: float


def wagner_whitin(
    demand: Sequence[float],
    *,
    fixed_order_cost: float | Sequence[float],
    holding_cost: float | Sequence[float],
    unit_cost: float | Sequence[float] = 0.0,
) -> LotSizes:
    """Return the cheapest orders that meet known demand in full and on time.

    ``demand`` is units per period. ``fixed_order_cost`` (K) is money per order,
    ``holding_cost`` (h) money per unit left at the end of a period, ``unit_cost`` money per unit
    ordered; each one number or one per period. An order serves its own period and those after it.
    An optimal plan orders only what exactly covers whole periods: with θ(t) the least cost of
    periods t, …, T − 1, θ(t) = min over s > t of K + cost of the demand of t..s − 1 from an order
    in t + θ(s). O(T²); of plans that cost the same, the one with the longest first lots.

    Raises :class:`InstanceError` for a number that is negative or not finite, or for costs that
    are not as many as periods.

    Source: H. M. Wagner & T. M. Whitin (1958), Dynamic version of the economic lot size model,
    Management Science 5(1):89–96; Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed.,
    eq. (3.39).

    >>> wagner_whitin((90, 120, 80, 70), fixed_order_cost=500, holding_cost=2)
    LotSizes(orders=(210.0, 0.0, 150.0, 0.0), cost=1380.0)
    """
    n_periods = len(demand)
    needed = _per_period("demand", demand, n_periods)
    fixed = _per_period("fixed_order_cost", fixed_order_cost, n_periods)
    # What a unit costs that waits from the first period to period t.
    waited = np.append(0.0, np.cumsum(_per_period("holding_cost", holding_cost, n_periods)))
    unit = _per_period("unit_cost", unit_cost, n_periods)

    least = np.zeros(n_periods + 1)
    covered_until = np.zeros(n_periods, dtype=np.int64)
    for period in reversed(range(n_periods)):
        costs = needed[period:] * (unit[period] + waited[period:-1] - waited[period])
        served = np.cumsum(costs) + least[period + 1 :]
        # No demand, no order.
        ordering = np.where(np.cumsum(needed[period:]) > 0, fixed[period], 0.0)
        total = (served + ordering)[::-1]
        covered_until[period] = n_periods - int(total.argmin())
        least[period] = total.min()

    orders = np.zeros(n_periods)
    period = 0
    while period < n_periods:
        orders[period] = needed[period : covered_until[period]].sum()
        period = int(covered_until[period])
    return LotSizes(orders=tuple(orders.tolist()), cost=float(least[0]))


def _per_period(name: str, given: float | Sequence[float], n_periods: int) -> np.ndarray:
    values = np.asarray(given, dtype=np.float64)
    require(
        values.shape in ((), (n_periods,)),
        InstanceError,
        f"`{name}` must be one number or one for each of the {n_periods} periods; got shape"
        f" {values.shape}.",
    )
    bad = ~((values >= 0) & (values < math.inf))
    require(
        not bad.any(),
        InstanceError,
        f"`{name}` must be finite and ≥ 0; got {np.atleast_1d(values)[np.atleast_1d(bad)][:1]}."
        " Check the input.",
    )
    return np.broadcast_to(values, (n_periods,))
