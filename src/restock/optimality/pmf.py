"""Probability mass functions: p[d], the chance of demand d = 0..D in one period."""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, pdtrc

from restock.errors import InstanceError, require

__all__ = ["check_pmf", "geometric_pmf", "poisson_pmf", "quantile", "total_pmf"]

DEFAULT_TAIL = 1e-12


def poisson_pmf(mean: float, tail: float = DEFAULT_TAIL) -> Float[np.ndarray, " D"]:
    """Return P(D = d) of Poisson demand, cut where less than ``tail`` is left and renormalised.

    ``mean`` is units per period, finite and ≥ 0; ``tail`` is a probability in (0, 1).

    Raises :class:`InstanceError` for another mean or tail.

    >>> poisson_pmf(0.5)[:2].round(4).tolist()
    [0.6065, 0.3033]
    """
    _check_mean_and_tail(mean, tail)
    # Bernstein's inequality: P(D ≥ mean + t) ≤ exp(−t² / (2 (mean + t/3))) ≤ tail for this t.
    surprise = -math.log(tail)
    reach = surprise / 3 + math.sqrt(surprise**2 / 9 + 2 * surprise * mean)
    demand = np.arange(math.ceil(mean + reach) + 1)
    demand = demand[: int((pdtrc(demand, mean) >= tail).sum()) + 1]
    log_mean = math.log(mean) if mean > 0 else -math.inf
    powers = np.zeros(demand.size)
    powers[1:] = demand[1:] * log_mean
    pmf = np.exp(powers - mean - gammaln(demand + 1))
    return np.asarray(pmf / pmf.sum())


def geometric_pmf(mean: float, tail: float = DEFAULT_TAIL) -> Float[np.ndarray, " D"]:
    """Return P(D = d) = (1 − r) r^d on d = 0, 1, …, with r = mean / (1 + mean).

    Cut where less than ``tail`` is left, and renormalised. ``mean`` is units per period.

    Raises :class:`InstanceError` for a mean that is negative or not finite, or a tail outside
    (0, 1).

    >>> geometric_pmf(1.0)[:3].round(4).tolist()
    [0.5, 0.25, 0.125]
    """
    _check_mean_and_tail(mean, tail)
    ratio = mean / (1 + mean)
    # P(D > d) = r^(d + 1) < tail
    largest = math.floor(math.log(tail) / math.log(ratio)) if ratio > 0 else 0
    pmf = (1 - ratio) * ratio ** np.arange(largest + 1)
    return np.asarray(pmf / pmf.sum())


def total_pmf(pmf: Float[np.ndarray, " D"], periods: int) -> Float[np.ndarray, " E"]:
    """Return the distribution of the demand of ``periods`` independent periods together.

    >>> total_pmf(np.array([0.5, 0.5]), 2).tolist()
    [0.25, 0.5, 0.25]
    """
    total = np.ones(1)
    for _ in range(periods):
        total = np.convolve(total, pmf)
    return total


def quantile(pmf: Float[np.ndarray, " D"], probability: float) -> int:
    """Return the smallest level whose cumulated probability reaches ``probability``.

    >>> quantile(np.array([0.25, 0.5, 0.25]), 0.75)
    1
    """
    # The margin is for sums that end at 1 − 1e-16.
    first = int(np.searchsorted(np.cumsum(pmf), probability - 1e-12))
    return min(first, pmf.size - 1)


def check_pmf(pmf: Float[np.ndarray, " D"]) -> None:
    """Raise :class:`InstanceError` unless ``pmf`` is a distribution over 0..D."""
    require(
        pmf.ndim == 1 and pmf.size > 0,
        InstanceError,
        f"`pmf` must be one row of probabilities p[0..D]; got shape {pmf.shape}.",
    )
    lowest, total = float(pmf.min()), float(pmf.sum())
    require(
        lowest >= 0 and abs(total - 1) <= 1e-9,
        InstanceError,
        f"`pmf` must be ≥ 0 and sum to 1; its least value is {lowest} and its sum {total}."
        " Clip it and divide by its sum.",
    )


def _check_mean_and_tail(mean: float, tail: float) -> None:
    require(
        0 <= mean < math.inf,
        InstanceError,
        f"`mean` of demand must be finite and ≥ 0; got {mean}. Give units per period.",
    )
    require(
        0 < tail < 1,
        InstanceError,
        f"`tail` must lie in (0, 1); got {tail}. Use the default of {DEFAULT_TAIL}.",
    )
