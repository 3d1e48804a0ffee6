r"""Twin delayed deterministic policy gradient: DDPG with three changes against optimism.

A critic that an actor climbs is believed where it errs upwards. Three changes make that rarer
(S. Fujimoto, H. van Hoof and D. Meger, Addressing function approximation error in actor-critic
methods, ICML 2018, algorithm 1):

1. *Twin critics* (§4.2, eq. 10): the target takes the smaller of two slow critics,

       y = r + γ′ min_{n=1,2} Q′_n(s′, ã)

2. *Target smoothing* (§5.3, eq. 14): actions that are alike should be worth alike,

       ã = clip(μ′(s′) + ε, −1, 1),   ε ~ clip(N(0, σ̃²), −c, c)

3. *Delayed actor* (§5.2): actor and slow copies move once in d steps of the critics; the actor
   climbs the first critic.

All else is read in :mod:`restock.learning.policy_methods.ddpg`. Actions are in half-widths of the
Box.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from restock.learning.interaction import Arena
from restock.learning.policy_methods.ddpg import DDPGConfig, DDPGLearner
from restock.learning.run import Listener, TrainingRun
from restock.learning.squashed_actors import DeterministicActor
from restock.seeds import Seeds

__all__ = ["TD3Config", "TD3Learner", "fit", "smallest", "smoothed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TD3Config(DDPGConfig):
    """How TD3 learns.

    Beside the settings of DDPG: ``target_noise`` (σ̃) and ``target_noise_limit`` (c), in half-widths
    of the Box, and ``actor_every`` (d) steps of the critics to one of the actor. Slow copies move
    when the actor does, so that ``target_every`` counts its steps.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    target_noise: float = 0.2
    target_noise_limit: float = 0.5
    actor_every: int = 2

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        DDPGConfig.__post_init__(self)
        self.require_positive(target_noise=0.2, target_noise_limit=0.5)
        self.require_counts("actor_every")


def fit(
    arena: Arena,
    config: TD3Config,
    seeds: Seeds,
    *,
    policy: DeterministicActor | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[DeterministicActor], float] | None = None,
) -> TrainingRun[DeterministicActor]:
    """Maximise the return of an episode in ``arena``, a world of continuous actions.

    ``policy`` is where training begins, a fresh network by default. With a ``folder`` a checkpoint
    and ``log.jsonl`` are kept there, and a run that was interrupted goes on to the same result. In
    the log ``loss`` is the sum of both critics' losses, ``value_loss`` the mean squared error in
    scaled rewards, ``exploration`` the noise's σ.

    Raises :class:`ConfigurationError` for discrete actions, a policy of another shape, or a replay
    buffer beyond the memory; :class:`TrainingError` when a loss stops being finite and
    :class:`CheckpointError` when the folder holds another run's checkpoint.

    >>> config = TD3Config(updates=1, rounds=4, warm_up=32, minibatch=16, validation_episodes=2)
    >>> fit(Arena("restock/LostSales-v0"), config, Seeds(1)).steps
    160
    """
    learner = TD3Learner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


def smallest(values: Float[Tensor, "N K"]) -> Float[Tensor, " K"]:
    """Return min_n Q_n, the twin critics' joint opinion.

    >>> smallest(torch.tensor([[1.0, 5.0], [2.0, 4.0]])).tolist()
    [1.0, 4.0]
    """
    return values.amin(0)


def smoothed(
    action: Float[Tensor, "K A"], noise: float, limit: float, generator: torch.Generator
) -> Float[Tensor, "K A"]:
    """Return ã = clip(u + ε, −1, 1) with normal ε of deviation ``noise``, clipped to ±``limit``.

    >>> far = smoothed(torch.zeros(9, 1), 1e6, 0.5, torch.Generator().manual_seed(0))
    >>> far.abs().unique().tolist()
    [0.5]
    """
    blur = torch.empty_like(action).normal_(0, noise, generator=generator).clamp_(-limit, limit)
    return (action + blur).clamp_(-1, 1)


class TD3Learner(DDPGLearner):
    """DDPG with twin critics, smoothed targets and a delayed actor."""

    config: TD3Config

    def __init__(
        self,
        arena: Arena,
        config: TD3Config,
        seeds: Seeds,
        policy: DeterministicActor | None = None,
    ) -> None:
        super().__init__(arena, config, seeds, policy, method="TD3", critics=2)

    def next_value(self, values: Float[Tensor, "N K"]) -> Float[Tensor, " K"]:
        """Return the smaller of the slow critics' values."""
        return smallest(values)

    def next_action(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return ã: μ′(s′), smoothed."""
        config = self.config
        action = super().next_action(features)
        return smoothed(action, config.target_noise, config.target_noise_limit, self.drawing)

    def is_actors_turn(self) -> bool:
        """Return whether this is one of every d gradient steps."""
        return (self.gradient_steps + 1) % self.config.actor_every == 0

    def is_targets_turn(self) -> bool:
        """Return whether the actor moved, and is at one of every ``target_every`` steps."""
        every = self.config.actor_every * self.config.target_every
        return (self.gradient_steps + 1) % every == 0
