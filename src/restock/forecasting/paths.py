"""From a total over the horizon to demand day by day, shaped like the past."""

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import InputError, require
from restock.forecasting.censoring import uncensor
from restock.forecasting.predictive import Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.weekdays import weekdays_ahead

__all__ = ["spread_over_days"]


def spread_over_days(
    belief: Predictive,
    history: DemandHistory,
    origin: int,
    scope: Scope,
    n_paths: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "B H P"]:
    """Return ``n_paths`` daily demands in whole units whose totals follow ``belief`` (N = 1).

    Each path draws totals from the belief and one past window of H days that began on the same
    weekday, the same for all products so that busy days are shared; a product's total is laid out
    in proportion to its own days in that window, evenly where it sold nothing. Whole units are
    placed by systematic rounding, which keeps the expected value of every day and moves a total
    by less than one unit. Days beyond a product's own horizon go on at the same proportion.

    Raises :class:`InputError` unless ``n_paths`` ≥ 1.
    """
    require(n_paths >= 1, InputError, f"`n_paths` must be ≥ 1; got {n_paths}. Ask for some paths.")
    totals = belief.sample(rng, n_paths)[:, 0, None, :]
    horizon = scope.longest
    inside = np.arange(horizon)[:, None] < scope.horizon_days
    shapes = _past_windows(history, origin, horizon, n_paths, rng)
    sold = (shapes * inside).sum(axis=1, keepdims=True)
    even = 1.0 / scope.horizon_days
    shares = np.where(sold > 0, shapes / np.where(sold > 0, sold, 1.0), even)
    laid_out = np.cumsum(shares * totals, axis=1) + rng.random(totals.shape)
    return np.diff(np.floor(laid_out + 1e-9), axis=1, prepend=0.0)


def _past_windows(
    history: DemandHistory, origin: int, horizon: int, n_paths: int, rng: np.random.Generator
) -> Float[np.ndarray, "B H P"]:
    """Return windows of ``horizon`` past days, from the origin's weekday where there are any."""
    if origin < horizon:
        return np.zeros((n_paths, horizon, history.n_products))
    weekdays = weekdays_ahead(history.dates, 1)
    starts: Int[np.ndarray, "S"] = np.arange(origin - horizon + 1)
    same = starts[weekdays[starts] == weekdays[origin]]
    chosen = rng.choice(same if same.size else starts, n_paths)
    past = uncensor(history.days(0, origin))
    return past[chosen[:, None] + np.arange(horizon)]
