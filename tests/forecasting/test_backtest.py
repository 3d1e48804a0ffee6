from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from restock.demand.history import DemandHistory
from restock.errors import InputError
from restock.forecasting import TSB, Empirical, Predictive, SeasonalNaive, rolling_backtest

FIVE = np.full(40, 5)
ORIGINS = np.array([100, 110, 120, 130])


@dataclass(frozen=True, eq=False)
class _Clairvoyant:
    """Reads the horizon out of the record, and counts how often it was fitted."""

    fits: list[int]

    @property
    def name(self) -> str:
        return "clairvoyant"

    def fit(self, history: DemandHistory, horizon_days: np.ndarray) -> "_Clairvoyant":
        assert horizon_days.size == history.n_products
        self.fits.append(history.n_days)
        return self

    def predict(self, history: DemandHistory, origins: np.ndarray) -> Predictive:
        total = np.stack([history.units[o : o + 5].sum(axis=0) for o in origins])
        levels = np.array([0.1, 0.5, 0.9])
        return Predictive.monotone(levels, np.repeat(total[..., None], 3, axis=-1), total)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> np.ndarray:
        raise NotImplementedError


def test_a_forecaster_that_looks_ahead_finds_nothing(busy_shop: DemandHistory) -> None:
    row = rolling_backtest(busy_shop, [_Clairvoyant([])], FIVE, ORIGINS)[0]
    assert row.bias == -1.0  # it read zeros


def test_models_are_refitted_as_often_as_asked_on_the_days_before(busy_shop: DemandHistory) -> None:
    model = _Clairvoyant([])
    rolling_backtest(busy_shop, [model], FIVE, ORIGINS, refit_every=3)
    assert model.fits == [100, 130]


def test_the_textbook_seasonal_naive_is_its_own_reference(busy_shop: DemandHistory) -> None:
    rows = rolling_backtest(busy_shop, [SeasonalNaive(), Empirical(), TSB()], FIVE, ORIGINS)
    assert [row.forecaster for row in rows] == ["seasonal_naive", "empirical", "tsb"]
    assert rows[0].wql_relative == 1.0
    assert rows[1].wql_relative == pytest.approx(rows[1].wql / rows[0].wql)
    assert rows[1].wql_relative < 1.0


def test_totals_with_a_censored_day_are_not_scored(busy_shop: DemandHistory) -> None:
    row = rolling_backtest(busy_shop, [Empirical()], FIVE, ORIGINS)[0]
    hidden = sum(int(busy_shop.censored[o : o + 5].any(axis=0).sum()) for o in ORIGINS)
    assert hidden > 0
    assert row.n_cells == 4 * 40 - hidden


@pytest.mark.parametrize("origins", [[0, 10], [120, 110], [150, 156], []])
def test_origins_that_do_not_fit_the_history_are_refused(
    origins: list[int], busy_shop: DemandHistory
) -> None:
    with pytest.raises(InputError, match=r"`origins` must increase within 1 … 155"):
        rolling_backtest(busy_shop, [Empirical()], FIVE, np.array(origins, dtype=np.int64))


def test_a_backtest_on_days_without_demand_is_refused(
    history_of: Callable[..., DemandHistory],
) -> None:
    history = history_of(np.zeros((60, 40)))
    with pytest.raises(InputError, match="sum of observed demand"):
        rolling_backtest(history, [Empirical()], FIVE, np.array([40, 50]))
