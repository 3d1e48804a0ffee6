"""(3) Orders enter their lanes: first what comes from outside, then what places send on."""

from collections.abc import Mapping

from restock.simulation.ledger.books import Books, Shipment, fresh
from restock.simulation.ledger.buying import at_most
from restock.simulation.ledger.entries import Happening, LaneKey, LedgerDay, PlaceKey, Wishes
from restock.simulation.ledger.sharing import by_cover, by_weight, in_proportion, in_whole_units
from restock.simulation.ledger.shelf import Lots, put, take, total
from restock.simulation.ledger.shop import Shop

__all__ = ["ship"]


def ship(
    shop: Shop,
    books: Books,
    orders: Mapping[LaneKey, float],
    positions: Mapping[PlaceKey, float],
    wishes: Wishes,
    happening: Happening,
    period: int,
    day: LedgerDay,
) -> None:
    """Send what is ordered and there; who sends on has by then what arrives at once."""
    for key, units in orders.items():
        if shop.is_from_outside(key):
            _send(shop, books, key, fresh(shop.products[key[0]], units), happening, period, day)
    for product, senders in shop.senders.items():
        for place in senders:
            wanted = {key: orders[key] for key in shop.lanes_out_of(product, place)}
            shares = _shares(shop, books, wanted, positions, wishes, happening)
            for key, lots in _pick(shop, books, (product, place), shares).items():
                _send(shop, books, key, lots, happening, period, day)


def _send(
    shop: Shop,
    books: Books,
    lane: LaneKey,
    lots: Lots,
    happening: Happening,
    period: int,
    day: LedgerDay,
) -> None:
    lead_time = happening.lead_times.get(lane, shop.lanes[lane].lead_time_periods)
    day.ordered[lane] = total(lots)
    if lead_time == 0:
        put(books.on_hand[lane[0], lane[2]], lots)
        day.received[lane[0], lane[2]] += total(lots)
    elif lots:
        books.under_way.append(Shipment(lane, period + lead_time, lots))


def _shares(
    shop: Shop,
    books: Books,
    wanted: Mapping[LaneKey, float],
    positions: Mapping[PlaceKey, float],
    wishes: Wishes,
    happening: Happening,
) -> dict[LaneKey, float]:
    """Return the units for each lane that leaves a place, as many as it has at most."""
    product, place, _ = next(iter(wanted))
    available = books.units((product, place))
    if wishes.weights is not None:
        shares = by_weight(wanted, available, wishes.weights)
    elif shop.instance.rationing == "least_cover":
        rates = {key: _expected(shop, key, happening) for key in wanted}
        there = {key: positions[product, key[2]] for key in wanted}
        shares = by_cover(wanted, available, there, rates)
    else:
        shares = in_proportion(wanted, available)
    return _in_units_of_lanes(shop, shares)


def _expected(shop: Shop, lane: LaneKey, happening: Happening) -> float:
    """Return the demand per period that a lane's destination and all it supplies count with."""
    served = shop.supplied_through(lane[0], lane[2])
    if happening.expected is None or shop.instance.regions:
        return float(len(served))
    return sum(happening.expected[lane[0], place] for place in served)


def _in_units_of_lanes(shop: Shop, shares: Mapping[LaneKey, float]) -> dict[LaneKey, float]:
    """Round shares: single units so that few are left over, packs each on its own."""
    singly = {
        key: share
        for key, share in shares.items()
        if (shop.lanes[key].case_pack_units, shop.lanes[key].minimum_units) == (1, 0)
    }
    cut = {key: at_most(shop.lanes[key], share) for key, share in shares.items()}
    return cut | in_whole_units(singly)


def _pick(
    shop: Shop, books: Books, key: PlaceKey, shares: Mapping[LaneKey, float]
) -> dict[LaneKey, Lots]:
    """Take the units off the shelf together, and give every lane the same mixture of ages."""
    out = sum(shares.values())
    if out <= 0:
        return {lane: {} for lane in shares}
    picked = take(books.on_hand[key], out, shop.products[key[0]].fifo_share)
    return {
        lane: {life: units * share / out for life, units in picked.items() if share > 0}
        for lane, share in shares.items()
    }
