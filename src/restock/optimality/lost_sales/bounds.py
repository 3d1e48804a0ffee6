"""How much an optimal policy orders at most where each order has a fixed cost.

With a fixed cost K the newsvendor bounds do not hold: orders are large because they are rare. Let
an order lift the position to y. Two changes of the policy bound y; the old policy is followed as
if nothing had changed, and a *miss* is a sale that it makes and the changed policy loses.

*One unit fewer, never made up.* That saves h in every period from the unit's arrival until stock
next runs out, and loses p then at most. Whatever else is ordered, stock does not run out before
the demand since the order reaches y. That takes y / μ periods or more on average (Wald); of these
the L before the arrival and the last are not charged. So no optimal order lifts the position to y
if

    h (y / μ − L − 1) > p.

*m units fewer now, ordered d periods later.* That saves h m d, less h d per miss, and costs K for
the second order at most. There are at most (D − y + m)⁺ misses, D the demand of L + d periods, at
p each. Each leaves a unit too many, held until the old policy orders it (it is left out of that
order, and gone L periods later) or loses a sale: if y is the largest position that the policy
reaches, which the first bound makes finite, until demand reaches y + 2m at the latest. That takes
T ≤ L + (y + 2m + D_max) / μ periods on average, again by Wald's equation. So no optimal
order lifts the position to y if, for some m and d,

    h m d − E(D − y + m)⁺ (p + h (d + T)) > K,

and, for an order of z ≤ m units, wholly put off at no further K, P(D > y − m) (p + h (d + T)) < h d
(it misses z P(D > y − z) units or fewer).

The same holds of an order's own z units in the place of y, whatever else is there, with L = 0 in
the first bound, demand of the d periods from its arrival, and the largest position for y in T.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from restock.optimality.pmf import total_pmf

__all__ = ["largest_order", "largest_position"]

# More than sums of a few thousand chances are off by; a bound may be too wide, not too narrow.
ROUNDING = 1e-10


def largest_position(
    pmf: Float[np.ndarray, " D"],
    lead_time: int,
    holding_cost: float,
    shortage_cost: float,
    fixed_order_cost: float,
) -> int:
    """Return the most units, on hand and on order, that an optimal order lifts the position to.

    Arguments as in :class:`LostSales`, with a fixed cost ≥ 0.

    >>> largest_position(np.array([0.5, 0.5]), 1, 1.0, 40.0, 2.0)
    4
    """
    return _Delays(pmf, lead_time, shortage_cost / holding_cost, fixed_order_cost / holding_cost)(
        lead_time, None
    )


def largest_order(
    pmf: Float[np.ndarray, " D"],
    lead_time: int,
    holding_cost: float,
    shortage_cost: float,
    fixed_order_cost: float,
) -> int:
    """Return the most units that an optimal policy orders at once.

    Arguments as in :class:`LostSales`, with a fixed cost ≥ 0.

    >>> largest_order(np.array([0.5, 0.5]), 1, 1.0, 40.0, 2.0)
    3
    """
    delays = _Delays(pmf, lead_time, shortage_cost / holding_cost, fixed_order_cost / holding_cost)
    position = delays(lead_time, None)
    return min(position, delays(0, position))


class _Delays:
    """The two changes above; costs are counted in periods of holding one unit (h = 1)."""

    def __init__(
        self, pmf: Float[np.ndarray, " D"], lead_time: int, shortage_cost: float, fixed: float
    ) -> None:
        self.pmf, self.lead_time = pmf, lead_time
        self.shortage_cost, self.fixed = shortage_cost, fixed
        self.mean = float(np.arange(pmf.size) @ pmf)

    def __call__(self, periods_before: int, position: int | None) -> int:
        """Return the most units that neither change improves on.

        ``periods_before`` is how long demand eats into these units before they are there: L for a
        position, 0 for an order. ``position`` is the largest position, None if it is asked for.
        """
        highest = math.floor(self.mean * (self.shortage_cost + periods_before + 1) * (1 + ROUNDING))
        if highest == 0:
            return 0
        # How many (d, y − m) more improve on y units than on y − 1.
        steps = np.zeros(highest + 2, dtype=np.int64)
        total = total_pmf(self.pmf, periods_before)[: highest + 1]
        for delay in range(1, math.ceil(highest / self.mean) + 1):
            total = np.convolve(total, self.pmf)[: highest + 1]
            above, excess = self._tail(total, periods_before + delay, highest)
            first, last = self._improved(above, excess, delay, position)
            np.add.at(steps, first[first <= last], 1)
            np.add.at(steps, last[first <= last] + 1, -1)
        return int(np.flatnonzero(np.cumsum(steps[:-1]) == 0)[-1])

    def _tail(
        self, total: Float[np.ndarray, " E"], periods: int, highest: int
    ) -> tuple[Float[np.ndarray, " V"], Float[np.ndarray, " V"]]:
        """Return P(D > v) and E(D − v)⁺ for v = 1..highest, rounded up.

        ``total`` holds P(D = d) for d ≤ highest of the demand D of ``periods`` periods.
        """
        at_most = np.cumsum(np.append(total, np.zeros(highest + 1 - total.size)))
        # E(D − v)⁺ = E D − v + E(v − D)⁺, and E(v − D)⁺ is the sum of P(D ≤ u) over u < v
        excess = periods * self.mean - np.arange(1, highest + 1) + np.cumsum(at_most)[:-1]
        return np.maximum(1 - at_most[1:], 0) + ROUNDING, np.maximum(excess, 0) + ROUNDING

    def _improved(
        self,
        above: Float[np.ndarray, " V"],
        excess: Float[np.ndarray, " V"],
        delay: int,
        position: int | None,
    ) -> tuple[Int[np.ndarray, " V"], Int[np.ndarray, " V"]]:
        """Return the least and most units y that putting off y − v improves on, v = 1..highest."""
        highest = above.size
        kept = np.arange(1, highest + 1)
        # A miss costs p + h (d + T) = base + slope · m.
        reached = kept if position is None else np.full(highest, position)
        slope = (3 if position is None else 2) / self.mean
        base = (
            self.shortage_cost + delay + self.lead_time + (reached + self.pmf.size - 1) / self.mean
        )
        with np.errstate(divide="ignore"):
            more_than = (self.fixed + excess * base) / np.maximum(delay - excess * slope, 0.0)
        less_than = (delay / above - base) / slope
        fewest = np.floor(np.minimum(more_than, highest)).astype(np.int64) + 1
        most = np.ceil(np.clip(less_than, 0, highest)).astype(np.int64) - 1
        return kept + fewest, np.minimum(kept + most, highest)
