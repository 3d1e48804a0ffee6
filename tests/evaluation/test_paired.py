"""Intervals: known answers, coverage by simulation, and controls that must come out worse."""

import numpy as np
import pytest
from scipy import stats

from restock.errors import ConfigurationError, InputError
from restock.evaluation import gap_percent, interquartile_mean, mean_difference, paired_gain
from restock.evaluation.resampling import resampled_sums, sums_by_group
from restock.seeds import Seeds

SEEDS = Seeds(11)


def _two_policies(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Profits of one hundred on products of very different size, a gain of 3 % and small noise."""
    generator = np.random.default_rng(1)
    rival = generator.lognormal(3, 1, n)
    return 1.03 * rival + generator.normal(0, 0.5, n), rival


def test_the_gain_is_the_percentage_of_the_sums() -> None:
    gain = paired_gain([1.0, 5.0], [2.0, 2.0], seeds=SEEDS)
    assert gain.percent == pytest.approx(50.0)  # (6 − 4) / 4
    assert gain.groups == 2
    # four equally likely resamples: −50, 50, 50, 150 %
    assert (gain.low, gain.high) == pytest.approx((-50.0, 150.0))
    assert not gain.excludes_zero


def test_a_loss_stays_a_loss_when_the_rival_loses_money() -> None:
    gain = paired_gain([-30.0, -30.0], [-20.0, -20.0], seeds=SEEDS)
    assert gain.percent == pytest.approx(-50.0)
    assert gain.excludes_zero


def test_the_interval_agrees_with_the_delta_method_on_many_units() -> None:
    candidate, rival = _two_policies(2000)
    gain = paired_gain(candidate, rival, seeds=SEEDS)
    # residuals of the ratio Σd / Σr, Cochran, Sampling Techniques, 1977, eq. 6.10
    ratio = (candidate - rival).sum() / rival.sum()
    residuals = (candidate - rival) - ratio * rival
    error = 100 * residuals.std(ddof=1) / np.sqrt(2000) / rival.mean()
    assert gain.high - gain.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_the_interval_holds_the_truth_in_about_95_of_100_repetitions() -> None:
    repetitions, units, truth = 400, 60, 5.0
    generator = np.random.default_rng(2)
    held = 0
    for repetition in range(repetitions):
        rival = 10 + generator.exponential(2, units)
        candidate = (1 + truth / 100) * rival + generator.normal(0, 1, units)
        gain = paired_gain(candidate, rival, seeds=Seeds(repetition), draws=500)
        held += gain.low <= truth <= gain.high
    # four standard errors of a binomial share at 0.95 are 0.044
    assert abs(held / repetitions - 0.95) < 0.044


def test_an_unpaired_comparison_is_much_less_sure() -> None:
    candidate, rival = _two_policies()
    paired = paired_gain(candidate, rival, seeds=SEEDS)
    shuffled = np.random.default_rng(3).permutation(len(rival))
    unpaired = paired_gain(candidate[shuffled], rival, seeds=SEEDS)
    assert unpaired.percent == pytest.approx(paired.percent)
    assert unpaired.high - unpaired.low > 10 * (paired.high - paired.low)
    assert paired.excludes_zero
    assert not unpaired.excludes_zero


def test_ignoring_that_windows_of_a_product_are_dependent_is_too_sure() -> None:
    generator = np.random.default_rng(4)
    products = np.arange(50)
    own = generator.normal(0, 1, 50)  # a product does as well or badly in every window
    candidate = 10 + np.tile(own, (9, 1)) + generator.normal(0, 0.01, (9, 50))
    rival = np.full((9, 50), 10.0)
    clustered = paired_gain(candidate, rival, products, seeds=SEEDS)
    naive = paired_gain(candidate, rival, seeds=SEEDS)
    assert clustered.groups == 50
    assert naive.groups == 450
    # nine copies of one number: the honest interval is √9 times as wide
    ratio = (clustered.high - clustered.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(3.0, rel=0.1)


def test_labels_may_be_names_and_their_order_does_not_matter() -> None:
    candidate, rival = _two_policies(6)
    names = np.array(["b", "a", "b", "c", "a", "c"])
    order = np.argsort(names, kind="stable")
    as_given = paired_gain(candidate, rival, names, seeds=SEEDS)
    assert as_given == paired_gain(candidate[order], rival[order], names[order], seeds=SEEDS)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    candidate, rival = _two_policies()
    assert paired_gain(candidate, rival, seeds=SEEDS) == paired_gain(candidate, rival, seeds=SEEDS)
    assert (
        paired_gain(candidate, rival, seeds=SEEDS).low
        != paired_gain(candidate, rival, seeds=Seeds(12)).low
    )


def test_chunks_of_draws_have_the_spread_that_theory_says() -> None:
    # 40,000 groups and 120 draws need three chunks; Var Σ w x = G · Var x for the bootstrap
    values = np.random.default_rng(5).normal(0, 1, (1, 40_000))
    sums = resampled_sums(sums_by_group(values, np.arange(40_000)), seeds=SEEDS, draws=120)
    assert sums.shape == (120, 1)
    spread = sums.std(ddof=1) / (np.sqrt(40_000) * values.std())
    assert 0.75 < spread < 1.25  # four standard errors: 4 / √(2 · 119) = 0.26


def test_one_group_alone_gives_no_interval() -> None:
    gain = paired_gain([3.0, 4.0], [2.0, 2.0], ["tea", "tea"], seeds=SEEDS)
    assert gain.percent == pytest.approx(75.0)
    assert np.isnan(gain.low)
    assert np.isnan(gain.high)
    assert not gain.excludes_zero


def test_bad_comparisons_are_refused_with_a_reason() -> None:
    with pytest.raises(InputError, match=r"shapes \(2,\) and \(1,\)"):
        paired_gain([1.0, 2.0], [1.0], seeds=SEEDS)
    with pytest.raises(InputError, match="`rival` must be finite; 1 of 2"):
        paired_gain([1.0, 2.0], [1.0, float("nan")], seeds=SEEDS)
    with pytest.raises(InputError, match="rival's total is 0"):
        paired_gain([1.0, 2.0], [1.0, -1.0], seeds=SEEDS)
    with pytest.raises(ConfigurationError, match=r"`draws` must be ≥ 100 .* got 10"):
        paired_gain([1.0, 2.0], [1.0, 1.0], seeds=SEEDS, draws=10)
    with pytest.raises(InputError, match="one label per observation"):
        sums_by_group(np.ones((1, 3)), np.arange(2))


def test_the_mean_difference_is_the_paired_t_interval_of_scipy() -> None:
    candidate, rival = _two_policies(20)
    got = mean_difference(candidate, rival)
    reference = stats.ttest_rel(candidate, rival)
    interval = reference.confidence_interval(0.95)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high))
    assert got.value == pytest.approx((candidate - rival).mean())
    with pytest.raises(InputError, match="at least 2 pairs"):
        mean_difference([1.0], [2.0])


def test_the_interquartile_mean_is_the_trimmed_mean_of_scipy_and_ignores_an_outlier() -> None:
    scores = np.random.default_rng(6).normal(0, 1, (10, 4))
    got = interquartile_mean(scores, seeds=SEEDS, draws=500)
    assert got.value == pytest.approx(stats.trim_mean(scores, 0.25, axis=None))
    scores[scores == scores.max()] = 1e9
    assert interquartile_mean(scores, seeds=SEEDS, draws=500).value == pytest.approx(got.value)


def test_the_interquartile_interval_holds_the_truth_over_seeds() -> None:
    generator = np.random.default_rng(7)
    held = 0
    for repetition in range(200):
        got = interquartile_mean(
            generator.normal(3, 1, (20, 3)), seeds=Seeds(repetition), draws=400
        )
        held += got.low <= 3 <= got.high
    # the percentile interval of 20 seeds is a little short: between 0.88 and 1
    assert 0.88 < held / 200 <= 1


def test_one_training_seed_gives_no_interval_and_an_empty_table_is_refused() -> None:
    assert np.isnan(interquartile_mean([[1.0, 2.0]], seeds=SEEDS).low)
    with pytest.raises(InputError, match="not empty"):
        interquartile_mean([], seeds=SEEDS)


def test_a_gap_is_in_percent_of_the_optimum_and_needs_a_positive_one() -> None:
    assert gap_percent(4.06, 4.0) == pytest.approx(1.5)
    for optimum in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="optimum > 0"):
            gap_percent(1.0, optimum)
