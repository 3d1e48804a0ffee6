"""Which units leave the shelf: the oldest, the freshest, or some of both."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Num

__all__ = ["Issued", "issue", "take"]


class Issued(NamedTuple):
    """``left`` [S, D, m] units by remaining life, and ``lost`` [S, D] units of unmet demand."""

    left: Int[np.ndarray, "S D m"]
    lost: Int[np.ndarray, "S D"]


def issue(
    stock: Int[np.ndarray, "S m"], demand: Int[np.ndarray, " D"], fifo_share: float
) -> Issued:
    """Serve each ``demand`` from each ``stock``, whole units by remaining life, oldest first.

    ``fifo_share`` of the units served (rounded to whole units, halves up) is taken oldest first,
    the rest then freshest first: 1 is FIFO, 0 is LIFO.

    >>> issue(np.array([[2, 3]]), np.array([3]), fifo_share=1.0).left.tolist()
    [[[0, 2]]]
    >>> issue(np.array([[2, 3]]), np.array([3]), fifo_share=0.0).left.tolist()
    [[[2, 0]]]
    >>> issue(np.array([[2, 3]]), np.array([7]), fifo_share=0.5).lost.tolist()
    [[2]]
    """
    served = np.minimum(stock.sum(axis=1)[:, None], demand)
    oldest = np.floor(fifo_share * served + 0.5).astype(np.int64)
    return Issued(take(stock[:, None, :], oldest, served - oldest), demand - served)


def take(
    stock: Num[np.ndarray, "#S #D m"],
    oldest: Num[np.ndarray, "S D"],
    freshest: Num[np.ndarray, "S D"],
) -> Num[np.ndarray, "S D m"]:
    """Return the stock left when ``oldest`` units leave from the old end, then ``freshest``.

    >>> take(np.array([[[2.0, 3.0]]]), np.array([[1.5]]), np.array([[1.0]])).tolist()
    [[[0.5, 2.0]]]
    """
    left = _take_first(stock, oldest)
    return _take_first(left[..., ::-1], freshest)[..., ::-1]


def _take_first(
    stock: Num[np.ndarray, "#S #D m"], units: Num[np.ndarray, "S D"]
) -> Num[np.ndarray, "S D m"]:
    """Return what is left of ``stock`` when ``units`` leave it from its first class on."""
    before = np.cumsum(stock, axis=-1) - stock
    return np.asarray(stock - np.minimum((units[..., None] - before).clip(0), stock))
