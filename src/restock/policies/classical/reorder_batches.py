"""Rules with a reorder point whose order is not just a level: (s, nQ) and modified (s, S, q)."""

from dataclasses import dataclass

import torch

from restock.errors import ConfigurationError, require
from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["ModifiedReorderPoint", "ReorderBatches"]


@dataclass(frozen=True)
class ReorderBatches:
    """(s, nQ): at or below s, order as few batches of Q as bring the position above s.

    ``reorder_point`` (s) and ``batch`` (Q > 0) are units ``[#B, P, E]``. Optimal where only whole
    batches can be ordered, with backorders (Veinott, The optimal inventory policy for batch
    ordering, Operations Research 13, 1965; his level is s + 1 in whole units).

    Raises :class:`ConfigurationError` for a batch that is not > 0.
    """

    reorder_point: LaneValues
    batch: LaneValues

    def __post_init__(self) -> None:
        """Check the batch; the condition is written so that NaN fails it."""
        bad = self.batch[~(self.batch > 0)]
        require(
            len(bad) == 0,
            ConfigurationError,
            f"`batch` must be > 0 units; got {bad[:3].tolist()}. Use the case pack.",
        )

    def decide(self, observation: Observation) -> Decision:
        """Wish for whole batches on top of the position."""
        position = observation.lane_position
        batches = torch.floor((self.reorder_point - position) / self.batch) + 1
        return Decision(position + batches.clamp_min(0) * self.batch)


@dataclass(frozen=True)
class ModifiedReorderPoint:
    """(s, S, q): at or below s, order up to S, but at most q at once.

    ``reorder_point`` (s), ``level`` (S ≥ s) and ``cap`` (q > 0) are units ``[#B, P, E]``. For lost
    sales with a fixed ordering cost: the cap smooths orders as in capped base stock (Bijvank,
    Bhulai and Huh, Parametric replenishment policies for inventory systems with lost sales and
    fixed order cost, European Journal of Operational Research 241, 2015).
    """

    reorder_point: LaneValues
    level: LaneValues
    cap: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for min(S − position, q) at or below s, for nothing above it."""
        position = observation.lane_position
        return Decision(torch.where(position <= self.reorder_point, self.level, position), self.cap)
