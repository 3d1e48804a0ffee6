"""Negative-binomial totals by moments, with a dispersion shrunk towards that of all products.

Over the last W windows of h days, with sample mean M and variance S (divisor W) of their totals,
n = W / h is the number of windows that do not overlap, V = S n / (n − 1) the variance without the
bias of a short record, and φ = (V − M) / M² the product's own dispersion: V = M + φ M². A short
record knows φ badly, so the belief uses

    φ' = (n φ + n₀ φ̄) / (n + n₀)    and variance    (M + φ' M²) (1 + 1/n),

φ̄ being the middle dispersion (median) of all products at the same origin, and 1/n the error of M.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, require
from restock.forecasting.censoring import uncensor
from restock.forecasting.count_totals import count_predictive
from restock.forecasting.paths import spread_over_days
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.settings import check_levels, check_positive
from restock.forecasting.windows import ended_totals

__all__ = ["FittedNegativeBinomial", "NegativeBinomial", "NegativeBinomialConfig"]


@dataclass(frozen=True)
class NegativeBinomialConfig:
    """How moments are taken.

    ``n_windows`` (W) is the number of last windows, one ending on each trading day.
    ``prior_windows`` (n₀) is the weight of the common dispersion in windows; 0 is no shrinkage.
    """

    n_windows: int = 90
    prior_windows: float = 10.0
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Check every number."""
        check_positive("n_windows", self.n_windows, "past windows")
        require(
            0 <= self.prior_windows < float("inf"),
            ConfigurationError,
            f"`prior_windows` must be finite and ≥ 0; got {self.prior_windows}. Use 0 for no"
            " shrinkage.",
        )
        check_levels(self.levels)


@dataclass(frozen=True)
class NegativeBinomial:
    """Negative-binomial totals; see the module's text for the estimate.

    Censored days are lifted first by :func:`~restock.forecasting.censoring.uncensor`. The
    moments are those of totals, so that dependence between days is in them.

    Source: Agrawal and Smith (1996), Naval Research Logistics 43, section 3 (negative-binomial
    demand of retail items).
    """

    config: NegativeBinomialConfig = NegativeBinomialConfig()

    @property
    def name(self) -> str:
        """The name in tables."""
        return "negative_binomial"

    def fit(
        self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]
    ) -> "FittedNegativeBinomial":
        """Keep products and horizons; moments are taken at each origin."""
        return FittedNegativeBinomial(self.config, Scope.of(history, horizon_days))


@dataclass(frozen=True, eq=False)
class FittedNegativeBinomial:
    """Negative-binomial totals for the products and horizons of ``scope``."""

    config: NegativeBinomialConfig
    scope: Scope

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon."""
        self.scope.check(history, origins)
        units = uncensor(history.days(0, int(origins.max())))
        totals = ended_totals(units, self.scope.horizon_days)
        mean, variance, count = _moments(totals, origins, self.config.n_windows)
        windows = np.maximum(count / self.scope.horizon_days, 2.0)
        variance = variance * windows / (windows - 1.0)
        own = np.maximum(variance - mean, 0.0) / np.maximum(mean, 1e-12) ** 2
        own = np.where(mean > 0, own, 0.0)
        pooled = _median_where(own, (mean > 0) & (count > 1))
        weight = windows + self.config.prior_windows
        shrunk = (windows * own + self.config.prior_windows * pooled) / weight
        wide = (mean + shrunk * mean**2) * (1.0 + 1.0 / windows)
        return count_predictive(mean, wide, self.config.levels)

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "B H P"]:
        """Return daily demands in whole units over the longest horizon."""
        belief = self.predict(history, np.array([origin]))
        return spread_over_days(belief, history, origin, self.scope, n_paths, rng)


def _moments(
    totals: Float[np.ndarray, "T1 P"], origins: Int[np.ndarray, "N"], n_windows: int
) -> tuple[Float[np.ndarray, "N P"], Float[np.ndarray, "N P"], Float[np.ndarray, "N P"]]:
    """Return mean, variance (divisor n) and number of the last ``n_windows`` known totals."""
    shape = (origins.size, totals.shape[1])
    mean, variance, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for n, origin in enumerate(origins):
        sample = totals[max(origin - n_windows + 1, 0) : origin + 1]
        count[n] = np.isfinite(sample).sum(axis=0)
        size = np.maximum(count[n], 1.0)
        mean[n] = np.nansum(sample, axis=0) / size
        variance[n] = np.nansum((sample - mean[n]) ** 2, axis=0) / size
    return mean, variance, count


def _median_where(
    values: Float[np.ndarray, "N P"], counted: np.ndarray
) -> Float[np.ndarray, "N 1"]:
    """Return each row's median over the cells that are ``counted``; 0 where there are none."""
    ordered = np.sort(np.where(counted, values, np.inf), axis=1)
    size = counted.sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(size - 1, 0) // 2, axis=1)
    high = np.take_along_axis(ordered, np.minimum(size // 2, values.shape[1] - 1), axis=1)
    return np.where(size > 0, (low + high) / 2.0, 0.0)
