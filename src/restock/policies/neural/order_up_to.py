"""The neural order-up-to policy: a classical level times a learned departure.

With x the demand scale (units a period), y the anchor signals and u = (u₁, u₂) the network's
output, the policy orders

    min(c, (S − inventory position)⁺),   S = (k·y)⁺ exp(u₁),   c = x·m·exp(u₂).

The anchor k·y is a classical level that is linear in the world's signals: a number of periods of
recent demand (y = x), mean + z·sd, or a quantile of a forecast. So a fresh network (u = 0) is the
classical rule that it starts from, the departure is exp(u) in words anyone can read, and one set
of weights serves products of every size.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.policies.classical import signal_level
from restock.policies.neural.bodies import body_for
from restock.policies.neural.features import NeuralConfig, feature_count, features_of
from restock.policies.neural.heads import bounded
from restock.policies.neural.normalising import Normaliser
from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["NeuralOrderUpTo", "NeuralOrderUpToConfig", "per_lane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralOrderUpToConfig(NeuralConfig):
    """What the network reads, how large it is, and the ``anchor_signals`` of its anchor.

    See :class:`~restock.policies.neural.features.NeuralConfig` for the rest.
    """

    anchor_signals: tuple[str, ...] = ("scale",)

    def __post_init__(self) -> None:
        """Check ranges."""
        NeuralConfig.__post_init__(self)
        require(
            len(self.anchor_signals) >= 1,
            ConfigurationError,
            "`anchor_signals` must name at least one signal. Leave it out for the scale.",
        )


class NeuralOrderUpTo(nn.Module):
    """Level and cap as classical anchors times exp(network), weights shared by all products.

    ``anchor_weights`` (k) and ``cap_periods`` (m) are a scalar, ``[P]``, ``[B, P]`` or
    ``[#B, #P, K]``, K being the number of anchor signals (1 for the cap). With the default anchor
    they are periods of demand. The world must give the signal ``scale`` (x) and have one location
    with one lane.
    ``batch_periods``, likewise, is the least order worth a fixed ordering cost. ``traits`` are
    numbers that tell products apart and never change (cost ratios), read beside the signals. The
    body is a perceptron, or reads the demand of the latest periods by convolution or LSTM.

    Raises :class:`ConfigurationError`, when it decides, for more than one location or lane and for
    a signal that the world does not give.

    >>> config = NeuralOrderUpToConfig(pipeline_slots=0)
    >>> policy = NeuralOrderUpTo(config, torch.tensor(3.0), torch.tensor(2.0), torch.Generator())
    >>> world = Observation(
    ...     on_hand=torch.ones(1, 1, 1),
    ...     on_order=torch.zeros(1, 1, 1),
    ...     pipeline=(),
    ...     lead_time=torch.ones(1, 1, 1, dtype=torch.long),
    ...     signals=torch.full((1, 1, 1), 5.0),
    ...     signal_names=("scale",),
    ... )
    >>> wish = policy.decide(world)
    >>> wish.target.item(), wish.cap.item()
    (15.0, 10.0)
    """

    outputs: ClassVar[int] = 2

    anchor_weights: Tensor
    cap_periods: Tensor
    batch_periods: Tensor
    traits: Tensor

    def __init__(
        self,
        config: NeuralOrderUpToConfig,
        anchor_weights: Tensor,
        cap_periods: Tensor,
        generator: torch.Generator,
        *,
        batch_periods: Tensor | None = None,
        traits: Float[Tensor, "P K"] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        batch = torch.zeros(()) if batch_periods is None else batch_periods
        self.batches = bool((batch > 0).any())
        fixed = (torch.zeros(1, 0) if traits is None else traits).unsqueeze(0)
        inputs = feature_count(config, fixed) + self.own_features(config)
        self.body = body_for(inputs, self.outputs, config.hidden, generator, config.history)
        self.normaliser = Normaliser(inputs) if config.normalises else None
        self.register_buffer("anchor_weights", per_lane(anchor_weights))
        self.register_buffer("cap_periods", per_lane(cap_periods))
        self.register_buffer("batch_periods", per_lane(batch))
        self.register_buffer("traits", fixed)

    @staticmethod
    def own_features(config: NeuralOrderUpToConfig) -> int:
        """Return how many features it reads beside those of every network."""
        del config
        return 0

    def features(self, observation: Observation) -> Float[Tensor, "B P F"]:
        """Return stock and pipeline in logarithms of periods of demand, lead time and signals."""
        return features_of(observation, self.config, self.traits)

    def departure(self, observation: Observation) -> Float[Tensor, "B P 2"]:
        """Return u: the logarithms of the level's and the cap's ratio to their anchors."""
        return bounded(self.answer(observation), self.config.limit)

    def answer(self, observation: Observation) -> Float[Tensor, "B P K"]:
        """Return what the body makes of the features, before any bound."""
        features = self.features(observation)
        if self.normaliser is not None:
            features = self.normaliser(features)
        # rows instead of paths and products: one matrix product a layer, with nothing around it
        answer: Tensor = self.body(features.flatten(0, 1)).unflatten(0, features.shape[:2])
        return answer

    def compose(self, observation: Observation, departure: Float[Tensor, "B P 2"]) -> Decision:
        """Return the decision for a departure."""
        scale = observation.signal("scale")
        level_ratio, cap_ratio = departure.exp().chunk(2, -1)
        return Decision(
            target=self._anchor(observation, scale) * level_ratio,
            cap=scale * self.cap_periods * cap_ratio,
            batch=scale * self.batch_periods if self.batches else None,
        )

    def decide(self, observation: Observation) -> Decision:
        """Return the level, the cap and, where orders cost, the least order worth placing."""
        return self.compose(observation, self.departure(observation))

    def _anchor(self, observation: Observation, scale: LaneValues) -> LaneValues:
        """Return the classical level, in units."""
        if self.config.anchor_signals == ("scale",):
            return (scale * self.anchor_weights).clamp_min(0)
        return signal_level(observation, self.config.anchor_signals, self.anchor_weights)


def per_lane(periods: Tensor) -> Float[Tensor, "#B #P E"]:
    """Give a scalar, ``[P]`` or ``[B, P]`` the axes ``[B, P, E]``; others have them."""
    while periods.dim() < 2:
        periods = periods.unsqueeze(0)
    return periods.unsqueeze(-1) if periods.dim() == 2 else periods
