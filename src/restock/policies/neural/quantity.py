"""Orders as plain quantities: for worlds in which no level describes a good decision.

With u the network's output, each lane orders q = x log(1 + exp(u + a)) units, a smooth quantity
that a fresh network keeps at a constant number of periods of demand (:class:`QuantityHead`), the
constant-order rule. Levels explain themselves and start nearer to the optimum (convention 11): take
:class:`NeuralOrderUpTo` unless lead times are so long that position hardly matters (D. Goldberg et
al., Asymptotic optimality of constant-order policies for lost sales inventory models with large
lead times, Mathematics of Operations Research 41(3), 2016).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.policies.neural.bodies import body_for
from restock.policies.neural.features import NeuralConfig, feature_count, features_of
from restock.policies.neural.heads import QuantityHead, bounded
from restock.policies.neural.normalising import Normaliser
from restock.policies.neural.order_up_to import per_lane
from restock.simulation import Decision, Observation

__all__ = ["NeuralQuantity"]


class NeuralQuantity(nn.Module):
    """A quantity at one location, from the same bodies and features as the levels.

    ``anchor_periods`` (q₀) > 0, periods of demand, a scalar, ``[P]`` or ``[#B, #P, 1]``, is what a
    fresh network orders every period; ``traits`` are as in :class:`NeuralOrderUpTo`.

    Raises :class:`ConfigurationError` for an anchor that is not finite and > 0, and, when it
    decides, for more than one location or lane and for a signal that the world does not give.

    >>> policy = NeuralQuantity(
    ...     NeuralConfig(pipeline_slots=0), torch.tensor(0.9), torch.Generator()
    ... )
    >>> seen = Observation(
    ...     on_hand=torch.full((1, 1, 1), 2.0),
    ...     on_order=torch.zeros(1, 1, 1),
    ...     pipeline=(),
    ...     lead_time=torch.ones(1, 1, 1, dtype=torch.long),
    ...     signals=torch.full((1, 1, 1), 5.0),
    ...     signal_names=("scale",),
    ... )
    >>> round(policy.decide(seen).target.item(), 4)
    6.5
    """

    traits: Tensor

    def __init__(
        self,
        config: NeuralConfig,
        anchor_periods: Tensor,
        generator: torch.Generator,
        *,
        traits: Float[Tensor, "P K"] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        fixed = (torch.zeros(1, 0) if traits is None else traits).unsqueeze(0)
        inputs = feature_count(config, fixed)
        self.body = body_for(inputs, 1, config.hidden, generator, config.history)
        self.normaliser = Normaliser(inputs) if config.normalises else None
        self.head = QuantityHead(per_lane(anchor_periods))
        self.register_buffer("traits", fixed)

    def features(self, observation: Observation) -> Float[Tensor, "B P F"]:
        """Return stock and pipeline in logarithms of periods of demand, lead time and signals."""
        return features_of(observation, self.config, self.traits)

    def departure(self, observation: Observation) -> Float[Tensor, "B P 1"]:
        """Return u, what is added inside the softplus."""
        features = self.features(observation)
        if self.normaliser is not None:
            features = self.normaliser(features)
        u = self.body(features.flatten(0, 1)).unflatten(0, features.shape[:2])
        return bounded(u, self.config.limit)

    def compose(self, observation: Observation, departure: Float[Tensor, "B P 1"]) -> Decision:
        """Return the decision for a departure: the position plus the quantity."""
        quantity = self.head(departure, observation.signal("scale"))
        return Decision(observation.lane_position + quantity)

    def decide(self, observation: Observation) -> Decision:
        """Return the quantity as a wish."""
        return self.compose(observation, self.departure(observation))
