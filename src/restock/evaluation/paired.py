"""Paired comparison on common random numbers: what one policy gains on another, and how surely.

Two policies that faced the same demand differ far less by luck than either differs from its own
expectation. Every interval here is of the difference, unit by unit.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from restock.errors import InputError, require
from restock.evaluation.resampling import (
    CONFIDENCE,
    Estimate,
    percentile_interval,
    resampled_sums,
    sums_by_group,
)
from restock.seeds import Seeds

__all__ = ["Gain", "gap_percent", "interquartile_mean", "mean_difference", "paired_gain"]


@dataclass(frozen=True, slots=True)
class Gain:
    """A paired difference in percent of the rival, with its 95 % interval.

    ``groups`` is how many independent groups the interval rests on. With a single group the
    interval is NaN: it cannot be known.
    """

    percent: float
    low: float
    high: float
    groups: int

    @classmethod
    def of_resamples(
        cls,
        percent: float,
        differences: Float[np.ndarray, " D"],
        rivals: Float[np.ndarray, " D"],
        groups: int,
    ) -> "Gain":
        """Build the gain from resampled totals of the difference and of the rival."""
        with np.errstate(divide="ignore", invalid="ignore"):
            percents = 100 * differences / np.abs(rivals)
        return cls(percent, *percentile_interval(percents, groups), groups)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of zero."""
        return self.low > 0 or self.high < 0


def paired_gain(
    candidate: ArrayLike,
    rival: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    seeds: Seeds,
    draws: int = 10_000,
) -> Gain:
    """Return 100 · (Σ candidate − Σ rival) / |Σ rival| with its 95 % bootstrap interval.

    ``candidate`` and ``rival`` are money (or any additive quantity) of the same units, such as
    product × window, in arrays of one shape. ``groups`` labels what belongs together, and is
    broadcast to that shape: give each entry its product, so that the windows of one product are
    drawn together. Without it every entry is a group of its own. Positive is more than the
    rival: good for profit, bad for cost.

    Raises :class:`InputError` when shapes differ, a number is not finite, or the rival's total
    is zero, of which nothing can be a percentage.

    >>> gain = paired_gain([11.0, 22.0], [10.0, 20.0], seeds=Seeds(1))
    >>> round(gain.percent, 9), round(gain.low, 9), round(gain.high, 9)
    (10.0, 10.0, 10.0)
    """
    ours, theirs = _pairs(candidate, rival)
    labels = (
        np.arange(ours.size)
        if groups is None
        else np.broadcast_to(np.asarray(groups), ours.shape).ravel()
    )
    sums = sums_by_group(np.stack([(ours - theirs).ravel(), theirs.ravel()]), labels)
    difference, base = sums.sum(axis=1).tolist()
    require(
        base != 0,
        InputError,
        "the rival's total is 0, of which no gain is a percentage. Compare differences in money.",
    )
    resamples = resampled_sums(sums, seeds=seeds, draws=draws)
    return Gain.of_resamples(
        100 * difference / abs(base), resamples[:, 0], resamples[:, 1], sums.shape[1]
    )


def mean_difference(candidate: ArrayLike, rival: ArrayLike) -> Estimate:
    """Return the mean of candidate − rival with Student's 95 % interval, in their unit.

    For independent replications, such as the paths of a textbook instance: mean ± t_{N−1} ·
    s / √N of the N differences (Law, Simulation Modeling and Analysis, 5th ed., §10.2.1).

    Raises :class:`InputError` when shapes differ, a number is not finite, or N < 2.

    >>> mean_difference([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    Estimate(value=2.0, low=-0.48413..., high=4.48413...)
    """
    from scipy import stats

    ours, theirs = _pairs(candidate, rival)
    differences = (ours - theirs).ravel()
    require(
        differences.size >= 2,
        InputError,
        f"an interval needs at least 2 pairs; got {differences.size}. Simulate more paths.",
    )
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(differences.size)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, differences.size - 1)) * error
    return Estimate(mean, mean - reach, mean + reach)


def interquartile_mean(scores: ArrayLike, *, seeds: Seeds, draws: int = 10_000) -> Estimate:
    """Return the mean of the middle half of ``scores`` with a 95 % interval over training seeds.

    ``scores`` is ``[N]``, one per training seed, or ``[N, M]`` with M instances. All N · M scores
    are sorted and ⌊N · M / 4⌋ are cut at each end. A resample draws N seeds with replacement,
    for each instance by itself (Agarwal, Schwarzer, Castro, Courville and Bellemare, Deep
    Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021, §4.2–4.3).

    Raises :class:`InputError` for an empty table, another number of axes, or numbers not finite.

    >>> interquartile_mean([1.0, 2.0, 4.0, 100.0], seeds=Seeds(1)).value
    3.0
    """
    table = np.asarray(scores, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    require(
        table.ndim == 2 and table.size > 0,
        InputError,
        f"`scores` must be [seeds] or [seeds, instances] and not empty; got shape {table.shape}.",
    )
    _require_finite("scores", table)
    n_seeds, n_instances = table.shape
    generator = seeds.numpy("interquartile_mean")
    chunk = max(1, 2_000_000 // table.size)
    parts = []
    for start in range(0, draws, chunk):
        size = (min(chunk, draws - start), n_seeds, n_instances)
        drawn = generator.integers(n_seeds, size=size)
        resamples = np.take_along_axis(table[None], drawn, axis=1)
        parts.append(_middle_mean(resamples.reshape(len(resamples), -1)))
    low, high = percentile_interval(np.concatenate(parts), n_seeds)
    return Estimate(float(_middle_mean(table.reshape(1, -1))[0]), low, high)


def gap_percent(cost: float, optimum: float) -> float:
    """Return 100 · (cost − optimum) / optimum: what a policy pays above the optimum, in percent.

    Raises :class:`InputError` unless the optimum is positive.

    >>> gap_percent(10.5, 10.0)
    5.0
    """
    require(
        bool(optimum > 0),
        InputError,
        f"a gap in percent needs an optimum > 0; got {optimum}. Compare differences in money.",
    )
    return float(100 * (cost - optimum) / optimum)


def _middle_mean(rows: Float[np.ndarray, "R N"]) -> Float[np.ndarray, " R"]:
    cut = rows.shape[1] // 4
    middle: np.ndarray = np.sort(rows, axis=1)[:, cut : rows.shape[1] - cut].mean(axis=1)
    return middle


def _pairs(candidate: ArrayLike, rival: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    ours = np.asarray(candidate, dtype=np.float64)
    theirs = np.asarray(rival, dtype=np.float64)
    require(
        ours.shape == theirs.shape and ours.size > 0,
        InputError,
        f"a paired comparison needs the same units on both sides; got shapes {ours.shape} and"
        f" {theirs.shape}. Evaluate both policies on the same paths.",
    )
    _require_finite("candidate", ours)
    _require_finite("rival", theirs)
    return ours, theirs


def _require_finite(name: str, values: np.ndarray) -> None:
    bad = int((~np.isfinite(values)).sum())
    require(
        bad == 0,
        InputError,
        f"`{name}` must be finite; {bad} of {values.size} numbers are not."
        " Find where they became NaN or infinite.",
    )
