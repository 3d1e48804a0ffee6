"""What DQN and NAF have in common: a network Q that descends its error to a target network's word.

    δ = target − Q_θ(s, a),   loss = mean of w · h_κ(δ),   h_κ(δ) = ½ δ²  if |δ| < κ,
                                                           else κ (|δ| − ½ κ)

An algorithm adds what Q(s, a) and its target are; its file is read beside this one.
"""

import copy
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.descent import descend
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena
from restock.learning.off_policy import (
    OffPolicyConfig,
    OffPolicyLearner,
    OffPolicyModule,
    Taught,
    follow,
)
from restock.learning.replay import Batch
from restock.seeds import Seeds

__all__ = ["ValueNetworkConfig", "ValueNetworkLearner"]


Q = TypeVar("Q", bound=OffPolicyModule)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueNetworkConfig(OffPolicyConfig):
    """How a value network learns, besides how it plays and remembers.

    ``huber_threshold`` is κ, in scaled rewards: ``inf`` makes squares of all errors.
    ``exploration`` is how the chance of a random action, or the noise on it, falls.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    huber_threshold: float = 1.0
    exploration: Exploration = field(default_factory=Exploration)

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        OffPolicyConfig.__post_init__(self)
        require(
            self.huber_threshold > 0,
            ConfigurationError,
            f"`huber_threshold` must be > 0; got {self.huber_threshold}. Try 1, or inf.",
        )


class ValueNetworkLearner(OffPolicyLearner[Q]):
    """The network, its target network, and one gradient step on a minibatch."""

    def __init__(
        self, arena: Arena, config: ValueNetworkConfig, seeds: Seeds, policy: Q, *, method: str
    ) -> None:
        super().__init__(arena, config, seeds, policy, method=method)
        self._config = config
        self.net: nn.Module = policy.get_submodule("net")
        self.target = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizer = torch.optim.Adam(
            self.net.parameters(), lr=config.learning_rate, fused=True
        )

    @abstractmethod
    def value(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return Q(s, a) of each step, differentiably."""

    @abstractmethod
    def targets(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return what it should have been."""

    def exploration(self, progress: float) -> float:
        """Return the chance of a random action, or the noise's standard deviation."""
        return self._config.exploration.at(progress)

    def learn(self, batch: Batch, progress: float) -> Taught:
        """Take one step down the loss that the module tells, and move the target network."""
        config = self._config
        target, value = self.targets(batch), self.value(batch)
        errors = nn.functional.huber_loss(
            value, target, reduction="none", delta=config.huber_threshold
        )
        loss = (batch.weight * errors).mean()
        norm = descend(
            loss,
            self.optimizer,
            clip=config.gradient_clip,
            learning_rate=config.step_size(progress),
        )
        error = target - value.detach()
        self.replay.reprioritise(batch.index, error)
        if (self.gradient_steps + 1) % config.target_every == 0:
            follow(self.target.parameters(), self.net.parameters(), config.target_rate)
        return Taught(loss.item(), norm, value_loss=float(error.square().mean()))

    def state_dict(self) -> dict[str, Any]:
        """Return what all off-policy methods keep, the target network and the optimizer."""
        return {
            **super().state_dict(),
            "target": self.target.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        super().load_state_dict(tree)
        self.target.load_state_dict(tree["target"])
        self.optimizer.load_state_dict(tree["optimizer"])
