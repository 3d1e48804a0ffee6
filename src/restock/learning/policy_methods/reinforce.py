"""REINFORCE: actions that were followed by much reward become more probable.

The gradient of the expected return J of an episode is an expectation itself,

    ∇J(θ) = E[ Σ_t ∇ log π_θ(a_t|o_t) · (G_t − b(o_t)) ],   G_t = Σ_k γᵏ r_{t+k},

for any baseline b that does not look at the action (R. Williams, Simple statistical
gradient-following algorithms for connectionist reinforcement learning, Machine Learning 8, 1992,
theorem 1 and eq. 6; R. Sutton and A. Barto, Reinforcement learning, 2018, eq. 13.8 and 13.11). As
there, the factor γᵗ of eq. 13.8 is left out. A baseline near the mean return takes most of the
variance away and moves nothing on average; here it is a network V(o), fitted to the returns.

An update plays one whole episode in each of B environments. An episode that ended by itself is
over; one that was cut off goes on as V says, where there is a V (F. Pardo et al., Time limits in
reinforcement learning, ICML 2018, eq. 5), and without a V as if it were over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.actors import Actor
from restock.learning.descent import descend
from restock.learning.interaction import Arena
from restock.learning.loop import Update
from restock.learning.on_policy import OnPolicyConfig, OnPolicyLearner
from restock.learning.rollouts import collect_episodes
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds

__all__ = ["ReinforceConfig", "ReinforceLearner", "fit", "score_loss"]

BASELINES = ("value", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinforceConfig(OnPolicyConfig):
    """How REINFORCE plays and steps; see :class:`OnPolicyConfig` for the rest.

    ``baseline`` is ``"value"``, a network, or ``"none"``; it takes ``critic_steps`` for each one of
    the actor. An episode is cut after ``longest`` steps. ``entropy_weight``, in scaled rewards per
    nat, pays for chance in the policy.
    """

    environments: int = 8
    gradient_clip: float = float("inf")
    baseline: str = "value"
    longest: int = 1000
    critic_steps: int = 20
    entropy_weight: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        OnPolicyConfig.__post_init__(self)
        self.require_counts("longest", "critic_steps")
        self.require_weights("entropy_weight")
        require(
            self.baseline in BASELINES,
            ConfigurationError,
            f"`baseline` must be one of {', '.join(BASELINES)}; got '{self.baseline}'."
            " Take 'value'.",
        )


def score_loss(
    log_probability: Float[Tensor, "T B"],
    advantage: Float[Tensor, "#T #B"],
    played: Bool[Tensor, "T B"],
) -> Float[Tensor, ""]:
    """Return −1/B Σ_b Σ_t log π(a|o) · advantage over the steps played.

    Minus its gradient is an unbiased estimate of ∇J.

    >>> logs, true = torch.tensor([[-1.0], [-2.0]]), torch.ones(2, 1, dtype=torch.bool)
    >>> float(score_loss(logs, torch.tensor([[3.0], [1.0]]), true))
    5.0
    """
    return -(log_probability * advantage * played).sum() / played.shape[1]


def fit(
    arena: Arena,
    config: ReinforceConfig,
    seeds: Seeds,
    *,
    policy: Actor | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[Actor], float] | None = None,
) -> TrainingRun[Actor]:
    """Train an actor in ``arena`` by REINFORCE; ``policy`` is where to begin, if not afresh.

    With a ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted
    goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` for spaces that it cannot serve, :class:`TrainingError` when
    a loss stops being finite and :class:`CheckpointError` when the folder holds another run's
    checkpoint.

    >>> config = ReinforceConfig(updates=1, environments=2, validation_episodes=2)
    >>> fit(Arena("restock/LostSalesDiscrete-v0"), config, Seeds(1)).steps
    200
    """
    learner = ReinforceLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class ReinforceLearner(OnPolicyLearner):
    """Whole episodes, each step's score weighed by what came after it."""

    def __init__(
        self, arena: Arena, config: ReinforceConfig, seeds: Seeds, policy: Actor | None = None
    ) -> None:
        super().__init__(
            arena,
            config,
            seeds,
            method="REINFORCE",
            policy=policy,
            has_critic=config.baseline == "value",
        )
        self.config = config

    def update(self, number: int) -> Update:
        """Play an episode in each environment and take one step."""
        config, size = self.config, self.config.step_size(number)
        self.interaction.begin(self.seeds.integer(f"episodes of update {number}"))
        self.reward_scale.begin()
        rollout = collect_episodes(self.interaction, self.policy, config.longest, self.acting)
        lesson, played = self.lesson(rollout, decay=1.0), rollout.played
        logs, entropy = self.policy.judge(lesson.features, lesson.action)
        loss = score_loss(logs, lesson.advantage, played)
        loss = loss + config.entropy_weight * score_loss(entropy, torch.ones(1, 1), played)
        value_loss = None
        if self.has_critic:
            misses = (self.critic(lesson.features) - lesson.target)[played]
            value_loss = misses.square().mean()
            loss = loss + value_loss
        norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        if self.has_critic:
            self.fit_critic(lesson.features[played], lesson.target[played], config.critic_steps - 1)
        self.policy.scale.learn(rollout.observation[played])
        return Update(
            loss=loss.item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=rollout.steps,
            value_loss=None if value_loss is None else value_loss.item(),
            entropy=entropy.detach()[played].mean().item(),
            exploration=self.policy.deviation(),
            episode_return=float((rollout.reward * played).sum()) / config.environments,
        )
