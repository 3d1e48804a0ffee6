"""Rules between tables: products exist and have a price, closed days have no sales."""

from collections.abc import Mapping

import polars as pl

from restock.records.intake import Intake, Rule

__all__ = ["check_consistency"]


def check_consistency(intakes: Mapping[str, Intake]) -> None:
    """Quarantine the rows that contradict another table.

    A product must have a price somewhere: its list price, a row of prices, or a sale with money.
    The rows of other tables must name a product that is left, and sales must lie on open days.
    """
    if "products" in intakes and intakes["products"].rows_in:
        _refuse_unpriced(intakes)
        _refuse_unknown_products(intakes)
    if "calendar" in intakes:
        _refuse_closed_days(intakes)


def _refuse_unpriced(intakes: Mapping[str, Intake]) -> None:
    sources = [
        ("prices", pl.col("product_id").is_not_null()),
        ("sales", (pl.col("revenue") > 0) & (pl.col("units") > 0)),
        ("orders", pl.col("unit_price") > 0),
    ]
    priced = [
        intakes[name].frame.filter(has)["product_id"] for name, has in sources if name in intakes
    ]
    known = pl.concat([pl.Series("product_id", [], dtype=pl.String), *priced]).unique()
    products = intakes["products"]
    unpriced = pl.col("list_price").is_null() & ~pl.col("product_id").is_in(known.implode())
    ids = products.frame.filter(unpriced)["product_id"].implode()
    mend = "Enter `list_price` in table products, or prices in table prices."
    rule = "every product needs a price > 0"
    products.quarantine(unpriced, Rule("product_id", rule, mend))
    for name, intake in intakes.items():
        if name != "products" and "product_id" in intake.frame.columns:
            about = f"{rule}, or its rows in '{name}' cannot be used"
            intake.quarantine(pl.col("product_id").is_in(ids), Rule("product_id", about, mend))


def _refuse_unknown_products(intakes: Mapping[str, Intake]) -> None:
    known = intakes["products"].frame["product_id"].implode()
    rule = Rule(
        "product_id",
        "`product_id` must be among the usable rows of table products",
        "Add the product to table products or correct the id.",
    )
    for intake in intakes.values():
        if "product_id" in intake.frame.columns:
            intake.quarantine(~pl.col("product_id").is_in(known), rule)


def _refuse_closed_days(intakes: Mapping[str, Intake]) -> None:
    closed = intakes["calendar"].frame.filter(~pl.col("is_open"))["date"].implode()
    for name, column in (("sales", "date"), ("orders", "ordered_at")):
        if name in intakes:
            intakes[name].quarantine(
                pl.col(column).cast(pl.Date).is_in(closed),
                Rule(
                    column,
                    f"`{column}` must not be a day that the calendar calls closed",
                    "Set `is_open` to true for that day, or correct the date.",
                ),
            )
