"""What became of every row that was read: kept, merged or set aside, and why."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from restock.errors import InputError, require

__all__ = ["Fate", "Finding", "QualityReport", "TableQuality"]

Fate: TypeAlias = Literal["quarantined", "merged", "flagged"]


@dataclass(frozen=True)
class Finding:
    """One rule that ``count`` rows of a table met.

    ``fate`` says what was done with them: ``quarantined`` rows were set aside, ``merged`` rows
    live on in another row, ``flagged`` rows were kept as they are and need an eye.
    """

    rule: str
    count: int
    fate: Fate
    example: str
    remedy: str


@dataclass(frozen=True)
class TableQuality:
    """The account of one table: rows in = rows kept + rows quarantined + rows merged.

    ``rows_derived`` are rows that restock added itself because they follow from other tables, such
    as days that a calendar left out; they were never in the file.

    Raises :class:`InputError` when the account does not balance, which is restock's own fault.

    >>> TableQuality("sales", "sales.csv", 10, 7, 2, 0, ())
    Traceback (most recent call last):
    ...
    restock.errors.InputError: the rows of 'sales' do not add up: 10 in, but 7 kept + 2 \
quarantined + 0 merged. This is a fault of restock; please report it with sales.csv.
    """

    table: str
    source: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_merged: int
    findings: tuple[Finding, ...]
    rows_derived: int = 0

    def __post_init__(self) -> None:
        """Check that no row was lost or counted twice."""
        require(
            self.rows_in == self.rows_kept + self.rows_quarantined + self.rows_merged,
            InputError,
            f"the rows of '{self.table}' do not add up: {self.rows_in} in, but {self.rows_kept}"
            f" kept + {self.rows_quarantined} quarantined + {self.rows_merged} merged. This is a"
            f" fault of restock; please report it with {self.source}.",
        )
        for fate, rows in (("quarantined", self.rows_quarantined), ("merged", self.rows_merged)):
            explained = sum(found.count for found in self.findings if found.fate == fate)
            require(
                explained == rows,
                InputError,
                f"{rows} rows of '{self.table}' were {fate}, but reasons exist for {explained}."
                f" This is a fault of restock; please report it with {self.source}.",
            )


@dataclass(frozen=True)
class QualityReport:
    """The accounts of all tables that were read; ``notes`` are remarks on the whole.

    >>> report = QualityReport((TableQuality("sales", "sales.csv", 9, 9, 0, 0, ()),))
    >>> report.table("sales").rows_kept
    9
    """

    tables: tuple[TableQuality, ...]
    notes: tuple[str, ...] = ()

    def table(self, name: str) -> TableQuality:
        """Return the account of table ``name``; raises :class:`InputError` if it was not read."""
        for account in self.tables:
            if account.table == name:
                return account
        known = ", ".join(account.table for account in self.tables) or "none"
        raise InputError(f"table '{name}' was not read. Tables read: {known}.")

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, over all tables."""
        return sum(account.rows_quarantined for account in self.tables)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists, ready for JSON."""
        return {
            "tables": {account.table: asdict(account) for account in self.tables},
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Lay the report out for reading."""
        lines = []
        for account in self.tables:
            lines.append(
                f"{account.table}: {account.rows_in:,} rows in = {account.rows_kept:,} kept"
                f" + {account.rows_quarantined:,} quarantined + {account.rows_merged:,} merged"
                f"   [{account.source}]"
            )
            if account.rows_derived:
                lines.append(
                    f"  {account.rows_derived:>9,} derived      rows that follow from others"
                )
            for found in account.findings:
                lines.append(f"  {found.count:>9,} {found.fate:<11}  {found.rule}")
                lines.append(f"  {'':>9} {'':<11}  e.g. {found.example}. {found.remedy}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])
