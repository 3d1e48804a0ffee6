"""Several policies that decide as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from restock.shapes import LaneValues
from restock.simulation import Decision, Observation, Policy

__all__ = ["Ensemble"]


@dataclass(frozen=True)
class Ensemble:
    """The mean of the members' levels, caps and batches.

    A member without a cap leaves the ensemble without one; a member without a batch counts as 0.
    """

    members: Sequence[Policy]

    def decide(self, observation: Observation) -> Decision:
        """Return the averaged wish."""
        wishes = [member.decide(observation) for member in self.members]
        caps = [wish.cap for wish in wishes if wish.cap is not None]
        return Decision(
            target=_mean([wish.target for wish in wishes]),
            cap=_mean(caps) if len(caps) == len(wishes) else None,
            batch=_mean([_batch(wish) for wish in wishes])
            if any(wish.batch is not None for wish in wishes)
            else None,
        )


def _batch(wish: Decision) -> LaneValues:
    return torch.zeros_like(wish.target) if wish.batch is None else wish.batch


def _mean(wishes: list[LaneValues]) -> LaneValues:
    alike = torch.broadcast_tensors(*wishes)  # type: ignore[no-untyped-call]
    return torch.stack(alike).mean(0)
