"""Reading one file, whatever its kind, into numbered rows whose cells are still as written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from restock.errors import InputError, did_you_mean
from restock.records.decoding import OVERLONG, column_key, decode, find_delimiter, parse_delimited
from restock.records.intake import ROW

__all__ = ["SUFFIXES", "RawTable", "match_columns", "read_raw"]

SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx")


@dataclass(frozen=True)
class RawTable:
    """A file's rows before their cells are understood.

    ``frame`` has the row numbers in column :data:`ROW`; ``overlong`` are rows with more cells than
    the header (columns :data:`ROW` and ``value``); ``source`` says in words what was read;
    ``blank_rows`` were left out of both.
    """

    path: Path
    source: str
    delimiter: str
    frame: pl.DataFrame
    overlong: pl.DataFrame
    blank_rows: int


def read_raw(path: Path, known: Sequence[str]) -> RawTable:
    """Read a CSV, TSV, Parquet or Excel file; ``known`` are the columns hoped for.

    Row numbers count as a spreadsheet does, the header being row 1; in Parquet, which has no
    header row, the first row is 1.

    Raises :class:`InputError` when the file is missing, of another kind or broken.
    """
    if not path.is_file():
        raise InputError(_missing(path))
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv"}:
        return _read_text(path, known)
    if suffix == ".parquet":
        return _gather(path, path.name, ",", _number(_read_parquet(path), 1))
    if suffix == ".xlsx":
        return _gather(path, path.name, ",", _number(_read_excel(path), 2))
    raise InputError(
        f"{path} has ending '{path.suffix}'; readable are {', '.join(SUFFIXES)}. Convert the file."
    )


def _missing(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder where a file is needed. Give the path of the file."
    beside = [found.name for found in path.parent.glob("*")] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, beside) if beside else " Its folder does not exist or is empty."
    return f"file {path} is missing.{hint} Put the file there or correct the path."


def _read_text(path: Path, known: Sequence[str]) -> RawTable:
    text, encoding = decode(path.read_bytes())
    if not text.strip():
        raise InputError(f"{path} is empty. Export it again; it needs a header and rows.")
    text = text.lstrip("\r\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    delimiter = find_delimiter(text, known)
    cells = parse_delimited(text, delimiter, str(path))
    source = f"{path.name}, {encoding}, delimiter {delimiter!r}"
    return _gather(path, source, delimiter, cells.frame, cells.overlong)


def _number(cells: pl.DataFrame, first: int) -> pl.DataFrame:
    rows = pl.int_range(first, cells.height + first, dtype=pl.Int64, eager=True)
    return cells.with_columns(rows.alias(ROW))


def _gather(
    path: Path,
    source: str,
    delimiter: str,
    frame: pl.DataFrame,
    overlong: pl.DataFrame | None = None,
) -> RawTable:
    cells = [pl.col(name).is_not_null() for name in frame.columns if name != ROW]
    kept = frame.filter(pl.any_horizontal(cells)) if cells else frame.clear()
    return RawTable(
        path=path,
        source=source,
        delimiter=delimiter,
        frame=kept,
        overlong=pl.DataFrame(schema=OVERLONG) if overlong is None else overlong,
        blank_rows=frame.height - kept.height,
    )


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path} is not a readable Parquet file: {error}. Write it again."
        ) from error


def _read_excel(path: Path) -> pl.DataFrame:
    try:
        import fastexcel
    except ImportError as error:
        raise InputError(
            f"reading {path} needs the Excel extra. Run `pip install 'restock[excel]'`, or save the"
            " sheet as CSV."
        ) from error
    try:
        return pl.read_excel(
            path,
            read_options={"dtypes": "string"},
            drop_empty_rows=False,
            drop_empty_cols=False,
            raise_if_empty=False,
        )
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} is not a readable Excel file: {error}. Save it again.") from error


def match_columns(raw: RawTable, wanted: Sequence[str]) -> dict[str, str]:
    """Return which column of the file (value) is meant by each wanted one (key) that it has.

    Raises :class:`InputError` when two columns of the file mean the same.
    """
    found: dict[str, str] = {}
    by_key = {column_key(name): name for name in wanted}
    for name in raw.frame.columns:
        meant = by_key.get(column_key(name.split("_duplicated_")[0])) if name != ROW else None
        if meant is None:
            continue
        if meant in found:
            raise InputError(
                f"{raw.path} has column '{meant}' twice ('{found[meant]}' and '{name}'). Keep one."
            )
        found[meant] = name
    return found
