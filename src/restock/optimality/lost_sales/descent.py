"""Search over whole numbers: to the best neighbour until none is better."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import product
from typing import TypeAlias

__all__ = ["Point", "descend"]

Point: TypeAlias = tuple[int, ...]

STRIDES = (4, 2, 1)


def descend(cost: Callable[[Point], float], start: Point, least: Point) -> tuple[Point, float]:
    """Go to the best neighbour until none is better, in strides of 4, then 2, then 1 units.

    Neighbours differ in any of the numbers, so that diagonals count; no number goes below its
    ``least``. Returns a point no neighbour of which is better, and its cost; it is a minimum if
    the cost is convex.

    >>> descend(lambda point: (point[0] - 3) ** 2 + abs(point[1]), (20, 9), (0, 1))
    ((3, 1), 1)
    """
    known = cache(cost)
    here = start
    for stride in STRIDES:
        better = _step(known, here, stride, least)
        while better != here:
            here, better = better, _step(known, better, stride, least)
    return here, known(here)


def _step(cost: Callable[[Point], float], here: Point, stride: int, least: Point) -> Point:
    moves: Iterable[Point] = product((0, -stride, stride), repeat=len(here))
    neighbours = [tuple(x + dx for x, dx in zip(here, move, strict=True)) for move in moves]
    inside = [p for p in neighbours if all(x >= low for x, low in zip(p, least, strict=True))]
    return min(inside, key=cost)
