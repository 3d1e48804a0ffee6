"""The calendar ahead: which weekday each trading day is, within the record and after it."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from jaxtyping import Int

__all__ = ["weekdays_ahead"]

_RECENT_DAYS = 40


def weekdays_ahead(dates: tuple[date, ...], n_days: int) -> Int[np.ndarray, "T_H"]:
    """Return the weekday (Monday 0) of each date and of the ``n_days`` trading days after them.

    Days after the record are taken to be open on the weekdays of the last 40 trading days;
    holidays to come are not known.

    >>> weekdays_ahead((date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5)), 3).tolist()
    [3, 4, 0, 3, 4, 0]
    """
    recorded = [day.weekday() for day in dates]
    following = _following(dates[-1], frozenset(recorded[-_RECENT_DAYS:])) if dates else iter(())
    return np.array([*recorded, *(next(following) for _ in range(n_days))], dtype=np.int64)


def _following(last: date, open_weekdays: frozenset[int]) -> Iterator[int]:
    while True:
        last += timedelta(days=1)
        if last.weekday() in open_weekdays:
            yield last.weekday()
