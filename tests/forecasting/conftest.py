"""Histories that the tests of this room share."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from restock.demand.history import DemandHistory

HistoryMaker = Callable[..., DemandHistory]


@pytest.fixture(scope="session")
def history_of() -> HistoryMaker:
    """Return a maker of histories from units [T, P]; days run from Monday 2025-01-06 on."""

    def make(
        units: np.ndarray,
        censored: np.ndarray | None = None,
        promoted: np.ndarray | None = None,
    ) -> DemandHistory:
        units = np.asarray(units, dtype=np.float64)
        none = np.zeros(units.shape, dtype=bool)
        return DemandHistory(
            tuple(f"P{p}" for p in range(units.shape[1])),
            tuple(date(2025, 1, 6) + timedelta(days=t) for t in range(units.shape[0])),
            units,
            none if censored is None else censored,
            np.full(units.shape, 3.0),
            none if promoted is None else promoted,
        )

    return make


@pytest.fixture(scope="session")
def busy_shop(history_of: HistoryMaker) -> DemandHistory:
    """Return 40 products over 160 days: weekdays, promotions, intermittence and censored days."""
    rng = np.random.default_rng(5)
    n_days, n_products = 160, 40
    weekday = np.array([1.0, 1.0, 1.2, 1.6, 1.2, 0.6, 0.4])[np.arange(n_days) % 7][:, None]
    promoted = rng.random((n_days, n_products)) < 0.08
    rate = rng.gamma(1.0, 8.0, n_products) * weekday * np.where(promoted, 3.0, 1.0)
    active = rng.random((n_days, n_products)) < rng.uniform(0.2, 1.0, n_products)
    units = (rng.poisson(rate) * active).astype(np.float64)
    censored = rng.random((n_days, n_products)) < 0.03
    return history_of(np.where(censored, np.floor(units / 2), units), censored, promoted)
