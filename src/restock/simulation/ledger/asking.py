"""(4) Prices are set, and customers ask, given the price and what they remember."""

from restock.problem import PriceRules
from restock.simulation.ledger.books import Books
from restock.simulation.ledger.entries import Happening, LedgerDay, Wishes
from restock.simulation.ledger.responses import Answer
from restock.simulation.ledger.satisfying import Goodwill
from restock.simulation.ledger.shop import Shop

__all__ = ["ask", "set_prices"]

HAIR = 1e-6
"""Relative: a step from 4.2 to 4.3 is one of 0.1."""


def set_prices(shop: Shop, books: Books, wishes: Wishes) -> None:
    """Move each price as near to the wish as its rules allow; without rules it is the list price.

    How long the price has been asked is counted with today.
    """
    for product in shop.products.values():
        old = books.price[product.id]
        price = old
        if product.price_rules is not None and product.id in wishes.prices:
            waited = books.periods_at_price[product.id]
            if waited >= product.price_rules.least_periods_between_changes:
                price = _allowed(product.price_rules, old, wishes.prices[product.id])
        books.price[product.id] = price
        same = price == old
        books.periods_at_price[product.id] = books.periods_at_price[product.id] + 1 if same else 1.0


def ask(
    shop: Shop,
    books: Books,
    happening: Happening,
    answer: Answer | None,
    goodwill: Goodwill | None,
    day: LedgerDay,
) -> None:
    """Write down today's demand."""
    for product in shop.products:
        day.price[product] = books.price[product]
        for point in shop.points:
            key = (product, point)
            units = float(happening.demand[key])
            if answer is not None:
                units = answer.asked(key, units, books.price, books.reference)
            if goodwill is not None:
                units *= goodwill.multiplier(books.satisfaction[point]) * books.customers[point]
            day.demand[key] = units


def _allowed(rules: PriceRules, old: float, wish: float) -> float:
    """Return the price for a wish: within bounds, then a step, then the nearest rung in reach."""
    price = min(max(wish, rules.floor), rules.ceiling)
    price = min(max(price, old - rules.largest_step), old + rules.largest_step)
    if not rules.ladder:
        return price
    reach = rules.largest_step + HAIR * old
    rungs = [rung for rung in rules.ladder if abs(rung - old) <= reach]
    return min(rungs, key=lambda rung: (abs(rung - price), rung), default=old)
