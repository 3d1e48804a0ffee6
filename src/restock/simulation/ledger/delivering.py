"""(5) Regions ask, places deliver: parcels, what they cost and how long they take."""

from collections.abc import Mapping

from restock.simulation.ledger.entries import LedgerDay, PlaceKey, RouteKey, Wishes
from restock.simulation.ledger.sharing import in_proportion, in_whole_units
from restock.simulation.ledger.shop import Shop

__all__ = ["book_parcels", "deliver"]

LEAST_PARCEL_UNITS = 1e-6
"""Less than this is rounding, and no parcel."""
LEAST_REMAINDER = 1e-5
"""Shares that sum to one within this leave nothing over."""
HAIR_UNITS = 1e-6
"""2.9999999 units are three."""


def deliver(
    shop: Shop,
    product: str,
    left: dict[PlaceKey, float],
    wanted: Mapping[str, float],
    wishes: Wishes,
) -> tuple[dict[RouteKey, float], dict[str, float]]:
    """Take what regions want off what is ``left``; return the parcels and what is lacking."""
    parcels: dict[RouteKey, float] = {}
    lacking = dict(wanted)
    if wishes.shares is not None:
        lacking = _by_share(shop, product, left, lacking, wishes.shares, parcels)
    lists = {region: _choices(shop, product, region, wishes) for region in wanted}
    for turn in range(max(map(len, lists.values()))):
        asked: dict[str, dict[str, float]] = {}
        for region, places in lists.items():
            if turn < len(places):
                units = _in_parcels(shop, lacking[region])
                asked.setdefault(places[turn], {})[region] = units
        for place, wishes_here in asked.items():
            for region, units in _give(shop, product, place, left, wishes_here, parcels).items():
                lacking[region] = max(lacking[region] - units, 0.0)
    return parcels, lacking


def book_parcels(shop: Shop, parcels: Mapping[RouteKey, float], day: LedgerDay) -> None:
    """Write down what a day's parcels cost and how they came, one parcel for each route."""
    day.parcels.update(parcels)
    for (product, region, place), units in parcels.items():
        way = shop.ways[region, place]
        delay = max(way.transit_periods - _promise(shop, region), 0.0)
        day.shipping_cost[product] += way.cost_per_unit * units
        if units > LEAST_PARCEL_UNITS:
            day.shipping_cost[product] += way.cost_per_shipment
        day.late[product, region] += units if delay > 0 else 0.0
        day.delay[product, region] += units * delay
    for region in shop.points:
        mine = {key: units for key, units in parcels.items() if key[1] == region}
        opened = [key[0] for key, units in mine.items() if units > LEAST_PARCEL_UNITS]
        split = [product for product in set(opened) if opened.count(product) > 1]
        travelled = sum(mine[key] * shop.ways[region, key[2]].transit_periods for key in mine)
        day.split_share[region] = len(split) / max(len(set(opened)), 1)
        day.transit_periods[region] = travelled / sum(mine.values()) if mine else 0.0


def _choices(shop: Shop, product: str, region: str, wishes: Wishes) -> list[str]:
    """Return the places that serve a region, by score or by what a parcel of one unit costs."""
    places = [place for place in shop.places if (region, place) in shop.ways]
    scores = wishes.scores
    if scores is not None:
        return sorted(places, key=lambda place: scores[product, region, place])
    ways = {place: shop.ways[region, place] for place in places}
    return sorted(places, key=lambda each: ways[each].cost_per_unit + ways[each].cost_per_shipment)


def _by_share(
    shop: Shop,
    product: str,
    left: dict[PlaceKey, float],
    wanted: Mapping[str, float],
    shares: Mapping[RouteKey, float],
    parcels: dict[RouteKey, float],
) -> dict[str, float]:
    """Ask all places at once, each for its share; return what is lacking then."""
    parts: dict[str, dict[str, float]] = {place: {} for place in shop.places}
    lacking = {}
    for region, units in wanted.items():
        reachable = [place for place in shop.places if (region, place) in shop.ways]
        here = {place: shares[product, region, place] for place in reachable}
        in_all = sum(here.values())
        is_all = in_all > 1 - LEAST_REMAINDER
        asked = {place: units * share / (in_all if is_all else 1) for place, share in here.items()}
        lacking[region] = 0.0 if is_all else units * (1 - in_all)
        if shop.parcels_are_whole:
            asked = in_whole_units(asked)
            lacking[region] = max(units - sum(asked.values()), 0.0)
        for place, part in asked.items():
            parts[place][region] = part
    for place, asked_here in parts.items():
        got = _give(shop, product, place, left, asked_here, parcels)
        for region, part in asked_here.items():
            lacking[region] += max(part - got[region], 0.0)
    return lacking


def _give(
    shop: Shop,
    product: str,
    place: str,
    left: dict[PlaceKey, float],
    asked: Mapping[str, float],
    parcels: dict[RouteKey, float],
) -> dict[str, float]:
    """Give the regions that ask a place what it has, everybody the same share."""
    given = in_proportion(asked, left[product, place])
    if shop.parcels_are_whole:
        given = in_whole_units(given)
    for region, units in given.items():
        if units > 0:
            route = (product, region, place)
            parcels[route] = parcels.get(route, 0.0) + units
    left[product, place] = max(left[product, place] - sum(given.values()), 0.0)
    return given


def _in_parcels(shop: Shop, units: float) -> float:
    return float(int(units + HAIR_UNITS)) if shop.parcels_are_whole else units


def _promise(shop: Shop, region: str) -> float:
    return next(each.promise_periods for each in shop.instance.regions if each.id == region)
