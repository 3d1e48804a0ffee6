r"""Critics of continuous actions: Q(s, a), several of them in one batched product a layer.

A critic is taught by temporal differences towards targets y that its slow copy Q′ takes part in:

    L = Σ_n mean_k w_k (Q_n(s_k, a_k) − y_k)²,   θ′ ← θ′ + τ (θ − θ′)

(T. Lillicrap et al., Continuous control with deep reinforcement learning, ICLR 2016, algorithm 1).
N critics of one loss are N problems of their own, and their weights are stacked: a layer costs one
``baddbmm`` and not N products. Actions enter in half-widths of the Box, from −1 to 1.
"""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.learning.descent import descend
from restock.learning.off_policy import follow
from restock.learning.replay import Batch

__all__ = ["ActionCritics", "CriticStep", "Judges"]

FRESH_BOUND = 3e-3
"""Weights of a fresh last layer are within ± this, so that all actions seem alike."""


class ActionCritics(nn.Module):
    """``count`` (N) networks with ReLU units that judge an action by what it will bring.

    They read ``features`` numbers of an observation and ``actions`` of an action. Weights are drawn
    uniformly within ±1/√inputs, those of the last layer within ±0.003 (Lillicrap et al. 2016, §7).

    >>> critics = ActionCritics(2, 3, 1, (8,), torch.Generator().manual_seed(0))
    >>> values = critics(torch.zeros(5, 3), torch.zeros(5, 1))
    >>> values.shape, bool(values.abs().max() < 0.03)
    (torch.Size([2, 5]), True)
    """

    def __init__(
        self,
        count: int,
        features: int,
        actions: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        sizes = (features + actions, *hidden, 1)
        for place, (size_in, size_out) in enumerate(pairwise(sizes)):
            bound = FRESH_BOUND if place == len(hidden) else size_in**-0.5
            weight, bias = torch.empty(count, size_in, size_out), torch.empty(count, 1, size_out)
            for fresh in (weight, bias):
                fresh.uniform_(-bound, bound, generator=generator)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(bias))

    def forward(
        self, features: Float[Tensor, "K F"], action: Float[Tensor, "K A"]
    ) -> Float[Tensor, "N K"]:
        """Return Q_n(s, a) for each critic and row."""
        return _values(list(self.weights), list(self.biases), features, action)

    def fixed(
        self, features: Float[Tensor, "K F"], action: Float[Tensor, "K A"], count: int
    ) -> Float[Tensor, "N K"]:
        """Return what the first ``count`` critics say; only the action carries a gradient."""
        weights = [weight.detach()[:count] for weight in self.weights]
        biases = [bias.detach()[:count] for bias in self.biases]
        return _values(weights, biases, features, action)


def _values(
    weights: Sequence[Tensor], biases: Sequence[Tensor], features: Tensor, action: Tensor
) -> Tensor:
    flow = torch.cat((features, action), -1).expand(len(weights[0]), -1, -1)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        flow = torch.relu_(torch.baddbmm(bias, flow, weight))
    return torch.baddbmm(biases[-1], flow, weights[-1]).squeeze(-1)


class CriticStep(NamedTuple):
    """What one step told: L, the gradient's norm before clipping, and Q_n − y."""

    loss: float
    gradient_norm: float
    error: Float[Tensor, "N K"]

    @property
    def mean_square(self) -> float:
        """The mean of (Q_n − y)² over critics and rows."""
        return float(self.error.square().mean())


class Judges:
    """Critics, their slow copy and their optimizer: the part of a method that learns values."""

    def __init__(self, critics: ActionCritics, learning_rate: float) -> None:
        self.critics = critics
        self.slow = deepcopy(critics).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.Adam(critics.parameters(), lr=learning_rate, fused=True)

    def step(
        self,
        batch: Batch,
        features: Float[Tensor, "K F"],
        action: Float[Tensor, "K A"],
        target: Float[Tensor, " K"],
        *,
        clip: float,
        learning_rate: float,
    ) -> CriticStep:
        """Take one step of size ``learning_rate`` down L, towards y = ``target``.

        ``features`` and ``action`` are those of ``batch`` as the critics read them.

        Raises :class:`DivergenceError`, with all weights as they were, for a loss not finite.
        """
        error = self.critics(features, action) - target
        loss = (batch.weight * error.square()).mean(-1).sum()
        norm = descend(loss, self.optimizer, clip=clip, learning_rate=learning_rate)
        return CriticStep(loss.item(), norm, error.detach())

    def follow(self, rate: float) -> None:
        """Move the slow copy by ``rate`` (τ) of the way."""
        follow(self.slow.parameters(), self.critics.parameters(), rate)

    def state_dict(self) -> dict[str, Any]:
        """Return both sets of weights and the optimizer."""
        return {
            "critics": self.critics.state_dict(),
            "slow": self.slow.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.critics.load_state_dict(tree["critics"])
        self.slow.load_state_dict(tree["slow"])
        self.optimizer.load_state_dict(tree["optimizer"])
