"""The rules that every table's rows go through: types, schema, repetitions."""

from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import cast

import dataframely as dy
import polars as pl

from restock.errors import InputError, did_you_mean
from restock.records.conversion import (
    find_decimal,
    parse_dates,
    parse_numbers,
    parse_texts,
    parse_truths,
)
from restock.records.decoding import column_key
from restock.records.files import RawTable, match_columns
from restock.records.intake import ROW, Intake, Rule
from restock.records.schemas import Table

__all__ = ["admit"]

KINDS = {
    pl.Float64: ("a number", "Write digits only, without a currency or unit."),
    pl.Int64: ("a whole number", "Write digits only."),
    pl.Date: ("a date", "Write dates as YYYY-MM-DD."),
    pl.Datetime: ("a date with time", "Write it as YYYY-MM-DD HH:MM."),
    pl.Boolean: ("true or false", "Write true or false."),
    pl.String: ("text", "Write text."),
}
# NaN and infinity first: they fail bounds too, and their own message helps more.
CHECKS = ("nullability", "nan", "inf", "min_length", "min", "min_exclusive", "max")


def admit(
    raw: RawTable,
    name: str,
    table: Table,
    *,
    today: date | None = None,
    month_first: bool | None = None,
) -> Intake:
    """Take in a file as table ``name``: name its columns, read its cells, apply its rules.

    Rows whose cells cannot be read or break a rule of the schema are quarantined; exact repetitions
    are merged; of rows that repeat a key with other values, the first is kept. Dates in
    ``table.past`` may not lie after ``today``.

    Raises :class:`InputError` when a required column is missing or a column's name is nearly, but
    not quite, that of an optional one.
    """
    columns = match_columns(raw, table.columns)
    _check_columns(raw, name, table, columns)
    intake = Intake(name, raw.source, _wanted(raw, table, columns))
    intake.reject(
        raw.overlong,
        Rule(
            table.columns[0],
            f"a row must have {raw.frame.width - 1} cells, as the header",
            "Quote cells that contain the delimiter.",
        ),
    )
    _mention_leftovers(intake, raw, columns)
    _read_cells(intake, raw, table, month_first=month_first)
    _apply_schema(intake, table.schema)
    _refuse_future(intake, table.past, today)
    _merge_repetitions(intake, table)
    return intake


def _check_columns(raw: RawTable, name: str, table: Table, columns: Mapping[str, str]) -> None:
    given = [column for column in raw.frame.columns if column != ROW]
    for wanted in table.required:
        if wanted not in columns:
            close = did_you_mean(wanted, _presentable(given)).replace(
                "Known:", "Columns in the file:"
            )
            raise InputError(
                f"{raw.path} lacks column '{wanted}', which table '{name}' needs.{close}"
                f" Rename or add it; needed are {', '.join(table.required)}."
            )
    optional = {column_key(column): column for column in table.columns if column not in columns}
    for column in sorted(set(given) - set(columns.values())):
        for meant in get_close_matches(column_key(column), optional, n=1, cutoff=0.85):
            raise InputError(
                f"{raw.path} has a column '{column}' that restock does not know. Did you mean"
                f" '{optional[meant]}'? Rename or remove it."
            )


def _presentable(names: Sequence[str]) -> list[str]:
    """Cut down the column names of a file that may be no table at all."""
    printable = ("".join(letter for letter in name if letter.isprintable()) for name in names[:20])
    return [name[:40] for name in printable]


def _wanted(raw: RawTable, table: Table, columns: Mapping[str, str]) -> pl.DataFrame:
    for wanted, found in columns.items():
        kind = raw.frame.schema[found]
        if kind.is_nested() or kind in {pl.Binary, pl.Object, pl.Duration, pl.Time}:
            raise InputError(
                f"{raw.path} holds values of type {kind} in column '{found}'; `{wanted}` must hold"
                " plain text, numbers, dates or truth values. Convert the column."
            )
    cells = [pl.col(found).alias(wanted) for wanted, found in columns.items()]
    frame = raw.frame.select(pl.col(ROW), *cells)
    blank = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.when(blank != "").then(blank))
    absent = [
        pl.lit(None, dtype=pl.String).alias(wanted)
        for wanted in table.columns
        if wanted not in columns
    ]
    return frame.with_columns(absent).select(ROW, *table.columns)


def _mention_leftovers(intake: Intake, raw: RawTable, columns: Mapping[str, str]) -> None:
    unused = [name for name in raw.frame.columns if name not in {ROW, *columns.values()}]
    if unused:
        intake.remark(
            "columns that restock does not use are ignored",
            len(unused),
            f"column '{unused[0]}'",
            "Nothing to do, unless one of them is a known column misspelt.",
        )
    if raw.blank_rows:
        intake.remark("blank lines are no rows", raw.blank_rows, raw.source, "Nothing to do.")
    if "mixed" in raw.source:
        intake.remark(
            "the file mixes encodings; each line was read in its own",
            1,
            raw.source,
            "Look at names with accents; export the file as UTF-8.",
        )


def _read_cells(intake: Intake, raw: RawTable, table: Table, *, month_first: bool | None) -> None:
    types = table.types()
    texts = [
        intake.frame[name]
        for name, kind in types.items()
        if kind.is_numeric() and intake.frame[name].dtype == pl.String
    ]
    decimal = find_decimal(texts, raw.delimiter)
    if decimal == ",":
        intake.source += ", decimal comma"
    for name, kind in types.items():
        source = f"{raw.path}, column '{name}'"
        column = intake.frame[name]
        read = _read_column(column, kind, decimal, source, month_first=month_first)
        unread = column.is_not_null() & read.is_null()
        text, remedy = KINDS[kind.base_type()]
        intake.quarantine(pl.lit(unread), Rule(name, f"`{name}` must be {text}", remedy))
        intake.frame = intake.frame.with_columns(read.filter(~unread).alias(name))
    intake.frame = intake.frame.with_columns(
        pl.col(name).fill_null(pl.lit(value, dtype=types[name]))
        for name, value in table.defaults.items()
    )


def _read_column(
    column: pl.Series, kind: pl.DataType, decimal: str, source: str, *, month_first: bool | None
) -> pl.Series:
    if kind == pl.String:
        return parse_texts(column)
    if kind == pl.Boolean:
        return parse_truths(column)
    if kind.is_temporal():
        return parse_dates(column, source, month_first=month_first).cast(kind)
    numbers = parse_numbers(column, decimal)
    if kind == pl.Int64:
        return numbers.set(numbers % 1 != 0, None).cast(pl.Int64, strict=False)
    return numbers


def _apply_schema(intake: Intake, schema: type[dy.Schema]) -> None:
    derived = type(f"{schema.__name__}Rows", (schema,), {ROW: dy.Int64()})
    numbered = cast("type[dy.Schema]", derived)
    _, failure = numbered.filter(intake.frame)
    broken = failure.counts()
    if not broken:
        return
    details = failure.details()
    for rule in sorted(set(broken) - {"primary_key"}, key=_precedence):
        rows = details.filter(pl.col(rule) == "invalid")[ROW]
        intake.quarantine(pl.col(ROW).is_in(rows.implode()), _worded(rule, schema))


def _precedence(rule: str) -> tuple[int, str]:
    check = rule.partition("|")[2]
    return (CHECKS.index(check) if check in CHECKS else len(CHECKS), rule)


def _worded(rule: str, schema: type[dy.Schema]) -> Rule:
    """Say a rule of the schema in words; the bounds are the schema's own."""
    name, _, check = rule.partition("|")
    columns = schema.columns()
    if name not in columns:
        first = next(column for column in columns if rule.startswith(column))
        words = rule.removeprefix(first).replace("_", " ").strip()
        return Rule(first, f"`{first}` must be {words}", "Correct one of the two.")
    bound = getattr(columns[name], check, None)
    texts = {
        "nullability": ("must be given", "Fill the cell or remove the row."),
        "nan": ("must be a number, not NaN", "Enter the number, or remove the row."),
        "inf": ("must be finite", "Enter the true number."),
        "min_length": ("must be given", "Fill the cell."),
        "min": (f"must be ≥ {bound}", "Correct the value."),
        "min_exclusive": (f"must be > {bound}", "Correct the value or remove the row."),
        "max": (f"must be ≤ {bound}", "Correct the value."),
    }
    text, remedy = texts[check]
    return Rule(name, f"`{name}` {text}", remedy)


def _refuse_future(intake: Intake, past: Sequence[str], today: date | None) -> None:
    for name in past if today is not None else ():
        intake.quarantine(
            pl.col(name).cast(pl.Date) > today,
            Rule(
                name,
                f"`{name}` must not lie after today, {today}",
                "Correct the date, or set today to the day of the export.",
            ),
        )


def _merge_repetitions(intake: Intake, table: Table) -> None:
    whole = pl.struct(table.columns)
    intake.merge(
        ~whole.is_first_distinct(),
        Rule(
            table.columns[0],
            "a row that repeats another in every column counts once",
            "Nothing to do, unless the repetition is meant: then sum the rows.",
        ),
    )
    if table.key:
        names = ", ".join(table.key)
        intake.quarantine(
            ~pl.struct(table.key).is_first_distinct(),
            Rule(
                table.key[-1],
                f"each ({names}) may appear once; the first row is kept",
                "Keep the right row, or sum rows that belong together.",
            ),
        )
