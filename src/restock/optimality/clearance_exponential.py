"""Clearing a fixed stock where demand falls exponentially with price: the answer in closed form."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, pdtrc

from restock.errors import InstanceError, require

__all__ = ["ExponentialClearance"]


@dataclass(frozen=True, kw_only=True)
class ExponentialClearance:
    """Customers come at rate λ(p) = a exp(−α p) and any price may be asked at any moment.

    ``scale`` (a) is customers per period at price 0, ``sensitivity`` (α) the relative fall per unit
    of money. With λ* = a / e, the most that n units can expect to earn in the remaining time t is

        J(n, t) = (1 / α) log Σ (λ* t)ⁱ / i!,  i = 0..n,

    earned by asking p(n, t) = J(n, t) − J(n − 1, t) + 1 / α.

    Raises :class:`InstanceError` unless both numbers are finite and > 0.

    Source: Gallego & van Ryzin (1994), Management Science 40(8):999–1020, section 2 (there α = 1).

    >>> season = ExponentialClearance(scale=math.e, sensitivity=1.0)
    >>> round(float(season.revenue(1, 1.0)[-1]), 6)  # log(1 + 1)
    0.693147
    """

    scale: float
    sensitivity: float

    def __post_init__(self) -> None:
        """Check both numbers; NaN fails."""
        for name in ("scale", "sensitivity"):
            value = getattr(self, name)
            require(
                bool(0 < value < math.inf),
                InstanceError,
                f"`{name}` must be finite and > 0; got {value}. Give the demand curve's own.",
            )

    def rate(self, price: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """Return λ(p), customers per period."""
        return np.asarray(self.scale * np.exp(-self.sensitivity * price))

    def revenue(self, stock: int, horizon: float) -> Float[np.ndarray, " C"]:
        """Return J(n, horizon) for n = 0..stock, in money."""
        units = np.arange(stock + 1)
        terms = units * math.log(self.scale / math.e * horizon) - gammaln(units + 1)
        return np.asarray(np.logaddexp.accumulate(terms) / self.sensitivity)

    def price(self, stock: int, horizon: float) -> Float[np.ndarray, " C"]:
        """Return the best price with n = 1..stock units left and this much time, in money."""
        return np.asarray(np.diff(self.revenue(stock, horizon)) + 1 / self.sensitivity)

    def fluid_price(self, stock: int, horizon: float) -> float:
        """Return the price that is best in the smooth world: the run-out price, or 1 / α if higher.

        Asked all season it is the fixed-price heuristic.
        """
        run_out = math.log(self.scale * horizon / stock) / self.sensitivity
        return max(run_out, 1 / self.sensitivity)

    def fluid_bound(self, stock: int, horizon: float) -> float:
        """Return what the smooth world earns, which no policy can exceed, in money."""
        price = self.fluid_price(stock, horizon)
        return price * float(self.rate(np.array(price))) * horizon

    def fixed_price_revenue(self, stock: int, horizon: float, price: float) -> float:
        """Return exactly what ``price`` earns when it is never changed: p E min(c, N(λ T))."""
        sold = pdtrc(np.arange(stock), float(self.rate(np.array(price))) * horizon)
        return price * float(sold.sum())
