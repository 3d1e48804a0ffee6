"""The economic order quantity: steady demand, a fixed cost per order, no uncertainty."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require

__all__ = ["EconomicOrder", "economic_order_quantity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EconomicOrder:
    """``quantity`` Q* in units, ``cost`` in money per unit of time, ``cycle`` Q*/λ in time."""

    quantity: float
    cost: float
    cycle: float


def economic_order_quantity(
    fixed_order_cost: float, holding_cost: float, demand_rate: float
) -> EconomicOrder:
    """Return the order size that balances ordering against holding: Q* = √(2Kλ/h), cost √(2Kλh).

    ``fixed_order_cost`` (K) is money per order, ``holding_cost`` (h) money per unit and unit of
    time, ``demand_rate`` (λ) units per unit of time.

    Raises :class:`InstanceError` unless all three are finite and > 0.

    Source: F. W. Harris (1913), How many parts to make at once; Snyder & Shen, Fundamentals of
    Supply Chain Theory, 2nd ed., eqs. (3.4)–(3.5).

    >>> order = economic_order_quantity(8, 0.225, 1300)
    >>> round(order.quantity, 5), round(order.cost, 7)
    (304.04678, 68.4105255)
    """
    given = {
        "fixed_order_cost": fixed_order_cost,
        "holding_cost": holding_cost,
        "demand_rate": demand_rate,
    }
    for name, value in given.items():
        require(
            0 < value < math.inf,
            InstanceError,
            f"`{name}` must be finite and > 0; got {value}. Without it there is no trade-off.",
        )
    quantity = math.sqrt(2 * fixed_order_cost * demand_rate / holding_cost)
    return EconomicOrder(
        quantity=quantity, cost=holding_cost * quantity, cycle=quantity / demand_rate
    )
