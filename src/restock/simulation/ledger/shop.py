"""The instance as a bookkeeper looks things up in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from restock.problem import Instance, Lane, Product, Shipping
from restock.simulation.ledger.entries import LaneKey, LedgerDay, PlaceKey

__all__ = ["Shop", "blank_day", "open_shop"]


@dataclass(frozen=True, slots=True)
class Shop:
    """What is given, by name.

    ``places`` hold stock, ``points`` ask for products: regions, or places where there are none.
    ``senders`` are the places that send a product on, each after those that may deliver to it.
    ``parcels_are_whole`` where nothing can be sold in parts of a unit.
    """

    instance: Instance
    products: dict[str, Product]
    places: tuple[str, ...]
    points: tuple[str, ...]
    lanes: dict[LaneKey, Lane]
    ways: dict[tuple[str, str], Shipping]
    holding_cost: dict[PlaceKey, float]
    shortage_cost: dict[PlaceKey, float]
    senders: dict[str, tuple[str, ...]]
    parcels_are_whole: bool

    def lanes_into(self, product: str, place: str) -> list[LaneKey]:
        """Return the lanes that end at a place."""
        return [key for key in self.lanes if (key[0], key[2]) == (product, place)]

    def lanes_out_of(self, product: str, place: str) -> list[LaneKey]:
        """Return the lanes that leave a place, in the order of their destinations."""
        keys = [(product, place, destination) for destination in self.places]
        return [key for key in keys if key in self.lanes]

    def is_from_outside(self, lane: LaneKey) -> bool:
        """Whether an outside supplier sends what is ordered."""
        return lane[1] not in self.places

    def supplied_through(self, product: str, place: str) -> set[str]:
        """Return a place and all those that it supplies, at first or at second hand."""
        reached = {place}
        for _, _, destination in self.lanes_out_of(product, place):
            reached |= self.supplied_through(product, destination)
        return reached


def open_shop(instance: Instance, *, customers_respond: bool) -> Shop:
    """Return an instance by name; where ``customers_respond`` goods are divisible."""
    places = tuple(place.id for place in instance.locations if place.holds_stock)
    points = tuple(region.id for region in instance.regions) or places
    lanes = {(lane.product_id, lane.origin, lane.destination): lane for lane in instance.lanes}
    products = {product.id: product for product in instance.products}
    holding, shortage = _costs(instance, places, points)
    divisible = (
        customers_respond
        or len(instance.substitutes) > 0
        or any(product.price_rules is not None for product in instance.products)
        or any(lane.case_pack_units == 0 for lane in instance.lanes)
    )
    return Shop(
        instance=instance,
        products=products,
        places=places,
        points=points,
        lanes=lanes,
        ways={(way.region, way.location): way for way in instance.shipping},
        holding_cost=holding,
        shortage_cost=shortage,
        senders={product: _senders(product, lanes, places) for product in products},
        parcels_are_whole=not divisible,
    )


def blank_day(shop: Shop) -> LedgerDay:
    """Return a page on which nothing has happened."""

    def by(places: Iterable[str]) -> dict[PlaceKey, float]:
        return {(product, place): 0.0 for product in shop.products for place in places}

    at_place, at_point, on_lane = shop.places, shop.points, dict.fromkeys(shop.lanes, 0.0)
    by_product, by_point = dict.fromkeys(shop.products, 0.0), dict.fromkeys(shop.points, 0.0)
    return LedgerDay(
        received=by(at_place),
        came_back=by(at_place),
        sold=by(at_place),
        expired=by(at_place),
        on_hand=by(at_place),
        returned=by(at_place),
        ordered=dict(on_lane),
        on_order=dict(on_lane),
        demand=by(at_point),
        lost=by(at_point),
        short=by(at_point),
        backlog=by(at_point),
        substituted=by(at_point),
        saved=by(at_point),
        late=by(at_point),
        delay=by(at_point),
        parcels={
            (product, region, place): 0.0
            for product in shop.products
            for region, place in shop.ways
        },
        holding_cost=by(at_place),
        shortage_cost=by(at_point),
        waste_cost=by(at_place),
        fixed_cost=dict(on_lane),
        lane_cost=dict(on_lane),
        purchases=dict(on_lane),
        shipping_cost=dict(by_product),
        refund=dict(by_product),
        revenue=dict(by_product),
        price=dict(by_product),
        satisfaction=dict(by_point),
        customers=dict(by_point),
        split_share=dict(by_point),
        transit_periods=dict(by_point),
    )


def _costs(
    instance: Instance, places: tuple[str, ...], points: tuple[str, ...]
) -> tuple[dict[PlaceKey, float], dict[PlaceKey, float]]:
    holding = {(p.id, place): p.holding_cost for p in instance.products for place in places}
    shortage = {(p.id, point): p.shortage_cost for p in instance.products for point in points}
    for terms in instance.stock_terms:
        key = (terms.product_id, terms.location)
        if terms.holding_cost is not None:
            holding[key] = terms.holding_cost
        if terms.shortage_cost is not None:
            shortage[key] = terms.shortage_cost
    return holding, shortage


def _senders(product: str, lanes: Iterable[LaneKey], places: tuple[str, ...]) -> tuple[str, ...]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    sending = set()
    for carried, origin, destination in lanes:
        if carried == product and origin in places:
            graph.add(destination, origin)
            sending.add(origin)
    return tuple(place for place in graph.static_order() if place in sending)
