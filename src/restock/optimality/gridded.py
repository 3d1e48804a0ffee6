"""Demand on an equidistant grid: whole units, or a normal variable in fine steps."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import convolve
from scipy.special import ndtr

from restock.errors import InstanceError, require
from restock.optimality.newsvendor import Normal
from restock.optimality.pmf import check_pmf, quantile

__all__ = ["GridDemand", "counted", "normal_on_grid"]

# Beyond this many deviations a normal variable has less than 1e-15 of its mass.
REACH_IN_SD = 8.0
TAIL = 1e-15


@dataclass(frozen=True, eq=False)
class GridDemand:
    """Demand that takes the values (``first`` + k) · ``step`` units with chance ``chances[k]``.

    ``step`` is units between neighbouring points, ``first`` the number of the lowest point (it may
    be negative: a normal variable can be).

    Raises :class:`InstanceError` unless ``chances`` is a distribution and ``step`` finite and > 0.

    >>> GridDemand(np.array([0.5, 0.5]), first=2, step=0.25).mean
    0.625
    """

    chances: Float[np.ndarray, " K"]
    first: int
    step: float

    def __post_init__(self) -> None:
        """Check the numbers; the conditions are written so that NaN fails them."""
        check_pmf(self.chances)
        require(
            0 < self.step < math.inf,
            InstanceError,
            f"`step` of a demand grid must be finite and > 0; got {self.step}. Give units.",
        )

    @property
    def last(self) -> int:
        """Number of the highest point."""
        return self.first + self.chances.size - 1

    @property
    def mean(self) -> float:
        """Units demanded on average."""
        return float(self.chances @ (np.arange(self.first, self.last + 1) * self.step))

    def over(self, periods: int) -> "GridDemand":
        """Return the demand of ``periods`` ≥ 0 independent periods together.

        Less than 1e-15 of the mass is cut off at either end.

        >>> counted(np.array([0.5, 0.5])).over(2).chances.tolist()
        [0.25, 0.5, 0.25]
        """
        total, first = np.ones(1), 0
        for _ in range(periods):
            # The Fourier transform that long rows are convolved with leaves −1e-17 here and there.
            total = np.maximum(convolve(total, self.chances), 0.0)
            below, above = np.cumsum(total) < TAIL, np.cumsum(total[::-1])[::-1] < TAIL
            kept = np.flatnonzero(~(below | above))
            total, first = total[kept[0] : kept[-1] + 1], first + self.first + int(kept[0])
        return GridDemand(total / total.sum(), first, self.step)

    def lumped(self, probability: float) -> "GridDemand":
        """Return the demand with all mass above its ``probability`` quantile put on the quantile.

        Some published figures were computed so; it understates what rare high demand costs.

        >>> counted(np.array([0.5, 0.25, 0.25])).lumped(0.7).chances.tolist()
        [0.5, 0.5]
        """
        top = quantile(self.chances, probability)
        kept = self.chances[: top + 1].copy()
        kept[-1] = self.chances[top:].sum()
        return GridDemand(kept, self.first, self.step)


def counted(pmf: Float[np.ndarray, " D"]) -> GridDemand:
    """Return demand in whole units, chance ``pmf[d]`` of d.

    >>> counted(np.array([0.5, 0.25, 0.25])).mean
    0.75
    """
    return GridDemand(pmf, 0, 1.0)


def normal_on_grid(
    demand: Normal, *, clipped: bool = False, points_per_sd: int = 200
) -> GridDemand:
    """Return normal demand in steps of sd / ``points_per_sd`` units, clipped at 0 where asked.

    Each point gets the density times the step, which integrates smooth functions to machine
    precision; kinks and the clipping cost an error of the order of the step squared. ``clipped``
    puts the mass of negative demand on 0: demand is max(0, ·), whose mean is higher and whose
    deviation is lower than those of ``demand``.

    Raises :class:`InstanceError` unless ``points_per_sd`` ≥ 1.

    >>> grid = normal_on_grid(Normal(5, 2), clipped=True)
    >>> round(grid.mean, 4), grid.first
    (5.004, 0)
    """
    require(
        points_per_sd >= 1,
        InstanceError,
        f"`points_per_sd` must be ≥ 1; got {points_per_sd}. Use the default of 200.",
    )
    step = demand.sd / points_per_sd
    first = math.floor((demand.mean - REACH_IN_SD * demand.sd) / step)
    last = math.ceil((demand.mean + REACH_IN_SD * demand.sd) / step)
    if clipped:
        first, last = max(first, 0), max(last, 0)
    points = np.arange(first, last + 1) * step
    chances = np.exp(-(((points - demand.mean) / demand.sd) ** 2) / 2)
    chances *= step / (demand.sd * math.sqrt(2 * math.pi))
    if clipped and first == 0:
        chances[0] = chances[0] / 2 + ndtr(-demand.mean / demand.sd)
    return GridDemand(chances / chances.sum(), first, step)
