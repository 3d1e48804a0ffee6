"""Trailing windows: sums over past days for all origins at once.

C[t, p] is the running total over days 0 … t − 1, so a sum over days a … b − 1 is C[b] − C[a], and
no origin looks at its own day or a later one.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["ended_totals", "first_sale_day", "running_totals", "span_sums"]


def running_totals(
    values: Float[np.ndarray, "T P"] | Bool[np.ndarray, "T P"],
) -> Float[np.ndarray, "T1 P"]:
    """Return C of shape [T + 1, P], the sums of ``values`` over the days before each day.

    >>> running_totals(np.array([[1.0], [2.0], [4.0]]))[:, 0].tolist()
    [0.0, 1.0, 3.0, 7.0]
    """
    totals = np.zeros((values.shape[0] + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=totals[1:])
    return totals


def span_sums(
    totals: Float[np.ndarray, "T1 P"],
    start: Int[np.ndarray, "N #P"],
    stop: Int[np.ndarray, "N #P"],
) -> Float[np.ndarray, "N P"]:
    """Return the sums over days ``start`` … ``stop`` − 1, cut to the record.

    ``totals`` is what :func:`running_totals` made.

    >>> totals = running_totals(np.array([[1.0], [2.0], [4.0]]))
    >>> span_sums(totals, np.array([[-5], [1]]), np.array([[2], [9]])).tolist()
    [[3.0], [6.0]]
    """
    shape = (start.shape[0], totals.shape[1])
    last = totals.shape[0] - 1

    def at(days: Int[np.ndarray, "N #P"]) -> Float[np.ndarray, "N P"]:
        inside = np.broadcast_to(np.clip(days, 0, last), shape)
        return np.take_along_axis(totals, inside, axis=0)

    sums: Float[np.ndarray, "N P"] = at(stop) - at(start)
    return sums


def first_sale_day(values: Float[np.ndarray, "T P"]) -> Int[np.ndarray, "P"]:
    """Return each product's first day with a sale, or T for a product that never sold."""
    sold = values > 0
    first: Int[np.ndarray, "P"] = np.where(sold.any(axis=0), sold.argmax(axis=0), values.shape[0])
    return first


def ended_totals(
    values: Float[np.ndarray, "T P"], horizon_days: Int[np.ndarray, "P"]
) -> Float[np.ndarray, "T1 P"]:
    """Return S[e, p], the total over the ``horizon_days[p]`` days that ended before day e.

    NaN where the record is shorter than the horizon, or where the window ended before the
    product's first sale: such a window says nothing about a product that was not yet offered.

    >>> ended_totals(np.array([[0.0], [2.0], [0.0], [4.0]]), np.array([2]))[:, 0].tolist()
    [nan, nan, 2.0, 2.0, 4.0]
    """
    ends = np.arange(values.shape[0] + 1)[:, None]
    sums = span_sums(running_totals(values), ends - horizon_days, ends)
    known = (ends >= horizon_days) & (ends > first_sale_day(values))
    return np.where(known, sums, np.nan)
