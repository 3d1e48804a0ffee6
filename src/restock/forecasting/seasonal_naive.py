"""Seasonal naive: the same weekdays as last week, with the spread of its own past errors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.forecasting.censoring import uncensor
from restock.forecasting.paths import spread_over_days
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.sample_quantiles import trailing_sample
from restock.forecasting.settings import check_levels, check_positive
from restock.forecasting.weekdays import weekdays_ahead
from restock.forecasting.windows import first_sale_day, running_totals, span_sums

__all__ = ["FittedSeasonalNaive", "SeasonalNaive", "SeasonalNaiveConfig"]


@dataclass(frozen=True)
class SeasonalNaiveConfig:
    """How far the naive forecast looks back.

    ``weeks`` is the number of last same weekdays averaged, 1 for the textbook. ``error_days`` is
    the number of last origins, one a trading day, whose errors make the spread.
    """

    weeks: int = 1
    error_days: int = 90
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Check every number."""
        check_positive("weeks", self.weeks, "weeks to average")
        check_positive("error_days", self.error_days, "past origins")
        check_levels(self.levels)


@dataclass(frozen=True)
class SeasonalNaive:
    """Seasonal naive forecast of totals.

    Each day ahead is expected to sell what its weekday sold last (the mean of the last ``weeks``
    of them); the quantiles are that total plus the quantiles of the same forecast's errors at
    the origins whose horizon has ended, from a week after the first sale on. Censored days are
    lifted first by :func:`~restock.forecasting.censoring.uncensor`.

    Source: Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd edition,
    section 5.2 (forecast) and 5.5 (bootstrapped residuals).
    """

    config: SeasonalNaiveConfig = SeasonalNaiveConfig()

    @property
    def name(self) -> str:
        """The name in tables."""
        return "seasonal_naive"

    def fit(
        self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]
    ) -> "FittedSeasonalNaive":
        """Keep products and horizons; there is nothing to estimate."""
        return FittedSeasonalNaive(self.config, Scope.of(history, horizon_days))


@dataclass(frozen=True, eq=False)
class FittedSeasonalNaive:
    """Seasonal naive for the products and horizons of ``scope``."""

    config: SeasonalNaiveConfig
    scope: Scope

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon."""
        self.scope.check(history, origins)
        horizon_days = self.scope.horizon_days
        last = int(origins.max())
        units = uncensor(history.days(0, last))
        weekdays = weekdays_ahead(history.dates, self.scope.longest)
        naive = _naive_totals(units, weekdays, horizon_days, self.config.weeks)
        ends = np.arange(last + 1)[:, None]
        made = np.maximum(ends - horizon_days, 0)
        errors = span_sums(running_totals(units), made, ends)
        errors -= np.take_along_axis(naive, made, axis=0)
        errors[ends - horizon_days < first_sale_day(units) + 7] = np.nan
        levels = np.array(self.config.levels)
        spread, bias = trailing_sample(errors, origins, self.config.error_days, levels)
        centre = naive[origins]
        return Predictive.monotone(levels, centre[..., None] + spread, centre + bias)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "B H P"]:
        """Return daily demands in whole units over the longest horizon."""
        belief = self.predict(history, np.array([origin]))
        return spread_over_days(belief, history, origin, self.scope, n_paths, rng)


def _naive_totals(
    units: Float[np.ndarray, "T P"],
    weekdays: Int[np.ndarray, "T_H"],
    horizon_days: Int[np.ndarray, "P"],
    weeks: int,
) -> Float[np.ndarray, "T1 P"]:
    """Return the naive total over the horizon for every origin from 0 to T, in units.

    A weekday that never came before is expected to sell nothing.
    """
    n_days = units.shape[0]
    origins = np.arange(n_days + 1)[:, None]
    seen = running_totals(np.eye(7)[weekdays])
    totals = np.zeros((n_days + 1, units.shape[1]))
    for weekday in range(7):
        rows = np.flatnonzero(weekdays[:n_days] == weekday)
        before = np.searchsorted(rows, np.arange(n_days + 1))[:, None]
        first = np.maximum(before - weeks, 0)
        sums = span_sums(running_totals(units[rows]), first, before)
        ahead = seen[origins + horizon_days, weekday] - seen[origins, weekday]
        totals += ahead * sums / np.maximum(before - first, 1)
    return totals
