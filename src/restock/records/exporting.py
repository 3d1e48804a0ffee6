"""Writing records, templates and the quarantine; a file appears whole or not at all."""

import os
import tempfile
from importlib import import_module
from pathlib import Path

import polars as pl

from restock.errors import InputError, did_you_mean, require
from restock.records.schemas import TABLES
from restock.records.tables import Records

__all__ = ["export", "export_template", "write_quarantine"]


def export(records: Records, folder: Path, *, suffix: str = ".csv") -> tuple[Path, ...]:
    """Write every table that has rows as ``folder/TABLE.csv``; returns the paths.

    :func:`restock.records.read_folder` reads them back to the same tables. ``suffix`` may also be
    ``.parquet`` or ``.xlsx``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in records.tables().items():
        if frame.height:
            _write(frame, folder / f"{name}{suffix}")
            paths.append(folder / f"{name}{suffix}")
    return tuple(paths)


def export_template(table: str, path: Path) -> Path:
    """Write the header of ``table``, to be filled in; the ending of ``path`` chooses the kind.

    Raises :class:`InputError` for an unknown table or ending.
    """
    require(
        table in TABLES, InputError, f"table '{table}' is unknown.{did_you_mean(table, TABLES)}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(TABLES[table].empty(), path)
    return path


def write_quarantine(records: Records, folder: Path) -> Path:
    """Write ``quarantine.csv`` (table, row, column, value, rule, remedy) and return its path.

    It is written without rows, too, so that an older one cannot be mistaken for this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "quarantine.csv"
    _write(records.quarantine, path)
    return path


def _write(frame: pl.DataFrame, path: Path) -> None:
    writers = {".csv": _write_csv, ".parquet": _write_parquet, ".xlsx": _write_excel}
    require(
        path.suffix in writers,
        InputError,
        f"cannot write {path}: its ending must be one of {', '.join(writers)}. Rename it.",
    )
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        writers[path.suffix](frame, draft)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path)


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path)


def _write_excel(frame: pl.DataFrame, path: Path) -> None:
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as error:
        raise InputError(
            f"writing {path} needs the Excel extra. Run `pip install 'restock[excel]'`, or write"
            " CSV."
        ) from error
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.append(frame.columns)
    for row in frame.iter_rows():
        sheet.append(row)
    book.save(path)
