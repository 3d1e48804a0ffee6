"""Croston's forecast of intermittent demand, and its correction by Syntetos and Boylan.

On a day with demand y > 0, τ days after the one before (the first: after the record began),

    z ← z + α (y − z),    p ← p + α (τ − p),    s ← s + α ((y − z_before)² − s);

other days change nothing. The daily rate is z / p (Croston), or (1 − α/2) z / p (SBA), which takes
away most of the bias of the ratio. The total over h days has mean h · rate and variance

    h [(s + z²) / p − (z / p)²]  +  h² α / (2 − α) [s / p² + z² (p − 1) / p³]:

demand that comes with probability 1/p a day, and by the delta method the error of z and p (the
leading terms of Syntetos and Boylan 2010, International Journal of Production Economics 128).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, did_you_mean, require
from restock.forecasting.censoring import uncensor
from restock.forecasting.count_totals import count_predictive
from restock.forecasting.paths import spread_over_days
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.settings import check_levels, check_smoothing

__all__ = ["Croston", "CrostonConfig", "FittedCroston"]


@dataclass(frozen=True)
class CrostonConfig:
    """``alpha`` smooths sizes and intervals; ``variant`` is ``"croston"`` or ``"sba"``."""

    alpha: float = 0.05
    variant: str = "croston"
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Check every value."""
        check_smoothing("alpha", self.alpha)
        check_levels(self.levels)
        require(
            self.variant in {"croston", "sba"},
            ConfigurationError,
            f"`variant` of Croston is '{self.variant}'."
            + did_you_mean(self.variant, ["croston", "sba"]),
        )


@dataclass(frozen=True)
class Croston:
    """Croston's method, or SBA; see the module's text for the formulas.

    A negative binomial with the mean and variance of the total makes the quantiles. Censored
    days are lifted first by :func:`~restock.forecasting.censoring.uncensor`.

    Source: Croston (1972), Operational Research Quarterly 23; Syntetos and Boylan (2005),
    International Journal of Forecasting 21, equation 4 (the factor 1 − α/2).
    """

    config: CrostonConfig = CrostonConfig()

    @property
    def name(self) -> str:
        """The name in tables: the variant."""
        return self.config.variant

    def fit(self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]) -> "FittedCroston":
        """Keep products and horizons; smoothing runs anew for each prediction."""
        return FittedCroston(self.config, Scope.of(history, horizon_days))


@dataclass(frozen=True, eq=False)
class FittedCroston:
    """Croston or SBA for the products and horizons of ``scope``."""

    config: CrostonConfig
    scope: Scope

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon."""
        self.scope.check(history, origins)
        units = uncensor(history.days(0, int(origins.max())))
        size, interval, spread = _smooth(units, origins, self.config.alpha)
        rate, daily, of_rate = _daily_moments(size, interval, spread, self.config)
        horizon = self.scope.horizon_days
        variance = horizon * daily + horizon**2 * of_rate
        return count_predictive(horizon * rate, variance, self.config.levels)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "B H P"]:
        """Return daily demands in whole units over the longest horizon."""
        belief = self.predict(history, np.array([origin]))
        return spread_over_days(belief, history, origin, self.scope, n_paths, rng)


def _smooth(
    units: Float[np.ndarray, "T P"], origins: Int[np.ndarray, "N"], alpha: float
) -> Float[np.ndarray, "3 N P"]:
    """Return z (units), p (days) and s (units²) before each origin; all 0 before the first sale."""
    n_days, n_products = units.shape
    size, interval, spread = np.zeros((3, n_products))
    since = np.zeros(n_products)
    states = np.zeros((3, origins.size, n_products))
    for day in range(n_days):
        since += 1.0
        sold = units[day] > 0
        first = sold & (interval == 0.0)
        error = np.where(first, 0.0, units[day] - size)
        spread = np.where(sold, spread + alpha * (error**2 - spread), spread)
        size = np.where(first, units[day], np.where(sold, size + alpha * error, size))
        longer = np.where(first, since, interval + alpha * (since - interval))
        interval = np.where(sold, longer, interval)
        since[sold] = 0.0
        states[:, origins == day + 1] = np.stack([size, interval, spread])[:, None]
    return states


def _daily_moments(
    size: Float[np.ndarray, "N P"],
    interval: Float[np.ndarray, "N P"],
    spread: Float[np.ndarray, "N P"],
    config: CrostonConfig,
) -> tuple[Float[np.ndarray, "N P"], Float[np.ndarray, "N P"], Float[np.ndarray, "N P"]]:
    """Return rate (units/day), variance of a day's demand and of the rate (units²/day²)."""
    days = np.maximum(interval, 1.0)
    rate = size / days
    daily = (spread + size**2) / days - rate**2
    share = config.alpha / (2.0 - config.alpha)
    of_rate = share * (spread / days**2 + size**2 * (days - 1.0) / days**3)
    factor = 1.0 - config.alpha / 2.0 if config.variant == "sba" else 1.0
    return factor * rate, daily, factor**2 * of_rate
