"""From bytes to cells: the encoding and the delimiter of a delimited text file are found here."""

import codecs
import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from restock.errors import InputError
from restock.records.intake import ROW

__all__ = ["OVERLONG", "Cells", "column_key", "decode", "find_delimiter", "parse_delimited"]

DELIMITERS = (",", ";", "\t", "|")
OVERLONG = {ROW: pl.Int64, "value": pl.String}


@dataclass(frozen=True)
class Cells:
    """Rows of text cells under their header; ``overlong`` are rows with more cells than header.

    Both carry row numbers in column :data:`ROW`, the header being row 1; ``overlong`` holds the
    row's text in column ``value``.
    """

    frame: pl.DataFrame
    overlong: pl.DataFrame


def decode(raw: bytes) -> tuple[str, str]:
    r"""Return the text of a file and the encoding that it was found in.

    A byte-order mark decides first (UTF-8, UTF-16). Then UTF-8 is tried; text that is not UTF-8
    is read line by line, each line as UTF-8 if it is valid and as Windows-1252 otherwise, so that
    files stitched together from several sources keep every letter.

    >>> decode("Größe".encode("cp1252"))
    ('Größe', 'cp1252')
    >>> decode("Größe".encode("utf-8") + b"\n" + "Maß".encode("cp1252"))
    ('Größe\nMaß', 'mixed utf-8 and cp1252')
    """
    if raw.startswith(codecs.BOM_UTF8):
        raw, named = raw[len(codecs.BOM_UTF8) :], "utf-8-sig"
    elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), "utf-16"
    elif 3 * raw[:200].count(0) > len(raw[:200]):
        encoding = "utf-16-le" if raw[1] == 0 else "utf-16-be"
        return raw.decode(encoding, errors="replace"), encoding
    else:
        named = "utf-8"
    try:
        return raw.decode("utf-8"), named
    except UnicodeDecodeError:
        return _decode_by_line(raw)


def _decode_by_line(raw: bytes) -> tuple[str, str]:
    lines, utf8 = [], False
    for line in raw.split(b"\n"):
        try:
            lines.append(line.decode("utf-8"))
            utf8 = utf8 or not line.isascii()
        except UnicodeDecodeError:
            lines.append(line.decode("cp1252", errors="replace"))
    return "\n".join(lines), "mixed utf-8 and cp1252" if utf8 else "cp1252"


def column_key(name: str) -> str:
    """Return what makes two column names the same: letters and digits, in lower case.

    >>> column_key("Product ID") == column_key("product_id")
    True
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())


def find_delimiter(text: str, known: Iterable[str]) -> str:
    r"""Return the delimiter that makes most ``known`` column names out of the header.

    >>> find_delimiter("date;product_id;units\n", ["date", "units"])
    ';'
    """
    header = text.lstrip("\r\n").split("\n", 1)[0].replace("\r", "")
    keys = {column_key(name) for name in known}

    def fitness(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(column_key(cell) in keys for cell in cells), len(cells)

    return max(DELIMITERS, key=fitness)


def parse_delimited(text: str, delimiter: str, source: str) -> Cells:
    """Split text into cells, all kept as text; empty cells are null.

    Raises :class:`InputError` when there is no header or a quotation mark is never closed.
    """
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode("utf-8")), separator=delimiter, infer_schema=False
        )
    except pl.exceptions.NoDataError as error:
        raise InputError(
            f"{source} is empty. Export it again; it needs a header and rows."
        ) from error
    except pl.exceptions.PolarsError:
        return _parse_with_care(text, delimiter, source)
    numbers = pl.int_range(2, frame.height + 2, dtype=pl.Int64, eager=True)
    return Cells(frame.with_columns(numbers.alias(ROW)), pl.DataFrame(schema=OVERLONG))


def _parse_with_care(text: str, delimiter: str, source: str) -> Cells:
    """Read row by row what the fast reader refused: rows of uneven length, broken quotes."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(
            f"{source} cannot be split into cells: {error}, at line {reader.line_num}. A quotation"
            " mark is not closed or stands inside a cell; double it or remove it."
        ) from error
    header, width = rows[0], len(rows[0])
    whole, overlong = [], []
    for number, row in enumerate(rows[1:], start=2):
        if any(row[width:]):
            overlong.append((number, delimiter.join(row)))
        else:
            cells = [cell or None for cell in row[:width]]
            whole.append((*cells, *[None] * (width - len(cells)), number))
    types = dict.fromkeys(_distinct(header), pl.String) | {ROW: pl.Int64}
    return Cells(
        pl.DataFrame(whole, schema=types, orient="row"),
        pl.DataFrame(overlong, schema=OVERLONG, orient="row"),
    )


def _distinct(header: list[str]) -> list[str]:
    return [
        f"{name}_duplicated_{header[:index].count(name) - 1}" if name in header[:index] else name
        for index, name in enumerate(header)
    ]
