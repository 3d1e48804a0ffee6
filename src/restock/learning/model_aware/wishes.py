"""What a decision wishes to order, as a number that regression can move."""

import torch

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["wished_order"]


def wished_order(decision: Decision, seen: Observation) -> LaneValues:
    """Return min(cap, target − position) in units; below 0 where the position is above the level.

    The least batch is left out; it says when to order, not how much.

    >>> seen = Observation(
    ...     torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (), torch.ones(1, 1, 1, dtype=torch.long)
    ... )
    >>> wished_order(Decision(torch.full((1, 1, 1), 4.0), torch.full((1, 1, 1), 2.0)), seen).item()
    2.0
    """
    wish = decision.target - seen.lane_position
    return wish if decision.cap is None else torch.minimum(wish, decision.cap)
