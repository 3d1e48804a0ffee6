"""Levels that are linear in the world's signals: the rules that networks depart from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["SignalLevel", "hold_back", "signal_level"]


def hold_back(observation: Observation, level: LaneValues, batch: LaneValues) -> LaneValues:
    """Return ``level`` where the order would reach ``batch`` units, else the position: no order.

    With S the level and q the batch this is (s, S) with s = S − q, and it saves fixed costs.
    """
    position = observation.inventory_position
    return torch.where(level - position >= batch, level, position)


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
        """Wish for the level, at most the cap at once."""
        scale = observation.signal("scale")
        level = signal_level(observation, self.signals, self.weights)
        level = hold_back(observation, level, scale * self.batch_periods)
        return Decision(level, scale * self.cap_periods)
