"""What moved in one period and what it cost."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import LaneValues, StockValues
from restock.simulation.fulfilment import RegionServed
from restock.simulation.unmet import Served

__all__ = ["Extras", "Flows"]

SUMMED = (
    "lane_cost",
    "expired",
    "waste_cost",
    "returned",
    "refund",
    "shipping_cost",
    "late",
    "substituted",
)


class Extras(NamedTuple):
    """What optional mechanisms moved; a field is ``None`` in a world that lacks its mechanism.

    Money: ``lane_cost`` ``[B, P, E]`` per unit ordered, ``waste_cost`` ``[B, P, L]``,
    ``shipping_cost`` ``[B, P, 1]``, ``refund`` ``[B, P, 1]``, ``price`` ``[B, P, 1]``. Units:
    ``expired`` and ``returned`` ``[B, P, L]``, ``late`` ``[B, P, R]`` with its ``delay`` in
    unit-periods, ``substituted`` ``[B, P, D]`` (sold in place of another product), ``saved``
    ``[B, P, D]`` (its customers, who took another product). Shares and periods per region
    ``[B, 1, D]``: ``split_share``, ``transit_periods``, ``satisfaction``, ``customers``.
    ``parcels`` tell the units from each location to each region.
    """

    lane_cost: Tensor | None = None
    expired: Tensor | None = None
    waste_cost: Tensor | None = None
    returned: Tensor | None = None
    refund: Tensor | None = None
    parcels: tuple[RegionServed, ...] = ()
    shipping_cost: Tensor | None = None
    late: Tensor | None = None
    delay: Tensor | None = None
    split_share: Tensor | None = None
    transit_periods: Tensor | None = None
    substituted: Tensor | None = None
    saved: Tensor | None = None
    price: Tensor | None = None
    satisfaction: Tensor | None = None
    customers: Tensor | None = None

    def with_parcels(self, parcels: RegionServed) -> "Extras":
        """Return the extras after one more round, served with the parcels already ``sent``."""
        rounds = (*self.parcels, parcels)
        return self._replace(
            parcels=rounds,
            shipping_cost=_sum(part.shipping_cost for part in rounds),
            late=_sum(part.late for part in rounds),
            delay=_sum(part.delay for part in rounds),
            split_share=parcels.split_share,
            transit_periods=parcels.transit_periods,
        )

    def per_product(self) -> dict[str, Tensor]:
        """Return the units and money that add up over places, by name, ``[B, P, ·]``."""
        values = {name: getattr(self, name) for name in SUMMED}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Flows:
    """What moved in one period, in units, and what it cost, in money.

    ``order`` ``[B, P, E]`` is what entered each lane, ``demand`` ``[B, P, D]`` what was asked at
    each demand point. ``cost`` is what decisions minimise: holding + shortage + fixed and unit
    cost of lanes + waste + shipping. Purchases and revenue are kept apart; they follow from
    ``order`` and ``served``.
    """

    order: LaneValues
    demand: Float[Tensor, "#B P D"]
    served: Served
    holding_cost: StockValues
    shortage_cost: Float[Tensor, "#B P D"]
    fixed_cost: LaneValues | None
    extras: Extras | None = None

    @property
    def cost(self) -> Float[Tensor, "B P 1"]:
        """Holding + shortage + fixed + lane + waste + shipping cost, money ``[B, P, 1]``."""
        extras = self.extras
        if extras is None:  # demand points are locations then
            cost = _per_product(self.holding_cost + self.shortage_cost)
        else:
            cost = _per_product(self.holding_cost) + _per_product(self.shortage_cost)
            for part in (extras.lane_cost, extras.waste_cost, extras.shipping_cost):
                if part is not None:
                    cost = cost + _per_product(part)
        return cost if self.fixed_cost is None else cost + _per_product(self.fixed_cost)

    def revenue(self, list_price: Float[Tensor, "P 1"]) -> Float[Tensor, "B P 1"]:
        """Return units sold times today's price, less refunds, money ``[B, P, 1]``."""
        extras = self.extras
        price = list_price if extras is None or extras.price is None else extras.price
        revenue = price * _per_product(self.served.sold)
        return revenue if extras is None or extras.refund is None else revenue - extras.refund


def _sum(parts: Iterable[Tensor]) -> Tensor:
    """Return the sum of one tensor or more."""
    return functools.reduce(torch.add, parts)


def _per_product(values: Tensor) -> Tensor:
    return values if values.size(-1) == 1 else values.sum(-1, keepdim=True)
