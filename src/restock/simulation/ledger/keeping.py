"""The order in which things happen: every period of a run, booked one event after the other."""

from collections.abc import Callable, Mapping, Sequence

from restock.problem import Instance
from restock.simulation.ledger.asking import ask, set_prices
from restock.simulation.ledger.books import Books, open_books, positions, receive
from restock.simulation.ledger.buying import feasible_orders
from restock.simulation.ledger.closing import charge, expect_returns, let_expire
from restock.simulation.ledger.entries import Happening, LedgerDay, PlaceKey, Wishes
from restock.simulation.ledger.responses import Answer
from restock.simulation.ledger.satisfying import Goodwill, remember
from restock.simulation.ledger.selling import sell
from restock.simulation.ledger.shipping import ship
from restock.simulation.ledger.shop import Shop, blank_day, open_shop

__all__ = ["keep_ledger"]

Rule = Callable[[int, Mapping[PlaceKey, float]], Wishes]


def keep_ledger(
    instance: Instance,
    happenings: Sequence[Happening],
    rule: Rule,
    *,
    on_hand: Mapping[PlaceKey, float] | None = None,
    answer: Answer | None = None,
    goodwill: Goodwill | None = None,
    first_period: int = 0,
) -> list[LedgerDay]:
    """Book every period of ``happenings`` under ``rule(period, positions)``.

    ``on_hand`` are the units that a run begins with, by product and location. ``positions`` are
    units on hand + on order − backlog, by product and location, after the arrivals of the period.
    ``answer`` is how customers answer prices and ``goodwill`` how they remember service.
    ``first_period`` counts the periods before the first of these, for order days. The order of
    events is that of the design, steps 1 to 6.

    >>> from restock.problem import Product
    >>> from restock.simulation.ledger import Wish
    >>> shop = Instance.single_location([Product(id="tea", holding_cost=1, shortage_cost=4)], 1)
    >>> always_four = Wishes({("tea", "supplier", "shop"): Wish(4)})
    >>> days = keep_ledger(
    ...     shop,
    ...     [Happening({("tea", "shop"): 3}), Happening({("tea", "shop"): 5})],
    ...     lambda period, positions: always_four,
    ... )
    >>> tea, lane = ("tea", "shop"), ("tea", "supplier", "shop")
    >>> [(day.received[tea], day.ordered[lane], day.sold[tea], day.lost[tea]) for day in days]
    [(0.0, 4.0, 0.0, 3.0), (4.0, 0.0, 4.0, 1.0)]
    """
    shop = open_shop(instance, customers_respond=answer is not None or goodwill is not None)
    books = open_books(shop, on_hand or {}, 1.0 if goodwill is None else goodwill.initial)
    return [
        _keep_day(shop, books, happening, rule, answer, goodwill, first_period + n)
        for n, happening in enumerate(happenings)
    ]


def _keep_day(
    shop: Shop,
    books: Books,
    happening: Happening,
    rule: Rule,
    answer: Answer | None,
    goodwill: Goodwill | None,
    period: int,
) -> LedgerDay:
    day = blank_day(shop)
    receive(shop, books, period, day)
    position = positions(shop, books)
    wishes = rule(period, position)
    orders = feasible_orders(shop, books, position, wishes, happening, period)
    ship(shop, books, orders, position, wishes, happening, period, day)
    set_prices(shop, books, wishes)
    ask(shop, books, happening, answer, goodwill, day)
    sell(shop, books, wishes, day)
    expect_returns(shop, books, period, day)
    let_expire(shop, books, day)
    charge(shop, books, day)
    if answer is not None:
        for product, price in books.price.items():
            expected = books.reference[product]
            books.reference[product] = answer.next_reference(product, price, expected)
    if goodwill is not None:
        remember(shop, books, goodwill, day)
    return day
