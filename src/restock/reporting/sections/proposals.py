"""Today's proposals: the dearest lines, what each supplier gets, and one line explained."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from restock.planning import Plan
from restock.reporting.charts import waterfall_chart
from restock.reporting.figures import amount, day, label
from restock.reporting.markup import Column, Html, chart, datum, escaped, table, tag

__all__ = ["proposals_section"]

SHOWN = 20
UNITS = {
    "expected_demand": Column("Expected", hint="demand until the next order can arrive, units"),
    "safety": Column("Safety", hint="target less expected demand, units"),
    "on_hand": Column("On hand", hint="units"),
    "on_order": Column("On order", hint="units"),
    "backlog": Column("Backlog", hint="units that customers wait for"),
    "need": Column("Need", hint="expected + safety − on hand − on order + backlog, units"),
    "rounding": Column("Rounding", hint="case packs, minimums and capacities, units"),
    "quantity": Column("Order", hint="need + rounding, units"),
    "cases": Column("Cases", hint="case packs"),
}
"""The whole numbers of a line by their columns in ``proposals.csv``."""

SUPPLIER_COLUMNS = (
    Column("Supplier", number=False),
    Column("Lines"),
    Column("Units"),
    Column("Cost", hint="money"),
)


def proposals_section(plan: Plan) -> list[Html]:
    """Return today's list; where nothing needs ordering, it says so."""
    proposals = plan.proposals
    orders = proposals.table.filter(pl.col("quantity") > 0)
    intro = (
        f"{proposals.lines:,} of {proposals.table.height:,} products are ordered on"
        f" {day(plan.case.history.dates[-1], weekday=True)} by the rule"
        f" “{label(proposals.rule).lower()}”, for {amount(proposals.total_cost)} in all. Every line"
        " is in proposals.csv."
    )
    parts: list[Html] = [tag("p", intro), *_stock_notes(plan)]
    if orders.is_empty():
        parts.append(tag("p", "Nothing needs to be ordered today.", class_="note"))
    else:
        dearest = orders.row(0, named=True)
        parts += [
            _lines(orders.head(SHOWN)),
            _more(orders),
            chart(
                waterfall_chart(dearest),
                f"Why {amount(dearest['quantity'], 0)} of {_named(dearest)}",
                dearest["reason"],
            ),
        ]
        if orders["supplier"].n_unique() > 1:
            heading = tag("h3", "What each supplier gets")
            parts += [heading, table(SUPPLIER_COLUMNS, _suppliers(orders))]
    return parts


def _stock_notes(plan: Plan) -> list[Html]:
    if plan.proposals.stock_is_assumed:
        cover = plan.settings.assumptions.opening_cover_days
        note = (
            "No stock is on record, so that these quantities rest on an assumption: today's stock"
            f" covers the lead time and {cover:g} more trading days. Provide the table stock"
            " before ordering by this list."
        )
        return [tag("p", note, class_="note warning")]
    counted = set(plan.records.stock["product_id"])
    missing = sum(product not in counted for product in plan.case.history.product_ids)
    if missing == 0:
        return []
    note = f"{missing:,} products have no stock on record; they count as having none."
    return [tag("p", note, class_="note warning")]


def _lines(orders: pl.DataFrame) -> Html:
    units = {name: column for name, column in UNITS.items() if name != "backlog"}
    if (orders["backlog"] > 0).any():
        units = UNITS
    columns = (
        Column("Product", number=False),
        Column("Supplier", number=False),
        *units.values(),
        Column("Cost", hint="money"),
        Column("Receipt", hint="expected day of receipt"),
        Column("Cover", hint="trading days that stock and orders then last"),
    )
    return table(columns, [_line(row, units) for row in orders.iter_rows(named=True)])


def _line(row: dict[str, Any], units: Iterable[str]) -> list[Html]:
    return [
        Html(escaped(row["product"]) + tag("small", row["name"])),
        escaped(row["supplier"]),
        *(datum(row[name], amount(row[name], 0)) for name in units),
        datum(row["cost"], amount(row["cost"])),
        tag("time", row["expected_receipt"].isoformat()),
        datum(row["cover_days"], amount(row["cover_days"], 0)),
    ]


def _more(orders: pl.DataFrame) -> Html:
    rest = orders.slice(SHOWN)
    if rest.is_empty():
        return escaped("")
    cost = amount(float(rest["cost"].sum()))
    return tag("p", f"and {rest.height:,} more for {cost}.", class_="more")


def _named(row: dict[str, Any]) -> str:
    name = row["name"]
    return f"{row['product']} ({name})" if name and name != row["product"] else row["product"]


def _suppliers(orders: pl.DataFrame) -> list[list[Html]]:
    sums = (
        orders.group_by("supplier")
        .agg(pl.len().alias("lines"), pl.col("quantity").sum(), pl.col("cost").sum())
        .sort("cost", "supplier", descending=[True, False])
    )
    return [
        [
            escaped(row["supplier"]),
            datum(row["lines"], amount(row["lines"], 0)),
            datum(row["quantity"], amount(row["quantity"], 0)),
            datum(row["cost"], amount(row["cost"])),
        ]
        for row in sums.iter_rows(named=True)
    ]
