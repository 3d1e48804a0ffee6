"""Who comes back, and what those who do are worth."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require

__all__ = ["Retention"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Who comes back: N' = N · r(s) + newcomers, r(s) = worst + (best − worst) s.

    ``at_worst`` and ``at_best`` are the shares of customers who are still there a period after
    experiences that leave satisfaction at 0 and at 1. ``newcomers`` arrive each period, relative
    to the customers at the start.

    Raises :class:`ConfigurationError` for shares outside [0, 1], a worst above the best, or NaN.

    >>> Retention(at_worst=0.5, at_best=1.0, newcomers=0.25).settled(0.5)
    1.0
    """

    at_worst: float
    at_best: float
    newcomers: float = 0.0

    def __post_init__(self) -> None:
        """Check every share."""
        require(
            0 <= self.at_worst <= self.at_best <= 1,
            ConfigurationError,
            "retention must satisfy 0 ≤ `at_worst` ≤ `at_best` ≤ 1; got"
            f" {self.at_worst} and {self.at_best}. Give shares that stay from period to period.",
        )
        require(
            0 <= self.newcomers < math.inf,
            ConfigurationError,
            f"`newcomers` must be finite and ≥ 0; got {self.newcomers}. Give a share of the"
            " customers at the start.",
        )

    def share(self, satisfaction: Float[Tensor, "#B 1 D"]) -> Float[Tensor, "#B 1 D"]:
        """Return r(s), the share of customers who are there in the next period."""
        return self.at_worst + (self.at_best - self.at_worst) * satisfaction

    def settled(self, satisfaction: float) -> float:
        """Return the number of customers that stays, relative to the start; ∞ if nobody leaves."""
        leaving = 1 - (self.at_worst + (self.at_best - self.at_worst) * satisfaction)
        return self.newcomers / leaving if leaving > 0 else math.inf

    def value(
        self,
        customers: Float[Tensor, "#B 1 D"],
        satisfaction: Float[Tensor, "#B 1 D"],
        *,
        margin_per_customer: float,
        discount: float,
    ) -> Float[Tensor, "#B 1 D"]:
        """Return what today's customers are worth if served like this for ever, in money.

        ``margin_per_customer`` is money per period for one customer (all customers at the start
        count as 1, unless ``customers`` are heads); ``discount`` in [0, 1) is the value today of
        one unit of money a period later. N m (1 + γ r + (γ r)² + …) = N m / (1 − γ r(s)).

        Raises :class:`ConfigurationError` for a discount outside its range, or NaN.

        >>> import torch
        >>> loyal = Retention(at_worst=0.5, at_best=1.0)
        >>> one, half = torch.ones(1, 1, 1), torch.full((1, 1, 1), 0.5)
        >>> loyal.value(one, half, margin_per_customer=10.0, discount=0.5).item()
        16.0
        """
        require(
            0 <= discount < 1,
            ConfigurationError,
            f"`discount` must lie in [0, 1); got {discount}. Use 0.9997 for ten percent a year"
            " and daily periods.",
        )
        return customers * margin_per_customer / (1 - discount * self.share(satisfaction))
