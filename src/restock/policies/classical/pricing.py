"""Rules for prices, and the orders that go with them."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.shapes import LaneValues
from restock.simulation import Decision, Observation, Policy

__all__ = [
    "BaseStockListPrice",
    "CostPlus",
    "FixedPrice",
    "MarkdownSchedule",
    "Priced",
    "PricingRule",
]

Price = Float[Tensor, "#B #P 1"]


@runtime_checkable
class PricingRule(Protocol):
    """A pure, batched function from what is seen to a price."""

    def price(self, observation: Observation) -> Price:
        """Return the wished price of every path and product, money per unit."""
        ...


@dataclass(frozen=True)
class Priced:
    """Orders as ``ordering`` does, and asks the prices of ``pricing``."""

    ordering: Policy
    pricing: PricingRule

    def decide(self, observation: Observation) -> Decision:
        """Wish for the orders of the one and the prices of the other."""
        price = self.pricing.price(observation)
        shape = (price.shape[0], observation.on_hand.shape[1], 1)
        return replace(self.ordering.decide(observation), price=price.expand(shape))


@dataclass(frozen=True)
class FixedPrice:
    """The same price every day; ``money`` is per unit, ``[#B, #P, 1]``."""

    money: Price

    def price(self, observation: Observation) -> Price:
        """Return the price."""
        del observation
        return self.money


@dataclass(frozen=True)
class CostPlus:
    """What a unit costs plus a share: ``unit_cost`` is money ``[#P, 1]``, ``markup`` a share."""

    unit_cost: Float[Tensor, "#P 1"]
    markup: Float[Tensor, "#B #P 1"]

    def price(self, observation: Observation) -> Price:
        """Return cost · (1 + markup)."""
        del observation
        return self.unit_cost * (1 + self.markup)


@dataclass(frozen=True)
class MarkdownSchedule:
    """Prices that fall as a season ends: ``prices[k]`` from ``periods_left[k]`` on.

    ``prices`` ``[P, K]`` are money per unit, ``periods_left`` ``[K]`` falls; before the first of
    them the first price is asked. The world must give the signal ``periods_left``
    (:class:`~restock.simulation.SellingSeason`). In the fluid limit one price is enough, and a
    few markdowns come near to the optimum of a finite stock (Gallego and van Ryzin, Optimal
    dynamic pricing of inventories with stochastic demand over finite horizons, Management Science
    40, 1994, sections 3 and 4).

    Raises :class:`ConfigurationError` for thresholds that do not fall or do not match the prices.
    """

    prices: Float[Tensor, "P K"]
    periods_left: Int[Tensor, " K"]

    def __post_init__(self) -> None:
        """Check the thresholds."""
        left = self.periods_left
        require(
            left.shape[0] == self.prices.shape[-1] and bool((left[1:] < left[:-1]).all()),
            ConfigurationError,
            f"`periods_left` must fall, one number for each price; got {left.tolist()} for"
            f" {self.prices.shape[-1]} prices. List the earliest price first.",
        )

    def price(self, observation: Observation) -> Price:
        """Return the price of the season's stage."""
        left = observation.signal("periods_left")
        stage = ((left <= self.periods_left).sum(-1, keepdim=True) - 1).clamp_min(0)
        prices = self.prices.unsqueeze(0).expand(stage.shape[0], -1, -1)
        return prices.gather(-1, stage.expand(-1, prices.shape[1], -1))


@dataclass(frozen=True)
class BaseStockListPrice:
    """Order up to S and ask the list price; above S order nothing and ask less.

    ``level`` (S) is units ``[#B, P, E]``; ``prices`` ``[P, K]`` are money per unit: the first is
    the list price, asked at or below the level, ``prices[:, k]`` is asked k units above it, the
    last at any more. Optimal where price and order are decided together, with backorders and
    additive demand (Federgruen and Heching, Combined pricing and inventory control under
    uncertainty, Operations Research 47, 1999, theorem 1).
    """

    level: LaneValues
    prices: Float[Tensor, "P K"]

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level and for the price that belongs to the excess."""
        excess = (observation.lane_position - self.level).sum(-1, keepdim=True)
        place = torch.ceil(excess.detach()).clamp(0, self.prices.shape[-1] - 1).long()
        prices = self.prices.unsqueeze(0).expand(place.shape[0], -1, -1)
        return Decision(self.level, price=prices.gather(-1, place))
