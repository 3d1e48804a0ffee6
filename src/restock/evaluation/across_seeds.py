"""One figure for a run that was repeated with several training seeds, and how sure it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from restock.evaluation.paired import interquartile_mean
from restock.seeds import Seeds

__all__ = ["SeedSummary", "seed_summary"]


@dataclass(frozen=True, slots=True)
class SeedSummary:
    """Mean of the middle half of the runs, its 95 % interval, and over how many seeds.

    All in the unit of the scores. With a single seed the interval is NaN: it cannot be known.
    """

    interquartile_mean: float
    low: float
    high: float
    seeds: int


def seed_summary(scores: ArrayLike, *, draws: int = 10_000) -> SeedSummary:
    """Return the interquartile mean of ``scores`` with a 95 % interval over training seeds.

    ``scores`` is ``[N]``, one for each seed, or ``[N, M]`` with M instances. The interval is the
    percentile interval of a bootstrap stratified by instance: each resample draws N seeds with
    replacement for each instance by itself (Agarwal, Schwarzer, Castro, Courville and Bellemare,
    Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021, §4.2–4.3).
    It is drawn from a fixed seed: the same scores always give the same interval.

    Raises :class:`InputError` for no scores, and for scores that are not finite.

    >>> seed_summary([2.0, 2.0, 2.0])
    SeedSummary(interquartile_mean=2.0, low=2.0, high=2.0, seeds=3)
    >>> spread = seed_summary([1.0, 2.0, 4.0, 100.0])
    >>> spread.interquartile_mean, spread.low < 3.0 < spread.high
    (3.0, True)
    """
    table = np.asarray(scores, dtype=np.float64)
    estimate = interquartile_mean(table, seeds=Seeds(0), draws=draws)
    return SeedSummary(estimate.value, estimate.low, estimate.high, len(table))
