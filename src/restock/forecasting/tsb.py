"""The forecast of Teunter, Syntetos and Babai: sale probability updated every day.

With b the probability of a sale on a day and z its size, y the day's demand,

    y > 0:  b ← b + β (1 − b),   z ← z + α (y − z),   s ← s + α ((y − z_before)² − s)
    y = 0:  b ← b − β b.

The daily rate is b z, so a product that stops selling fades, which Croston's never does. The total
over h days has mean h b z and variance

    h [b (s + z²) − (b z)²]  +  h² [z² b (1 − b) β / (2 − β) + b² s α / (2 − α)],

sales that come independently day by day, and by the delta method the error of b and z. On the
first sale, τ days after the record began, b = 1 / τ and z = y.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.forecasting.censoring import uncensor
from restock.forecasting.count_totals import count_predictive
from restock.forecasting.paths import spread_over_days
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.settings import check_levels, check_smoothing

__all__ = ["TSB", "FittedTSB", "TSBConfig"]


@dataclass(frozen=True)
class TSBConfig:
    """``alpha`` smooths sizes on days with a sale, ``beta`` the sale probability every day."""

    alpha: float = 0.05
    beta: float = 0.05
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Check every number."""
        check_smoothing("alpha", self.alpha)
        check_smoothing("beta", self.beta)
        check_levels(self.levels)


@dataclass(frozen=True)
class TSB:
    """The TSB method; see the module's text for the formulas.

    A negative binomial with the mean and variance of the total makes the quantiles. Censored
    days are lifted first by :func:`~restock.forecasting.censoring.uncensor`.

    Source: Teunter, Syntetos and Babai (2011), European Journal of Operational Research 214,
    section 3.
    """

    config: TSBConfig = TSBConfig()

    @property
    def name(self) -> str:
        """The name in tables."""
        return "tsb"

    def fit(self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]) -> "FittedTSB":
        """Keep products and horizons; smoothing runs anew for each prediction."""
        return FittedTSB(self.config, Scope.of(history, horizon_days))


@dataclass(frozen=True, eq=False)
class FittedTSB:
    """TSB for the products and horizons of ``scope``."""

    config: TSBConfig
    scope: Scope

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon."""
        self.scope.check(history, origins)
        alpha, beta = self.config.alpha, self.config.beta
        units = uncensor(history.days(0, int(origins.max())))
        chance, size, spread = _smooth(units, origins, alpha, beta)
        rate = chance * size
        daily = chance * (spread + size**2) - rate**2
        of_chance = size**2 * chance * (1.0 - chance) * beta / (2.0 - beta)
        of_rate = of_chance + chance**2 * spread * alpha / (2.0 - alpha)
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
    units: Float[np.ndarray, "T P"], origins: Int[np.ndarray, "N"], alpha: float, beta: float
) -> Float[np.ndarray, "3 N P"]:
    """Return b, z (units) and s (units²) before each origin; all 0 before the first sale."""
    n_days, n_products = units.shape
    chance, size, spread = np.zeros((3, n_products))
    states = np.zeros((3, origins.size, n_products))
    started = np.zeros(n_products, dtype=bool)
    for day in range(n_days):
        sold = units[day] > 0
        first = sold & ~started
        started |= sold
        error = np.where(first, 0.0, units[day] - size)
        spread = np.where(sold, spread + alpha * (error**2 - spread), spread)
        size = np.where(first, units[day], np.where(sold, size + alpha * error, size))
        chance = np.where(first, 1.0 / (day + 1), chance + beta * (sold - chance))
        states[:, origins == day + 1] = np.stack([chance, size, spread])[:, None]
    return states
