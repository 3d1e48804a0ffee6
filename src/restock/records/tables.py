"""The company's records, cleaned: one frame per table, with the account of what was set aside."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from restock.errors import InputError, require
from restock.records.quality import QualityReport
from restock.records.schemas import TABLES

__all__ = ["QUARANTINE_TYPES", "Records"]

QUARANTINE_TYPES: Mapping[str, type[pl.DataType]] = {
    "table": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "remedy": pl.String,
}


@dataclass(frozen=True, eq=False)
class Records:
    """One frame per table of :data:`restock.records.TABLES`, each in its schema.

    A table that the company does not keep is a frame without rows. ``quarantine`` holds the rows
    that were set aside, one line each (columns table, row, column, value, rule, remedy; ``row`` is
    the row number in the file as a spreadsheet counts it, the header being row 1; Parquet has no
    header row, so its first row is 1). ``quality`` is the account of all rows.

    Raises :class:`InputError` when a frame has other columns than its schema, or when the frames
    and the account disagree about the number of rows.
    """

    products: pl.DataFrame
    locations: pl.DataFrame
    lanes: pl.DataFrame
    sales: pl.DataFrame
    stock: pl.DataFrame
    purchase_orders: pl.DataFrame
    orders: pl.DataFrame
    calendar: pl.DataFrame
    prices: pl.DataFrame
    feedback: pl.DataFrame
    quality: QualityReport
    quarantine: pl.DataFrame

    def __post_init__(self) -> None:
        """Check every frame's columns, and the account against the frames."""
        tables = self.tables()
        for name, frame in tables.items():
            expected = TABLES[name].types()
            require(
                dict(frame.schema) == expected,
                InputError,
                f"table '{name}' must have columns {expected}; got {dict(frame.schema)}."
                " Build records with `Records.assemble`, `read_folder` or a preset.",
            )
        for account in self.quality.tables:
            aside = self.quarantine.filter(pl.col("table") == account.table).height
            kept = tables[account.table].height - account.rows_derived
            require(
                kept == account.rows_kept and aside == account.rows_quarantined,
                InputError,
                f"the account of '{account.table}' says {account.rows_kept} kept and"
                f" {account.rows_quarantined} quarantined; the frames hold {kept} and {aside}."
                " This is a fault of restock; please report it.",
            )

    @classmethod
    def assemble(
        cls,
        frames: Mapping[str, pl.DataFrame],
        quality: QualityReport,
        quarantine: pl.DataFrame | None = None,
    ) -> "Records":
        """Build records from the tables that exist; the others get no rows.

        >>> records = Records.assemble({}, QualityReport(()))
        >>> records.sales.columns
        ['date', 'product_id', 'units', 'revenue', 'returned_units']
        """
        whole = {name: frames.get(name, table.empty()) for name, table in TABLES.items()}
        if quarantine is None:
            quarantine = pl.DataFrame(schema=QUARANTINE_TYPES)
        return cls(**whole, quality=quality, quarantine=quarantine)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the frames by table name, in the order of the schemas."""
        return {name: getattr(self, name) for name in TABLES}

    @property
    def first_day(self) -> date:
        """The day of the first sale; raises :class:`InputError` without sales."""
        return self._edge(self.sales["date"].min())

    @property
    def last_day(self) -> date:
        """The last day on record, by sales and stock; raises :class:`InputError` without sales."""
        stocked = self.stock["date"].max()
        last = self._edge(self.sales["date"].max())
        return max(last, stocked) if isinstance(stocked, date) else last

    @staticmethod
    def _edge(day: object) -> date:
        if not isinstance(day, date):
            raise InputError("the records hold no sales. Provide table sales or orders.")
        return day
