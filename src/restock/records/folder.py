"""Reading a company's tables from a folder: one file per table, found by its name."""

from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from restock.errors import InputError, require
from restock.records.consistency import check_consistency
from restock.records.deriving import (
    calendar_of_sales,
    list_prices_of_orders,
    list_prices_of_sales,
    products_of_sales,
    sales_of_orders,
)
from restock.records.files import SUFFIXES, read_raw
from restock.records.intake import Intake
from restock.records.quality import QualityReport
from restock.records.rows import admit
from restock.records.schemas import TABLES
from restock.records.tables import Records

__all__ = ["read_folder"]


def read_folder(folder: Path, *, today: date | None = None) -> Records:
    """Read every table of :data:`restock.records.TABLES` that ``folder`` holds.

    ``folder`` holds files named after the tables (``sales.csv``, ``stock.parquet``,
    ``lanes.xlsx``, …); ``sales`` or ``orders`` must be among them. ``today`` is the day after which
    no sale, stock count or order can have happened; by default the clock's day. What is missing
    and follows from other tables is derived: sales from orders, the calendar, list prices,
    products.

    Raises :class:`InputError` when the folder or a table cannot be used as a whole: it is missing,
    two files claim one table, a column is missing, sales have no usable row or no demand at all.
    """
    today = datetime.now().astimezone().date() if today is None else today
    paths, notes = _find_tables(folder)
    intakes = {
        name: admit(read_raw(path, TABLES[name].columns), name, TABLES[name], today=today)
        for name, path in paths.items()
    }
    for name, path in paths.items():
        if intakes[name].rows_in == 0:
            require(name not in {"sales", "orders"}, InputError, _nothing(path))
            notes.append(f"table '{name}' has no rows; it is taken as absent")
            del intakes[name]
    check_consistency(intakes)
    frames = {name: intake.frame.select(TABLES[name].columns) for name, intake in intakes.items()}
    _check_demand(intakes, paths)
    whole = _derive(frames, notes)
    accounts = tuple(
        intake.account(rows_derived=whole[name].height - intake.frame.height)
        for name, intake in intakes.items()
    )
    return Records.assemble(
        whole,
        QualityReport(accounts, tuple(notes)),
        pl.concat([intake.set_aside() for intake in intakes.values()]),
    )


def _find_tables(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return each table's file, in the order of the schemas, and notes on files left alone."""
    require(
        folder.is_dir(),
        InputError,
        f"folder {folder} is missing. Create it and put sales.csv or orders.csv into it.",
    )
    found: dict[str, Path] = {}
    notes = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        name = path.stem.lower()
        if name not in TABLES:
            notes.append(_leftover(path))
        elif name in found:
            raise InputError(
                f"two files hold table '{name}': {found[name].name} and {path.name} in {folder}."
                " Keep one."
            )
        else:
            found[name] = path
    require(
        "sales" in found or "orders" in found,
        InputError,
        f"folder {folder} holds neither sales nor orders ({', '.join(SUFFIXES)}); one is needed."
        f"{' ' + ' '.join(notes) if notes else ''} Add sales.csv with columns date, product_id,"
        " units.",
    )
    return {name: found[name] for name in TABLES if name in found}, notes


def _leftover(path: Path) -> str:
    close = get_close_matches(path.stem.lower(), TABLES, n=1)
    hint = f" Did you mean '{close[0]}{path.suffix}'?" if close else ""
    return f"{path.name} is no table of restock and was not read.{hint}"


def _nothing(path: Path) -> str:
    return f"{path} has a header but no rows. Export it again; without sales nothing can be done."


def _check_demand(intakes: Mapping[str, Intake], paths: Mapping[str, Path]) -> None:
    name = "sales" if "sales" in intakes else "orders"
    intake = intakes[name]
    if intake.frame.height == 0:
        first = intake.set_aside().row(0, named=True)
        raise InputError(
            f"none of the {intake.rows_in} rows of {paths[name]} can be used; row {first['row']}:"
            f" {first['rule']}, got '{first['value']}'. {first['remedy']}"
        )
    require(
        float(intake.frame["units"].sum()) > 0,
        InputError,
        f"all {intake.frame.height} rows of {paths[name]} have `units` 0; at least one must be"
        " > 0. Check that the column holds units sold.",
    )


def _derive(frames: dict[str, pl.DataFrame], notes: list[str]) -> dict[str, pl.DataFrame]:
    """Add the tables that follow from those given."""

    def lacks(name: str) -> bool:
        return name not in frames or frames[name].height == 0

    def note(name: str, source: str) -> None:
        notes.append(f"table '{name}' was derived from {source}")

    whole = dict(frames)
    if lacks("sales"):
        whole["sales"] = sales_of_orders(whole["orders"])
        note("sales", "orders")
    if lacks("prices"):
        whole["prices"] = (
            list_prices_of_sales(whole["sales"])
            if lacks("orders")
            else list_prices_of_orders(whole["orders"])
        )
        note("prices", "sales" if lacks("orders") else "orders")
    if lacks("calendar"):
        note("calendar", "sales")
    whole["calendar"] = calendar_of_sales(whole["sales"], frames.get("calendar"))
    derived = products_of_sales(whole["sales"], whole["prices"])
    if lacks("products"):
        whole["products"] = derived
        note("products", "sales")
    else:
        latest = derived.select("product_id", pl.col("list_price").alias("latest"))
        whole["products"] = (
            whole["products"]
            .join(latest, on="product_id", how="left", maintain_order="left")
            .with_columns(pl.coalesce("list_price", "latest").alias("list_price"))
            .drop("latest")
        )
    _note_unpriced(whole["products"], notes)
    return whole


def _note_unpriced(products: pl.DataFrame, notes: list[str]) -> None:
    unpriced = products.filter(pl.col("list_price").is_null())["product_id"]
    if unpriced.len():
        notes.append(
            f"no price is known for {unpriced.len()} products, such as '{unpriced[0]}'; money"
            " cannot be computed for them. Add `revenue` to sales, or table products or prices"
        )
