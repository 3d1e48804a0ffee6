"""(s, S): wait until the position falls to s, then order up to S."""

from dataclasses import dataclass

import torch

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["ReorderPoint"]


@dataclass(frozen=True)
class ReorderPoint:
    """Order up to S when the inventory position is at or below s, else nothing.

    ``reorder_point`` (s) and ``level`` (S ≥ s) are units ``[#B, P, E]``. Optimal under a fixed
    ordering cost with backorders (Scarf, The optimality of (S, s) policies, 1960).
    """

    reorder_point: LaneValues
    level: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for S at or below s, for the position itself above it."""
        position = observation.lane_position
        return Decision(torch.where(position <= self.reorder_point, self.level, position))
