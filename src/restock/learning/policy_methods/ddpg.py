r"""Deterministic policy gradient: the critic's slope in the action, handed on to the actor.

A critic learns what actions bring, from replay, with slow copies Q′ and μ′ of critic and actor:

    y = r + γ′ Q′(s′, μ′(s′)),   L(θ) = mean (Q_θ(s, a) − y)²

and the actor μ_φ climbs it, by the chain rule,

    ∇_φ J = mean ∇_a Q(s, a)|_{a=μ(s)} ∇_φ μ_φ(s)

(D. Silver et al., Deterministic policy gradient algorithms, ICML 2014, eq. 9; T. Lillicrap et al.,
Continuous control with deep reinforcement learning, ICLR 2016, algorithm 1). Replay gives r and γ′,
which is 0 where the episode was over and γ^n where it was not, cut off or not.

Four choices differ from the paper. Noise is normal, uncorrelated and given as σ: correlated noise
was found to be no better (Fujimoto et al. 2018, §6.1). Many environments play side by side.
Observations and rewards are scaled by running moments in place of batch normalisation. The critic
reads the action in its first layer, together with the observation.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from restock.learning.action_critics import ActionCritics, Judges
from restock.learning.arena_learner import fitting
from restock.learning.descent import descend
from restock.learning.interaction import Arena, require_continuous
from restock.learning.off_policy import (
    ActedConfig,
    OffPolicyLearner,
    Taught,
    follow,
)
from restock.learning.replay import Batch
from restock.learning.run import Listener, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.squashed_actors import DeterministicActor
from restock.seeds import Seeds

__all__ = ["DDPGConfig", "DDPGLearner", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DDPGConfig(ActedConfig):
    """How the deterministic policy gradient is followed.

    While playing, actions get normal ``noise`` of this standard deviation, in
    half-widths of the Box, and are clipped to it.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    noise: float = 0.1

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        ActedConfig.__post_init__(self)
        self.require_positive(noise=0.1)


def fit(
    arena: Arena,
    config: DDPGConfig,
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
    the log ``loss`` is L, ``value_loss`` the mean squared error in scaled rewards, ``exploration``
    the noise's σ.

    Raises :class:`ConfigurationError` for discrete actions, a policy of another shape, or a replay
    buffer beyond the memory; :class:`TrainingError` when a loss stops being finite and
    :class:`CheckpointError` when the folder holds another run's checkpoint.

    >>> config = DDPGConfig(updates=1, rounds=4, warm_up=32, minibatch=16, validation_episodes=2)
    >>> fit(Arena("restock/LostSales-v0"), config, Seeds(1)).steps
    160
    """
    learner = DDPGLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class DDPGLearner(OffPolicyLearner[DeterministicActor]):
    """An actor, the critic whose slope it follows, and slow copies of both.

    TD3 changes what is bootstrapped from (``next_value``, ``next_action``) and when the actor moves
    (``is_actors_turn``), and has ``critics`` = 2.
    """

    def __init__(
        self,
        arena: Arena,
        config: DDPGConfig,
        seeds: Seeds,
        policy: DeterministicActor | None = None,
        *,
        method: str = "DDPG",
        critics: int = 1,
    ) -> None:
        space = require_continuous(arena, method)
        scale = ObservationScale(arena.observation_space, learns=config.scales_observations)
        fresh = DeterministicActor(scale, space, config.hidden, seeds.torch("actor"))
        super().__init__(arena, config, seeds, fitting(policy, fresh, arena, method), method=method)
        self.config = config
        drawn = seeds.torch("critic")
        width, actions = self.policy.scale.width, self.policy.actions
        self.judges = Judges(
            ActionCritics(critics, width, actions, config.hidden, drawn), config.learning_rate
        )
        self.slow = deepcopy(self.policy).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.Adam(
            self.policy.parameters(), lr=config.actor_learning_rate, fused=True
        )

    def explore(
        self, observation: Shaped[Tensor, "B *O"], progress: float
    ) -> Shaped[Tensor, "B *A"]:
        """Return μ(s) + σ·ε, clipped to the Box."""
        del progress
        best = self.policy.best(self.policy.features(observation))
        noise = torch.empty_like(best).normal_(0, self.config.noise, generator=self.acting)
        return self.policy.to_environment((best + noise).clamp(-1, 1))

    def exploration(self, progress: float) -> float:
        """Return the noise's standard deviation, in half-widths."""
        del progress
        return self.config.noise

    def learn(self, batch: Batch, progress: float) -> Taught:
        """Take a step with the critic, then one with the actor, and let the copies follow."""
        config = self.config
        features = self.policy.features(batch.observation)
        told = self.judges.step(
            batch,
            features,
            self.policy.from_environment(batch.action),
            self.target(batch),
            clip=config.gradient_clip,
            learning_rate=config.step_size(progress),
        )
        self.replay.reprioritise(batch.index, told.error.abs().mean(0))
        if self.is_actors_turn():
            descend(
                self.actor_loss(features),
                self.optimizer,
                clip=config.gradient_clip,
                learning_rate=config.actor_step_size(progress),
            )
        if self.is_targets_turn():
            self.judges.follow(config.target_rate)
            follow(self.slow.net.parameters(), self.policy.net.parameters(), config.target_rate)
        return Taught(told.loss, told.gradient_norm, told.mean_square)

    @torch.no_grad()
    def target(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return y = r + γ′ Q′(s′, μ′(s′))."""
        following = self.policy.features(batch.next_observation)
        values = self.judges.slow(following, self.next_action(following))
        return torch.addcmul(batch.reward, batch.discount, self.next_value(values))

    def next_action(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return the action that the target goes on with: μ′(s′)."""
        return self.slow.best(features)

    def next_value(self, values: Float[Tensor, "N K"]) -> Float[Tensor, " K"]:
        """Return what the target makes of the slow critics' values: the first one's."""
        return values[0]

    def actor_loss(self, features: Float[Tensor, "K F"]) -> Float[Tensor, ""]:
        """Return −mean Q₁(s, μ(s)), whose slope in the actor's weights is −∇J."""
        return -self.judges.critics.fixed(features, self.policy.best(features), 1).mean()

    def is_actors_turn(self) -> bool:
        """Return whether the actor moves in this gradient step: in each."""
        return True

    def is_targets_turn(self) -> bool:
        """Return whether the slow copies move in this gradient step."""
        return (self.gradient_steps + 1) % self.config.target_every == 0

    def state_dict(self) -> dict[str, Any]:
        """Return critics, the slow actor and both optimizers beside what is remembered."""
        return {
            **super().state_dict(),
            "judges": self.judges.state_dict(),
            "slow": self.slow.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        super().load_state_dict(tree)
        self.judges.load_state_dict(tree["judges"])
        self.slow.net.load_state_dict(tree["slow"])
        self.optimizer.load_state_dict(tree["optimizer"])
