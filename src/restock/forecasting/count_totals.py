"""Totals of counts whose mean and variance are known: a negative binomial by moments.

With mean M and variance V > M the total is negative binomial with size k = M² / (V − M) and
success probability k / (k + M); as V falls to M this becomes Poisson, which also stands where V
is smaller: demand more regular than Poisson is not believed.
"""

import numpy as np
from jaxtyping import Float
from scipy.stats import nbinom

from restock.forecasting.predictive import Predictive

__all__ = ["count_predictive"]

_NEARLY_POISSON = 1e6


def count_predictive(
    mean: Float[np.ndarray, "N P"], variance: Float[np.ndarray, "N P"], levels: tuple[float, ...]
) -> Predictive:
    """Return the distribution of totals with ``mean`` in units and ``variance`` in units².

    Source: moment estimates as in Johnson, Kemp and Kotz (2005), Univariate Discrete
    Distributions, 3rd edition, chapter 5.

    >>> count_predictive(np.array([[2.0]]), np.array([[4.0]]), (0.1, 0.5, 0.9)).quantiles.tolist()
    [[[0.0, 1.0, 5.0]]]
    """
    sells = mean > 0
    centre = np.where(sells, mean, 1.0)
    excess = np.maximum(np.where(sells, variance, 0.0) - centre, centre**2 / _NEARLY_POISSON)
    size = centre**2 / excess
    grid = np.array(levels)
    drawn = nbinom.ppf(grid, size[..., None], (size / (size + centre))[..., None])
    return Predictive.monotone(grid, np.where(sells[..., None], drawn, 0.0), mean)
