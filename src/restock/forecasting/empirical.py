"""The empirical distribution of past window totals."""

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
from restock.forecasting.windows import ended_totals

__all__ = ["Empirical", "EmpiricalConfig", "FittedEmpirical"]


@dataclass(frozen=True)
class EmpiricalConfig:
    """``n_windows`` is the number of last windows that are kept, one ending on each trading day."""

    n_windows: int = 120
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Check every number."""
        check_positive("n_windows", self.n_windows, "past windows")
        check_levels(self.levels)


@dataclass(frozen=True)
class Empirical:
    """What comes is like one of the last windows of the same length.

    Windows overlap; those that ended before a product's first sale are left out. Censored days
    are lifted first by :func:`~restock.forecasting.censoring.uncensor`.

    Source: Porras and Dekker (2008), European Journal of Operational Research 184, section 3.3
    (the empirical lead-time demand distribution).
    """

    config: EmpiricalConfig = EmpiricalConfig()

    @property
    def name(self) -> str:
        """The name in tables."""
        return "empirical"

    def fit(self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]) -> "FittedEmpirical":
        """Keep products and horizons; there is nothing to estimate."""
        return FittedEmpirical(self.config, Scope.of(history, horizon_days))


@dataclass(frozen=True, eq=False)
class FittedEmpirical:
    """The empirical distribution for the products and horizons of ``scope``."""

    config: EmpiricalConfig
    scope: Scope

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon."""
        self.scope.check(history, origins)
        units = uncensor(history.days(0, int(origins.max())))
        totals = ended_totals(units, self.scope.horizon_days)
        levels = np.array(self.config.levels)
        quantiles, mean = trailing_sample(totals, origins, self.config.n_windows, levels)
        return Predictive.monotone(levels, quantiles, mean)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "B H P"]:
        """Return daily demands in whole units over the longest horizon."""
        belief = self.predict(history, np.array([origin]))
        return spread_over_days(belief, history, origin, self.scope, n_paths, rng)
