"""A network that departs from any classical rule: the same wish, plus what it has learned.

With q the quantities that the rule wishes for on each lane, p its price, x the demand scale (units
a period) and (u, v) the network's output,

    quantity = q + m·x·tanh(u / m),   price = p·exp(m·tanh(v / m)).

A fresh network (u = v = 0) is the rule itself, and no network strays further from it than m.
Where :class:`NeuralOrderUpTo` learns a level of its own, this one serves rules that no single
level describes: two sources, ages, prices.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.policies.neural.bodies import mlp
from restock.policies.neural.features import owed
from restock.simulation import Decision, Observation, Policy

__all__ = ["NeuralDeparture", "NeuralDepartureConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralDepartureConfig:
    """What the network reads, decides and how large it is.

    It reads ``stock_classes`` numbers of stock (by age where goods perish, else one), what is due
    on each of ``lanes`` lanes in the next ``pipeline_slots`` periods, what is owed where it
    ``owes``, and the named ``signals``. With ``prices`` it departs from the rule's price too.
    ``scale`` (x) is the usual demand, units a period, ``limit`` (m) the most that a quantity
    departs in units of it, and a price in logarithms.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    scale: float
    limit: float = 1.0
    pipeline_slots: int = 0
    lanes: int = 1
    stock_classes: int = 1
    owes: bool = False
    prices: bool = False
    signals: tuple[str, ...] = ()
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        for name in ("lanes", "stock_classes"):
            value = getattr(self, name)
            require(
                value >= 1, ConfigurationError, f"`{name}` must be ≥ 1; got {value}. Count them."
            )
        require(
            self.pipeline_slots >= 0 and all(width >= 1 for width in self.hidden),
            ConfigurationError,
            f"`pipeline_slots` must be ≥ 0 and `hidden` widths ≥ 1; got {self.pipeline_slots} and"
            f" {self.hidden}. Use the longest lead time less one.",
        )
        for name in ("scale", "limit"):
            value = getattr(self, name)
            require(
                0 < value < float("inf"),
                ConfigurationError,
                f"`{name}` must be > 0 and finite; got {value}. Try the mean demand, and 1.",
            )

    @property
    def state_columns(self) -> int:
        """How many numbers of stock it reads."""
        return self.stock_classes + self.pipeline_slots * self.lanes + self.owes


class NeuralDeparture(nn.Module):
    """The ``anchor``'s quantities plus x·u, and its price times exp(v), at one location.

    Quantities are those that the anchor wishes for, at most its cap, and below 0 where the stock
    is above its level, so that a network cannot order more and more where it has never been.

    Raises :class:`ConfigurationError`, when it decides, where the world has other lanes, ages or
    debts than the config says, and where the anchor decides no price to depart from.

    >>> from restock.policies.classical import BaseStock
    >>> seen = Observation(
    ...     torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (), torch.ones(1, 1, 1, dtype=torch.long)
    ... )
    >>> config = NeuralDepartureConfig(scale=5.0)
    >>> policy = NeuralDeparture(BaseStock(torch.tensor([[[9.0]]])), config, torch.Generator())
    >>> policy.decide(seen).target.item()
    9.0
    """

    def __init__(
        self, anchor: Policy, config: NeuralDepartureConfig, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.anchor, self.config = anchor, config
        outputs = config.lanes + config.prices
        inputs = config.state_columns + len(config.signals)
        self.body = mlp(inputs, outputs, config.hidden, generator)

    def state(self, observation: Observation) -> Float[Tensor, "B P C"]:
        """Return the state's columns: stock (by age), what is due on each lane, what is owed."""
        memory = observation.memory
        ages = None if memory is None else memory.ages
        config = self.config
        parts = [observation.on_hand if ages is None else ages.on_hand.flatten(2)]
        if config.pipeline_slots:
            parts.append(observation.pipeline_stack(config.pipeline_slots))
        if config.owes:
            parts.append(owed(observation))
        paths = observation.on_hand.shape[0]
        found = sum(part.shape[-1] for part in parts)
        require(
            found == config.state_columns,
            ConfigurationError,
            f"the network reads {config.state_columns} numbers of stock, and this world has"
            f" {found}: one location with `stock_classes` {parts[0].shape[-1]} and `lanes`"
            f" {observation.on_order.shape[-1]}; got {config.stock_classes} and {config.lanes}."
            " Change the network's config.",
        )
        return torch.cat([part.expand(paths, *part.shape[1:]) for part in parts], -1)

    def departure(self, observation: Observation) -> Float[Tensor, "B P K"]:
        """Return (u, v), each within ±m."""
        state = self.state(observation)
        parts = [torch.log1p(state / self.config.scale)]
        parts += [
            observation.signal(name).expand(*state.shape[:-1], 1) for name in self.config.signals
        ]
        limit = self.config.limit
        u: Tensor = limit * torch.tanh(self.body(torch.cat(parts, -1)) / limit)
        return u

    def compose(self, observation: Observation, departure: Float[Tensor, "B P K"]) -> Decision:
        """Return the decision for a departure."""
        rule, lanes = self.anchor.decide(observation), self.config.lanes
        wish = rule.wished_order(observation)
        if rule.batch is not None:
            # no order of the rule's below its least batch; what is learned is added to that
            worth = rule.target - observation.lane_position >= rule.batch
            wish = torch.where(worth, wish, wish.clamp_max(0))
        quantity = wish + self.config.scale * departure[..., :lanes]
        price = rule.price
        if self.config.prices:
            if price is None:
                raise ConfigurationError(
                    "the network departs from a price, and its anchor decides none. Take a rule"
                    " such as `Priced`."
                )
            price = price * torch.exp(departure[..., lanes:])
        target = observation.lane_position + quantity
        return replace(rule, target=target, cap=None, batch=None, price=price)

    def decide(self, observation: Observation) -> Decision:
        """Return the rule's wish, and what was learned."""
        return self.compose(observation, self.departure(observation))
