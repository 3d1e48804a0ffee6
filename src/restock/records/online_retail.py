"""Preset ``online-retail``: the raw order lines of a British giftware shop, 2010–2011.

Source: D. Chen, "Online Retail", UCI Machine Learning Repository, 2015, doi:10.24432/C5BW33;
read from its XLSX, from a CSV of it, or from Parquet. What becomes of a line, in this order:

1. It repeats another in every column: merged into it (so are, after step 4, lines that differ
   only in their description or in the case of their code).
2. Its code is no product (postage, fees, vouchers, manual entries): quarantined. A product code is
   five digits and up to two letters; the case of the letters varies and is made upper.
3. Its quantity is negative outside a cancellation: a stock adjustment, quarantined.
4. Its price is 0 or less: a gift, a loss or a correction, quarantined.
5. It is an order taken back within 24 hours by a cancellation of the same customer, product,
   quantity and price, or that cancellation: both quarantined. Nothing left the house, and nobody
   wanted it; among them are the two orders of over 74,000 units.
6. It falls on the file's last day, which breaks off at noon: quarantined, the day closed.
7. It is any other cancellation: a return. It is merged into ``sales.returned_units`` of its day
   and lowers no demand: who sent a thing back had asked for it. Returns of products that have no
   sale left are quarantined.

What is left are order lines; sales, list prices, products and the calendar follow from them.
"""

from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl

from restock.errors import InputError, require
from restock.records.deriving import (
    calendar_of_sales,
    list_prices_of_orders,
    products_of_sales,
    sales_of_orders,
)
from restock.records.files import read_raw
from restock.records.intake import ROW, Intake, Rule
from restock.records.quality import QualityReport
from restock.records.rows import admit
from restock.records.schemas import TABLES, Table
from restock.records.tables import Records

__all__ = ["read_online_retail"]

PRODUCT_CODE = r"^\d{5}[A-Z]{0,2}$"
SPELLINGS = ("stock_code", "description")
TAKEN_BACK_WITHIN = timedelta(hours=24)


class _Lines(dy.Schema):
    """The file's columns as they are; prices and quantities of any sign."""

    invoice_no = dy.String(min_length=1)
    stock_code = dy.String(min_length=1)
    description = dy.String(nullable=True)
    quantity = dy.Float64()
    invoice_date = dy.Datetime()
    unit_price = dy.Float64()
    customer_id = dy.String(nullable=True)
    country = dy.String(nullable=True)


def read_online_retail(path: Path) -> Records:
    """Read the raw file into records; see the module's text for what becomes of each line.

    Unit costs, lead times and stock are not in the file and stay unknown.

    Raises :class:`InputError` when the file is missing or not this data set.
    """
    intake = admit(read_raw(path, Table(_Lines).columns), "orders", Table(_Lines), month_first=True)
    require(
        intake.frame.height > 0,
        InputError,
        f"{path} holds no readable order line. Check that it is the raw Online Retail file.",
    )
    _unify_codes(intake)
    names = intake.frame.select("product_id", "description")
    _refuse_what_is_no_sale(intake)
    _merge_spellings(intake)
    _refuse_taken_back(intake)
    half_day = _refuse_half_day(intake)
    returns = _merge_returns(intake)
    intake.frame = intake.frame.rename(
        {"invoice_no": "order_id", "invoice_date": "ordered_at", "quantity": "units"}
        | {"country": "region"}
    )
    return _assemble(intake, names, returns, half_day)


def _unify_codes(intake: Intake) -> None:
    code = pl.col("stock_code").str.to_uppercase()
    intake.flag(
        (pl.col("stock_code") != code) & code.str.contains(PRODUCT_CODE),
        Rule("stock_code", "product codes are the same in either case", "Nothing to do."),
    )
    identity = pl.col("customer_id").str.strip_suffix(".0")
    intake.frame = intake.frame.with_columns(code.alias("product_id"), identity)


def _refuse_what_is_no_sale(intake: Intake) -> None:
    cancelled = pl.col("invoice_no").str.starts_with("C")
    intake.quarantine(
        ~pl.col("product_id").str.contains(PRODUCT_CODE),
        Rule(
            "stock_code",
            "a product code is five digits and up to two letters; this is a fee, a voucher or a"
            " manual entry",
            "Nothing to do, unless it is a product: then give it such a code.",
        ),
    )
    intake.quarantine(
        (pl.col("quantity") <= 0) & ~cancelled,
        Rule(
            "quantity",
            "a quantity is negative only on a cancellation; this is a stock adjustment",
            "Nothing to do: adjustments are no demand.",
        ),
    )
    intake.quarantine(
        (pl.col("quantity") >= 0) & cancelled,
        Rule(
            "quantity",
            "a cancellation has a negative quantity",
            "Correct the sign or the invoice number.",
        ),
    )
    intake.quarantine(
        pl.col("unit_price") <= 0,
        Rule(
            "unit_price",
            "a sale has a price > 0; this is a gift, a loss or a correction",
            "Enter the price if the line was a sale.",
        ),
    )


def _merge_spellings(intake: Intake) -> None:
    columns = [name for name in intake.frame.columns if name not in {ROW, *SPELLINGS}]
    intake.merge(
        ~pl.struct(columns).is_first_distinct(),
        Rule(
            "stock_code",
            "a line that repeats another but for its description or the case of its code counts"
            " once",
            "Nothing to do, unless the repetition is meant: then sum the lines.",
        ),
    )


def _refuse_taken_back(intake: Intake) -> None:
    """Set aside orders that were cancelled as a whole within a day, and their cancellations.

    Each cancellation takes the customer's latest open order of the same product, quantity and
    price; an order is taken back once.
    """
    same = ["customer_id", "product_id", "unit_price", "size"]
    lines = intake.frame.select(
        ROW,
        "invoice_no",
        "invoice_date",
        "product_id",
        "unit_price",
        pl.col("customer_id").fill_null(""),
        pl.col("quantity").abs().alias("size"),
    ).sort("invoice_date", ROW)
    cancelled = pl.col("invoice_no").str.starts_with("C")
    pairs = (
        lines.filter(cancelled)
        .join_asof(
            lines.filter(~cancelled).rename({ROW: "order row"}),
            on="invoice_date",
            by=same,
            strategy="backward",
            tolerance=TAKEN_BACK_WITHIN,
            check_sortedness=False,
        )
        .drop_nulls("order row")
        .unique("order row", keep="first", maintain_order=True)
    )
    rows = pl.concat([pairs[ROW], pairs["order row"]])
    intake.quarantine(
        pl.col(ROW).is_in(rows.implode()),
        Rule(
            "quantity",
            "an order taken back whole within 24 hours is no demand; order and cancellation are"
            " set aside",
            "Nothing to do.",
        ),
    )


def _refuse_half_day(intake: Intake) -> date | None:
    """Set aside the last day if it breaks off before any other day's last order."""
    closing = intake.frame.group_by(pl.col("invoice_date").dt.date().alias("day")).agg(
        pl.col("invoice_date").dt.time().max().alias("last")
    )
    closing = closing.sort("day")
    if closing.height < 2 or closing["last"][-1] >= closing["last"][:-1].min():
        return None
    day: date = closing["day"][-1]
    intake.quarantine(
        pl.col("invoice_date").dt.date() == day,
        Rule(
            "invoice_date",
            f"the last day, {day}, breaks off at {closing['last'][-1]}, before any other day's"
            " last order: half a day's sales are no day's demand",
            "Nothing to do, or add the rest of the day.",
        ),
    )
    return day


def _merge_returns(intake: Intake) -> pl.DataFrame:
    cancelled = pl.col("invoice_no").str.starts_with("C")
    intake.quarantine(
        cancelled.all().over("product_id"),
        Rule(
            "stock_code",
            "a returned product must have a sale on record; this one was sold before, if ever",
            "Nothing to do.",
        ),
    )
    taken = intake.merge(
        cancelled,
        Rule(
            "quantity",
            "a cancellation is a return: it is noted in sales.returned_units of its day and lowers"
            " no demand",
            "Nothing to do.",
        ),
    )
    return taken.select(
        pl.col("invoice_date").dt.date().alias("date"),
        "product_id",
        (-pl.col("quantity")).alias("returned_units"),
    )


def _assemble(
    intake: Intake, names: pl.DataFrame, returns: pl.DataFrame, half_day: date | None
) -> Records:
    orders = intake.frame = intake.frame.select(TABLES["orders"].columns)
    sales = sales_of_orders(orders, returns)
    prices = list_prices_of_orders(orders)
    calendar = _calendar(sales, half_day)
    closed = calendar.filter(~pl.col("is_open"))
    if closed.height:
        intake.remark(
            "days without an order are closed days",
            closed.height,
            f"{closed['date'][0]}: {closed['event'][0]}",
            "Nothing to do: lead times and windows count open days.",
        )
    products = (
        products_of_sales(sales, prices)
        .drop("name")
        .join(_names(names), on="product_id", how="left", maintain_order="left")
    )
    return Records.assemble(
        {
            "orders": orders,
            "sales": sales,
            "prices": prices,
            "calendar": calendar,
            "products": products.select(TABLES["products"].columns),
        },
        QualityReport(
            (intake.account(),),
            ("unit costs, lead times and stock are not in this file; they must be assumed",),
        ),
        intake.set_aside(),
    )


def _calendar(sales: pl.DataFrame, half_day: date | None) -> pl.DataFrame:
    calendar = calendar_of_sales(sales, until=half_day)
    day = pl.col("date")
    turn = ((day.dt.month() == 12) & (day.dt.day() >= 24)) | (
        (day.dt.month() == 1) & (day.dt.day() <= 3)
    )
    reason = (
        pl.when(pl.col("is_open"))
        .then(None)
        .when(day == pl.lit(half_day, dtype=pl.Date))
        .then(pl.lit("half a day on record"))
        .when(turn)
        .then(pl.lit("closed at the turn of the year"))
        .when(day.dt.weekday() == 6)
        .then(pl.lit("closed on Saturdays"))
        .otherwise(pl.lit("no order on record"))
    )
    return calendar.with_columns(reason.alias("event"))


def _names(lines: pl.DataFrame) -> pl.DataFrame:
    """Return each product's commonest description."""
    counted = lines.drop_nulls().group_by("product_id", "description").len()
    return (
        counted.sort("len", "description")
        .group_by("product_id")
        .agg(pl.col("description").last().alias("name"))
    )
