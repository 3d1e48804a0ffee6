"""(6) Customers remember how they were served, and come back or not."""

import math
from dataclasses import dataclass

from restock.simulation.ledger.books import Books
from restock.simulation.ledger.entries import LedgerDay
from restock.simulation.ledger.shop import Shop

__all__ = ["Goodwill", "remember"]

LEAST_SATISFACTION = 1e-6
"""What a power is taken of at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodwill:
    """How service is judged and remembered, and what follows.

    A day's score is ``fill_rate`` × the share found in stock + ``punctuality`` × exp(−mean delay /
    ``lateness_tolerance_periods``) + ``whole_orders`` × the share of orders in one parcel +
    ``fair_price`` × exp(−overprice / ``price_tolerance``), the four being weights; satisfaction
    moves towards it by the share ``smoothing``. Demand is multiplied by (s / s₀)^``exponent`` and
    by (1 + ``slope`` (s − s₀))⁺, s₀ being ``initial``. Of the customers, ``stay_at_worst`` to
    ``stay_at_best`` are there in the next period, and ``newcomers`` beside them.
    """

    smoothing: float
    initial: float
    fill_rate: float = 1.0
    punctuality: float = 0.0
    whole_orders: float = 0.0
    fair_price: float = 0.0
    lateness_tolerance_periods: float = 3.0
    price_tolerance: float = 0.2
    exponent: float = 0.0
    slope: float = 0.0
    stay_at_worst: float = 1.0
    stay_at_best: float = 1.0
    newcomers: float = 0.0

    def multiplier(self, satisfaction: float) -> float:
        """Return what demand is multiplied by.

        >>> Goodwill(smoothing=0.1, initial=0.8, exponent=2.0).multiplier(0.4)
        0.25
        """
        power = (max(satisfaction, LEAST_SATISFACTION) / self.initial) ** self.exponent
        return float(power * max(1 + self.slope * (satisfaction - self.initial), 0.0))

    def score(self, filled: float, delay: float, split: float, overprice: float) -> float:
        """Return a day's experience in [0, 1].

        >>> Goodwill(smoothing=0.1, initial=0.8).score(0.75, 9.0, 1.0, 1.0)
        0.75
        """
        return (
            self.fill_rate * filled
            + self.punctuality * math.exp(-delay / self.lateness_tolerance_periods)
            + self.whole_orders * (1 - split)
            + self.fair_price * math.exp(-overprice / self.price_tolerance)
        )

    def next_customers(self, number: float, satisfaction: float) -> float:
        """Return the customers of the next period.

        >>> loyal = Goodwill(smoothing=0.1, initial=0.8, stay_at_worst=0.5, newcomers=0.25)
        >>> loyal.next_customers(2.0, 0.5)
        1.75
        """
        stay = self.stay_at_worst + (self.stay_at_best - self.stay_at_worst) * satisfaction
        return number * stay + self.newcomers


def remember(shop: Shop, books: Books, goodwill: Goodwill, day: LedgerDay) -> None:
    """Let satisfaction move where anybody asked for anything, and customers with it."""
    for point in shop.points:
        asked = sum(day.demand[product, point] for product in shop.products)
        if asked > 0:
            score = _score_of(shop, books, goodwill, day, point, asked)
            books.satisfaction[point] += goodwill.smoothing * (score - books.satisfaction[point])
        books.customers[point] = goodwill.next_customers(
            books.customers[point], books.satisfaction[point]
        )
        day.satisfaction[point] = books.satisfaction[point]
        day.customers[point] = books.customers[point]


def _score_of(
    shop: Shop, books: Books, goodwill: Goodwill, day: LedgerDay, point: str, asked: float
) -> float:
    short = sum(day.short[product, point] for product in shop.products)
    delay = sum(day.delay[product, point] for product in shop.products)
    # dear and cheap products weigh by what is asked of them
    price_ratio = sum(
        day.demand[product.id, point] * books.price[product.id] / product.list_price
        for product in shop.products.values()
        if product.list_price > 0
    )
    return goodwill.score(
        filled=min(max(1 - short / asked, 0.0), 1.0),
        delay=delay / asked,
        split=day.split_share[point],
        overprice=max(price_ratio / asked - 1, 0.0),
    )
