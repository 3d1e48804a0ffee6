"""The bootstrap: how far a total would move if other products had come our way.

N observations fall into G groups (a product with all its windows is one group, because windows of
one product are dependent). A resample draws G groups with replacement; it is a vector of
multinomial counts w, and the resampled total of x is Σ_g w_g x_g. All quantities and all policies
share the same resamples, so that what they have in common cancels in their differences.

The interval is the percentile interval: Efron and Tibshirani, An Introduction to the Bootstrap,
1993, §13.3; of groups: Davison and Hinkley, Bootstrap Methods and their Application, 1997, §3.8.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from restock.errors import ConfigurationError, InputError, require
from restock.seeds import Seeds

__all__ = ["CONFIDENCE", "Estimate", "percentile_interval", "resampled_sums", "sums_by_group"]

CONFIDENCE = 0.95
"""The share of repetitions in which an interval is meant to hold the truth."""

_CHUNK_COUNTS = 2_000_000  # keeps the matrix of counts near 16 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval from ``low`` to ``high``, all in the figure's unit."""

    value: float
    low: float
    high: float


def sums_by_group(values: Float[np.ndarray, "K N"], groups: np.ndarray) -> Float[np.ndarray, "K G"]:
    """Return each of K quantities summed within each group; ``groups`` holds N labels.

    >>> sums_by_group(np.array([[1.0, 2.0, 4.0]]), np.array(["a", "b", "a"])).tolist()
    [[5.0, 2.0]]
    """
    require(
        groups.shape == values.shape[1:],
        InputError,
        f"`groups` must give one label per observation, {values.shape[1]} in all;"
        f" got shape {groups.shape}.",
    )
    _, index = np.unique(groups, return_inverse=True)
    return np.stack([np.bincount(index, weights=quantity) for quantity in values])


def resampled_sums(
    group_sums: Float[np.ndarray, "K G"], *, seeds: Seeds, draws: int
) -> Float[np.ndarray, "D K"]:
    """Return the K totals in each of D = ``draws`` resamples of the G groups.

    Raises :class:`ConfigurationError` when ``draws`` is below 100: tails need draws.
    """
    require(
        draws >= 100,
        ConfigurationError,
        f"`draws` must be ≥ 100 for a 95 % interval; got {draws}. The usual number is 10000.",
    )
    generator = seeds.numpy("bootstrap")
    n_groups = group_sums.shape[1]
    chunk = max(1, _CHUNK_COUNTS // n_groups)
    parts = []
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        # G uniform draws, counted, are the multinomial counts, several times faster
        drawn = generator.integers(n_groups, size=(size, n_groups))
        drawn += n_groups * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n_groups).reshape(size, n_groups)
        parts.append(counts.astype(np.float64) @ group_sums.T)
    return np.concatenate(parts)


def percentile_interval(resamples: Float[np.ndarray, " D"], n_groups: int) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % percentiles, or NaN twice where one group says nothing.

    >>> percentile_interval(np.arange(101.0), n_groups=9)
    (2.5, 97.5)
    """
    if n_groups < 2:
        return float("nan"), float("nan")
    low, high = np.percentile(resamples, [2.5, 97.5])
    return float(low), float(high)
