"""Levels in periods of recent demand: the rule that networks depart from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["ScaledLevel", "hold_back"]


def hold_back(observation: Observation, level: LaneValues, batch: LaneValues) -> LaneValues:
    """Return ``level`` where the order would reach ``batch`` units, else the position: no order.

    With S the level and q the batch this is (s, S) with s = S − q, and it saves fixed costs.
    """
    position = observation.inventory_position
    return torch.where(level - position >= batch, level, position)


@dataclass(frozen=True)
class ScaledLevel:
    """Level, cap and batch in periods of the signal ``scale``, each ``[#B, #P, E]``.

    Order up to the level, at most the cap at once, and nothing while less than the batch is
    wanted (0 waits for nothing).
    """

    level_periods: Float[Tensor, "#B #P E"]
    cap_periods: Float[Tensor, "#B #P E"]
    batch_periods: Float[Tensor, "#B #P E"]

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level, at most the cap at once."""
        scale = observation.signal("scale")
        level = hold_back(observation, scale * self.level_periods, scale * self.batch_periods)
        return Decision(level, scale * self.cap_periods)
