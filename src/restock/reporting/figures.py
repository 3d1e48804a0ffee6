"""Figures as people read them: thousands apart, a true minus sign, a dash for what is not known."""

import datetime as dt
import math

__all__ = ["amount", "day", "interval", "label", "percent", "seconds", "share", "signed_percent"]

UNKNOWN = "–"
MINUS = "\N{MINUS SIGN}"

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LABELS = {"sba": "SBA", "tsb": "TSB", "lightgbm": "LightGBM"}


def amount(value: float | None, digits: int | None = None) -> str:
    """Return a quantity; without ``digits``, two decimals below 100 and none from there on.

    >>> amount(12767.0996), amount(-3.5), amount(float("nan")), amount(4.0, 0)
    ('12,767', '−3.50', '–', '4')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    places = (2 if abs(value) < 100 else 0) if digits is None else digits
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", MINUS)


def share(value: float | None) -> str:
    """Return a share of one in percent.

    >>> share(0.98726)
    '98.7 %'
    """
    return UNKNOWN if value is None else percent(100 * value)


def percent(value: float | None) -> str:
    """Return a number of percent.

    >>> percent(4.8), percent(-0.02), percent(float("nan"))
    ('4.8 %', '0.0 %', '–')
    """
    shown = amount(value, 1)
    return shown if shown == UNKNOWN else f"{shown} %"


def signed_percent(value: float | None) -> str:
    """Return a number of percent with its sign; what rounds to zero has none.

    >>> signed_percent(4.8), signed_percent(-4.8), signed_percent(0.01)
    ('+4.8 %', '−4.8 %', '0.0 %')
    """
    shown = percent(value)
    return f"+{shown}" if value is not None and round(value, 1) > 0 else shown


def interval(low: str, high: str) -> str:
    """Return two shown numbers as a range; an interval that is not known is a dash.

    >>> interval("10.3 %", "18.9 %"), interval("–", "–")
    ('10.3 to 18.9 %', '–')
    """
    if UNKNOWN in (low, high):
        return UNKNOWN
    return f"{low.removesuffix(' %') if high.endswith(' %') else low} to {high}"


def seconds(value: float) -> str:
    """Return a duration in seconds, exact enough to compare.

    >>> seconds(0.0327), seconds(127.4)
    ('0.03 s', '127 s')
    """
    return f"{amount(value)} s"


def day(date: dt.date, *, weekday: bool = False) -> str:
    """Return a date in words, the same in every locale.

    >>> import datetime
    >>> day(datetime.date(2011, 12, 9), weekday=True)
    'Friday 9 December 2011'
    """
    words = f"{date.day} {_MONTHS[date.month - 1]} {date.year}"
    return f"{_WEEKDAYS[date.weekday()]} {words}" if weekday else words


def label(name: str) -> str:
    """Return the name of a rule, forecaster or key for people.

    >>> label("capped_quantile_by_class"), label("lightgbm")
    ('Capped quantile by class', 'LightGBM')
    """
    return _LABELS.get(name) or name.replace("_", " ").capitalize()
