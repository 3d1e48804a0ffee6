from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError
from restock.forecasting import (
    TSB,
    Croston,
    CrostonConfig,
    Empirical,
    EmpiricalConfig,
    NegativeBinomial,
    NegativeBinomialConfig,
    SeasonalNaive,
    SeasonalNaiveConfig,
    TSBConfig,
)
from restock.forecasting.count_totals import count_predictive
from restock.forecasting.croston import _daily_moments

TINY = np.array([[0.0], [0.0], [2.0], [0.0], [4.0]])
FIVE_DAYS = np.array([5])
END = np.array([5])


def test_croston_by_hand(history_of: Callable[..., DemandHistory]) -> None:
    # first sale on day 3: z = 2, p = 3. Then 4 after 2 days, α = 0.5: z = 3, p = 2.5.
    # rate 3 / 2.5 = 1.2 a day, 6 in five days
    history = history_of(TINY)
    belief = Croston(CrostonConfig(alpha=0.5)).fit(history, FIVE_DAYS).predict(history, END)
    assert belief.mean[0, 0] == pytest.approx(6.0)


def test_sba_by_hand(history_of: Callable[..., DemandHistory]) -> None:
    # Croston's 6, times 1 − 0.5 / 2
    history = history_of(TINY)
    sba = Croston(CrostonConfig(alpha=0.5, variant="sba"))
    assert sba.fit(history, FIVE_DAYS).predict(history, END).mean[0, 0] == pytest.approx(4.5)


def test_croston_waits_for_the_next_sale_before_it_changes(
    history_of: Callable[..., DemandHistory],
) -> None:
    history = history_of(TINY)
    fitted = Croston(CrostonConfig(alpha=0.5)).fit(history, FIVE_DAYS)
    means = fitted.predict(history, np.array([1, 3, 4])).mean[:, 0]
    assert means == pytest.approx([0.0, 10 / 3, 10 / 3])  # nothing yet; 5 · 2 / 3; the same


def test_the_variance_of_crostons_total_by_hand() -> None:
    # z = 3, p = 2.5, s = 0.5 · (4 − 2)² = 2, α = 0.5:
    # a day: (2 + 9) / 2.5 − 1.2² = 2.96; the rate: (0.5 / 1.5) (2 / 6.25 + 9 · 1.5 / 15.625)
    size, interval, spread = np.array([[3.0]]), np.array([[2.5]]), np.array([[2.0]])
    rate, daily, of_rate = _daily_moments(size, interval, spread, CrostonConfig(alpha=0.5))
    assert rate[0, 0] == pytest.approx(1.2)
    assert daily[0, 0] == pytest.approx(2.96)
    assert of_rate[0, 0] == pytest.approx((0.32 + 0.864) / 3)


def test_tsb_by_hand(history_of: Callable[..., DemandHistory]) -> None:
    # first sale: b = 1/3, z = 2. A day without: b = 0.9 / 3 = 0.3. Then 4:
    # b = 0.3 + 0.1 · 0.7 = 0.37, z = 2 + 0.5 · 2 = 3; five days: 5 · 0.37 · 3 = 5.55
    history = history_of(TINY)
    fitted = TSB(TSBConfig(alpha=0.5, beta=0.1)).fit(history, FIVE_DAYS)
    means = fitted.predict(history, np.array([3, 4, 5])).mean[:, 0]
    assert means == pytest.approx([5 * 2 / 3, 5 * 0.3 * 2, 5.55])


def test_tsb_fades_for_a_dead_product_and_croston_does_not(
    history_of: Callable[..., DemandHistory],
) -> None:
    history = history_of(np.concatenate([np.full((30, 1), 4.0), np.zeros((120, 1))]))
    origins = np.array([30, 150])
    tsb = TSB().fit(history, FIVE_DAYS).predict(history, origins).mean[:, 0]
    croston = Croston().fit(history, FIVE_DAYS).predict(history, origins).mean[:, 0]
    assert tsb[1] < 0.01 * tsb[0]
    assert croston[1] == croston[0]


def test_negative_binomial_moments_by_hand(history_of: Callable[..., DemandHistory]) -> None:
    # totals of one day: 4, 0, 4, 0: M = 2, S = 4, n = 4, V = 4 · 4 / 3, φ = (16/3 − 2) / 4 = 5/6;
    # the other product sells 2 every day: φ = 0. The middle is 5/12. With n₀ = 4:
    # φ' = (4 · 5/6 + 4 · 5/12) / 8 = 5/8; variance (2 + 5/8 · 4) (1 + 1/4) = 5.625;
    # size 2² / (5.625 − 2)
    history = history_of(np.array([[4.0, 2.0], [0.0, 2.0], [4.0, 2.0], [0.0, 2.0]]))
    config = NegativeBinomialConfig(prior_windows=4.0, levels=(0.2, 0.5, 0.8, 0.95))
    fitted = NegativeBinomial(config).fit(history, np.array([1, 1]))
    belief = fitted.predict(history, np.array([4]))
    size = 4 / 3.625
    expected = nbinom.ppf(config.levels, size, size / (size + 2.0))
    assert belief.mean.tolist() == [[2.0, 2.0]]
    assert belief.quantiles[0, 0].tolist() == expected.tolist()


def test_totals_with_variance_at_or_below_the_mean_are_poisson() -> None:
    levels = (0.05, 0.5, 0.95, 0.99)
    for variance in (0.0, 7.0):
        belief = count_predictive(np.array([[7.0]]), np.array([[variance]]), levels)
        assert belief.quantiles[0, 0].tolist() == poisson.ppf(levels, 7.0).tolist()


def test_a_wide_belief_keeps_the_standard_deviation_that_it_was_given() -> None:
    belief = count_predictive(np.array([[200.0]]), np.array([[80.0**2]]), (0.05, 0.5, 0.95))
    assert np.ptp(belief.quantiles) == pytest.approx(2 * 1.645 * 80.0, rel=0.05)


def test_the_empirical_quantiles_are_those_of_past_totals(
    history_of: Callable[..., DemandHistory],
) -> None:
    # two-day totals of 1, 2, 3, 4, 5: 3, 5, 7, 9; level 0.4 of n = 4 is the 2nd smallest
    history = history_of(np.arange(1.0, 6.0)[:, None])
    config = EmpiricalConfig(levels=(0.2, 0.4, 0.6, 0.8))
    belief = Empirical(config).fit(history, np.array([2])).predict(history, END)
    assert belief.quantiles[0, 0] == pytest.approx([3.0, 5.0, 7.0, 9.0])
    assert belief.mean[0, 0] == 6.0


def test_the_empirical_distribution_forgets_old_windows(
    history_of: Callable[..., DemandHistory],
) -> None:
    history = history_of(np.concatenate([np.full((50, 1), 9.0), np.full((20, 1), 1.0)]))
    fitted = Empirical(EmpiricalConfig(n_windows=18)).fit(history, np.array([3]))
    assert fitted.predict(history, np.array([70])).quantiles.max() == 3.0


def test_seasonal_naive_repeats_the_weekdays_of_last_week(
    history_of: Callable[..., DemandHistory],
) -> None:
    # a perfect week: no errors, so that every quantile is the total of the coming days
    week = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    history = history_of(np.tile(week, 6)[:, None])
    fitted = SeasonalNaive().fit(history, np.array([10]))
    belief = fitted.predict(history, np.array([40, 42]))
    assert belief.mean[:, 0].tolist()[1] == 28.0 + 1 + 2 + 3  # from a Monday on
    assert belief.mean[:, 0].tolist()[0] == 28.0 + 6 + 7 + 1  # from a Saturday on


def test_the_spread_of_seasonal_naive_is_that_of_its_own_errors(
    history_of: Callable[..., DemandHistory],
) -> None:
    rng = np.random.default_rng(8)
    history = history_of(rng.poisson(50.0, (400, 60)))
    config = SeasonalNaiveConfig(error_days=300)
    belief = SeasonalNaive(config).fit(history, np.full(60, 7)).predict(history, np.array([400]))
    # an error is the difference of two independent totals of 7 · 50 = 350: sd √700 = 26.5
    assert belief.sd.mean() == pytest.approx(26.5, rel=0.1)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: CrostonConfig(alpha=float("nan")), "`alpha`"),
        (lambda: CrostonConfig(variant="sbaa"), "Did you mean 'sba'"),
        (lambda: TSBConfig(beta=0.0), "`beta`"),
        (lambda: EmpiricalConfig(n_windows=0), "`n_windows`"),
        (lambda: NegativeBinomialConfig(prior_windows=-1.0), "`prior_windows`"),
        (lambda: SeasonalNaiveConfig(levels=(0.9, 0.1)), "`levels`"),
        (lambda: SeasonalNaiveConfig(weeks=0), "`weeks`"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(
    make: Callable[[], object], word: str
) -> None:
    with pytest.raises(ConfigurationError, match=word):
        make()
