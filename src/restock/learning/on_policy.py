"""What REINFORCE, actor–critic and PPO have in common: all but the update.

They play with the policy as it is, learn from what was played, and forget it. An algorithm adds
its loss and how often it is followed; its file is read beside this one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.actors import Actor, Critic, actor_for
from restock.learning.descent import descend
from restock.learning.fingerprint import Fingerprint
from restock.learning.interaction import Arena, Interaction
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.returns import generalised_advantages
from restock.learning.rollouts import Rollout, critic_values, require_finite
from restock.learning.run import Listener, TrainingRun
from restock.learning.scaling import RewardScale
from restock.seeds import Seeds

__all__ = ["Lesson", "OnPolicyConfig", "OnPolicyLearner", "run_on_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPolicyConfig(LoopConfig):
    """How an on-policy method plays and steps; each has these and its own.

    ``environments`` (B) play side by side; their episodes begin anew after each validation, so
    that ``validate_every`` updates should be longer than an episode. Rewards are discounted by
    ``discount`` (γ) a step. Adam's step size falls from ``learning_rate`` to 0 by a cosine, or
    stays if not ``anneals``; ``gradient_clip`` bounds the gradient's norm. Actor and critic have
    ``hidden`` tanh layers each. ``initial_deviation`` is a Gaussian actor's first σ, in half-widths
    of the Box: the smaller, the nearer the policy that learns is to the one that is measured.

    ``scales_rewards`` divides rewards by the running standard deviation of the discounted return.
    ``scales_observations`` makes observations of mean 0 and deviation 1: for those of MuJoCo and
    the like. Ours come in units of mean demand, and the huge stocks that a fresh policy piles up
    would blur the scale for good. Validation is the mean return of ``validation_episodes`` under
    the policy's best action, the same episodes every time.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    environments: int = 32
    discount: float = 0.99
    learning_rate: float = 1e-3
    anneals: bool = True
    gradient_clip: float = 0.5
    hidden: tuple[int, ...] = (64, 64)
    initial_deviation: float = 0.3
    scales_observations: bool = False
    scales_rewards: bool = True
    validation_episodes: int = 32

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        self.require_counts("environments", "validation_episodes")
        self.require_shares(discount=0.99)
        self.require_positive(learning_rate=1e-3, initial_deviation=0.3)
        require(
            self.gradient_clip > 0,
            ConfigurationError,
            f"`gradient_clip` must be > 0; got {self.gradient_clip}. Try 0.5.",
        )
        require(
            all(width >= 1 and width % 1 == 0 for width in self.hidden),
            ConfigurationError,
            f"`hidden` must be integers ≥ 1; got {self.hidden}. Try (64, 64).",
        )

    def require_weights(self, *names: str) -> None:
        """Require that each named setting is finite and ≥ 0."""
        for name in names:
            value = getattr(self, name)
            require(
                0 <= value < float("inf"),
                ConfigurationError,
                f"`{name}` must be ≥ 0 and finite; got {value}. Use 0 to switch it off.",
            )

    def step_size(self, update: int) -> float:
        """Return Adam's step size for an update."""
        return self.learning_rate * (self.cosine(update) if self.anneals else 1.0)


class Lesson(NamedTuple):
    """A rollout as losses read it; rewards are scaled.

    ``value`` is what the critic said before the update (0 where there is none), ``advantage`` how
    much better an action did, ``target`` = value + advantage what the critic should have said.
    """

    features: Float[Tensor, "*N F"]
    action: Shaped[Tensor, "..."]
    advantage: Float[Tensor, "*N"]
    target: Float[Tensor, "*N"]
    value: Float[Tensor, "*N"]

    def flat(self) -> "Lesson":
        """Return the lesson with steps and environments along one axis."""
        return Lesson(*(part.flatten(0, 1) for part in self))


class OnPolicyLearner(ABC):
    """An actor, its critic (used if ``has_critic``), and the environments that they act in.

    Raises :class:`ConfigurationError` for spaces that the method cannot serve, and for a policy
    that is no actor.
    """

    def __init__(
        self,
        arena: Arena,
        config: OnPolicyConfig,
        seeds: Seeds,
        *,
        method: str,
        policy: Actor | None = None,
        has_critic: bool = True,
    ) -> None:
        self.arena, self.seeds, self.settings = arena, seeds, config
        fresh = actor_for(
            arena,
            method,
            config.hidden,
            seeds.torch("actor"),
            deviation=config.initial_deviation,
            scales=config.scales_observations,
        )
        self.policy = fresh if policy is None else _fitting(policy, fresh, arena, method)
        self.critic = Critic(self.policy.scale.width, config.hidden, seeds.torch("critic"))
        self.has_critic = has_critic
        weights = [*self.policy.parameters(), *(self.critic.parameters() if has_critic else ())]
        self.optimizer = torch.optim.Adam(weights, lr=config.learning_rate, eps=1e-5, fused=True)
        self.generator = seeds.torch("acting")
        self.reward_scale = RewardScale(
            config.environments, config.discount, learns=config.scales_rewards
        )
        self.interaction = Interaction(arena, config.environments)
        self.rollout: Rollout | None = None

    @abstractmethod
    def update(self, number: int) -> Update:
        """Play, and learn from what was played."""

    def lesson(self, rollout: Rollout, *, decay: float, learning_rate: float) -> Lesson:
        """Return what ``rollout`` teaches, with advantages of ``decay`` λ.

        The scale of observations is learned from the first rollout before anything is made of it,
        as a fresh actor acts the same under any scale. Later rollouts are judged as they were
        played and move the scale only after they were learned from.

        Raises :class:`DivergenceError` for a rollout that is not finite.
        """
        self.rollout = rollout
        require_finite(rollout, learning_rate)
        if self.policy.scale.is_new:
            self.policy.scale.learn(rollout.observation)
        features = self.policy.features(rollout.observation)
        reward = self.reward_scale.scaled(rollout.reward, rollout.ended)
        value = following = torch.zeros_like(reward)
        if self.has_critic:
            value, following = critic_values(rollout, features, self.policy, self.critic)
        advantage = generalised_advantages(
            reward,
            value,
            following,
            rollout.terminated,
            rollout.ended,
            discount=self.settings.discount,
            decay=decay,
        )
        return Lesson(features, rollout.action, advantage, advantage + value, value)

    def fit_critic(
        self, features: Float[Tensor, "N F"], target: Float[Tensor, " N"], steps: int
    ) -> None:
        """Take ``steps`` more steps on the critic's squared error; the actor stays as it is.

        Raises :class:`DivergenceError` when an error is not finite.
        """
        for _ in range(steps):
            loss = (self.critic(features) - target).square().mean()
            descend(loss, self.optimizer, clip=self.settings.gradient_clip)

    def validate(self) -> float:
        """Return minus the mean return of the held-out episodes."""
        seed = self.seeds.integer("validation")
        return -self.arena.mean_return(self.policy, self.settings.validation_episodes, seed)

    def begin(self, update: int) -> None:
        """Begin new episodes."""
        self.interaction.begin(self.seeds.integer(f"episodes from update {update}"))
        self.reward_scale.begin()

    def state_dict(self) -> dict[str, Any]:
        """Return optimizer, critic, the scale of rewards and the generator of actions."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "critic": self.critic.state_dict(),
            "reward_scale": self.reward_scale.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.critic.load_state_dict(tree["critic"])
        self.reward_scale.load_state_dict(tree["reward_scale"])
        self.generator.set_state(tree["generator"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the last rollout."""
        return {} if self.rollout is None else self.rollout.evidence()

    def fingerprint(self) -> Fingerprint:
        """Return what the run's result depends on, besides its weights."""
        net = " × ".join(str(tuple(weight.shape)) for weight in self.policy.parameters())
        return {
            "settings": str(self.settings),
            "seed": str(self.seeds.root),
            "policy": f"{self.policy.kind} actor, weights {net}",
            "arena": self.arena.identity,
        }


def run_on_policy(
    learner: OnPolicyLearner,
    config: OnPolicyConfig,
    folder: Path | None,
    listeners: Sequence[Listener],
) -> TrainingRun[Actor]:
    """Train with the shared loop, and close the environments whatever happens."""
    try:
        return train(learner, config, learner.fingerprint(), folder=folder, listeners=listeners)
    finally:
        learner.interaction.close()


def _fitting(policy: Actor, fresh: Actor, arena: Arena, method: str) -> Actor:
    same = isinstance(policy, Actor) and policy.kind == fresh.kind
    if same and policy.scale.width == fresh.scale.width and _width(policy) == _width(fresh):
        return policy
    raise ConfigurationError(
        f"{method} in '{arena.name}' needs a {fresh.kind} actor that reads {fresh.scale.width}"
        f" numbers and gives {_width(fresh)}; got {type(policy).__name__}. Take"
        " `restock.learning.actors.actor_for`."
    )


def _width(actor: Actor) -> int:
    return len(list(actor.net.parameters())[-1])
