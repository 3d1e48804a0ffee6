"""Customers remember how they were served, and demand follows what they remember.

Each demand point D (a region, or a location with customers of its own) has a satisfaction s in
[0, 1]. A period's experience is scored in [0, 1] and smoothed into it,

    s' = s + a (score − s),
    score = w₁ · fill rate + w₂ · exp(−lateness / tolerance) + w₃ · (1 − split share)
            + w₄ · exp(−(price / expected price − 1)⁺ / tolerance),

demand is multiplied by a function of s that is 1 at the initial satisfaction, and a part of the
customers that depends on s comes back in the next period.

Source: Adelman and Mersereau, Dynamic capacity allocation to customers who remember past service,
Management Science 59(3), 2013, where goodwill is the smoothed past fill rate and moves mean
demand; lateness, split orders and price are scored beside it here.
"""

import math
from dataclasses import dataclass, field, fields

import torch
from jaxtyping import Float
from torch import Tensor

from restock.demand.goodwill import GoodwillEffect, PowerGoodwill
from restock.demand.retention import Retention
from restock.errors import ConfigurationError, require

__all__ = ["Satisfaction", "ServiceWeights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceWeights:
    """What an experience is made of: shares ≥ 0 that sum to 1.

    ``fill_rate`` is what was found in stock, ``punctuality`` what came in time, ``whole_orders``
    what came in one shipment, ``fair_price`` what cost no more than expected.

    Raises :class:`ConfigurationError` for a negative share, NaN, or another sum.

    >>> ServiceWeights(fill_rate=0.9)
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: the weights of satisfaction must sum to 1; got 0.9 from \
{'fill_rate': 0.9, 'punctuality': 0.0, 'whole_orders': 0.0, 'fair_price': 0.0}. Give the missing \
share to what your customers mind.
    """

    fill_rate: float = 1.0
    punctuality: float = 0.0
    whole_orders: float = 0.0
    fair_price: float = 0.0

    def __post_init__(self) -> None:
        """Check signs and the sum."""
        weights = {item.name: float(getattr(self, item.name)) for item in fields(self)}
        for name, value in weights.items():
            require(
                0 <= value <= 1,
                ConfigurationError,
                f"weight `{name}` of satisfaction must lie in [0, 1]; got {value}."
                " Use 0 for what your customers do not mind.",
            )
        require(
            math.isclose(sum(weights.values()), 1.0, abs_tol=1e-9),
            ConfigurationError,
            f"the weights of satisfaction must sum to 1; got {sum(weights.values()):.10g} from"
            f" {weights}. Give the missing share to what your customers mind.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """How customers judge service, how long they remember it and what they do about it.

    ``smoothing`` (a in [0, 1]) is the weight of a period's experience, ``initial`` (s₀ in (0, 1])
    the satisfaction at the start, at which demand is what the demand process says.
    ``lateness_tolerance_periods`` and ``price_tolerance`` (> 0) are the delay and the relative
    overprice that leave exp(−1) of the score. ``effect`` moves demand; without ``retention`` the
    number of customers stays.

    Raises :class:`ConfigurationError` for a number outside its range, or NaN.

    >>> memory = Satisfaction(smoothing=0.5, initial=0.8)
    >>> s = torch.full((1, 1, 1), 0.8)
    >>> memory.next(s, torch.full((1, 1, 1), 0.2)).item()
    0.5
    """

    smoothing: float = 0.05
    initial: float = 0.9
    weights: ServiceWeights = field(default_factory=ServiceWeights)
    lateness_tolerance_periods: float = 3.0
    price_tolerance: float = 0.2
    effect: GoodwillEffect = field(default_factory=lambda: PowerGoodwill(0.5))
    retention: Retention | None = None

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        require(
            0 <= self.smoothing <= 1,
            ConfigurationError,
            f"`smoothing` must lie in [0, 1]; got {self.smoothing}. Use 0.05 for customers who"
            " remember some twenty periods.",
        )
        require(
            0 < self.initial <= 1,
            ConfigurationError,
            f"`initial` must lie in (0, 1]; got {self.initial}. Use the score of today's service.",
        )
        for name in ("lateness_tolerance_periods", "price_tolerance"):
            value = getattr(self, name)
            require(
                0 < value < math.inf,
                ConfigurationError,
                f"`{name}` must be finite and > 0; got {value}. Set its weight to 0 instead.",
            )

    def score(
        self,
        fill_rate: Float[Tensor, "#B 1 D"],
        lateness_periods: Float[Tensor, "#B 1 #D"] | None = None,
        split_share: Float[Tensor, "#B 1 #D"] | None = None,
        price_ratio: Float[Tensor, "#B 1 #D"] | None = None,
    ) -> Float[Tensor, "#B 1 D"]:
        """Return a period's experience in [0, 1]; what is not given was perfect.

        ``fill_rate`` in [0, 1] is units served over units asked, ``lateness_periods`` ≥ 0 the mean
        delay beyond the promise, ``split_share`` in [0, 1] the part of orders that came in more
        than one shipment, ``price_ratio`` the price paid over the price expected.
        """
        weights = self.weights
        score = weights.fill_rate * fill_rate
        punctual = weights.punctuality
        if lateness_periods is not None:
            late = lateness_periods / self.lateness_tolerance_periods
            score = score + punctual * torch.exp(-late)
            punctual = 0.0
        whole = weights.whole_orders
        if split_share is not None:
            score = score + whole * (1 - split_share)
            whole = 0.0
        fair = weights.fair_price
        if price_ratio is not None:
            over = (price_ratio - 1).clamp_min(0) / self.price_tolerance
            score = score + fair * torch.exp(-over)
            fair = 0.0
        return score + (punctual + whole + fair)

    def next(
        self,
        satisfaction: Float[Tensor, "#B 1 D"],
        fill_rate: Float[Tensor, "#B 1 D"],
        lateness_periods: Float[Tensor, "#B 1 #D"] | None = None,
        split_share: Float[Tensor, "#B 1 #D"] | None = None,
        price_ratio: Float[Tensor, "#B 1 #D"] | None = None,
        asked: Float[Tensor, "#B 1 D"] | None = None,
    ) -> Float[Tensor, "#B 1 D"]:
        """Return s + a (score − s); see :meth:`score` for the arguments.

        ``asked`` is 1 where customers asked for something in this period and 0 where nobody had
        an experience: there satisfaction stays. ``None`` is 1 everywhere.
        """
        score = self.score(fill_rate, lateness_periods, split_share, price_ratio)
        weight = self.smoothing if asked is None else self.smoothing * asked
        return satisfaction + weight * (score - satisfaction)

    def multiplier(self, satisfaction: Float[Tensor, "#B 1 D"]) -> Float[Tensor, "#B 1 D"]:
        """Return what demand is multiplied by, 1 at the initial satisfaction."""
        return self.effect.multiplier(satisfaction, self.initial)

    def next_customers(
        self, customers: Float[Tensor, "#B 1 D"], satisfaction: Float[Tensor, "#B 1 D"]
    ) -> Float[Tensor, "#B 1 D"]:
        """Return N r(s) + newcomers, relative to the start; N itself without retention."""
        if self.retention is None:
            return customers
        return customers * self.retention.share(satisfaction) + self.retention.newcomers
