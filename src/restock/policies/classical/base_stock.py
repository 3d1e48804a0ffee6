"""Base stock, with and without a cap on the order."""

from dataclasses import dataclass

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["BaseStock", "CappedBaseStock"]


@dataclass(frozen=True)
class BaseStock:
    """Order (S − inventory position)⁺; ``level`` is S in units, ``[#B, P, E]``.

    Optimal for one location with backorders and linear costs (Zipkin, Foundations of Inventory
    Management, 2000, §9.4).
    """

    level: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level."""
        del observation
        return Decision(self.level)


@dataclass(frozen=True)
class CappedBaseStock:
    """Order min(cap, (S − inventory position)⁺); both in units, ``[#B, P, E]``.

    Near-optimal for lost sales (Xin, Understanding the performance of capped base-stock policies
    in lost-sales inventory models, Operations Research 69, 2021).
    """

    level: LaneValues
    cap: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level, at most the cap at once."""
        del observation
        return Decision(self.level, self.cap)
