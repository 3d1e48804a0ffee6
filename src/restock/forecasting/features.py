"""What a global model is told about one origin, product and horizon.

Everything is relative to the product's recent scale, so that one model serves products that sell
one a week and a hundred a day. Only days before the origin enter, and of days ahead only what is
announced: weekdays and promotions (prices where they are announced too). Days after the record
count as not promoted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from restock.demand.history import DemandHistory
from restock.forecasting.censoring import uncensor
from restock.forecasting.weekdays import weekdays_ahead
from restock.forecasting.windows import first_sale_day, running_totals, span_sums

__all__ = ["FeatureRows", "FeatureSettings", "feature_rows"]

_SCALE_DAYS = 56
_MEAN_WINDOWS = (3, 6, 12, 24, 48, 96)
_SPREAD_WINDOWS = (24, 72)


@dataclass(frozen=True)
class FeatureSettings:
    """What else is known ahead.

    ``prices_ahead``: prices of the days ahead are announced. Leave it off where prices were
    recovered from sales, since such a price changes on a day because something was sold then.
    ``day_of_year``: season as a feature; needs more than one year of history to mean anything.
    """

    prices_ahead: bool = False
    day_of_year: bool = False


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Features by name, each [N, P], and ``scale[n, p]`` in units a day, always > 0.

    ``offered[n, p]``: the product had a sale before the origin.
    """

    columns: dict[str, Float[np.ndarray, "N P"]]
    scale: Float[np.ndarray, "N P"]
    offered: Bool[np.ndarray, "N P"]

    def matrix(self) -> Float[np.ndarray, "NP F"]:
        """Return one row per origin and product (products run faster), in float32."""
        return (
            np.stack(list(self.columns.values()), axis=-1)
            .reshape(-1, len(self.columns))
            .astype(np.float32)
        )


def feature_rows(
    history: DemandHistory,
    origins: Int[np.ndarray, "N"],
    horizons: Int[np.ndarray, "N P"],
    settings: FeatureSettings,
) -> FeatureRows:
    """Return the features of total demand on ``horizons[n, p]`` days from each origin on."""
    past = _Past.of(history, origins)
    columns = {
        **_levels(past, horizons),
        **_sparsity(past),
        **_market(past),
        **_calendar_ahead(history, origins, horizons, settings),
        **_promotions(history, origins, horizons),
        **_prices(history, origins, horizons, settings),
    }
    columns["horizon_days"] = horizons.astype(np.float64)
    return FeatureRows(columns, past.scale, past.age > 0)


@dataclass(frozen=True, eq=False)
class _Past:
    """The lifted series up to the last origin, its running totals, and each cell's scale."""

    units: Float[np.ndarray, "T P"]
    sums: Float[np.ndarray, "T1 P"]
    origins: Int[np.ndarray, "N 1"]
    age: Int[np.ndarray, "N P"]
    scale: Float[np.ndarray, "N P"]

    @classmethod
    def of(cls, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> "_Past":
        units = uncensor(history.days(0, int(origins.max())))
        sums = running_totals(units)
        column = origins[:, None]
        age = np.maximum(column - first_sale_day(units), 0)
        days = np.clip(age, 1, _SCALE_DAYS)
        scale = span_sums(sums, column - days, column) / days + 1.0 / _SCALE_DAYS
        return cls(units, sums, column, age, scale)

    def relative_mean(self, length: int, lag: int = 0) -> Float[np.ndarray, "N P"]:
        """Return the mean over ``length`` days that ended ``lag`` days ago, by scale."""
        stop = self.origins - lag
        days = np.clip(self.age - lag, 1, length)
        mean = span_sums(self.sums, stop - days, stop) / days
        scaled: Float[np.ndarray, "N P"] = mean / self.scale
        return scaled


def _levels(past: _Past, horizons: Int[np.ndarray, "N P"]) -> dict[str, Float[np.ndarray, "N P"]]:
    columns = {"log_scale": np.log(past.scale)}
    columns |= {f"mean_{length}": past.relative_mean(length) for length in _MEAN_WINDOWS}
    columns |= {f"lag_{lag + 1}": past.relative_mean(1, lag) for lag in range(6)}
    for back in (0, 1):
        stop = past.origins - back * horizons
        total = span_sums(past.sums, stop - horizons, stop)
        columns[f"total_before_{back}"] = total / (horizons * past.scale)
    return columns


def _sparsity(past: _Past) -> dict[str, Float[np.ndarray, "N P"]]:
    squares, sales = running_totals(past.units**2), running_totals(past.units > 0)
    columns = {"age_days": np.minimum(past.age, 365).astype(np.float64)}
    for length in _SPREAD_WINDOWS:
        days = np.clip(past.age, 1, length)
        start = past.origins - days
        mean = past.relative_mean(length)
        square = span_sums(squares, start, past.origins) / days / past.scale**2
        columns[f"sd_{length}"] = np.sqrt(np.maximum(square - mean**2, 0.0))
        columns[f"zero_share_{length}"] = 1.0 - span_sums(sales, start, past.origins) / days
    days_of_sale = np.where(past.units > 0, np.arange(past.units.shape[0])[:, None], -1)
    last = np.vstack([np.full((1, past.units.shape[1]), -1), np.maximum.accumulate(days_of_sale)])
    columns["days_since_sale"] = (past.origins - 1 - last[past.origins[:, 0]]).astype(np.float64)
    return columns


def _market(past: _Past) -> dict[str, Float[np.ndarray, "N P"]]:
    """Return how all products together sell lately against before: the season as it shows."""
    total = running_totals(past.units.sum(axis=1, keepdims=True))
    columns = {}
    for length in (6, 24):
        lately = span_sums(total, past.origins - length, past.origins)
        before = span_sums(total, past.origins - 4 * length, past.origins)
        trend = lately / np.maximum(before / 4.0, 1e-9)
        columns[f"market_trend_{length}"] = np.broadcast_to(trend, past.scale.shape)
    return columns


def _calendar_ahead(
    history: DemandHistory,
    origins: Int[np.ndarray, "N"],
    horizons: Int[np.ndarray, "N P"],
    settings: FeatureSettings,
) -> dict[str, Float[np.ndarray, "N P"]]:
    weekdays = weekdays_ahead(history.dates, int(horizons.max()))
    seen = running_totals(np.eye(7)[weekdays])
    start = origins[:, None]
    columns = {
        f"weekday_{day}": (seen[start + horizons, day] - seen[start, day]) / horizons
        for day in range(7)
    }
    if settings.day_of_year:
        yesterdays = np.array([history.dates[origin - 1].timetuple().tm_yday for origin in origins])
        angle = 2.0 * np.pi * yesterdays[:, None] / 365.25
        columns["season_sin"] = np.broadcast_to(np.sin(angle), horizons.shape)
        columns["season_cos"] = np.broadcast_to(np.cos(angle), horizons.shape)
    return columns


def _promotions(
    history: DemandHistory, origins: Int[np.ndarray, "N"], horizons: Int[np.ndarray, "N P"]
) -> dict[str, Float[np.ndarray, "N P"]]:
    sums = running_totals(history.promoted)
    here = origins[:, None]
    lately = span_sums(sums, here - _SCALE_DAYS, here) / np.minimum(here, _SCALE_DAYS)
    return {
        "promoted_ahead": span_sums(sums, here, here + horizons) / horizons,
        "promoted_lately": lately,
    }


def _prices(
    history: DemandHistory,
    origins: Int[np.ndarray, "N"],
    horizons: Int[np.ndarray, "N P"],
    settings: FeatureSettings,
) -> dict[str, Float[np.ndarray, "N P"]]:
    """Return the log of the last price against its recent mean, and of the mean price ahead."""
    known = np.isfinite(history.list_price) & (history.list_price > 0)
    sums = running_totals(np.where(known, history.list_price, 0.0))
    counts = running_totals(known)

    def mean(
        start: Int[np.ndarray, "N #P"], stop: Int[np.ndarray, "N #P"]
    ) -> Float[np.ndarray, "N P"]:
        count = span_sums(counts, start, stop)
        return np.where(count > 0, span_sums(sums, start, stop) / np.maximum(count, 1.0), np.nan)

    here = origins[:, None]
    usual = mean(here - _SCALE_DAYS, here)
    columns = {"price_now": mean(here - 1, here)}
    if settings.prices_ahead:
        columns["price_ahead"] = mean(here, here + horizons)
    return {name: np.nan_to_num(np.log(price / usual)) for name, price in columns.items()}
