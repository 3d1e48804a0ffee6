"""The intake of one table: rows enter, and each leaves by exactly one of three doors.

A row is kept, quarantined (with row number, value, rule and remedy) or merged into another row.
The intake keeps the books, so that no row can vanish between the file and the records.
"""

from dataclasses import dataclass, field

import polars as pl

from restock.errors import InputError, require
from restock.records.quality import Fate, Finding, TableQuality
from restock.records.tables import QUARANTINE_TYPES

__all__ = ["ROW", "Intake", "Rule"]

ROW = "row number"
"""The name of the column that carries the row number; a space keeps it apart from real columns."""


@dataclass(frozen=True)
class Rule:
    """A condition that a good row meets, the column that it is about, and the mend."""

    column: str
    text: str
    remedy: str


@dataclass
class Intake:
    """The rows of one table on their way from the file into the records.

    ``table`` is the table's name, ``source`` the file in words, ``frame`` the rows that are still
    in, with their numbers in column :data:`ROW`.

    >>> intake = Intake("sales", "sales.csv", pl.DataFrame({ROW: [2, 3], "units": [4.0, -1.0]}))
    >>> intake.quarantine(pl.col("units") < 0, Rule("units", "`units` must be ≥ 0", "Mend it."))
    >>> account = intake.account()
    >>> account.rows_in, account.rows_kept, account.rows_quarantined
    (2, 1, 1)
    """

    table: str
    source: str
    frame: pl.DataFrame
    findings: list[Finding] = field(default_factory=list)
    rejected: list[pl.DataFrame] = field(default_factory=list)
    rows_in: int = field(init=False)
    rows_merged: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Count what enters."""
        require(
            ROW in self.frame.columns,
            InputError,
            f"the rows of '{self.table}' carry no numbers; column '{ROW}' is missing.",
        )
        self.rows_in = self.frame.height

    def reject(self, rows: pl.DataFrame, rule: Rule) -> None:
        """Count in and set aside ``rows`` that never fitted the frame (row number, value)."""
        self.rows_in += rows.height
        self._set_aside(rows.rename({"value": rule.column}), rule)

    def quarantine(self, bad: pl.Expr, rule: Rule) -> None:
        """Set the rows aside where ``bad`` holds; null counts as not bad."""
        self._set_aside(self._take(bad), rule)

    def merge(self, repeated: pl.Expr, rule: Rule) -> pl.DataFrame:
        """Take out the rows that live on in another row, and return them."""
        taken = self._take(repeated)
        self.rows_merged += taken.height
        self._find(taken, rule, "merged")
        return taken

    def flag(self, odd: pl.Expr, rule: Rule) -> None:
        """Mention the rows where ``odd`` holds; they stay."""
        self._find(self.frame.filter(odd), rule, "flagged")

    def remark(self, text: str, count: int, example: str, remedy: str) -> None:
        """Mention something about the whole table."""
        self.findings.append(Finding(text, count, "flagged", example, remedy))

    def account(self, rows_derived: int = 0) -> TableQuality:
        """Close the books; raises :class:`InputError` if they do not balance."""
        return TableQuality(
            table=self.table,
            source=self.source,
            rows_in=self.rows_in,
            rows_kept=self.frame.height,
            rows_quarantined=sum(rows.height for rows in self.rejected),
            rows_merged=self.rows_merged,
            findings=tuple(self.findings),
            rows_derived=rows_derived,
        )

    def set_aside(self) -> pl.DataFrame:
        """Return the quarantined rows, in the order of the file."""
        empty = pl.DataFrame(schema=QUARANTINE_TYPES)
        return pl.concat([empty, *self.rejected]).sort("row", maintain_order=True)

    def _take(self, chosen: pl.Expr) -> pl.DataFrame:
        marked = self.frame.select(chosen.fill_null(value=False).alias("marked")).to_series()
        taken = self.frame.filter(marked)
        self.frame = self.frame.filter(~marked)
        return taken

    def _set_aside(self, rows: pl.DataFrame, rule: Rule) -> None:
        if rows.height == 0:
            return
        self._find(rows, rule, "quarantined")
        self.rejected.append(
            rows.select(
                pl.lit(self.table).alias("table"),
                pl.col(ROW).cast(pl.Int64).alias("row"),
                pl.lit(rule.column).alias("column"),
                pl.col(rule.column).cast(pl.String).fill_null("").alias("value"),
                pl.lit(rule.text).alias("rule"),
                pl.lit(rule.remedy).alias("remedy"),
            )
        )

    def _find(self, rows: pl.DataFrame, rule: Rule, fate: Fate) -> None:
        if rows.height == 0:
            return
        number, value = rows.row(0, named=True)[ROW], rows[rule.column][0]
        example = f"row {number}: {rule.column} = {value!s}"
        self.findings.append(Finding(rule.text, rows.height, fate, example, rule.remedy))
