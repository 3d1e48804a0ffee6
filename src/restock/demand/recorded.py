"""From a company's records to the daily history that everything learns from."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from restock.demand.history import DemandHistory
from restock.errors import InputError, did_you_mean, require
from restock.records import Records

__all__ = ["recorded_history"]


def recorded_history(
    records: Records, *, products: int | Sequence[str] | None = None, until: date | None = None
) -> DemandHistory:
    """Lay the records out as units by open day (T) and product (P).

    The days are the calendar's open days from the first sale on record to ``until`` (included; by
    default the last day on record). A day without a sales row is a day without sales. It is
    censored where ``stock`` says that nothing was left at its end; unknown stock is not censored.
    List price and promotion hold from a row of ``prices`` to the product's next row; before the
    first row the first price holds, without a row the price in ``products``, and where none is
    known it is NaN.

    ``products`` is a sequence of ids, kept in that order; or a number n, for the n products with
    most sale days up to ``until`` (ties by units, then by id; best first; all if there are fewer);
    or ``None`` for all, in the order of table products.

    Raises :class:`InputError` when an id is unknown, n < 1, or no open day is left.
    """
    last = records.last_day if until is None else min(until, records.last_day)
    days = _open_days(records, last)
    sales = records.sales.filter(pl.col("date") <= last)
    ids = _choose(records, sales, products)
    grid = _Grid(days, ids)
    units = grid.fill(sales, "units", np.zeros(grid.shape))
    on_hand = grid.fill(
        records.stock.filter(pl.col("date") <= last), "on_hand_units", np.full(grid.shape, np.inf)
    )
    price, promoted = _prices(records, grid)
    return DemandHistory(
        product_ids=tuple(ids),
        dates=tuple(days),
        units=units,
        censored=on_hand <= 0,
        list_price=price,
        promoted=promoted,
    )


def _open_days(records: Records, last: date) -> list[date]:
    first = records.first_day
    open_days = records.calendar.filter(pl.col("is_open") & pl.col("date").is_between(first, last))[
        "date"
    ].sort()
    require(
        open_days.len() > 0,
        InputError,
        f"no open day from the first sale, {first}, to {last}. Choose a later `until`.",
    )
    return open_days.to_list()


def _choose(
    records: Records, sales: pl.DataFrame, products: int | Sequence[str] | None
) -> list[str]:
    known = records.products["product_id"].to_list()
    if products is None:
        return known
    if isinstance(products, int):
        require(
            products >= 1,
            InputError,
            f"`products` must be a number ≥ 1; got {products}. Use None for all products.",
        )
        busiest = (
            sales.filter(pl.col("units") > 0)
            .group_by("product_id")
            .agg(pl.len().alias("days"), pl.col("units").sum())
            .sort("days", "units", "product_id", descending=[True, True, False])
        )
        return busiest["product_id"].head(products).to_list()
    present = set(known)
    for product in products:
        require(
            product in present,
            InputError,
            f"product '{product}' is not in the records."
            f"{did_you_mean(product, known) if product not in present else ''}",
        )
    return list(products)


class _Grid:
    """Days by products; places the values of a long table in it."""

    def __init__(self, days: list[date], ids: list[str]) -> None:
        self.shape = (len(days), len(ids))
        self.days = pl.DataFrame(
            {"date": days, "day": np.arange(len(days))}, schema_overrides={"date": pl.Date}
        )
        self.ids = pl.DataFrame(
            {"product_id": ids, "product": np.arange(len(ids))},
            schema_overrides={"product_id": pl.String},
        )

    def fill(self, frame: pl.DataFrame, column: str, empty: np.ndarray) -> np.ndarray:
        """Return ``empty`` with ``frame``'s values of ``column`` at their day and product."""
        placed = frame.join(self.days, on="date").join(self.ids, on="product_id")
        empty[placed["day"].to_numpy(), placed["product"].to_numpy()] = placed[column].to_numpy()
        return empty


def _prices(records: Records, grid: _Grid) -> tuple[np.ndarray, np.ndarray]:
    """Carry each product's list price and promotion forward, from rows on any day."""
    rows = records.prices.sort("date")
    cells = grid.days.join(grid.ids, how="cross").sort("date")
    carried = cells.join_asof(
        rows, on="date", by="product_id", strategy="backward", check_sortedness=False
    )
    first = rows.group_by("product_id").agg(pl.col("list_price").first().alias("first"))
    usual = records.products.select("product_id", pl.col("list_price").alias("usual"))
    whole = (
        carried.join(first, on="product_id", how="left")
        .join(usual, on="product_id", how="left")
        .select(
            "day",
            "product",
            pl.coalesce("list_price", "first", "usual").fill_null(float("nan")).alias("price"),
            pl.col("promoted").fill_null(value=False),
        )
        .sort("day", "product")
    )
    price = whole["price"].to_numpy().reshape(grid.shape)
    return price, whole["promoted"].to_numpy().reshape(grid.shape)
