"""Who gets what where there is not enough for everybody."""

import math
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

__all__ = ["by_cover", "by_weight", "in_proportion", "in_whole_units"]

Asker = TypeVar("Asker", bound=Hashable)

LEAST_RATE = 1e-9
"""Who expects no demand counts with this share of the largest rate, and so comes last."""
HAIR_UNITS = 1e-9
"""Shares that add up to 9.999999999999 are ten units."""


def in_proportion(wishes: Mapping[Asker, float], available: float) -> dict[Asker, float]:
    """Give everybody the same share of the wish.

    >>> in_proportion({"north": 6, "south": 2}, 4)
    {'north': 3.0, 'south': 1.0}
    """
    asked = sum(wishes.values())
    if asked <= available:
        return dict(wishes)
    return {asker: wish * (available / asked) for asker, wish in wishes.items()}


def by_cover(
    wishes: Mapping[Asker, float],
    available: float,
    positions: Mapping[Asker, float],
    rates: Mapping[Asker, float],
) -> dict[Asker, float]:
    """Bring those who have the least periods of demand covered up to the same cover.

    ``positions`` are the units that askers have, ``rates`` their demand per period.

    >>> by_cover({"n": 9, "s": 9}, 8, {"n": 2, "s": 5}, {"n": 1, "s": 1})
    {'n': 5.5, 's': 2.5}
    """
    if sum(wishes.values()) <= available:
        return dict(wishes)
    largest = max(rates.values()) or 1.0
    above_zero = {asker: max(rate, LEAST_RATE * largest) for asker, rate in rates.items()}
    return _fill_up(wishes, available, positions, above_zero)


def by_weight(
    wishes: Mapping[Asker, float], available: float, weights: Mapping[Asker, float]
) -> dict[Asker, float]:
    """Share by weight; what one does not want goes to those who do, at last to weight 0.

    >>> by_weight({"n": 1, "s": 9, "w": 9}, 10, {"n": 1, "s": 1, "w": 2})
    {'n': 1.0, 's': 3.0, 'w': 6.0}
    """
    if sum(wishes.values()) <= available:
        return dict(wishes)
    first = {asker: wish for asker, wish in wishes.items() if weights[asker] > 0}
    last = {asker: wish for asker, wish in wishes.items() if not weights[asker] > 0}
    rest = available - sum(first.values())
    if rest >= 0:
        shares = first | in_proportion(last, rest)
    else:
        nothing = dict.fromkeys(first, 0.0)
        shares = _fill_up(first, available, nothing, weights) | dict.fromkeys(last, 0.0)
    return {asker: shares[asker] for asker in wishes}


def in_whole_units(shares: Mapping[Asker, float]) -> dict[Asker, float]:
    """Hand out whole units one asker after the other, so that none is handed out too many.

    Each gets the whole units that the shares up to and including its own hold, less those that
    are handed out already.

    >>> in_whole_units({"n": 1.5, "s": 1.5, "w": 2})
    {'n': 1.0, 's': 2.0, 'w': 2.0}
    """
    until = handed_out = 0.0
    units = {}
    for asker, share in shares.items():
        until += share
        whole = float(math.floor(until + HAIR_UNITS))
        units[asker] = whole - handed_out
        handed_out = whole
    return units


def _fill_up(
    wishes: Mapping[Asker, float],
    available: float,
    starts: Mapping[Asker, float],
    rates: Mapping[Asker, float],
) -> dict[Asker, float]:
    """Pour into vessels until all is used up: each starts to fill at a level, and ends full."""

    def poured(asker: Asker, level: float) -> float:
        return min(max(level * rates[asker] - starts[asker], 0.0), wishes[asker])

    begins = {asker: starts[asker] / rates[asker] for asker in wishes}
    ends = {asker: (starts[asker] + wish) / rates[asker] for asker, wish in wishes.items()}
    below, above = _neighbours(
        sorted({*begins.values(), *ends.values()}),
        available,
        lambda level: sum(poured(asker, level) for asker in wishes),
    )
    units = {asker: poured(asker, below) for asker in wishes}
    rising = [asker for asker in wishes if begins[asker] <= below < above <= ends[asker]]
    width = sum(rates[asker] for asker in rising)
    missing = available - sum(units.values())
    for asker in rising:
        units[asker] = min(units[asker] + missing * rates[asker] / width, wishes[asker])
    return units


def _neighbours(
    levels: list[float], available: float, poured: Callable[[float], float]
) -> tuple[float, float]:
    """Return the last level that is reached and the first that is not."""
    below = levels[0]
    for level in levels:
        if poured(level) > available:
            return below, level
        below = level
    return below, below
