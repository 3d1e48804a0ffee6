from __future__ import annotations

from datetime import date, datetime

import polars as pl

from restock.records import TABLES
from restock.records.deriving import (
    calendar_of_sales,
    list_prices_of_orders,
    list_prices_of_sales,
    sales_of_orders,
)


def orders(*lines: tuple[int, str, float, float, str | None]) -> pl.DataFrame:
    rows = [
        (str(number), datetime(2025, 1, day, 10), product, units, price, customer, None)  # noqa: DTZ001
        for number, (day, product, units, price, customer) in enumerate(lines)
    ]
    return pl.DataFrame(rows, schema=TABLES["orders"].types(), orient="row")


def test_quantity_breaks_do_not_move_the_list_price() -> None:
    # Monday 6 January: three lines at list, one large one below it, two anonymous ones above.
    lines = orders(
        (6, "A", 1, 2.0, "x"),
        (6, "A", 1, 2.0, "y"),
        (7, "A", 100, 1.7, "z"),
        (8, "A", 1, 4.0, None),
        (8, "A", 1, 4.0, None),
        (8, "A", 1, 4.0, None),
    )
    assert list_prices_of_orders(lines)["list_price"].to_list() == [2.0]


def test_a_list_price_is_noted_when_it_changes_and_only_then() -> None:
    lines = orders(
        (6, "A", 1, 2.0, "x"),
        (13, "A", 1, 2.0, "x"),
        (21, "A", 1, 2.5, "x"),
        (28, "A", 1, 2.5, "x"),
    )
    found = list_prices_of_orders(lines).select("date", "list_price").rows()
    assert found == [(date(2025, 1, 6), 2.0), (date(2025, 1, 21), 2.5)]


def test_a_product_that_only_anonymous_customers_bought_has_their_price() -> None:
    assert list_prices_of_orders(orders((6, "A", 1, 4.0, None)))["list_price"].to_list() == [4.0]


def test_returns_are_noted_and_lower_no_units_sold() -> None:
    back = pl.DataFrame({"date": [date(2025, 1, 7)], "product_id": ["A"], "returned_units": [5.0]})
    sales = sales_of_orders(orders((6, "A", 3, 2.0, "x")), back)
    assert sales.select("units", "returned_units").rows() == [(3.0, 0.0), (0.0, 5.0)]


def test_prices_follow_from_revenue_where_nothing_better_is_known() -> None:
    sales = pl.DataFrame(
        [(date(2025, 1, 6), "A", 4.0, 10.0, 0.0)], schema=TABLES["sales"].types(), orient="row"
    )
    assert list_prices_of_sales(sales)["list_price"].to_list() == [2.5]


def test_a_day_without_a_sale_is_closed_unless_the_calendar_knows_it() -> None:
    sales = sales_of_orders(orders((6, "A", 1, 2.0, "x"), (9, "A", 1, 2.0, "x")))
    assert calendar_of_sales(sales)["is_open"].to_list() == [True, False, False, True]
    known = pl.DataFrame(
        [(date(2025, 1, 7), True, "slow day")], schema=TABLES["calendar"].types(), orient="row"
    )
    assert calendar_of_sales(sales, known)["is_open"].to_list() == [True, True, False, True]
