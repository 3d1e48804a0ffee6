"""How good a belief was: scores of predictive distributions against what came.

y is the observed total of a cell (origin n, product p); a cell with y = NaN is not scored. Each
score is given the statement that it rewards: the quantiles for WQL and coverage, the mean for
RMSSE and bias, the median for WAPE (Gneiting 2011, Journal of the American Statistical
Association 106).
"""

import numpy as np
from jaxtyping import Float

from restock.errors import InputError, require
from restock.forecasting.predictive import Predictive

__all__ = [
    "bias",
    "central_coverage",
    "root_mean_squared_scaled_error",
    "weighted_absolute_percentage_error",
    "weighted_quantile_loss",
]


def weighted_quantile_loss(observed: Float[np.ndarray, "N P"], belief: Predictive) -> float:
    """Return WQL, a pure number ≥ 0, the mean over levels l of 2 Σ ρ_l(y − q_l) / Σ y.

    ρ_l(u) = max(l u, (l − 1) u) is the pinball loss. Halved, it would approximate the CRPS.

    Raises :class:`InputError` when nothing was observed or all of it is zero.

    Source: Gasthaus et al. (2019), AISTATS, section 4.

    >>> belief = Predictive.monotone(np.array([0.5, 0.9]), np.array([[[8.0, 12.0]]]))
    >>> round(weighted_quantile_loss(np.array([[10.0]]), belief), 3)  # 2 (1.0 + 0.2) / 10 / 2
    0.12
    """
    total = _total(observed, "WQL")
    miss = observed[..., None] - belief.quantiles
    pinball = np.maximum(belief.levels * miss, (belief.levels - 1.0) * miss)
    return float(2.0 * np.nansum(pinball) / belief.levels.size / total)


def root_mean_squared_scaled_error(
    observed: Float[np.ndarray, "N P"],
    point: Float[np.ndarray, "N P"],
    scale: Float[np.ndarray, "P"],
) -> float:
    """Return RMSSE, the mean over products of sqrt(mean over origins (y − ŷ)² / scale).

    ``scale[p]`` in units² is the mean squared error of a naive forecast on the training days;
    products with scale 0 are not scored.

    Raises :class:`InputError` when no product can be scored.

    Source: Makridakis, Spiliotis and Assimakopoulos (2022), The M5 accuracy competition,
    International Journal of Forecasting 38, section 2.3.

    >>> root_mean_squared_scaled_error(
    ...     np.array([[4.0], [8.0]]), np.array([[4.0], [4.0]]), np.array([2.0])
    ... )
    2.0
    """
    scored = np.isfinite(observed)
    counted = scored.any(axis=0) & (scale > 0)
    require(
        bool(counted.any()),
        InputError,
        "RMSSE needs a product with observed totals and training demand that is not constant.",
    )
    squared = np.nansum((observed - point) ** 2, axis=0) / np.maximum(scored.sum(axis=0), 1)
    return float(np.sqrt(squared[counted] / scale[counted]).mean())


def weighted_absolute_percentage_error(
    observed: Float[np.ndarray, "N P"], point: Float[np.ndarray, "N P"]
) -> float:
    """Return WAPE, a pure number ≥ 0: Σ |y − ŷ| / Σ y.

    Raises :class:`InputError` when nothing was observed or all of it is zero.

    >>> weighted_absolute_percentage_error(np.array([[4.0, 6.0]]), np.array([[5.0, 4.0]]))
    0.3
    """
    return float(np.nansum(np.abs(observed - point)) / _total(observed, "WAPE"))


def bias(observed: Float[np.ndarray, "N P"], point: Float[np.ndarray, "N P"]) -> float:
    """Return Σ (ŷ − y) / Σ y, a pure number: positive when too much was forecast.

    Raises :class:`InputError` when nothing was observed or all of it is zero.

    >>> bias(np.array([[4.0, 6.0]]), np.array([[5.0, 4.0]]))
    -0.1
    """
    return float(np.nansum(point - observed) / _total(observed, "bias"))


def central_coverage(
    observed: Float[np.ndarray, "N P"], belief: Predictive, share: float = 0.8
) -> float:
    """Return the fraction of cells inside the central interval that should hold ``share``.

    The interval runs from level (1 − share) / 2 to (1 + share) / 2, ends included.

    Raises :class:`InputError` when nothing was observed or the levels do not reach so far.

    >>> belief = Predictive.monotone(np.array([0.1, 0.9]), np.array([[[2.0, 9.0], [2.0, 9.0]]]))
    >>> central_coverage(np.array([[9.0, 10.0]]), belief)
    0.5
    """
    scored = np.isfinite(observed)
    require(bool(scored.any()), InputError, "coverage needs an observed total; there is none.")
    low = belief.quantile(round((1.0 - share) / 2.0, 12))
    high = belief.quantile(round((1.0 + share) / 2.0, 12))
    return float(((low <= observed) & (observed <= high))[scored].mean())


def _total(observed: Float[np.ndarray, "N P"], score: str) -> float:
    total = float(np.nansum(observed))
    require(
        total > 0,
        InputError,
        f"{score} divides by the sum of observed demand, which is {total}. Score days with sales.",
    )
    return total
