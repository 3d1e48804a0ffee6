"""Proximal policy optimisation: many steps on one rollout, while the policy stays near.

The rollout was played by π_old. With the ratio ρ = π(a|o) / π_old(a|o) and advantages A of the
critic, the actor climbs

    L(θ) = mean[ min( ρ·A, clip(ρ, 1−ε, 1+ε)·A ) ] + w_e · mean H(π(·|o))

which pays nothing for a ratio that has left 1 ± ε in the direction that its advantage asks for (J.
Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, Proximal policy optimization algorithms,
arXiv 1707.06347, 2017, eq. 7; several epochs of minibatches: algorithm 1). The critic descends
mean (V − target)². Advantages are those of Schulman et al., ICLR 2016, eq. 16, standardised over
the rollout.

Off by default: the value clip of the authors' own program, max of the squared errors of V and of
V_old + clip(V − V_old, ±ε_v), and stopping the epochs of a rollout as soon as the mean of
(ρ − 1) − ln ρ, an estimate of the Kullback–Leibler divergence of π from π_old, exceeds a limit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.actors import Actor
from restock.learning.descent import descend
from restock.learning.interaction import Arena
from restock.learning.loop import Update
from restock.learning.on_policy import Lesson, OnPolicyConfig, OnPolicyLearner
from restock.learning.rollouts import collect, standardised
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds

__all__ = [
    "PPOConfig",
    "PPOLearner",
    "clipped_objective",
    "clipped_value_loss",
    "divergence",
    "fit",
]

OFF = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOConfig(OnPolicyConfig):
    """How PPO plays and steps; see :class:`OnPolicyConfig` for the rest.

    An update plays ``horizon`` steps (T) in each environment and goes ``epochs`` times through
    them in minibatches of ``minibatch``. ``clip`` is ε, ``decay`` λ. ``value_weight`` and
    ``entropy_weight`` weigh the critic's squared error and the policy's entropy, in nats.
    ``value_clip`` (ε_v, in scaled rewards) and ``divergence_limit`` (nats) are off when infinite.
    """

    horizon: int = 64
    epochs: int = 10
    minibatch: int = 256
    clip: float = 0.2
    decay: float = 0.95
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    standardises: bool = True
    value_clip: float = OFF
    divergence_limit: float = OFF

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        OnPolicyConfig.__post_init__(self)
        self.require_counts("horizon", "epochs", "minibatch")
        self.require_shares(decay=0.95)
        self.require_positive(clip=0.2)
        self.require_weights("value_weight", "entropy_weight")
        for name, example in (("value_clip", 0.2), ("divergence_limit", 0.02)):
            value = getattr(self, name)
            require(
                value > 0,
                ConfigurationError,
                f"`{name}` must be > 0; got {value}. Try {example}, or inf to switch it off.",
            )


def clipped_objective(
    ratio: Float[Tensor, " N"], advantage: Float[Tensor, " N"], clip: float
) -> Float[Tensor, ""]:
    """Return the mean of min(ρ·A, clip(ρ, 1−ε, 1+ε)·A), to be raised.

    >>> ratio, advantage = torch.tensor([1.5, 1.5]), torch.tensor([1.0, -1.0])
    >>> round(float(clipped_objective(ratio, advantage, 0.2)), 6)  # (1.2 − 1.5) / 2
    -0.15
    """
    near = ratio.clamp(1 - clip, 1 + clip)
    return torch.minimum(ratio * advantage, near * advantage).mean()


def clipped_value_loss(
    value: Float[Tensor, " N"],
    old: Float[Tensor, " N"],
    target: Float[Tensor, " N"],
    clip: float,
) -> Float[Tensor, ""]:
    """Return the mean of the greater squared error, of V and of V kept within ``clip`` of old.

    >>> value, old, target = torch.tensor([3.0]), torch.tensor([1.0]), torch.tensor([3.5])
    >>> float(clipped_value_loss(value, old, target, 0.5))  # 1.5 misses 3.5 by 2
    4.0
    """
    misses = (value - target).square()
    if clip == OFF:
        return misses.mean()
    near = old + (value - old).clamp(-clip, clip)
    return torch.maximum(misses, (near - target).square()).mean()


def divergence(log_ratio: Float[Tensor, " N"]) -> float:
    """Return the mean of (ρ − 1) − ln ρ, never negative.

    >>> divergence(torch.zeros(3))
    0.0
    """
    return (log_ratio.exp() - 1 - log_ratio).mean().item()


def fit(
    arena: Arena,
    config: PPOConfig,
    seeds: Seeds,
    *,
    policy: Actor | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[Actor], float] | None = None,
) -> TrainingRun[Actor]:
    """Train an actor in ``arena`` by PPO; ``policy`` is where to begin, if not afresh.

    With a ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted
    goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` for spaces that it cannot serve, :class:`TrainingError` when
    a loss stops being finite and :class:`CheckpointError` when the folder holds another run's
    checkpoint.

    >>> config = PPOConfig(updates=1, environments=4, epochs=1, validation_episodes=2)
    >>> fit(Arena("restock/LostSales-v0"), config, Seeds(1)).steps
    256
    """
    learner = PPOLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class _Told(NamedTuple):
    loss: float
    gradient_norm: float
    value_loss: float
    entropy: float


class PPOLearner(OnPolicyLearner):
    """Longer windows, many clipped steps each."""

    def __init__(
        self, arena: Arena, config: PPOConfig, seeds: Seeds, policy: Actor | None = None
    ) -> None:
        super().__init__(arena, config, seeds, method="PPO", policy=policy)
        self.config = config

    def update(self, number: int) -> Update:
        """Play a window and go through it ``epochs`` times; figures are means over minibatches."""
        config, size = self.config, self.config.step_size(number)
        rollout = collect(self.interaction, self.policy, config.horizon, self.acting)
        lesson = self.lesson(rollout, decay=config.decay).flat()
        if config.standardises:
            lesson = lesson._replace(advantage=standardised(lesson.advantage))
        with torch.no_grad():
            old, _ = self.policy.judge(lesson.features, lesson.action)
        told: list[_Told] = []
        for part, old_part in self._minibatches(lesson, old):
            step = self._step(part, old_part, size)
            if step is None:
                break
            told.append(step)
        self.policy.scale.learn(rollout.observation)
        loss, norm, value_loss, entropy = (
            sum(figures) / len(told) for figures in zip(*told, strict=True)
        )
        return Update(
            loss=loss,
            gradient_norm=norm,
            learning_rate=size,
            steps=rollout.steps,
            value_loss=value_loss,
            entropy=entropy,
            exploration=self.policy.deviation(),
            episode_return=self.interaction.mean_return(),
        )

    def _minibatches(self, lesson: Lesson, old: Tensor) -> Iterator[tuple[Lesson, Tensor]]:
        """Go through the rollout in a new order each epoch."""
        for _ in range(self.config.epochs):
            order = torch.randperm(len(old), generator=self.acting)
            # once in order, minibatches are views
            shuffled = [torch.split(part[order], self.config.minibatch) for part in (*lesson, old)]
            for *parts, old_part in zip(*shuffled, strict=True):
                yield Lesson(*parts), old_part

    def _step(self, lesson: Lesson, old: Tensor, size: float) -> _Told | None:
        """Take one step on a minibatch, or none where the policy has gone too far."""
        config = self.config
        logs, entropies = self.policy.judge(lesson.features, lesson.action)
        log_ratio = logs - old
        if config.divergence_limit < OFF and divergence(log_ratio) > config.divergence_limit:
            return None
        gain = clipped_objective(log_ratio.exp(), lesson.advantage, config.clip)
        value_loss = clipped_value_loss(
            self.critic(lesson.features), lesson.value, lesson.target, config.value_clip
        )
        entropy = entropies.mean()
        loss = config.value_weight * value_loss - gain - config.entropy_weight * entropy
        norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        return _Told(loss.item(), norm, value_loss.item(), entropy.item())
