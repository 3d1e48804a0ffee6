"""From cells as written to typed values: numbers, dates, truth values and text.

Every function takes a column of text and returns a column of the same length, with null where a
cell could not be understood; the caller compares the two and sets such rows aside.
"""

from collections.abc import Iterable

import polars as pl

from restock.errors import InputError

__all__ = [
    "find_decimal",
    "parse_dates",
    "parse_numbers",
    "parse_texts",
    "parse_truths",
]

SPACES = r"[\s\u00a0\u202f']"
PLAIN_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d")
TRUE, FALSE = ("true", "yes", "y", "1", "1.0"), ("false", "no", "n", "0", "0.0")


def find_decimal(columns: Iterable[pl.Series], delimiter: str) -> str:
    """Return the decimal mark of a file's numbers, ``.`` or ``,``.

    ``columns`` are its columns of numbers, still text. Cells that can be read one way only
    decide (``1,5`` and ``1.234,5`` against ``1.5`` and ``1,234.5``). Where all cells are open
    (``1,234``), a semicolon or tab between cells speaks for the comma.

    >>> find_decimal([pl.Series(["1.234,50", "7"])], ";")
    ','
    """
    votes = {".": 0, ",": 0}
    undecided = False
    for column in columns:
        text = column.str.replace_all(SPACES, "")
        for mark, other in (("\\.", ","), (",", "\\.")):
            decisive = rf"^[^.,]*{mark}(\d{{1,2}}|\d{{4,}})$|{other}\d{{3}}{mark}\d+$"
            votes[mark[-1]] += int(text.str.contains(decisive).sum() or 0)
        undecided = undecided or bool(text.str.contains(r"^[^.,]*,\d{3}$").any())
    if votes[","] != votes["."]:
        return max(votes, key=lambda mark: votes[mark])
    return "," if undecided and delimiter in ";\t" else "."


def parse_numbers(text: pl.Series, decimal: str = ".") -> pl.Series:
    """Return the numbers of a column, thousands separators and spaces removed.

    >>> parse_numbers(pl.Series(["1.234,5", "-2", "x"]), decimal=",").to_list()
    [1234.5, -2.0, None]
    """
    if text.dtype != pl.String:
        return text.cast(pl.Float64, strict=False)
    thousands = "," if decimal == "." else "."
    point, comma = (f"[{mark}]" for mark in (decimal, thousands))
    clean = text.str.replace_all(SPACES, "").str.replace("−", "-", literal=True)
    name = text.name
    grouped = pl.col(name).str.contains(rf"^[+-]?\d{{1,3}}({comma}\d{{3}})+({point}\d*)?$")
    without = pl.col(name).str.replace_all(thousands, "", literal=True)
    joined = clean.to_frame().select(pl.when(grouped).then(without).otherwise(pl.col(name)))
    pointed = joined.to_series().str.replace(decimal, ".", literal=True)
    return pointed.cast(pl.Float64, strict=False)


def parse_dates(text: pl.Series, source: str, *, month_first: bool | None = None) -> pl.Series:
    """Return the dates with time of day of a column.

    Understood are ISO dates, ``31.12.2024``, ``2024/12/31`` and ``31/12/2024`` or ``12/31/2024``,
    each with or without a time. Whether day or month stands first between slashes is decided once
    for the column, by what reads more cells; ``month_first`` settles it beforehand. ``source``
    names the column in messages.

    Raises :class:`InputError` when both orders read equally many dates, and differently.

    >>> parse_dates(pl.Series(["2024-01-31", "31.1.2024 8:05"]), "date").to_list()[1].hour
    8
    """
    if text.dtype.is_temporal():
        return text.cast(pl.Datetime("us"), strict=False)
    text = text.cast(pl.String)  # 20241231 may come as a number
    spaced = text.str.strip_chars().str.strip_suffix("Z").str.replace("T", " ", literal=True)
    parts = spaced.str.splitn(" ", 2).struct.unnest()
    day, clock = parts.to_series(0), parts.to_series(1).str.strip_chars()
    columns = [day.str.to_date(form, strict=False) for form in PLAIN_DATES]
    if day.str.contains("/", literal=True).any():
        columns.append(_slashed(day, source, month_first=month_first))
    times = [clock.str.to_time(form, strict=False) for form in ("%H:%M:%S%.f", "%H:%M")]
    frame = pl.DataFrame(
        {f"date{index}": column for index, column in enumerate(columns)}
        | {"clock": clock, "seconds": times[0], "minutes": times[1]}
    )
    hour = (
        pl.when(pl.col("clock").is_null() | (pl.col("clock") == ""))
        .then(pl.time(0, 0))
        .otherwise(pl.coalesce("seconds", "minutes"))
    )
    date = pl.coalesce(f"date{index}" for index in range(len(columns)))
    return frame.select(date.dt.combine(hour).cast(pl.Datetime("us"))).to_series()


def _slashed(day: pl.Series, source: str, *, month_first: bool | None) -> pl.Series:
    day_month, month_day = (
        day.str.to_date(form, strict=False) for form in ("%d/%m/%Y", "%m/%d/%Y")
    )
    if month_first is None:
        readable = (day_month.count(), month_day.count())
        differing = day.filter(day_month.ne_missing(month_day))
        if readable[0] == readable[1] and differing.len():
            example = differing[0]
            raise InputError(
                f"{source}: it cannot be told whether day or month stands first in '{example}'."
                " Write dates as YYYY-MM-DD."
            )
        month_first = readable[1] > readable[0]
    return month_day if month_first else day_month


def parse_truths(text: pl.Series) -> pl.Series:
    """Return truth values: true/false, yes/no, y/n, 1/0 in any case.

    >>> parse_truths(pl.Series(["Yes", "0", "perhaps"])).to_list()
    [True, False, None]
    """
    if text.dtype == pl.Boolean:
        return text
    lower = pl.col("cell").cast(pl.String).str.strip_chars().str.to_lowercase()
    truth = pl.when(lower.is_in(TRUE)).then(True).when(lower.is_in(FALSE)).then(False)
    return pl.DataFrame({"cell": text}).select(truth).to_series()


def parse_texts(text: pl.Series) -> pl.Series:
    """Return text without blanks at its ends; whole numbers lose a decimal part of zero.

    >>> parse_texts(pl.Series([17850.0, None])).to_list()
    ['17850', None]
    """
    if text.dtype.is_float():
        whole = (text.drop_nulls() % 1 == 0).all()
        text = text.cast(pl.Int64) if whole else text
    return text.cast(pl.String).str.strip_chars()
