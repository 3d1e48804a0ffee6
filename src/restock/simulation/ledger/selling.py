"""(5) Demand is served, who waits first; the rest is lost, waits or takes a substitute."""

from collections.abc import Mapping

from restock.simulation.ledger.books import Books
from restock.simulation.ledger.delivering import book_parcels, deliver
from restock.simulation.ledger.entries import LedgerDay, PlaceKey, RouteKey, Wishes
from restock.simulation.ledger.shelf import take
from restock.simulation.ledger.shop import Shop

__all__ = ["sell"]

Units = dict[PlaceKey, float]
Parcels = dict[RouteKey, float]


def sell(shop: Shop, books: Books, wishes: Wishes, day: LedgerDay) -> None:
    """Serve everybody as far as stock goes, and take what was sold off the shelf."""
    before = {key: books.units(key) for key in books.on_hand}
    left = dict(before)
    parcels = _serve(shop, books, wishes, left, day)
    if shop.instance.substitutes:
        parcels = _together(parcels, _offer_substitutes(shop, wishes, left, day))
    if shop.instance.regions:
        book_parcels(shop, parcels, day)
    for key, lots in books.on_hand.items():
        day.sold[key] = before[key] - left[key]
        take(lots, day.sold[key], shop.products[key[0]].fifo_share)


def _serve(shop: Shop, books: Books, wishes: Wishes, left: Units, day: LedgerDay) -> Parcels:
    """Serve who waits, then who asks today; of these the lost share leaves, the rest waits."""
    waiting, parcels = _fulfil(shop, wishes, books.backlog, left)
    unmet, more = _fulfil(shop, wishes, day.demand, left)
    for key, units in unmet.items():
        day.lost[key] = shop.products[key[0]].lost_share * units
        books.backlog[key] = waiting[key] + units - day.lost[key]
        day.backlog[key] = books.backlog[key]
        day.short[key] = day.lost[key] + books.backlog[key]
    return _together(parcels, more)


def _fulfil(
    shop: Shop, wishes: Wishes, wanted: Mapping[PlaceKey, float], left: Units
) -> tuple[Units, Parcels]:
    """Return what is lacking, and the parcels where regions ask."""
    lacking: Units = {}
    parcels: Parcels = {}
    for product in shop.products:
        units = {point: wanted[product, point] for point in shop.points}
        if shop.instance.regions:
            sent, lack = deliver(shop, product, left, units, wishes)
            parcels |= sent
            lacking |= {(product, point): lack[point] for point in shop.points}
            continue
        for point, asked in units.items():
            served = min(left[product, point], asked)
            left[product, point] -= served
            lacking[product, point] = asked - served
    return lacking, parcels


def _offer_substitutes(shop: Shop, wishes: Wishes, left: Units, day: LedgerDay) -> Parcels:
    """Let customers who would leave ask once for another product; return its parcels."""
    asked = dict.fromkeys(day.lost, 0.0)
    switching = []
    for row in shop.instance.substitutes:
        shown = wishes.proposals.get((row.product_id, row.substitute_id), 0.0)
        share = row.spontaneous_share + shown * (row.accepted_share - row.spontaneous_share)
        for point in shop.points:
            units = share * day.lost[row.product_id, point]
            asked[row.substitute_id, point] += units
            switching.append(((row.product_id, point), (row.substitute_id, point), units))
    lacking, parcels = _fulfil(shop, wishes, asked, left)
    for key, units in asked.items():
        day.substituted[key] = units - lacking[key]
    for key, substitute, units in switching:
        if asked[substitute] > 0:
            day.saved[key] += units * day.substituted[substitute] / asked[substitute]
    for key, units in day.saved.items():
        day.lost[key] = max(day.lost[key] - units, 0.0)
        day.short[key] = max(day.short[key] - units, 0.0)
    return parcels


def _together(some: Mapping[RouteKey, float], more: Mapping[RouteKey, float]) -> Parcels:
    """Put into one parcel what goes the same way on the same day."""
    return {route: some.get(route, 0.0) + more.get(route, 0.0) for route in {**some, **more}}
