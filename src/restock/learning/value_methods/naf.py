r"""NAF: Q-learning for continuous actions, by a Q whose best action can be read off.

    Q(s, u) = V(s) + A(s, u),   A(s, u) = −½ (u − μ(s))ᵀ P(s) (u − μ(s)),   P = L Lᵀ

with a lower triangular L whose diagonal is positive, so that max_u Q(s, u) = V(s), at u = μ(s).
One network gives V, μ and L (S. Gu, T. Lillicrap, I. Sutskever and S. Levine, Continuous deep
Q-learning with model-based acceleration, ICML 2016, eq. 2 to 4 and algorithm 1). Then, as in
Q-learning with a target network θ⁻,

    δ = R + γ′ V_θ⁻(s′) − Q_θ(s, u),   loss = mean of w · h_κ(δ)   (Huber's, as in
                                                    :mod:`~.value_network`)

An action u is in half-widths of the environment's Box from its middle; μ is squashed into the Box
by tanh, so that the best action is one that may be taken. Exploration adds normal noise to μ, its
standard deviation in the same units, and clips to the Box.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from gymnasium.spaces import Box
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from restock.learning.arena_learner import fitting
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena, require_continuous
from restock.learning.replay import Batch
from restock.learning.run import Listener, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.squashed_actors import SquashedActor
from restock.learning.value_methods.value_network import ValueNetworkConfig, ValueNetworkLearner
from restock.policies.neural.bodies import mlp
from restock.seeds import Seeds

__all__ = ["NAFConfig", "NAFLearner", "NAFNetwork", "Quadratic", "QuadraticNet", "fit"]

METHOD = "NAF"
STEEPEST = 5.0
"""The logarithm of L's diagonal is clipped to ± this."""


def _falling_noise() -> Exploration:
    return Exploration(start=0.3, end=0.05, share=0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class NAFConfig(ValueNetworkConfig):
    """How NAF learns, besides how it plays and remembers.

    ``exploration`` is how the noise's standard deviation falls, in half-widths of the Box.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    exploration: Exploration = field(default_factory=_falling_noise)

    def __post_init__(self) -> None:
        """Check ranges."""
        ValueNetworkConfig.__post_init__(self)


class Quadratic(NamedTuple):
    """Q(s, ·) of B states: its peak ``value`` V, where that is, ``best`` μ, and the factor L."""

    value: Float[Tensor, " B"]
    best: Float[Tensor, "B A"]
    factor: Float[Tensor, "B A A"]

    def at(self, action: Float[Tensor, "B A"]) -> Float[Tensor, " B"]:
        """Return Q of an action, in half-widths: V − ½ ‖Lᵀ (u − μ)‖².

        >>> q = Quadratic(torch.ones(1), torch.zeros(1, 2), torch.tensor([[[1.0, 0], [1, 2]]]))
        >>> q.at(torch.tensor([[1.0, 2.0]])).tolist()  # Lᵀu = (3, 4):  1 − 25/2
        [-11.5]
        """
        apart = (action - self.best).unsqueeze(-2) @ self.factor
        return self.value - 0.5 * apart.squeeze(-2).square().sum(-1)


class QuadraticNet(nn.Module):
    """V, μ and L, from features of a state; with its last layer at 0: V = 0, μ = 0, L = 1."""

    def __init__(
        self, inputs: int, width: int, hidden: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.width = width
        below = torch.tril_indices(width, width, -1)
        self.register_buffer("below", below[0] * width + below[1], persistent=False)
        self.net = mlp(inputs, 1 + 2 * width + below.shape[1], hidden, generator)

    below: Tensor

    def forward(self, features: Float[Tensor, "B F"]) -> Quadratic:
        """Return Q(s, ·)."""
        value, best, steepness, slant = self.net(features).split(
            (1, self.width, self.width, len(self.below)), -1
        )
        factor = torch.diag_embed(steepness.clamp(-STEEPEST, STEEPEST).exp())
        if len(self.below):
            factor = factor.flatten(1).index_add(1, self.below, slant).view_as(factor)
        return Quadratic(value.squeeze(-1), best.tanh(), factor)


class NAFNetwork(SquashedActor):
    """Q(s, u) of a Box of actions; acts by μ.

    >>> seed, space = torch.Generator().manual_seed(0), Box(0, 10, (1,))
    >>> policy = NAFNetwork(ObservationScale(Box(-1, 1, (3,))), space, (8,), seed)
    >>> policy.act(torch.ones(2, 3)).tolist()
    [[5.0], [5.0]]
    """

    def __init__(
        self,
        scale: ObservationScale,
        space: Box,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        super().__init__(
            scale, space, QuadraticNet(scale.width, int(space.shape[0]), hidden, generator)
        )

    def quadratic(self, observation: Shaped[Tensor, "B *O"]) -> Quadratic:
        """Return Q(s, ·), in scaled discounted rewards."""
        q: Quadratic = self.net(self.scale(observation))
        return q

    def best(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return μ, in half-widths."""
        q: Quadratic = self.net(features)
        return q.best


def fit(
    arena: Arena,
    config: NAFConfig,
    seeds: Seeds,
    *,
    policy: NAFNetwork | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[NAFNetwork], float] | None = None,
) -> TrainingRun[NAFNetwork]:
    """Maximise the return of an episode in ``arena``, whose actions are a bounded Box.

    ``policy`` is where to begin, afresh if none is given. With a ``folder``, a checkpoint and
    ``log.jsonl`` are kept there, and a run that was interrupted goes on to the same result.

    Raises :class:`ConfigurationError` for spaces that NAF cannot serve and for a replay buffer that
    memory cannot hold, :class:`TrainingError` when the loss stops being finite (the last good
    checkpoint is kept) and :class:`CheckpointError` when the folder holds another run's checkpoint.
    """
    learner = NAFLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class NAFLearner(ValueNetworkLearner[NAFNetwork]):
    """A value that is quadratic in the action, and noise around its peak."""

    def __init__(
        self, arena: Arena, config: NAFConfig, seeds: Seeds, policy: NAFNetwork | None = None
    ) -> None:
        start = fitting(policy, _fresh(arena, config, seeds), arena, METHOD)
        super().__init__(arena, config, seeds, start, method=METHOD)

    def explore(self, observation: Shaped[Tensor, "B *O"], progress: float) -> Float[Tensor, "B A"]:
        """Return μ and normal noise, clipped to the Box."""
        best = self.policy.quadratic(observation).best
        noise = torch.empty_like(best).normal_(generator=self.acting)
        return self.policy.to_environment((best + self.exploration(progress) * noise).clamp(-1, 1))

    def value(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return Q(s, u) of the actions taken."""
        action = self.policy.from_environment(batch.action)
        return self.policy.quadratic(batch.observation).at(action)

    @torch.no_grad()
    def targets(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return R + γ′ V of the target network: no search for the best action is needed."""
        after: Quadratic = self.target(self.policy.scale(batch.next_observation))
        return batch.reward + batch.discount * after.value


def _fresh(arena: Arena, config: NAFConfig, seeds: Seeds) -> NAFNetwork:
    scale = ObservationScale(arena.observation_space, learns=config.scales_observations)
    space = require_continuous(arena, METHOD)
    return NAFNetwork(scale, space, config.hidden, seeds.torch("network"))
