"""Tables that a company need not hand over, because they follow from others."""

from datetime import date, timedelta

import polars as pl

from restock.records.schemas import TABLES

__all__ = [
    "calendar_of_sales",
    "list_prices_of_orders",
    "list_prices_of_sales",
    "products_of_sales",
    "sales_of_orders",
]


def sales_of_orders(orders: pl.DataFrame, returns: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add up order lines to one row per day and product.

    ``returns`` (columns date, product_id, returned_units) are goods taken back. They are noted on
    the day of their return and never lower the units sold: who sent a thing back had asked for it.
    """
    sold = orders.group_by(pl.col("ordered_at").dt.date().alias("date"), "product_id").agg(
        pl.col("units").sum(), (pl.col("units") * pl.col("unit_price")).sum().alias("revenue")
    )
    back = pl.DataFrame(schema={"date": pl.Date, "product_id": pl.String, "units": pl.Float64})
    back = back.rename({"units": "returned_units"}) if returns is None else returns
    summed = back.group_by("date", "product_id").agg(pl.col("returned_units").sum())
    joined = sold.join(summed, on=["date", "product_id"], how="full", coalesce=True)
    return (
        joined.with_columns(pl.col("units", "revenue", "returned_units").fill_null(0.0))
        .select(TABLES["sales"].columns)
        .sort("date", "product_id")
    )


def list_prices_of_orders(orders: pl.DataFrame) -> pl.DataFrame:
    """Find the list price among the prices paid, and the weeks in which it changed.

    The list price of a product-week is the price that most order lines of identified customers
    paid; ties go to the price that is commoner over all weeks, then to the higher. Quantity breaks
    are fewer lines than list, though many units; anonymous lines follow another tariff and count
    only for products that no identified customer bought. A new row is made only when the price
    changes: it holds until the product's next row.
    """
    lines = orders.filter(pl.col("unit_price") > 0)
    identified = pl.col("customer_id").is_not_null()
    lines = lines.filter(identified | ~identified.any().over("product_id"))
    day = pl.col("ordered_at").dt.date()
    priced = lines.select("product_id", "unit_price", day.alias("date"))
    counts = priced.group_by(
        "product_id", pl.col("date").dt.truncate("1w").alias("week"), "unit_price"
    ).agg(pl.len().alias("lines"), pl.col("date").min())
    counts = counts.with_columns(
        pl.col("lines").sum().over("product_id", "unit_price").alias("ever")
    )
    starts = counts.group_by("product_id", "week").agg(pl.col("date").min())
    modal = (
        counts.sort("lines", "ever", "unit_price")
        .group_by("product_id", "week")
        .agg(pl.col("unit_price").last().alias("list_price"))
    )
    return _changes(modal.join(starts, on=["product_id", "week"]))


def list_prices_of_sales(sales: pl.DataFrame) -> pl.DataFrame:
    """Take revenue per unit as the price: the median over the days of a week, where it changed."""
    paid = sales.filter((pl.col("units") > 0) & (pl.col("revenue") > 0))
    weekly = paid.group_by("product_id", pl.col("date").dt.truncate("1w").alias("week")).agg(
        (pl.col("revenue") / pl.col("units")).median().round(2).alias("list_price"),
        pl.col("date").min(),
    )
    return _changes(weekly.filter(pl.col("list_price") > 0))


def _changes(weekly: pl.DataFrame) -> pl.DataFrame:
    ordered = weekly.sort("product_id", "date")
    before = pl.col("list_price").shift().over("product_id")
    changed = ordered.filter(before.is_null() | (pl.col("list_price") != before))
    return changed.with_columns(pl.lit(value=False).alias("promoted")).select(
        TABLES["prices"].columns
    )


def calendar_of_sales(
    sales: pl.DataFrame, known: pl.DataFrame | None = None, *, until: date | None = None
) -> pl.DataFrame:
    """Complete the calendar: a day with a sale was open, a day without one was closed.

    It runs from the first sale to ``until``, by default the day of the last sale. Days in
    ``known`` (a calendar) stay as they are, those after ``until`` included.
    """
    sold = sales.filter(pl.col("units") > 0)["date"].unique()
    first, last = sold.min(), sold.max()
    if not (isinstance(first, date) and isinstance(last, date)):
        return TABLES["calendar"].empty() if known is None else known
    days = pl.date_range(first, until or last, timedelta(days=1), eager=True).alias("date")
    found = days.to_frame().with_columns(
        pl.col("date").is_in(sold.implode()).alias("is_open"),
        pl.lit(None, dtype=pl.String).alias("event"),
    )
    if known is None:
        return found
    return pl.concat([known, found.join(known, on="date", how="anti")]).sort("date")


def products_of_sales(sales: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """List the products that were sold, each with its latest list price and nothing else known."""
    latest = prices.sort("date").group_by("product_id").agg(pl.col("list_price").last())
    ids = sales.select(pl.col("product_id").unique().sort())
    return ids.join(latest, on="product_id", how="left", maintain_order="left").select(
        "product_id",
        pl.lit("").alias("name"),
        pl.lit("").alias("category"),
        "list_price",
        pl.lit(None, dtype=pl.Float64).alias("unit_cost"),
    )
