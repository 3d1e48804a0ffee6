"""What REINFORCE, actor–critic and PPO have in common: all but the update.

They play with the policy as it is, learn from what was played, and forget it. An algorithm adds
its loss and how often it is followed; its file is read beside this one.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.actors import Actor, Critic, actor_for
from restock.learning.arena_learner import ArenaConfig, ArenaLearner, fitting
from restock.learning.descent import descend
from restock.learning.interaction import Arena
from restock.learning.returns import generalised_advantages
from restock.learning.rollouts import Rollout, critic_values
from restock.learning.scaling import RewardScale
from restock.seeds import Seeds

__all__ = ["Lesson", "OnPolicyConfig", "OnPolicyLearner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPolicyConfig(ArenaConfig):
    """How an on-policy method steps, beside how it plays.

    Adam's step size falls from ``learning_rate`` to 0 by a cosine, or
    stays if not ``anneals``; ``gradient_clip`` bounds the gradient's norm. Actor and critic have
    ``hidden`` tanh layers each. ``initial_deviation`` is a Gaussian actor's first σ, in half-widths
    of the Box: the smaller, the nearer the policy that learns is to the one that is measured.

    ``scales_rewards`` divides rewards by the running standard deviation of the discounted return.
    ``scales_observations`` makes observations of mean 0 and deviation 1: for those of MuJoCo and
    the like. Ours come in units of mean demand, and the huge stocks that a fresh policy piles up
    would blur the scale for good.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    learning_rate: float = 1e-3
    anneals: bool = True
    gradient_clip: float = 0.5
    hidden: tuple[int, ...] = (64, 64)
    initial_deviation: float = 0.3
    scales_observations: bool = False
    scales_rewards: bool = True

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        ArenaConfig.__post_init__(self)
        self.require_widths("hidden")
        self.require_positive(learning_rate=1e-3, initial_deviation=0.3)
        require(
            self.gradient_clip > 0,
            ConfigurationError,
            f"`gradient_clip` must be > 0; got {self.gradient_clip}. Try 0.5.",
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


class OnPolicyLearner(ArenaLearner[Actor]):
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
        fresh = actor_for(
            arena,
            method,
            config.hidden,
            seeds.torch("actor"),
            deviation=config.initial_deviation,
            scales=config.scales_observations,
        )
        super().__init__(arena, config, seeds, fitting(policy, fresh, arena, method), method=method)
        self.settings = config
        self.critic = Critic(self.policy.scale.width, config.hidden, seeds.torch("critic"))
        self.has_critic = has_critic
        weights = [*self.policy.parameters(), *(self.critic.parameters() if has_critic else ())]
        self.optimizer = torch.optim.Adam(weights, lr=config.learning_rate, eps=1e-5, fused=True)
        self.reward_scale = RewardScale(
            config.environments, config.discount, learns=config.scales_rewards
        )
        self.rollout: Rollout | None = None

    def lesson(self, rollout: Rollout, *, decay: float) -> Lesson:
        """Return what ``rollout`` teaches, with advantages of ``decay`` λ.

        The scale of observations is learned from the first rollout before anything is made of it,
        as a fresh actor acts the same under any scale. Later rollouts are judged as they were
        played and move the scale only after they were learned from.
        """
        self.rollout = rollout
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

    def begin(self, update: int) -> None:
        """Begin new episodes."""
        super().begin(update)
        self.reward_scale.begin()

    def state_dict(self) -> dict[str, Any]:
        """Return optimizer, critic and the scale of rewards, beside what all methods keep."""
        return {
            **super().state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "critic": self.critic.state_dict(),
            "reward_scale": self.reward_scale.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        super().load_state_dict(tree)
        self.optimizer.load_state_dict(tree["optimizer"])
        self.critic.load_state_dict(tree["critic"])
        self.reward_scale.load_state_dict(tree["reward_scale"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the last rollout."""
        return {} if self.rollout is None else self.rollout.evidence()
