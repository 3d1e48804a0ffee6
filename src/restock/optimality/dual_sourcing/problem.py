"""One product, two suppliers, backorders: what is given."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.pmf import check_pmf, quantile, total_pmf

__all__ = ["DualSourcing"]


@dataclass(frozen=True, eq=False)
class DualSourcing:
    """The dual-sourcing system with backorders, to be run at least average cost.

    ``pmf`` is p[d], the chance of demand d = 0..D in a period, periods independent.
    ``regular_lead_time`` (l ≥ 1, periods) is that of the regular supplier at ``regular_cost``
    (c_r) money per unit; the expedited supplier delivers at once for ``expedited_cost``
    (c_e ≥ c_r) money per unit. ``holding_cost`` (h > 0) is money per unit on hand at the end of a
    period, ``shortage_cost`` (b > 0) money per unit backordered then.

    A state is (x, q₁, …, q₍l−1₎): x the net inventory (on hand − backlog) after the arrival, qᵢ
    due in i periods. Orders e (expedited) and r (regular) are placed, e arrives, demand d comes,
    the period costs c_e e + c_r r + h (x + e − d)⁺ + b (d − x − e)⁺, and the next state is
    (x + e − d + q₁, q₂, …, q₍l−1₎, r); with l = 1, r takes the place of q₁.

    Raises :class:`InstanceError` for anything else.

    Source: J. Gijsbrechts, R. N. Boute, J. A. Van Mieghem & D. J. Zhang (2022), Can deep
    reinforcement learning improve inventory management?, M&SOM 24(3):1349–1368, section 6.2.

    >>> coin = DualSourcing(np.array([0.5, 0.5]), 2, 10, 11, holding_cost=1, shortage_cost=9)
    >>> coin.mean, coin.largest_demand
    (0.5, 1)
    """

    pmf: Float[np.ndarray, " D"]
    regular_lead_time: int
    regular_cost: float
    expedited_cost: float
    holding_cost: float
    shortage_cost: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        check_pmf(self.pmf)
        lead_time = self.regular_lead_time
        require(
            lead_time >= 1 and lead_time == int(lead_time),
            InstanceError,
            f"`regular_lead_time` must be an integer ≥ 1; got {lead_time}. With 0 nothing is"
            " gained by expediting: the newsvendor answers.",
        )
        require(
            0 <= self.regular_cost <= self.expedited_cost < math.inf,
            InstanceError,
            f"costs must be finite with 0 ≤ `regular_cost` ≤ `expedited_cost`; got"
            f" {self.regular_cost} and {self.expedited_cost}. A fast source that is cheaper too"
            " needs no second one.",
        )
        for name in ("holding_cost", "shortage_cost"):
            cost = getattr(self, name)
            require(
                0 < cost < math.inf,
                InstanceError,
                f"`{name}` must be finite and > 0; got {cost}. Give money per unit and period.",
            )

    @property
    def mean(self) -> float:
        """Units demanded per period."""
        return float(np.arange(self.pmf.size) @ self.pmf)

    @property
    def largest_demand(self) -> int:
        """Most units that one period can ask for."""
        return int(np.flatnonzero(self.pmf)[-1])

    def newsvendor_level(self, periods: int) -> int:
        """Return the b / (b + h) quantile of the demand of ``periods`` periods, in units."""
        ratio = self.shortage_cost / (self.shortage_cost + self.holding_cost)
        return quantile(total_pmf(self.pmf, periods), ratio)

    def period_costs(self, levels: Int[np.ndarray, " Y"]) -> Float[np.ndarray, " Y"]:
        """Return h E(y − D)⁺ + b E(D − y)⁺ for each stock y that meets demand, in money.

        >>> coin = DualSourcing(np.array([0.5, 0.5]), 2, 10, 11, holding_cost=1, shortage_cost=9)
        >>> coin.period_costs(np.array([-1, 0, 1])).tolist()
        [13.5, 4.5, 0.5]
        """
        gap = levels[:, None] - np.arange(self.pmf.size)
        costs = np.where(gap > 0, self.holding_cost * gap, -self.shortage_cost * gap)
        return np.asarray(costs @ self.pmf, dtype=np.float64)
