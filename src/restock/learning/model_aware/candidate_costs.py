"""What rollouts measured around each decision, as a cost of any wish near it."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["CandidateCosts"]

REACH = 1.5
"""Steps from the decision that was examined within which its quadratic cost is believed."""


class CandidateCosts(NamedTuple):
    """What candidates cost on top of the decision itself, money, for S states.

    Of K coordinates: ``chosen`` the decision in steps, ``less`` and ``more`` a step of each,
    ``moved[..., i, j]`` a step from i to j. ``has_less`` and ``has_more`` tell whether the world
    allows just that step.
    """

    chosen: Float[Tensor, "S P K"]
    less: Float[Tensor, "S P K"]
    more: Float[Tensor, "S P K"]
    has_less: Bool[Tensor, "S P K"]
    has_more: Bool[Tensor, "S P K"]
    moved: Float[Tensor, "S P K K"]

    def cost(self, wish: Float[Tensor, "S P K"]) -> Float[Tensor, "S P"]:
        """Return the cost of a wish, in steps, on top of the decision's, differentiably.

        With x the wish less the decision: g·x + ½ xᵀHx, g = (more − less)/2, H_ii = more + less,
        2 H_ij = H_ii + H_jj − moved_ij − moved_ji. At the edge of what is allowed it is linear.
        """
        ahead = wish - self.chosen
        near = ahead.clamp(-REACH, REACH)
        inside = self.has_less & self.has_more
        bend = self.less + self.more
        parabola = 0.5 * ((self.more - self.less) * near + bend * near.square())
        slope = torch.where(self.has_more, self.more, -self.less)
        cost = torch.where(inside, parabola, slope * near).sum(-1)
        # nothing is known beyond: come back
        allowed = torch.where(ahead > 0, self.has_more, self.has_less)
        curvature = (bend * inside).sum((0, 1)) / inside.sum((0, 1)).clamp_min(1)
        beyond = (ahead - near) * allowed
        cost = cost + (curvature.clamp_min(1e-6) * beyond.square()).sum(-1)
        if self.moved.shape[-1] == 1:
            return cost
        both = inside.unsqueeze(-1) & inside.unsqueeze(-2)
        twice = bend.unsqueeze(-1) + bend.unsqueeze(-2) - self.moved - self.moved.mT
        twice = torch.where(both, twice, 0).triu(1)
        pairs = near.unsqueeze(-1) * near.unsqueeze(-2)
        return cost + 0.5 * (twice * pairs).sum((-1, -2))

    def rows(self, rows: Tensor) -> "CandidateCosts":
        """Return the lesson of some states."""
        return CandidateCosts(*(part[rows] for part in self))
