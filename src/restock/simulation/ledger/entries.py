"""What the ledger is told of a period, and the page that it writes about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

__all__ = ["Happening", "LaneKey", "LedgerDay", "PlaceKey", "RouteKey", "Wish", "Wishes"]

PlaceKey = tuple[str, str]
"""A product and a place: a location, or a region that asks for it."""
LaneKey = tuple[str, str, str]
"""A product, and the origin and destination of a lane."""
RouteKey = tuple[str, str, str]
"""A product, a region and a location that may serve it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rule wants of a lane: a level of the inventory position at its destination.

    ``target`` is that level, ``cap`` the most to order at once, ``batch`` the least that is worth
    an order, all in units.
    """

    target: float
    cap: float = float("inf")
    batch: float = 0.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a rule wants in a period; what it says nothing of is left as it is.

    ``prices`` are money per unit by product. ``weights`` share out what a location lacks among the
    lanes that leave it. ``shares`` of a region's demand are asked of locations first, and
    ``scores`` are the order in which a region asks them, lowest first. ``proposals`` are the share
    of customers to whom a substitute is shown, by product and substitute.
    """

    lanes: Mapping[LaneKey, Wish] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[LaneKey, float] | None = None
    shares: Mapping[RouteKey, float] | None = None
    scores: Mapping[RouteKey, float] | None = None
    proposals: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """What comes from outside in a period.

    ``demand`` is units by product and demand point, at list prices and initial satisfaction.
    ``lead_times`` are the periods that an order of today takes where that was drawn; other lanes
    take the lead time that they always have. No order enters a ``closed`` lane. ``expected`` is the
    demand per period that locations count with when stock is shared by least cover; without it all
    locations count alike.
    """

    demand: Mapping[PlaceKey, float]
    lead_times: Mapping[LaneKey, int] = field(default_factory=dict)
    closed: Collection[LaneKey] = ()
    expected: Mapping[PlaceKey, float] | None = None


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """One period as a bookkeeper writes it: units, then money, then what customers think.

    By product and location: ``received`` (from lanes), ``came_back`` (from customers), ``sold``,
    ``expired``, ``on_hand`` (at the end), ``returned`` (of what was sold today, on its way back).
    By lane: ``ordered`` (what entered it), ``on_order`` (what is on it at the end). By product and
    demand point: ``demand``, ``lost``, ``short`` (lost today or waiting at the end), ``backlog``,
    ``substituted`` (sold in place of another product), ``saved`` (its customers, who took another
    product), ``late`` and ``delay`` (unit-periods). ``parcels`` are units by product, region and
    location.

    Money by product and place: ``holding_cost``, ``shortage_cost``, ``waste_cost``; by lane:
    ``fixed_cost``, ``lane_cost``, ``purchases``; by product: ``shipping_cost``, ``refund``,
    ``revenue``, ``price``.

    By demand point: ``satisfaction``, ``customers``, ``split_share``, ``transit_periods``.
    """

    received: dict[PlaceKey, float]
    came_back: dict[PlaceKey, float]
    sold: dict[PlaceKey, float]
    expired: dict[PlaceKey, float]
    on_hand: dict[PlaceKey, float]
    returned: dict[PlaceKey, float]
    ordered: dict[LaneKey, float]
    on_order: dict[LaneKey, float]
    demand: dict[PlaceKey, float]
    lost: dict[PlaceKey, float]
    short: dict[PlaceKey, float]
    backlog: dict[PlaceKey, float]
    substituted: dict[PlaceKey, float]
    saved: dict[PlaceKey, float]
    late: dict[PlaceKey, float]
    delay: dict[PlaceKey, float]
    parcels: dict[RouteKey, float]
    holding_cost: dict[PlaceKey, float]
    shortage_cost: dict[PlaceKey, float]
    waste_cost: dict[PlaceKey, float]
    fixed_cost: dict[LaneKey, float]
    lane_cost: dict[LaneKey, float]
    purchases: dict[LaneKey, float]
    shipping_cost: dict[str, float]
    refund: dict[str, float]
    revenue: dict[str, float]
    price: dict[str, float]
    satisfaction: dict[str, float]
    customers: dict[str, float]
    split_share: dict[str, float]
    transit_periods: dict[str, float]

    def cost(self, product_id: str) -> float:
        """Return what a product cost: holding, shortage, lanes, waste and parcels, in money."""
        columns = (
            self.holding_cost,
            self.shortage_cost,
            self.waste_cost,
            self.fixed_cost,
            self.lane_cost,
        )
        costs = [cost for each in columns for key, cost in each.items() if key[0] == product_id]
        return sum(costs) + self.shipping_cost[product_id]
