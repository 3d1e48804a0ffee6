"""Several policies that decide as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from restock.simulation import Decision, Observation, Policy

__all__ = ["Ensemble"]


@dataclass(frozen=True)
class Ensemble:
    """The mean of the members' levels and of their caps (a member without a cap has none)."""

    members: Sequence[Policy]

    def decide(self, observation: Observation) -> Decision:
        """Return the averaged wish."""
        wishes = [member.decide(observation) for member in self.members]
        target = torch.stack([wish.target for wish in wishes]).mean(0)
        caps = [wish.cap for wish in wishes if wish.cap is not None]
        return Decision(target, torch.stack(caps).mean(0) if len(caps) == len(wishes) else None)
