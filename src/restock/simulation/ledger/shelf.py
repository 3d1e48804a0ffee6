"""Stock lying somewhere, by the periods of life that it has left."""

__all__ = ["Lots", "put", "take", "total", "turn_a_day_older"]

Lots = dict[float, float]
"""Units by the periods of life left; infinity for what does not perish."""

DUST_UNITS = 1e-12
"""Less than this is what subtracting left of nothing."""


def total(lots: Lots) -> float:
    """Return all units.

    >>> total({1: 2.0, 3: 0.5})
    2.5
    """
    return float(sum(lots.values()))


def put(lots: Lots, more: Lots) -> None:
    """Lay ``more`` on the shelf."""
    for life, units in more.items():
        if units > 0:
            lots[life] = lots.get(life, 0.0) + units


def take(lots: Lots, units: float, fifo_share: float = 1.0) -> Lots:
    """Take ``units`` off the shelf: a share of them the oldest, the rest the freshest.

    >>> shelf = {1: 2.0, 2: 1.0, 3: 4.0}
    >>> take(shelf, 4.0, fifo_share=0.25), shelf
    ({1: 1.0, 3: 3.0}, {1: 1.0, 2: 1.0, 3: 1.0})
    """
    taken: Lots = {}
    oldest = fifo_share * units
    _take(lots, oldest, sorted(lots), taken)
    _take(lots, units - oldest, sorted(lots, reverse=True), taken)
    return taken


def turn_a_day_older(lots: Lots) -> float:
    """Take a period of life from everything and return the units that have none left.

    >>> import math
    >>> shelf = {1: 2.0, 2: 5.0, math.inf: 1.0}
    >>> turn_a_day_older(shelf), shelf
    (2.0, {1: 5.0, inf: 1.0})
    """
    expired = lots.pop(1, 0.0)
    older = {life - 1: units for life, units in lots.items()}
    lots.clear()
    lots.update(older)
    return expired


def _take(lots: Lots, units: float, order: list[float], taken: Lots) -> None:
    for life in order:
        part = min(lots[life], units)
        if lots[life] - part < DUST_UNITS:
            lots.pop(life)
        else:
            lots[life] -= part
        if part > 0:
            taken[life] = taken.get(life, 0.0) + part
        units -= part
