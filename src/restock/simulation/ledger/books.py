"""What the bookkeeper carries over from one page to the next."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from restock.problem import Product
from restock.simulation.ledger.entries import LaneKey, LedgerDay, PlaceKey
from restock.simulation.ledger.shelf import Lots, put, total
from restock.simulation.ledger.shop import Shop

__all__ = ["Books", "Shipment", "fresh", "open_books", "positions", "receive"]


@dataclass(slots=True)
class Shipment:
    """What is on its way on a lane, and the period in which it is due."""

    lane: LaneKey
    due: int
    lots: Lots


@dataclass(slots=True)
class Books:
    """Stock on hand and under way, who waits, what comes back, prices and customers.

    ``coming_back`` are units due in a period. ``periods_at_price`` counts the periods for which a
    price has been asked; ``reference`` is the price that customers expect.
    """

    on_hand: dict[PlaceKey, Lots]
    under_way: list[Shipment] = field(default_factory=list)
    backlog: dict[PlaceKey, float] = field(default_factory=dict)
    coming_back: list[tuple[int, PlaceKey, float]] = field(default_factory=list)
    price: dict[str, float] = field(default_factory=dict)
    periods_at_price: dict[str, float] = field(default_factory=dict)
    reference: dict[str, float] = field(default_factory=dict)
    satisfaction: dict[str, float] = field(default_factory=dict)
    customers: dict[str, float] = field(default_factory=dict)

    def units(self, key: PlaceKey) -> float:
        """Return the units of a product on hand at a place."""
        return total(self.on_hand[key])

    def on_order(self, lane: LaneKey) -> float:
        """Return the units on a lane."""
        return float(sum(total(each.lots) for each in self.under_way if each.lane == lane))


def fresh(product: Product, units: float) -> Lots:
    """Return units with all their life before them."""
    life = product.shelf_life_periods or math.inf
    return {life: float(units)} if units > 0 else {}


def open_books(shop: Shop, on_hand: Mapping[PlaceKey, float], initial_satisfaction: float) -> Books:
    """Return the books before the first period: fresh stock, list prices, everybody content."""
    keys = [(product, place) for product in shop.products for place in shop.places]
    prices = {product.id: product.list_price for product in shop.products.values()}
    return Books(
        on_hand={key: fresh(shop.products[key[0]], on_hand.get(key, 0.0)) for key in keys},
        backlog={(product, point): 0.0 for product in shop.products for point in shop.points},
        price=dict(prices),
        periods_at_price=dict.fromkeys(prices, math.inf),
        reference=dict(prices),
        satisfaction=dict.fromkeys(shop.points, initial_satisfaction),
        customers=dict.fromkeys(shop.points, 1.0),
    )


def receive(shop: Shop, books: Books, period: int, day: LedgerDay) -> None:
    """(1) Put what is due on the shelf; transfers have the age at which they were sent."""
    for shipment in books.under_way:
        if shipment.due == period:
            product, _, place = shipment.lane
            put(books.on_hand[product, place], shipment.lots)
            day.received[product, place] += total(shipment.lots)
    books.under_way = [each for each in books.under_way if each.due != period]
    for due, key, units in books.coming_back:
        if due == period:
            put(books.on_hand[key], fresh(shop.products[key[0]], units))
            day.came_back[key] += units
    books.coming_back = [each for each in books.coming_back if each[0] != period]


def positions(shop: Shop, books: Books) -> dict[PlaceKey, float]:
    """Return on hand + on order − backlog; what a region waits for belongs to no place."""
    found = {}
    for product, place in books.on_hand:
        on_order = sum(books.on_order(lane) for lane in shop.lanes_into(product, place))
        owed = 0.0 if shop.instance.regions else books.backlog[product, place]
        found[product, place] = books.units((product, place)) + on_order - owed
    return found
