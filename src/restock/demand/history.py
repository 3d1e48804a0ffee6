"""What was asked, day by day, as far as the records show it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Bool, Float

from restock.errors import InputError, require

__all__ = ["DemandHistory"]


@dataclass(frozen=True, eq=False)
class DemandHistory:
    """Recorded demand of P products over T open (trading) days.

    ``units[t, p]`` is what was sold on ``dates[t]``; where ``censored[t, p]`` the shelf was empty
    at the end of that day and the sale is only a lower bound of demand. ``list_price`` is the
    price asked, carried over days without a sale; ``promoted`` marks announced promotions.
    Closed days are absent: lead times and windows count trading days.

    Raises :class:`InputError` when shapes disagree, dates do not increase, or units are negative
    or not finite.
    """

    product_ids: tuple[str, ...]
    dates: tuple[date, ...]
    units: Float[np.ndarray, "T P"]
    censored: Bool[np.ndarray, "T P"]
    list_price: Float[np.ndarray, "T P"]
    promoted: Bool[np.ndarray, "T P"]

    def __post_init__(self) -> None:
        """Check shapes, order and signs."""
        shape = (len(self.dates), len(self.product_ids))
        for name in ("units", "censored", "list_price", "promoted"):
            got = getattr(self, name).shape
            require(
                got == shape,
                InputError,
                f"`{name}` must have shape (days, products) = {shape}; got {got}.",
            )
        require(
            all(a < b for a, b in zip(self.dates, self.dates[1:], strict=False)),
            InputError,
            "`dates` of a history must increase from day to day. Sort and merge repeated days.",
        )
        require(
            bool(np.isfinite(self.units).all() and (self.units >= 0).all()),
            InputError,
            "`units` of a history must be finite and ≥ 0. Quarantine such rows before.",
        )

    @property
    def n_days(self) -> int:
        """T, the number of trading days."""
        return len(self.dates)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.product_ids)

    def days(self, start: int, stop: int) -> "DemandHistory":
        """Return the trading days ``start`` (included) to ``stop`` (excluded); a view."""
        return DemandHistory(
            self.product_ids,
            self.dates[start:stop],
            self.units[start:stop],
            self.censored[start:stop],
            self.list_price[start:stop],
            self.promoted[start:stop],
        )

    def products(self, keep: list[int]) -> "DemandHistory":
        """Return the products at the positions ``keep``, in that order."""
        return DemandHistory(
            tuple(self.product_ids[index] for index in keep),
            self.dates,
            np.ascontiguousarray(self.units[:, keep]),
            np.ascontiguousarray(self.censored[:, keep]),
            np.ascontiguousarray(self.list_price[:, keep]),
            np.ascontiguousarray(self.promoted[:, keep]),
        )
