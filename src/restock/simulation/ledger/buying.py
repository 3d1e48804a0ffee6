"""(2) A wish becomes an order that lane, rooms and purse allow."""

import math
from collections.abc import Collection, Mapping

from restock.problem import Lane
from restock.simulation.ledger.books import Books
from restock.simulation.ledger.entries import Happening, LaneKey, PlaceKey, Wish, Wishes
from restock.simulation.ledger.shop import Shop

__all__ = ["DUST_UNITS", "at_most", "feasible_orders"]

HAIR = 1e-6
"""11.9999999 units of a pack of 6 are two packs, and so are 12.0000001."""

DUST_UNITS = 1e-6
"""So little is what rounding leaves, and no order."""

Orders = dict[LaneKey, float]


def feasible_orders(
    shop: Shop,
    books: Books,
    positions: Mapping[PlaceKey, float],
    wishes: Wishes,
    happening: Happening,
    period: int,
) -> Orders:
    """Return the units ordered on each lane, before anybody has looked whether they are there."""
    orders = dict.fromkeys(shop.lanes, 0.0)
    for key, wish in wishes.lanes.items():
        lane = shop.lanes[key]
        if key not in happening.closed and _takes_orders(lane, period):
            orders[key] = _whole_order(lane, _wanted(wish, positions[key[0], key[2]]))
    orders = _within_inbound_capacity(shop, orders)
    orders = _within_storage(shop, books, orders)
    return _within_budget(shop, orders)


def at_most(lane: Lane, units: float) -> float:
    """Return the largest order of at most ``units`` that the lane takes.

    >>> by_the_dozen = Lane(
    ...     product_id="tea", origin="a", destination="b", lead_time_periods=1, case_pack_units=12
    ... )
    >>> at_most(by_the_dozen, 35.0)
    24.0
    """
    units = min(units, lane.capacity_units)
    if lane.case_pack_units > 0:
        packs = math.floor(units / lane.case_pack_units + HAIR)
        units = float(packs * lane.case_pack_units)
    return units if units >= lane.minimum_units else 0.0


def _takes_orders(lane: Lane, period: int) -> bool:
    return period % lane.order_cycle_periods in lane.order_offsets


def _wanted(wish: Wish, position: float) -> float:
    wanted = max(wish.target - position, 0.0)
    return min(wanted, wish.cap) if wanted >= wish.batch else 0.0


def _whole_order(lane: Lane, wanted: float) -> float:
    """Round up to what the supplier sells: packs, a minimum, a capacity."""
    pack = lane.case_pack_units
    if pack == 0:
        wanted = max(wanted, lane.minimum_units) if wanted > DUST_UNITS else wanted
        return float(min(wanted, lane.capacity_units))
    whole = math.floor(wanted + 0.5)
    packs = math.ceil(whole / pack - HAIR)
    if packs > 0:
        packs = max(packs, math.ceil(lane.minimum_units / pack))
    if lane.capacity_units < math.inf:
        packs = min(packs, math.floor(lane.capacity_units / pack))
    return float(packs * pack)


def _within_inbound_capacity(shop: Shop, orders: Orders) -> Orders:
    for place in shop.instance.locations:
        towards = [key for key in orders if key[2] == place.id]
        asked = sum(orders[key] for key in towards)
        orders = _cut(shop, orders, towards, place.inbound_capacity_units, asked)
    return orders


def _within_storage(shop: Shop, books: Books, orders: Orders) -> Orders:
    """Leave room for what is there and for what is under way to there."""
    for place in shop.instance.locations:
        towards = [key for key in orders if key[2] == place.id]
        asked = sum(shop.products[key[0]].volume * orders[key] for key in towards)
        used = sum(shop.products[key[0]].volume * books.on_order(key) for key in towards)
        used += sum(
            product.volume * books.units((product.id, place.id))
            for product in shop.products.values()
            if place.holds_stock
        )
        orders = _cut(shop, orders, towards, max(place.storage_capacity - used, 0.0), asked)
    return orders


def _within_budget(shop: Shop, orders: Orders) -> Orders:
    prices = {
        key: shop.products[key[0]].unit_cost + shop.lanes[key].unit_cost
        for key in orders
        if shop.is_from_outside(key)
    }
    asked = sum(price * orders[key] for key, price in prices.items())
    paid = [key for key, price in prices.items() if price > 0]
    return _cut(shop, orders, paid, shop.instance.budget_per_period, asked)


def _cut(
    shop: Shop, orders: Orders, lanes: Collection[LaneKey], room: float, asked: float
) -> Orders:
    """Cut orders alike until they fit, and then to what their lanes take."""
    if asked <= room:
        return orders
    factor = room / asked
    return orders | {key: at_most(shop.lanes[key], orders[key] * factor) for key in lanes}
