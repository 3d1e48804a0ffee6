"""What a forecaster is, and the products and horizons that one was fitted to."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import InputError, require
from restock.forecasting.predictive import Predictive

__all__ = ["FittedForecaster", "Forecaster", "Scope"]


@runtime_checkable
class FittedForecaster(Protocol):
    """A forecaster that knows its products and horizons.

    Law: what it says of an origin depends on demand and censoring of earlier days only, and on
    what is announced: the calendar and promotions.
    """

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand on days origin … origin + horizon − 1.

        ``origins[n]`` is a day's position in ``history``, from 1 to ``history.n_days``: the latter
        is the first day after the record. ``history`` has the products of the fit and may be
        longer. The horizon of each product is the one given to ``fit``.

        Raises :class:`InputError` for other products or an origin outside the record.
        """
        ...

    def sample_paths(
        self,
        history: DemandHistory,
        origin: int,
        n_paths: int,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "B H P"]:
        """Return ``n_paths`` daily demands in whole units on days origin … origin + H − 1.

        H is the longest horizon; totals over each product's own horizon follow :meth:`predict`.
        """
        ...


@runtime_checkable
class Forecaster(Protocol):
    """A way of turning a history into beliefs."""

    @property
    def name(self) -> str:
        """The name in tables and in the catalogue."""
        ...

    def fit(self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]) -> FittedForecaster:
        """Learn from all of ``history``; ``horizon_days[p]`` ≥ 1 counts trading days.

        Raises :class:`InputError` for horizons that do not fit the products.
        """
        ...


@dataclass(frozen=True, eq=False)
class Scope:
    """The products of a fit, and for how many trading days ahead each is forecast.

    Raises :class:`InputError` when there is not one horizon ≥ 1 per product.
    """

    product_ids: tuple[str, ...]
    horizon_days: Int[np.ndarray, "P"]

    def __post_init__(self) -> None:
        """Check that each product has a horizon."""
        require(
            self.horizon_days.shape == (len(self.product_ids),),
            InputError,
            f"`horizon_days` must have one entry per product, shape ({len(self.product_ids)},);"
            f" got {self.horizon_days.shape}.",
        )
        require(
            bool((self.horizon_days >= 1).all()),
            InputError,
            f"`horizon_days` must be ≥ 1; got {self.shortest}. A horizon is"
            " the lead time plus the days between reviews.",
        )

    @classmethod
    def of(cls, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]) -> "Scope":
        """Return the scope of a fit on ``history``."""
        return cls(history.product_ids, horizon_days)

    @property
    def longest(self) -> int:
        """H, the longest horizon in trading days."""
        return int(self.horizon_days.max(initial=1))

    @property
    def shortest(self) -> int:
        """The shortest horizon in trading days."""
        return int(self.horizon_days.min(initial=self.longest))

    def check(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> None:
        """Refuse other products than those of the fit, and origins outside the record."""
        require(
            history.product_ids == self.product_ids,
            InputError,
            f"this forecaster was fitted to {len(self.product_ids)} products and the history"
            f" holds {history.n_products} or another order of them. Fit it again.",
        )
        require(origins.size > 0, InputError, "`origins` is empty. Ask for at least one origin.")
        outside = origins[(origins < 1) | (origins > history.n_days)]
        require(
            outside.size == 0,
            InputError,
            f"`origins` must lie in 1 … {history.n_days}, after the first and at most one past the"
            f" last day of the history; got {outside[:3].tolist()}.",
        )
