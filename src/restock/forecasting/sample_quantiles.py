"""Quantiles and mean of what was seen lately, for products with samples of different size."""

import numpy as np
from jaxtyping import Float, Int

__all__ = ["sample_quantiles", "trailing_sample"]


def sample_quantiles(
    sample: Float[np.ndarray, "K P"], levels: Float[np.ndarray, "Q"]
) -> Float[np.ndarray, "P Q"]:
    """Return the quantiles along K; NaN entries are no observations, an empty column gives 0.

    The k-th smallest of n stands at level k / (n + 1), so that the next observation falls below
    it with that probability (Weibull; type 6 of Hyndman and Fan 1996, The American Statistician
    50); beyond the extremes the extreme itself is returned.

    >>> sample = np.array([[3.0], [np.nan], [1.0], [2.0]])
    >>> sample_quantiles(sample, np.array([0.25, 0.5, 0.99])).tolist()
    [[1.0, 2.0, 3.0]]
    """
    ordered = np.sort(sample, axis=0)  # NaN goes last
    size = np.isfinite(sample).sum(axis=0)
    last = np.maximum(size - 1, 0)
    place = np.clip((size + 1) * levels[:, None] - 1.0, 0.0, last)
    below = np.floor(place).astype(np.int64)
    low = np.take_along_axis(ordered, below, axis=0)
    high = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=0)
    return np.where(size > 0, low + (place - below) * (high - low), 0.0).T


def trailing_sample(
    values: Float[np.ndarray, "T1 P"],
    origins: Int[np.ndarray, "N"],
    count: int,
    levels: Float[np.ndarray, "Q"],
) -> tuple[Float[np.ndarray, "N P Q"], Float[np.ndarray, "N P"]]:
    """Return quantiles and mean of the last ``count`` rows up to each origin's own row.

    Row e of ``values`` must hold what is known before day e. Empty samples give 0.

    >>> values = np.array([[1.0], [2.0], [9.0]])
    >>> trailing_sample(values, np.array([1]), 5, np.array([0.4, 0.5]))[1].tolist()
    [[1.5]]
    """
    quantiles = np.empty((origins.size, values.shape[1], levels.size))
    mean = np.empty((origins.size, values.shape[1]))
    for n, origin in enumerate(origins):
        sample = values[max(origin - count + 1, 0) : origin + 1]
        quantiles[n] = sample_quantiles(sample, levels)
        mean[n] = np.nansum(sample, axis=0) / np.maximum(np.isfinite(sample).sum(axis=0), 1)
    return quantiles, mean
