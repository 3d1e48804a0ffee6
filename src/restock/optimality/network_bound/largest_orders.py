"""How large an order in whole packs need ever be."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Float

from restock.problem import Lane

__all__ = ["largest_orders"]


def largest_orders(
    lanes: Sequence[Lane], sellable: Float[np.ndarray, " N"], n_periods: int
) -> Float[np.ndarray, " N"]:
    """Return the most units that one order on each lane needs to hold in some best plan.

    ``sellable`` are the units of each lane's product that can be sold at all. A location sells no
    more than that and sends on no more than its lanes' largest orders in all periods. An order
    above this sum by a pack and above the minimum leaves a pack there to the end, and would cost
    no more without it.
    """
    leaving: dict[tuple[str, str], list[int]] = {}
    for index, lane in enumerate(lanes):
        leaving.setdefault((lane.product_id, lane.origin), []).append(index)

    @cache
    def most(index: int) -> float:
        lane = lanes[index]
        onward = leaving.get((lane.product_id, lane.destination), [])
        needed = sellable[index] + n_periods * sum(most(each) for each in onward)
        if lane.case_pack_units:
            needed = (np.ceil(needed / lane.case_pack_units) + 1) * lane.case_pack_units
        return float(max(needed, lane.smallest_order_units))

    return np.array([most(index) for index in range(len(lanes))])
