"""Levels that are linear in the world's signals: the rules that networks depart from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["SignalLevel", "signal_level"]


def signal_level(
    observation: Observation, names: tuple[str, ...], weights: Float[Tensor, "#B #P K"]
) -> LaneValues:
    """Return Σ weight × signal over the named signals, at least 0, in units."""
    signals = torch.cat([observation.signal(name) for name in names], dim=-1)
    return (signals * weights).sum(-1, keepdim=True).clamp_min(0)


@dataclass(frozen=True)
class SignalLevel:
    """Order up to a weighted sum of signals, at most a cap at once, at least a batch.

    ``weights`` ``[#B, #P, K]`` belong to the ``signals``, which are in units. ``cap_periods`` and
    ``batch_periods`` ``[#B, #P, E]`` are in periods of the signal ``scale``; a batch of 0 waits for
    nothing. With the signal ``scale`` alone the level is so many periods of recent demand; with a
    forecast's mean and standard deviation it is mean + z·sd; with its quantiles, one of them.
    """

    signals: tuple[str, ...]
    weights: Float[Tensor, "#B #P K"]
    cap_periods: Float[Tensor, "#B #P E"]
    batch_periods: Float[Tensor, "#B #P E"]

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level, at most the cap and at least the batch at once."""
        scale = observation.signal("scale")
        level = signal_level(observation, self.signals, self.weights)
        return Decision(level, scale * self.cap_periods, scale * self.batch_periods)
