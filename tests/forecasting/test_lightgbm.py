from collections.abc import Callable

import numpy as np
import pytest

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, InputError
from restock.forecasting import SeasonalNaive, rolling_backtest
from restock.forecasting.features import FeatureSettings, feature_rows
from restock.forecasting.lightgbm_quantile import LightGBMQuantile, LightGBMQuantileConfig

HORIZONS = np.array([3, 6])
CONFIG = LightGBMQuantileConfig(n_trees=40, min_leaf=30, levels=(0.1, 0.5, 0.9), threads=1)


def test_the_same_seed_gives_the_same_belief_bit_for_bit_on_any_threads(
    busy_shop: DemandHistory,
) -> None:
    horizons = np.tile(HORIZONS, 20)
    first, second = (
        LightGBMQuantile(LightGBMQuantileConfig(n_trees=10, max_rows=1000, threads=threads, seed=3))
        .fit(busy_shop, horizons)
        .predict(busy_shop, np.array([160]))
        for threads in (1, 2)
    )
    assert (first.quantiles == second.quantiles).all()
    assert (first.mean == second.mean).all()


def test_it_beats_seasonal_naive_where_promotions_and_weekdays_matter(
    busy_shop: DemandHistory,
) -> None:
    rows = rolling_backtest(
        busy_shop,
        [SeasonalNaive(), LightGBMQuantile(CONFIG)],
        np.tile(HORIZONS, 20),
        np.arange(120, 150, 5),
        refit_every=6,
    )
    assert rows[0].wql_relative > 0.9
    assert rows[1].wql_relative < 0.8


def test_an_announced_promotion_raises_the_belief(history_of: Callable[..., DemandHistory]) -> None:
    rng = np.random.default_rng(6)
    promoted = rng.random((150, 30)) < 0.15
    units = rng.poisson(np.where(promoted, 24.0, 6.0)).astype(np.float64)
    promoted[145:] = False
    quiet = history_of(units, promoted=promoted)
    announced = promoted.copy()
    announced[145:148] = True
    loud = history_of(units, promoted=announced)
    fitted = LightGBMQuantile(CONFIG).fit(quiet.days(0, 145), np.full(30, 3))
    origin = np.array([145])
    plain, raised = (fitted.predict(world, origin).mean.mean() for world in (quiet, loud))
    assert raised > 1.5 * plain


def test_a_longer_horizon_means_more_demand(history_of: Callable[..., DemandHistory]) -> None:
    rng = np.random.default_rng(7)
    history = history_of(rng.poisson(10.0, (120, 40)))
    horizons = np.tile([4, 12], 20)
    belief = LightGBMQuantile(CONFIG).fit(history, horizons).predict(history, np.array([120]))
    mean = belief.mean.reshape(20, 2).mean(axis=0)
    assert mean == pytest.approx([40.0, 120.0], rel=0.1)


def test_the_model_scales_with_the_units_in_which_demand_is_counted(
    history_of: Callable[..., DemandHistory],
) -> None:
    rng = np.random.default_rng(7)
    units = rng.poisson(10.0, (120, 40)).astype(np.float64)
    means = []
    for factor in (1.0, 100.0):
        history = history_of(factor * units)
        fitted = LightGBMQuantile(CONFIG).fit(history, np.full(40, 5))
        means.append(fitted.predict(history, np.array([120])).mean.mean())
    assert means[1] / means[0] == pytest.approx(100.0, rel=0.1)


def test_a_price_ahead_is_a_feature_only_where_prices_are_announced(
    busy_shop: DemandHistory,
) -> None:
    origins, horizons = np.array([90]), np.full((1, 40), 5)
    plain = feature_rows(busy_shop, origins, horizons, FeatureSettings())
    more = feature_rows(
        busy_shop, origins, horizons, FeatureSettings(prices_ahead=True, day_of_year=True)
    )
    assert set(more.columns) - set(plain.columns) == {"price_ahead", "season_sin", "season_cos"}


def test_features_of_recent_sales_by_hand(history_of: Callable[..., DemandHistory]) -> None:
    # sales 7, 0, 0, 14, 0, 0 from day 0; before day 6: scale = 21 / 6 + 1 / 56, the last sale
    # two full days ago, a third of the days sold
    history = history_of(np.array([[7.0], [0.0], [0.0], [14.0], [0.0], [0.0]]))
    rows = feature_rows(history, np.array([6]), np.array([[2]]), FeatureSettings())
    scale = 21 / 6 + 1 / 56
    assert rows.scale[0, 0] == pytest.approx(scale)
    assert rows.columns["days_since_sale"][0, 0] == 2.0
    assert rows.columns["zero_share_24"][0, 0] == pytest.approx(4 / 6)
    assert rows.columns["mean_3"][0, 0] == pytest.approx(14 / 3 / scale)
    assert rows.columns["total_before_1"][0, 0] == pytest.approx(14 / (2 * scale))
    # no Sunday was open so far, so that the days after Saturday are a Monday and a Tuesday
    assert [rows.columns[f"weekday_{day}"][0, 0] for day in (6, 0, 1)] == [0.0, 0.5, 0.5]


def test_a_history_without_sales_or_too_short_is_refused_with_a_remedy(
    history_of: Callable[..., DemandHistory],
) -> None:
    with pytest.raises(InputError, match="no sales"):
        LightGBMQuantile(CONFIG).fit(history_of(np.zeros((90, 3))), np.full(3, 5))
    with pytest.raises(InputError, match="negative_binomial"):
        LightGBMQuantile(CONFIG).fit(history_of(np.ones((5, 3))), np.full(3, 5))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("learning_rate", float("nan")), ("leaves", 1), ("scale_weight", 2.0), ("n_trees", 0)],
)
def test_a_setting_outside_its_range_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"`{setting}`"):
        LightGBMQuantileConfig(**{setting: value})
