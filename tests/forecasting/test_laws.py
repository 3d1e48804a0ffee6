"""What holds for every forecaster of the catalogue, and the control that must fail."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, InputError
from restock.forecasting import CATALOGUE, FittedForecaster, Forecaster, Predictive, forecaster
from restock.forecasting.lightgbm_quantile import LightGBMQuantile, LightGBMQuantileConfig

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

HORIZONS = np.array([1, 5, 8, 13])
SMALL_TREES = LightGBMQuantileConfig(n_trees=15, levels=(0.05, 0.5, 0.8, 0.95), threads=1)


def _make(name: str) -> Forecaster:
    return LightGBMQuantile(SMALL_TREES) if name == "lightgbm" else forecaster(name)


def _fit(name: str, history: DemandHistory) -> FittedForecaster:
    return _make(name).fit(history, HORIZONS[np.arange(history.n_products) % 4])


def _with_another_future(history: DemandHistory, day: int) -> DemandHistory:
    rng = np.random.default_rng(day)
    units, censored = history.units.copy(), history.censored.copy()
    units[day:] = rng.poisson(500.0, units[day:].shape)
    censored[day:] = rng.random(censored[day:].shape) < 0.5
    return replace(history, units=units, censored=censored)


def _looks_ahead(fitted: FittedForecaster, history: DemandHistory, origin: int) -> bool:
    """Return whether a change of demand from ``origin`` on changes what is said of it."""
    other = _with_another_future(history, origin)
    origins = np.array([origin - 20, origin])
    here, there = fitted.predict(history, origins), fitted.predict(other, origins)
    paths = [
        fitted.sample_paths(world, origin, 5, np.random.default_rng(1))
        for world in (history, other)
    ]
    return bool(
        (here.quantiles != there.quantiles).any()
        or (here.mean != there.mean).any()
        or (paths[0] != paths[1]).any()
    )


@dataclass(frozen=True, eq=False)
class _Leaky:
    """A forecaster that takes the answer out of the record."""

    horizon: int = 5

    def predict(self, history: DemandHistory, origins: np.ndarray) -> Predictive:
        total = np.stack([history.units[o : o + self.horizon].sum(axis=0) for o in origins])
        levels = np.array([0.1, 0.5, 0.9])
        return Predictive.monotone(levels, np.repeat(total[..., None], 3, axis=-1), total)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> np.ndarray:
        assert rng is not None
        return np.stack([history.units[origin : origin + self.horizon]] * n_paths)


@pytest.mark.parametrize("name", CATALOGUE)
def test_demand_from_the_origin_on_changes_nothing(name: str, busy_shop: DemandHistory) -> None:
    fitted = _fit(name, busy_shop.days(0, 100))
    assert not _looks_ahead(fitted, busy_shop, 120)
    assert not _looks_ahead(fitted, busy_shop, 147)


def test_the_law_catches_a_forecaster_that_looks_ahead(busy_shop: DemandHistory) -> None:
    assert _looks_ahead(_Leaky(), busy_shop, 120)


@pytest.mark.parametrize("name", CATALOGUE)
def test_all_origins_at_once_equal_one_at_a_time(name: str, busy_shop: DemandHistory) -> None:
    fitted = _fit(name, busy_shop.days(0, 100))
    origins = np.array([101, 130, 160, 115])
    together = fitted.predict(busy_shop, origins)
    for n, origin in enumerate(origins):
        alone = fitted.predict(busy_shop, np.array([origin]))
        assert alone.quantiles[0] == pytest.approx(together.quantiles[n], rel=1e-9)
        assert alone.mean[0] == pytest.approx(together.mean[n], rel=1e-9)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != "lightgbm"])
def test_permuted_products_give_the_permuted_belief(name: str, busy_shop: DemandHistory) -> None:
    order = np.random.default_rng(0).permutation(busy_shop.n_products)
    horizons = HORIZONS[np.arange(busy_shop.n_products) % 4]
    origins = np.array([90, 160])
    plain = _make(name).fit(busy_shop, horizons).predict(busy_shop, origins)
    shuffled = busy_shop.products(order.tolist())
    moved = _make(name).fit(shuffled, horizons[order]).predict(shuffled, origins)
    assert moved.quantiles == pytest.approx(plain.quantiles[:, order])


@pytest.mark.parametrize("name", CATALOGUE)
def test_odd_products_get_finite_beliefs_and_the_unsold_one_nothing(
    name: str, history_of: Callable[..., DemandHistory]
) -> None:
    rng = np.random.default_rng(4)
    units = rng.poisson(3.0, (90, 8)).astype(np.float64)
    units[:, 0] = 0.0  # never sold
    units[:, 1] = 5.0  # constant
    units[40, 2] = 1e9  # an outlier
    units[:89, 3] = 0.0  # new since yesterday
    units[89, 3] = 7.0
    units[:, 4] = rng.random(90)  # sold by weight
    units[1:, 5] = 0.0  # sold once, on the first day
    units[0, 5] = 1.0
    history = history_of(units)
    fitted = _fit(name, history)
    belief = fitted.predict(history, np.array([1, 30, 89, 90]))
    assert (belief.quantiles[:, 0] == 0).all()
    assert (belief.mean[:, 0] == 0).all()
    paths = fitted.sample_paths(history, 90, 20, rng)
    assert paths.shape == (20, 13, 8)
    assert (paths >= 0).all()
    assert (paths[..., 0] == 0).all()


@pytest.mark.parametrize("name", CATALOGUE)
def test_paths_are_whole_units_whose_totals_follow_the_belief(
    name: str, busy_shop: DemandHistory
) -> None:
    fitted = _fit(name, busy_shop)
    belief = fitted.predict(busy_shop, np.array([160]))
    paths = fitted.sample_paths(busy_shop, 160, 3000, np.random.default_rng(2))
    assert (paths == np.round(paths)).all()
    horizons = HORIZONS[np.arange(40) % 4]
    within = np.arange(13)[:, None] < horizons
    totals = (paths * within).sum(axis=1)
    drawn = belief.sample(np.random.default_rng(3), 3000)[:, 0]
    assert totals.mean(axis=0) == pytest.approx(drawn.mean(axis=0), rel=0.12, abs=0.3)
    median = np.median(totals, axis=0)
    assert np.abs(median - belief.quantile(0.5)[0]).max() <= 1 + 0.1 * median.max()


@pytest.mark.parametrize("name", CATALOGUE)
def test_other_products_and_origins_outside_the_record_are_refused(
    name: str, busy_shop: DemandHistory
) -> None:
    fitted = _fit(name, busy_shop)
    with pytest.raises(InputError, match="Fit it again"):
        fitted.predict(busy_shop.products([1, 0]), np.array([50]))
    for origin in (0, 161):
        with pytest.raises(InputError, match=r"1 … 160"):
            fitted.predict(busy_shop, np.array([origin]))


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_horizon_of_zero_is_refused(name: str, busy_shop: DemandHistory) -> None:
    with pytest.raises(InputError, match="`horizon_days` must be ≥ 1; got 0"):
        _make(name).fit(busy_shop, np.zeros(40, dtype=np.int64))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_of_the_catalogue_carries_its_own_name(name: str) -> None:
    assert forecaster(name).name == name
    assert isinstance(forecaster(name), Forecaster)


def test_an_unknown_forecaster_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'lightgbm'"):
        forecaster("lightgmb")


@pytest.mark.parametrize("name", ["empirical", "negative_binomial", "croston", "tsb"])
def test_four_in_five_totals_fall_inside_the_central_80_percent(
    name: str, history_of: Callable[..., DemandHistory]
) -> None:
    rng = np.random.default_rng(11)
    history = history_of(rng.negative_binomial(2, 0.2, (300, 200)))
    horizons = np.full(200, 5)
    origins = np.arange(150, 295, 5)
    belief = forecaster(name).fit(history, horizons).predict(history, origins)
    came = np.stack([history.units[o : o + 5].sum(axis=0) for o in origins])
    inside = (belief.quantile(0.1) <= came) & (came <= belief.quantile(0.9))
    assert 0.77 <= inside.mean() <= 0.86
