"""Level, cap and price from one body: stock and price decided together.

With u = (u₁, u₂, v) the network's output, level and cap are those of :class:`NeuralOrderUpTo` for
(u₁, u₂), and the price is that of a :class:`PriceHead` for v. The network sees the stock that
prices are to clear, so that it marks down what is too much and asks more for what is short, as
base stock with a list price does where that is optimal (A. Federgruen & A. Heching, Combined
pricing and inventory control under uncertainty, Operations Research 47(3), 1999). Gradients of
profit reach the price through the world's price response; train with the objective "loss".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies.neural.features import features_of
from restock.policies.neural.heads import PriceHead, bounded
from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.simulation import Decision, Observation

__all__ = ["NeuralPricedOrderUpTo", "NeuralPricedOrderUpToConfig"]

LEAST_RATIO = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralPricedOrderUpToConfig(NeuralOrderUpToConfig):
    """As :class:`NeuralOrderUpToConfig`; a network that ``sees_prices`` reads two more numbers.

    These are yesterday's price and the price that customers expect, as logarithms relative to the
    anchor price: what matters where prices move in steps or are remembered. ``limit`` bounds level
    and cap; a price is bounded by its head.
    """

    sees_prices: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        NeuralOrderUpToConfig.__post_init__(self)


class NeuralPricedOrderUpTo(NeuralOrderUpTo):
    """Level, cap and price, each a classical anchor until something is learned.

    ``pricing`` turns the body's third number into a price. The rest is as in
    :class:`NeuralOrderUpTo`.

    Raises :class:`ConfigurationError`, when it decides, as that does, and where it ``sees_prices``
    and the world has none.

    >>> one = torch.ones(1, 1)
    >>> policy = NeuralPricedOrderUpTo(
    ...     NeuralPricedOrderUpToConfig(pipeline_slots=0),
    ...     torch.tensor(3.0),
    ...     torch.tensor(2.0),
    ...     torch.Generator(),
    ...     pricing=PriceHead(6 * one, 14 * one, 9 * one),
    ... )
    >>> wish = policy.decide(
    ...     Observation(
    ...         on_hand=torch.ones(1, 1, 1),
    ...         on_order=torch.zeros(1, 1, 1),
    ...         pipeline=(),
    ...         lead_time=torch.ones(1, 1, 1, dtype=torch.long),
    ...         signals=torch.full((1, 1, 1), 5.0),
    ...         signal_names=("scale",),
    ...     )
    ... )
    >>> wish.target.item(), wish.cap.item(), round(wish.price.item(), 4)
    (15.0, 10.0, 9.0)
    """

    outputs = 3
    config: NeuralPricedOrderUpToConfig

    def __init__(
        self,
        config: NeuralPricedOrderUpToConfig,
        anchor_weights: Tensor,
        cap_periods: Tensor,
        generator: torch.Generator,
        *,
        pricing: PriceHead,
        batch_periods: Tensor | None = None,
        traits: Float[Tensor, "P K"] | None = None,
    ) -> None:
        super().__init__(
            config,
            anchor_weights,
            cap_periods,
            generator,
            batch_periods=batch_periods,
            traits=traits,
        )
        self.pricing = pricing

    @staticmethod
    def own_features(config: NeuralOrderUpToConfig) -> int:
        """Return 2 where it sees prices, else 0."""
        return 2 * (isinstance(config, NeuralPricedOrderUpToConfig) and config.sees_prices)

    def features(self, observation: Observation) -> Float[Tensor, "B P F"]:
        """Return the features of :class:`NeuralOrderUpTo`, with prices if it sees them."""
        if not self.config.sees_prices:
            return super().features(observation)
        memory = observation.memory
        prices = None if memory is None else memory.prices
        if prices is None:
            raise ConfigurationError(
                "`sees_prices` reads yesterday's price, and this world has none: no product has"
                " price rules or a price response. Leave it out of the network's config."
            )
        anchor = self.pricing.anchor
        told = [
            (price / anchor).clamp_min(LEAST_RATIO).log()
            for price in (prices.price, prices.reference)
        ]
        return features_of(observation, self.config, self.traits, *told)

    def departure(self, observation: Observation) -> Float[Tensor, "B P 3"]:
        """Return (u₁, u₂, v); only level and cap are bounded here."""
        level_cap, price = self.answer(observation).tensor_split([2], -1)
        return torch.cat([bounded(level_cap, self.config.limit), price], dim=-1)

    def compose(self, observation: Observation, departure: Float[Tensor, "B P 3"]) -> Decision:
        """Return the decision for a departure."""
        level_cap, price = departure.tensor_split([2], -1)
        wish = super().compose(observation, level_cap)
        return Decision(wish.target, wish.cap, wish.batch, price=self.pricing(price))
