"""The same order every period, whatever the stock."""

from dataclasses import dataclass

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["ConstantOrder"]


@dataclass(frozen=True)
class ConstantOrder:
    """Order ``quantity`` units ``[#B, P, E]`` in every period.

    Asymptotically optimal for lost sales as the lead time grows (Goldberg, Katz-Rogozhnikov, Lu,
    Sharma and Squillante, Mathematics of Operations Research 41, 2016).
    """

    quantity: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for the position plus the quantity."""
        return Decision(observation.lane_position + self.quantity)
