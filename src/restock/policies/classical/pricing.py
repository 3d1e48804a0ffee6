"""Rules for prices, and the orders that go with them."""

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

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


class Priced(nn.Module):
    """Orders as ``ordering`` does, at the prices of ``pricing``; either may be learned.

    >>> from restock.policies import BaseStock
    >>> policy = Priced(BaseStock(torch.tensor([[[9.0]]])), FixedPrice(torch.tensor([[[5.0]]])))
    >>> empty = torch.zeros(1, 1, 1)
    >>> policy.decide(Observation(empty, empty, (), empty.long())).price.item()
    5.0
    """

    def __init__(self, ordering: Policy, pricing: PricingRule) -> None:
        super().__init__()
        self.ordering = ordering
        self.pricing = pricing

    def decide(self, observation: Observation) -> Decision:
        """Wish for the orders of the one and the prices of the other."""
        price = self.pricing.price(observation)
        shape = (price.shape[0], observation.on_hand.shape[1], 1)
        return replace(self.ordering.decide(observation), price=price.expand(shape))


@dataclass(frozen=True)
class FixedPrice:
    """The same price every day; ``money`` is per unit, ``[#B, #P, 1]``.

    Raises :class:`ConfigurationError` for a price that is negative, NaN or infinite.
    """

    money: Price

    def __post_init__(self) -> None:
        """Check the price."""
        _require_amounts(self.money, "money")

    def price(self, observation: Observation) -> Price:
        """Return the price."""
        del observation
        return self.money


@dataclass(frozen=True)
class CostPlus:
    """What a unit costs plus a share: ``unit_cost`` is money ``[#P, 1]``, ``markup`` a share.

    A markup of 0.25 ``[#B, #P, 1]`` on a cost of 4 makes 5.

    Raises :class:`ConfigurationError` for a number that is negative, NaN or infinite.
    """

    unit_cost: Float[Tensor, "#P 1"]
    markup: Float[Tensor, "#B #P 1"]

    def __post_init__(self) -> None:
        """Check cost and markup."""
        _require_amounts(self.unit_cost, "unit_cost")
        _require_amounts(self.markup, "markup")

    def price(self, observation: Observation) -> Price:
        """Return cost · (1 + markup)."""
        del observation
        return self.unit_cost * (1 + self.markup)


@dataclass(frozen=True)
class MarkdownSchedule:
    """Prices that fall as a season ends: ``prices[k]`` from ``periods_left[k]`` on.

    ``prices`` ``[P, K]`` are money per unit, ``periods_left`` ``[K]`` falls; before the first of
    them the first price is asked. The world must give the signal ``periods_left``, today included
    (:class:`~restock.simulation.SellingSeason`). In the fluid limit one price is enough, and a
    few markdowns come near to the optimum of a finite stock (Gallego and van Ryzin, Optimal
    dynamic pricing of inventories with stochastic demand over finite horizons, Management Science
    40, 1994).

    Raises :class:`ConfigurationError` for thresholds that do not fall or do not match the prices,
    and for a price that is negative, NaN or infinite.
    """

    prices: Float[Tensor, "#P K"]
    periods_left: Int[Tensor, " M"]

    def __post_init__(self) -> None:
        """Check prices and thresholds."""
        _require_amounts(self.prices, "prices")
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
        return torch.take_along_dim(self.prices.unsqueeze(0), stage, dim=-1)


@dataclass(frozen=True)
class BaseStockListPrice:
    """Order up to S and ask the list price; above S order nothing and ask less.

    ``level`` (S) is units ``[#B, P, E]``; ``prices`` ``[#P, K]`` are money per unit and do not
    rise: the first is the list price, asked at or below the level, ``prices[:, k]`` is asked k ·
    ``step_units`` ``[#P, 1]`` above it, the last at any more; between two, prices are interpolated.
    With several lanes, what lies above their levels is summed. Optimal where price and order are
    decided together, with backorders and additive demand (Federgruen and Heching, Combined pricing
    and inventory control under uncertainty, Operations Research 47, 1999).

    Raises :class:`ConfigurationError` for a price that is negative, NaN or infinite, prices that
    rise with stock, and a step that is not > 0.

    >>> stock = torch.tensor([[[8.0]], [[11.0]], [[30.0]]])
    >>> seen = Observation(stock, 0 * stock, (), torch.ones(1, 1, 1, dtype=torch.long))
    >>> rule = BaseStockListPrice(torch.tensor([[[10.0]]]), torch.tensor([[5.0, 4.0, 3.5]]))
    >>> rule.decide(seen).price.flatten().tolist()
    [5.0, 4.0, 3.5]
    """

    level: LaneValues
    prices: Float[Tensor, "#P K"]
    step_units: Float[Tensor, "#P 1"] = field(default_factory=lambda: torch.ones(1, 1))

    @classmethod
    def linear(
        cls,
        level: LaneValues,
        list_price: Float[Tensor, "#P 1"],
        slope: Float[Tensor, "#P 1"],
        lowest_price: Float[Tensor, "#P 1"],
    ) -> "BaseStockListPrice":
        """Mark down by ``slope`` > 0, money per unit for each unit above S, to the lowest price."""
        drop = list_price - lowest_price
        ends = torch.broadcast_tensors(list_price, lowest_price)  # type: ignore[no-untyped-call]
        return cls(level, torch.cat(ends, dim=-1), torch.where(drop > 0, drop, 1) / slope)

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        _require_amounts(self.prices, "prices")
        require(
            bool((self.prices[..., 1:] <= self.prices[..., :-1]).all()),
            ConfigurationError,
            f"`prices` must not rise with stock; got {self.prices[:3].tolist()}. List the list"
            " price first.",
        )
        bad = self.step_units[~((self.step_units > 0) & self.step_units.isfinite())]
        require(
            len(bad) == 0,
            ConfigurationError,
            f"`step_units` must be finite and > 0; got {bad[:3].tolist()}. Give the units of stock"
            " from one price to the next, or a slope > 0.",
        )

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level and for the price that belongs to the excess."""
        excess = (observation.lane_position - self.level).sum(-1, keepdim=True)
        last = self.prices.shape[-1] - 1
        place = (excess / self.step_units).clamp(0, last)
        rungs = torch.arange(last + 1, dtype=place.dtype, device=place.device)
        weights = (1 - (place - rungs).abs()).clamp_min(0)
        return Decision(self.level, price=(weights * self.prices).sum(-1, keepdim=True))


def _require_amounts(values: Tensor, name: str) -> None:
    bad = values[~((values >= 0) & values.isfinite())]
    require(
        len(bad) == 0,
        ConfigurationError,
        f"`{name}` must be finite and ≥ 0; got {bad[:3].tolist()}. Correct it.",
    )
