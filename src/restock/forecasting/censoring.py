"""From sales to demand: what a day would have sold, had the shelf not been empty."""

import numpy as np
from jaxtyping import Bool, Float

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, require
from restock.forecasting.windows import running_totals, span_sums

__all__ = ["uncensor"]


def uncensor(history: DemandHistory, *, weeks: int = 8) -> Float[np.ndarray, "T P"]:
    """Return the units of ``history`` with each censored day lifted.

    A censored day becomes the larger of its sale and the mean of the product's uncensored days
    before it: the last ``weeks`` days of the same weekday, or where none of these was uncensored,
    the last 7 × ``weeks`` days of any weekday; without those the sale stands. Only earlier days
    are used, so the lifted series keeps the order of information. Every forecaster sees demand
    through this function.

    Raises :class:`ConfigurationError` unless ``weeks`` ≥ 1.

    >>> from datetime import date
    >>> days = tuple(date(2026, 1, d) for d in (5, 12, 19))
    >>> units, flags = np.array([[4.0], [6.0], [1.0]]), np.array([[False], [False], [True]])
    >>> prices = np.ones((3, 1))
    >>> uncensor(DemandHistory(("A",), days, units, flags, prices, flags))[:, 0].tolist()
    [4.0, 6.0, 5.0]
    """
    require(
        weeks >= 1,
        ConfigurationError,
        f"`weeks` of uncensor must be ≥ 1; got {weeks}. Use 8 for about two months.",
    )
    units = np.asarray(history.units, dtype=np.float64)
    if not history.censored.any():
        return units
    seen = ~history.censored
    known = np.where(seen, units, 0.0)
    typical = np.full(units.shape, np.nan)
    weekdays = np.array([day.weekday() for day in history.dates])
    for weekday in range(7):
        rows = np.flatnonzero(weekdays == weekday)
        typical[rows] = _trailing_mean(known[rows], seen[rows], weeks)
    any_day = _trailing_mean(known, seen, 7 * weeks)
    typical = np.where(np.isnan(typical), any_day, typical)
    return np.where(history.censored, np.fmax(units, typical), units)


def _trailing_mean(
    known: Float[np.ndarray, "T P"], seen: Bool[np.ndarray, "T P"], length: int
) -> Float[np.ndarray, "T P"]:
    """Return the mean over the ``length`` rows before each row; NaN where nothing was seen."""
    rows = np.arange(known.shape[0])[:, None]
    sums = span_sums(running_totals(known), rows - length, rows)
    count = span_sums(running_totals(seen), rows - length, rows)
    return np.where(count > 0, sums / np.maximum(count, 1.0), np.nan)
