"""The fluid bound on revenue: the best mix of prices if demand were as smooth as its mean."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from restock.errors import InstanceError, require

__all__ = ["RateMix", "best_mix"]


@dataclass(frozen=True, kw_only=True, eq=False)
class RateMix:
    """The best shares of time at each rate.

    ``value`` is money per period, ``rate`` units per period; ``share`` ``[K]`` of the time is spent
    at each price, the rest without sales. ``price_of_capacity`` is what one more unit per period
    would earn: for any such μ ≥ 0, value ≤ μ · capacity + max(0, rates · (margins − μ)).
    """

    value: float
    rate: float
    share: Float[np.ndarray, " K"]
    price_of_capacity: float


def best_mix(
    rates: Float[np.ndarray, " K"], margins: Float[np.ndarray, " K"], capacity: float = np.inf
) -> RateMix:
    """Return the mix of prices that earns most when no more than ``capacity`` may be sold.

    ``rates`` are units per period at each price, ``margins`` money per unit sold there. The answer
    is the least concave function above the points (rate, rate · margin) and the origin, at the
    capacity or at its peak.

    Raises :class:`InstanceError` for rates or a capacity below 0, or NaN.

    Source: G. Gallego and G. van Ryzin (1994), Optimal dynamic pricing of inventories with
    stochastic demand over finite horizons, Management Science 40(8):999–1020, on finite price
    sets.

    >>> mix = best_mix(np.array([4.0, 1.0]), np.array([3.0, 6.0]), capacity=2.0)
    >>> mix.value, mix.share.round(4).tolist(), mix.price_of_capacity
    (8.0, [0.3333, 0.6667], 2.0)
    """
    good = (rates >= 0).all() and np.isfinite(margins).all() and capacity >= 0
    require(
        bool(good),
        InstanceError,
        f"`rates` and `capacity` must be ≥ 0 and `margins` finite; got {rates.tolist()},"
        f" {capacity}, {margins.tolist()}. Correct them.",
    )
    corner = _envelope(rates, rates * margins)
    reach = np.append(0.0, rates[corner])
    money = np.append(0.0, rates[corner] * margins[corner])
    rate = min(capacity, reach[-1])
    share = np.zeros(rates.size)
    right = int(np.searchsorted(reach, rate))
    slope = 0.0
    if right > 0:
        weight = (rate - reach[right - 1]) / (reach[right] - reach[right - 1])
        share[corner[right - 1]] = weight
        if right > 1:
            share[corner[right - 2]] = 1 - weight
        slope = (money[right] - money[right - 1]) / (reach[right] - reach[right - 1])
    elif corner:
        slope = money[1] / reach[1]
    binds = capacity < reach[-1]
    return RateMix(
        value=float(np.interp(rate, reach, money)),
        rate=float(rate),
        share=share,
        price_of_capacity=float(slope) if binds else 0.0,
    )


def _envelope(rates: Float[np.ndarray, " K"], money: Float[np.ndarray, " K"]) -> list[int]:
    """Return the numbers of the corners, rising from the origin to the peak."""
    corners: list[int] = []
    points = [(0.0, 0.0)]
    for index in np.lexsort((-money, rates)):
        point = (float(rates[index]), float(money[index]))
        if point[0] <= points[-1][0]:
            continue
        while corners and _slope(points[-2], points[-1]) <= _slope(points[-1], point):
            corners.pop()
            points.pop()
        if _slope(points[-1], point) > 0:
            corners.append(int(index))
            points.append(point)
    return corners


def _slope(left: tuple[float, float], right: tuple[float, float]) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])
