"""(6) Goods come back and expire, the day is charged."""

from restock.simulation.ledger.books import Books
from restock.simulation.ledger.buying import DUST_UNITS
from restock.simulation.ledger.entries import LedgerDay
from restock.simulation.ledger.shelf import turn_a_day_older
from restock.simulation.ledger.shop import Shop

__all__ = ["charge", "expect_returns", "let_expire"]


def expect_returns(shop: Shop, books: Books, period: int, day: LedgerDay) -> None:
    """Send a share of today's sales back to where they came from, at today's price."""
    for key, units in day.sold.items():
        product = shop.products[key[0]]
        day.returned[key] = product.return_share * units
        day.refund[product.id] += books.price[product.id] * day.returned[key]
        if day.returned[key] > 0:
            due = period + product.return_delay_periods
            books.coming_back.append((due, key, day.returned[key]))


def let_expire(shop: Shop, books: Books, day: LedgerDay) -> None:
    """Throw away what has no life left."""
    for key, lots in books.on_hand.items():
        day.expired[key] = turn_a_day_older(lots)
        day.waste_cost[key] = shop.products[key[0]].waste_cost * day.expired[key]


def charge(shop: Shop, books: Books, day: LedgerDay) -> None:
    """Charge what is left, what was missing and what was ordered; count the day's takings."""
    for key, cost in shop.holding_cost.items():
        day.on_hand[key] = books.units(key)
        day.holding_cost[key] = cost * day.on_hand[key]
    for key, cost in shop.shortage_cost.items():
        day.shortage_cost[key] = cost * day.short[key]
    for way, lane in shop.lanes.items():
        units = day.ordered[way]
        day.on_order[way] = books.on_order(way)
        day.fixed_cost[way] = lane.fixed_order_cost if units > DUST_UNITS else 0.0
        day.lane_cost[way] = lane.unit_cost * units
        if shop.is_from_outside(way):
            day.purchases[way] = shop.products[way[0]].unit_cost * units
    for product in shop.products:
        sold = sum(units for key, units in day.sold.items() if key[0] == product)
        day.revenue[product] = books.price[product] * sold - day.refund[product]
