"""What an allocator is, and how it joins a policy for orders."""

from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from restock.simulation import Decision, Observation, Policy

__all__ = ["Allocated", "Allocation", "Allocator"]


class Allocation(NamedTuple):
    """Wishes for step 5, as in :class:`Decision`.

    ``score`` ``[#B, #P, #R, L]``: a region asks the location with the lowest first. ``share``
    ``[#B, #P, R, L]``: the share of a region's demand that each location serves before that.
    """

    score: Float[Tensor, "#B #P #R L"] | None = None
    share: Float[Tensor, "#B #P R L"] | None = None


@runtime_checkable
class Allocator(Protocol):
    """A pure, batched function from what is seen to who serves whom."""

    def allocate(self, observation: Observation) -> Allocation:
        """Return the wish for every path, product, region and location."""
        ...


class Allocated(nn.Module):
    """A policy for orders with an allocator for regions; what can be learned in either is learned.

    ``policy`` decides all but the allocation, which is ``allocator``'s.
    """

    def __init__(self, policy: Policy, allocator: Allocator) -> None:
        super().__init__()
        self.policy = policy
        self.allocator = allocator

    def decide(self, observation: Observation) -> Decision:
        """Return the policy's wishes and the allocator's."""
        score, share = self.allocator.allocate(observation)
        wishes = self.policy.decide(observation)
        return replace(wishes, region_score=score, region_share=share)
