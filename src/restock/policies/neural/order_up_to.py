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

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.policies.classical import signal_level
from restock.policies.neural.bodies import mlp
from restock.simulation import Decision, Observation

__all__ = ["NeuralOrderUpTo", "NeuralOrderUpToConfig"]

# units a period: stock of a product without demand is many, not infinitely many, periods of it
LEAST_SCALE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralOrderUpToConfig:
    """What the network reads and how large it is.

    ``pipeline_slots`` is how many coming arrivals it sees (the longest lead time less one),
    ``signals`` the names of the world's signals it reads beside the stock, ``relative_signals``
    those in units, read as logarithms relative to the scale, and ``anchor_signals`` those that the
    anchor is made of. ``hidden`` are the widths of its hidden layers; an empty tuple makes the
    departure linear in the features.
    """

    pipeline_slots: int
    signals: tuple[str, ...] = ()
    relative_signals: tuple[str, ...] = ()
    anchor_signals: tuple[str, ...] = ("scale",)
    hidden: tuple[int, ...] = (32, 32)

    def __post_init__(self) -> None:
        """Check ranges."""
        require(
            self.pipeline_slots >= 0,
            ConfigurationError,
            f"`pipeline_slots` must be ≥ 0; got {self.pipeline_slots}."
            " Use the longest lead time less one.",
        )
        require(
            all(width >= 1 for width in self.hidden),
            ConfigurationError,
            f"`hidden` widths must be ≥ 1; got {self.hidden}. Leave a layer out instead.",
        )


class NeuralOrderUpTo(nn.Module):
    """Level and cap as classical anchors times exp(network), weights shared by all products.

    ``anchor_weights`` (k) and ``cap_periods`` (m) are a scalar, ``[P]``, ``[B, P]`` or
    ``[#B, #P, K]``, K being the number of anchor signals (1 for the cap). With the default anchor
    they are periods of demand. The world must give the signal ``scale`` (x).
    ``batch_periods``, likewise, is the least order worth a fixed ordering cost. ``traits`` are
    numbers that tell products apart and never change (cost ratios), read beside the signals.

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
        fixed = torch.zeros(1, 0) if traits is None else traits
        inputs = 2 + config.pipeline_slots + fixed.shape[-1]
        inputs += len(config.signals) + len(config.relative_signals)
        self.body = mlp(inputs, 2, config.hidden, generator)
        self.register_buffer("anchor_weights", _as_lane(anchor_weights))
        self.register_buffer("cap_periods", _as_lane(cap_periods))
        self.register_buffer("batch_periods", _as_lane(batch))
        self.register_buffer("traits", fixed.unsqueeze(0))

    def features(self, observation: Observation) -> Float[Tensor, "B P F"]:
        """Return stock and pipeline in logarithms of periods of demand, lead time and signals."""
        scale = observation.signal("scale").clamp_min(LEAST_SCALE)
        stock = [observation.on_hand]
        if self.config.pipeline_slots:
            stock.append(observation.pipeline_stack(self.config.pipeline_slots))
        shape = (*observation.on_hand.shape[:-1], 1)
        parts = [torch.log1p(torch.cat(stock, dim=-1) / scale)]
        parts.append(torch.log1p(observation.lead_time.to(scale)).expand(shape))
        parts += [observation.signal(name).expand(shape) for name in self.config.signals]
        for name in self.config.relative_signals:
            units = observation.signal(name).clamp_min(0)
            parts.append(torch.log((units + 0.1 * scale) / scale).expand(shape))
        if self.traits.shape[-1]:
            parts.append(self.traits.expand(*shape[:-1], -1))
        return torch.cat(parts, dim=-1)

    def departure(self, observation: Observation) -> Float[Tensor, "B P 2"]:
        """Return u: the logarithms of the level's and the cap's ratio to their anchors."""
        u: Tensor = self.body(self.features(observation))
        return u

    def compose(self, observation: Observation, departure: Float[Tensor, "B P 2"]) -> Decision:
        """Return the decision for a departure."""
        scale = observation.signal("scale")
        ratio = torch.exp(departure)
        anchor = signal_level(observation, self.config.anchor_signals, self.anchor_weights)
        return Decision(
            target=anchor * ratio[..., :1],
            cap=scale * self.cap_periods * ratio[..., 1:],
            batch=scale * self.batch_periods if self.batches else None,
        )

    def decide(self, observation: Observation) -> Decision:
        """Return the level and the cap."""
        return self.compose(observation, self.departure(observation))


def _as_lane(periods: Tensor) -> Tensor:
    """Give a scalar, ``[P]`` or ``[B, P]`` the axes ``[B, P, E]``."""
    while periods.dim() < 2:
        periods = periods.unsqueeze(0)
    return periods.unsqueeze(-1) if periods.dim() == 2 else periods
