from datetime import date

import numpy as np

from restock.forecasting.sample_quantiles import sample_quantiles, trailing_sample
from restock.forecasting.weekdays import weekdays_ahead
from restock.forecasting.windows import ended_totals, first_sale_day, running_totals, span_sums


def test_span_sums_equal_plain_sums() -> None:
    rng = np.random.default_rng(0)
    values = rng.poisson(3.0, (30, 4)).astype(np.float64)
    start = rng.integers(0, 30, (20, 4))
    stop = start + rng.integers(0, 9, (20, 4))
    sums = span_sums(running_totals(values), start, stop)
    for n in range(20):
        for p in range(4):
            assert sums[n, p] == values[start[n, p] : stop[n, p], p].sum()


def test_windows_before_the_first_sale_say_nothing() -> None:
    # product 0 sells first on day 2; the window of days 0-1 ended before, that of 1-2 did not
    values = np.array([[0.0, 1.0], [0.0, 0.0], [5.0, 0.0]])
    totals = ended_totals(values, np.array([2, 1]))
    assert np.isnan(totals[:3, 0]).all()
    assert totals[3, 0] == 5.0
    assert totals[1:, 1].tolist() == [1.0, 0.0, 0.0]


def test_a_product_that_never_sold_has_its_first_sale_after_the_record() -> None:
    assert first_sale_day(np.array([[0.0, 2.0], [0.0, 0.0]])).tolist() == [2, 0]


def test_sample_quantiles_skip_missing_entries_and_empty_columns() -> None:
    sample = np.array([[1.0, np.nan, np.nan], [2.0, 7.0, np.nan], [3.0, np.nan, np.nan]])
    quantiles = sample_quantiles(sample, np.array([0.01, 0.5, 0.99]))
    assert quantiles.tolist() == [[1.0, 2.0, 3.0], [7.0, 7.0, 7.0], [0.0, 0.0, 0.0]]


def test_the_next_observation_falls_below_a_sample_quantile_as_often_as_its_level_says() -> None:
    rng = np.random.default_rng(3)
    sample, following = rng.normal(size=(9, 40_000)), rng.normal(size=40_000)
    below = following[:, None] <= sample_quantiles(sample, np.array([0.1, 0.5, 0.9]))
    assert np.abs(below.mean(axis=0) - [0.1, 0.5, 0.9]).max() < 0.01


def test_a_trailing_sample_ends_at_the_origin_and_starts_with_the_record() -> None:
    values = np.arange(6.0)[:, None]
    _, mean = trailing_sample(values, np.array([1, 4]), 3, np.array([0.5, 0.9]))
    assert mean[:, 0].tolist() == [0.5, 3.0]  # rows 0-1; rows 2-4


def test_days_ahead_skip_the_weekday_on_which_the_shop_is_closed() -> None:
    friday, sunday = date(2026, 1, 2), date(2026, 1, 4)
    week = (*(date(2025, 12, d) for d in (28, 29, 30, 31)), date(2026, 1, 1), friday, sunday)
    # Saturday (5) never opens
    assert weekdays_ahead(week, 6)[-6:].tolist() == [0, 1, 2, 3, 4, 6]
