"""Rolling-origin backtest: each forecaster stands at past days and says what came next."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import InputError, require
from restock.forecasting.predictive import Predictive
from restock.forecasting.protocols import FittedForecaster, Forecaster
from restock.forecasting.scores import (
    bias,
    central_coverage,
    root_mean_squared_scaled_error,
    weighted_absolute_percentage_error,
    weighted_quantile_loss,
)
from restock.forecasting.seasonal_naive import SeasonalNaive, SeasonalNaiveConfig
from restock.forecasting.windows import running_totals, span_sums

__all__ = ["BacktestRow", "rolling_backtest"]


@dataclass(frozen=True)
class BacktestRow:
    """One forecaster's scores over all origins and products.

    ``wql_relative`` is WQL divided by that of the textbook seasonal naive on the same cells.
    ``coverage_80`` is the share of totals inside the central 80 % interval. ``n_cells`` counts
    the scored pairs of origin and product; totals with a censored day are not scored, as their
    demand is not known. Times are wall-clock seconds over all refits and predictions.
    """

    forecaster: str
    wql: float
    wql_relative: float
    rmsse: float
    wape: float
    bias: float
    coverage_80: float
    n_origins: int
    n_cells: int
    fit_seconds: float
    predict_seconds: float


def rolling_backtest(
    history: DemandHistory,
    forecasters: Sequence[Forecaster],
    horizon_days: Int[np.ndarray, "P"],
    origins: Int[np.ndarray, "N"],
    refit_every: int = 1,
) -> list[BacktestRow]:
    """Score every forecaster at every origin; one row each, in the order given.

    ``origins`` increase; the longest horizon after the last must be within ``history``. A model
    is fitted on the days before the first origin and again every ``refit_every`` origins. At
    each origin demand and censoring from that day on are blanked before the forecaster sees the
    history, so that even one that looks ahead finds nothing.

    Raises :class:`InputError` when origins do not fit the history, or demand in the test days is
    all zero or all censored.
    """
    _check(history, forecasters, horizon_days, origins, refit_every)
    observed = _observed(history, horizon_days, origins)
    scale = _naive_squared_error(history.days(0, int(origins[0])), horizon_days)
    # The reference answers the levels of the rivals, else their WQL would not compare.
    rows: list[BacktestRow] = []
    references: dict[tuple[float, ...], float] = {}
    for forecaster in forecasters:
        belief, seconds = _roll(history, forecaster, horizon_days, origins, refit_every)
        levels = tuple(belief.levels.tolist())
        if levels not in references:
            naive = SeasonalNaive(SeasonalNaiveConfig(levels=levels))
            reference, _ = _roll(history, naive, horizon_days, origins, refit_every)
            references[levels] = weighted_quantile_loss(observed, reference)
        wql = weighted_quantile_loss(observed, belief)
        median = belief.quantile(0.5)
        rows.append(
            BacktestRow(
                forecaster=forecaster.name,
                wql=wql,
                wql_relative=wql / references[levels] if references[levels] > 0 else float("nan"),
                rmsse=root_mean_squared_scaled_error(observed, belief.mean, scale),
                wape=weighted_absolute_percentage_error(observed, median),
                bias=bias(observed, belief.mean),
                coverage_80=central_coverage(observed, belief, 0.8),
                n_origins=origins.size,
                n_cells=int(np.isfinite(observed).sum()),
                fit_seconds=seconds[0],
                predict_seconds=seconds[1],
            )
        )
    return rows


def _roll(
    history: DemandHistory,
    forecaster: Forecaster,
    horizon_days: Int[np.ndarray, "P"],
    origins: Int[np.ndarray, "N"],
    refit_every: int,
) -> tuple[Predictive, tuple[float, float]]:
    """Return the beliefs at all origins, and the seconds of fitting and predicting."""
    beliefs: list[Predictive] = []
    fit_seconds = predict_seconds = 0.0
    fitted: FittedForecaster | None = None
    for n, origin in enumerate(origins.tolist()):
        if fitted is None or n % refit_every == 0:
            start = time.perf_counter()
            fitted = forecaster.fit(history.days(0, origin), horizon_days)
            fit_seconds += time.perf_counter() - start
        seen = _without_future(history, origin, int(horizon_days.max()))
        start = time.perf_counter()
        beliefs.append(fitted.predict(seen, np.array([origin])))
        predict_seconds += time.perf_counter() - start
    joined = Predictive(
        beliefs[0].levels,
        np.concatenate([belief.quantiles for belief in beliefs]),
        np.concatenate([belief.mean for belief in beliefs]),
    )
    return joined, (fit_seconds, predict_seconds)


def _without_future(history: DemandHistory, origin: int, horizon: int) -> DemandHistory:
    """Return the history up to the horizon's end, demand and censoring from ``origin`` blanked."""
    seen = history.days(0, origin + horizon)
    units, censored = seen.units.copy(), seen.censored.copy()
    units[origin:] = 0.0
    censored[origin:] = False
    return replace(seen, units=units, censored=censored)


def _observed(
    history: DemandHistory, horizon_days: Int[np.ndarray, "P"], origins: Int[np.ndarray, "N"]
) -> Float[np.ndarray, "N P"]:
    """Return total demand over each horizon, NaN where a day of it is censored."""
    start = origins[:, None]
    totals = span_sums(running_totals(history.units), start, start + horizon_days)
    hidden = span_sums(running_totals(history.censored), start, start + horizon_days)
    return np.where(hidden > 0, np.nan, totals)


def _naive_squared_error(
    history: DemandHistory, horizon_days: Int[np.ndarray, "P"]
) -> Float[np.ndarray, "P"]:
    """Return the mean squared change from one total to the adjoining next, in units²."""
    ends = np.arange(history.n_days + 1)[:, None]
    sums = running_totals(history.units)
    change = span_sums(sums, ends - horizon_days, ends)
    change -= span_sums(sums, ends - 2 * horizon_days, ends - horizon_days)
    known = ends >= 2 * horizon_days
    squared: Float[np.ndarray, "P"] = np.where(known, change**2, 0.0).sum(axis=0)
    mean: Float[np.ndarray, "P"] = squared / np.maximum(known.sum(axis=0), 1)
    return mean


def _check(
    history: DemandHistory,
    forecasters: Sequence[Forecaster],
    horizon_days: Int[np.ndarray, "P"],
    origins: Int[np.ndarray, "N"],
    refit_every: int,
) -> None:
    require(len(forecasters) > 0, InputError, "a backtest needs at least one forecaster.")
    require(
        refit_every >= 1,
        InputError,
        f"`refit_every` must be ≥ 1; got {refit_every}. Use 1 to refit at every origin.",
    )
    latest = history.n_days - int(horizon_days.max(initial=1))
    require(
        origins.size > 0
        and bool((np.diff(origins) > 0).all())
        and bool(origins[0] >= 1 and origins[-1] <= latest),
        InputError,
        f"`origins` must increase within 1 … {latest}, so that every horizon ends within the"
        f" {history.n_days} days of the history; got {origins[:5].tolist()}.",
    )
