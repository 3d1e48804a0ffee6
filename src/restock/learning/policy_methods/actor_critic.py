"""Actor–critic: the score of each action, weighed by how much better it was than expected.

B environments play windows of T steps. A critic V judges, and the advantage of an action is the
λ-weighted sum of the temporal differences that followed it, up to the window's end:

    δ_t = r_t + γ V(o_{t+1}) − V(o_t),   A_t = Σ_k (γλ)ᵏ δ_{t+k}
    L = mean[ −log π(a_t|o_t) · A_t − w_e · H(π(·|o_t)) + w_v · (A_t + V_old(o_t) − V(o_t))² ]

With λ = 1 it is the n-step advantage of V. Mnih et al., Asynchronous methods for deep reinforcement
learning, ICML 2016, algorithm S3, in step (A2C) rather than asynchronous; with λ < 1 J. Schulman et
al., High-dimensional continuous control using generalized advantage estimation, ICLR 2016, eq. 16.

V(o_{t+1}) is nothing where the episode has terminated, and what the episode itself saw last where
it was cut off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from restock.learning.actors import Actor
from restock.learning.descent import descend
from restock.learning.interaction import Arena
from restock.learning.loop import Update
from restock.learning.on_policy import OnPolicyConfig, OnPolicyLearner
from restock.learning.rollouts import collect, standardised
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds

__all__ = ["ActorCriticConfig", "ActorCriticLearner", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorCriticConfig(OnPolicyConfig):
    """How actor–critic plays and steps; see :class:`OnPolicyConfig` for the rest.

    An update plays ``horizon`` steps (T) in each environment. ``decay`` is λ. The critic takes
    ``critic_steps`` for each one of the actor: where a reward comes late, an actor is led astray
    by a critic that does not yet know. ``value_weight`` and
    ``entropy_weight`` weigh the critic's squared error and the policy's entropy, in nats, in the
    loss. Advantages are standardised over the window if ``standardises``.
    """

    environments: int = 8
    validate_every: int = 64
    learning_rate: float = 2e-3
    horizon: int = 16
    critic_steps: int = 10
    decay: float = 0.9
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    standardises: bool = True

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        OnPolicyConfig.__post_init__(self)
        self.require_counts("horizon", "critic_steps")
        self.require_shares(decay=0.9)
        self.require_weights("value_weight", "entropy_weight")


def fit(
    arena: Arena,
    config: ActorCriticConfig,
    seeds: Seeds,
    *,
    policy: Actor | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[Actor], float] | None = None,
) -> TrainingRun[Actor]:
    """Train an actor in ``arena`` by actor–critic; ``policy`` is where to begin, if not afresh.

    With a ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted
    goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` for spaces that it cannot serve, :class:`TrainingError` when
    a loss stops being finite and :class:`CheckpointError` when the folder holds another run's
    checkpoint.

    >>> config = ActorCriticConfig(updates=2, validation_episodes=2)
    >>> fit(Arena("restock/LostSales-v0"), config, Seeds(1)).steps
    256
    """
    learner = ActorCriticLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class ActorCriticLearner(OnPolicyLearner):
    """Short windows, one step each."""

    def __init__(
        self, arena: Arena, config: ActorCriticConfig, seeds: Seeds, policy: Actor | None = None
    ) -> None:
        super().__init__(arena, config, seeds, method="actor–critic", policy=policy)
        self.config = config

    def update(self, number: int) -> Update:
        """Play a window and take one step."""
        config, size = self.config, self.config.step_size(number)
        rollout = collect(self.interaction, self.policy, config.horizon, self.acting)
        lesson = self.lesson(rollout, decay=config.decay).flat()
        advantage = standardised(lesson.advantage) if config.standardises else lesson.advantage
        logs, entropies = self.policy.judge(lesson.features, lesson.action)
        score, entropy = -(logs * advantage).mean(), entropies.mean()
        value_loss = (self.critic(lesson.features) - lesson.target).square().mean()
        loss = score - config.entropy_weight * entropy + config.value_weight * value_loss
        norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        self.fit_critic(lesson.features, lesson.target, config.critic_steps - 1)
        self.policy.scale.learn(rollout.observation)
        return Update(
            loss=loss.item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=rollout.steps,
            value_loss=value_loss.item(),
            entropy=entropy.item(),
            exploration=self.policy.deviation(),
            episode_return=self.interaction.mean_return(),
        )
