"""What DQN, NAF, DDPG, TD3 and SAC have in common: all but what a minibatch teaches.

They play with an exploring policy, keep every step in replay, and learn from minibatches of what
was kept. An algorithm adds how it explores and one gradient step; its file is read beside this one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from gymnasium.spaces import Box, Discrete
from jaxtyping import Shaped
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.arena_learner import ArenaConfig, ArenaLearner
from restock.learning.interaction import Arena, Transitions
from restock.learning.loop import Update
from restock.learning.replay import Batch, Priority, ReplayBuffer
from restock.learning.scaling import FURTHEST, ObservationScale, RewardScale
from restock.seeds import Seeds

__all__ = [
    "ActedConfig",
    "OffPolicyConfig",
    "OffPolicyLearner",
    "OffPolicyModule",
    "Taught",
    "any_action",
    "follow",
    "replay_for",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPolicyConfig(ArenaConfig):
    """How an off-policy method plays and learns; each has these and its own.

    One update is ``rounds`` rounds: each plays ``horizon`` steps in ``environments`` (B) side by
    side and then takes ``gradient_steps`` on minibatches of ``minibatch`` steps (K), drawn from the
    last ``capacity`` that were played. The first ``warm_up`` environment steps are random actions,
    and nothing is learned of them until they are all there.

    Targets hold ``steps`` (n) rewards. With a ``priority``, surprising steps are drawn more often.
    Target networks move by ``target_rate`` (τ) of the way every ``target_every`` gradient
    steps: τ = 1 is a copy, a small τ every step Polyak's average. Adam's step size is
    ``learning_rate``, and falls to 0 by a cosine if ``anneals``; ``gradient_clip`` bounds the
    gradient's norm. Networks have ``hidden`` layers. Running standard deviations divide
    observations if ``scales_observations`` (for those of MuJoCo and the like, see
    :class:`~restock.learning.on_policy.OnPolicyConfig`), and rewards (that of the discounted
    return, then clipped to ±10) if ``scales_rewards``.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    horizon: int = 1
    gradient_steps: int = 1
    rounds: int = 40
    minibatch: int = 256
    capacity: int = 100_000
    warm_up: int = 1000
    steps: int = 1
    priority: Priority | None = None
    target_rate: float = 0.005
    target_every: int = 1
    learning_rate: float = 1e-3
    anneals: bool = False
    gradient_clip: float = 10.0
    hidden: tuple[int, ...] = (64, 64)
    scales_observations: bool = False
    scales_rewards: bool = True

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        ArenaConfig.__post_init__(self)
        self.require_counts("horizon", "gradient_steps", "rounds", "minibatch")
        self.require_counts("capacity", "warm_up", "steps", "target_every")
        self.require_widths("hidden")
        self.require_shares(target_rate=0.005)
        self.require_positive(learning_rate=1e-3, target_rate=0.005)
        require(
            self.gradient_clip > 0,
            ConfigurationError,
            f"`gradient_clip` must be > 0; got {self.gradient_clip}. Try 10.",
        )
        require(
            self.capacity >= self.warm_up + self.environments,
            ConfigurationError,
            f"`capacity` must hold `warm_up` and a step of each environment,"
            f" {self.warm_up + self.environments}; got {self.capacity}. Raise it.",
        )

    def step_size(self, progress: float) -> float:
        """Return Adam's step size after a share ``progress`` of training."""
        share = 0.5 * (1 + math.cos(math.pi * progress)) if self.anneals else 1.0
        return self.learning_rate * share


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedConfig(OffPolicyConfig):
    """Settings of methods with an actor beside their critics.

    ``learning_rate`` is the critics' step size, ``actor_learning_rate`` the actor's; both fall if
    ``anneals``.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    gradient_steps: int = 8
    actor_learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        OffPolicyConfig.__post_init__(self)
        self.require_positive(actor_learning_rate=1e-3)

    def actor_step_size(self, progress: float) -> float:
        """Return the actor's step size after a share ``progress`` of training."""
        return self.step_size(progress) * (self.actor_learning_rate / self.learning_rate)


class Taught(NamedTuple):
    """What one gradient step tells; fields as in :class:`~restock.learning.run.LogRow`."""

    loss: float
    gradient_norm: float
    value_loss: float | None = None
    entropy: float | None = None
    temperature: float | None = None


class OffPolicyModule(nn.Module, ABC):
    """A policy of an off-policy method; ``scale`` makes features of its observations."""

    scale: ObservationScale

    @abstractmethod
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Shaped[Tensor, "B *A"]:
        """Return the best known action, in the environment's own units."""


M = TypeVar("M", bound=OffPolicyModule)


class OffPolicyLearner(ArenaLearner[M]):
    """A policy, the environments that it plays in, and what it remembers of them.

    Subclasses own optimizers and target networks and add them to the state.
    """

    def __init__(
        self, arena: Arena, config: OffPolicyConfig, seeds: Seeds, policy: M, *, method: str
    ) -> None:
        super().__init__(arena, config, seeds, policy, method=method)
        self.settings = config
        self.replay = replay_for(arena, config)
        self.drawing = seeds.torch("replay")
        self.reward_scale = RewardScale(
            config.environments, config.discount, learns=config.scales_rewards
        )
        self.gradient_steps = 0
        self.last: Batch | Transitions | None = None

    @abstractmethod
    def explore(
        self, observation: Shaped[Tensor, "B *O"], progress: float
    ) -> Shaped[Tensor, "B *A"]:
        """Return actions to learn from, in the environment's units."""

    @abstractmethod
    def learn(self, batch: Batch, progress: float) -> Taught:
        """Take one gradient step on a minibatch; rewards are scaled, observations are not."""

    def exploration(self, progress: float) -> float | None:
        """Return how much is explored, for the log: ε, or the noise's standard deviation."""
        del progress
        return None

    def update(self, number: int) -> Update:
        """Play and learn for ``rounds`` rounds; the first update warms up before."""
        config = self.settings
        progress, played, taught = number / config.updates, 0, []
        while len(self.replay) < config.warm_up and number == 0:
            played += self.play(config.horizon, None)
        for _ in range(config.rounds):
            played += self.play(config.horizon, progress)
            for _ in range(config.gradient_steps):
                taught.append(self.learn(self.minibatch(progress), progress))
                self.gradient_steps += 1
        return Update(
            **_averages(taught),
            learning_rate=config.step_size(progress),
            steps=played,
            exploration=self.exploration(progress),
            episode_return=self.interaction.mean_return(),
        )

    @torch.no_grad()
    def play(self, periods: int, progress: float | None) -> int:
        """Play ``periods`` steps into replay, at random without a ``progress``; return how many."""
        moves = []
        for _ in range(periods):
            seen = self.interaction.observation
            if progress is None:
                action = any_action(self.arena, len(seen), self.acting)
            else:
                action = self.explore(seen, progress)
            moved = self.last = self.interaction.step(action)
            self.replay.add(moved)
            moves.append(moved)
        self.policy.scale.learn(torch.stack([moved.observation for moved in moves]))
        self.reward_scale.scaled(
            torch.stack([moved.reward for moved in moves]),
            torch.stack([moved.terminated | moved.truncated for moved in moves]),
        )
        return periods * self.settings.environments

    def minibatch(self, progress: float) -> Batch:
        """Return a minibatch out of replay, with rewards in the units that they are learned in."""
        config = self.settings
        beta = 1.0 if config.priority is None else config.priority.beta(progress)
        batch = self.replay.sample(config.minibatch, self.drawing, beta=beta)
        # a target holds at most n rewards
        most = FURTHEST * config.steps if config.scales_rewards else math.inf
        reward = (batch.reward * self.reward_gain).clamp(-most, most)
        self.last = batch = batch._replace(reward=reward)
        return batch

    @property
    def reward_gain(self) -> float:
        """By what rewards are multiplied: 1/√v of the discounted returns so far, or 1."""
        if not self.settings.scales_rewards:
            return 1.0
        return float((self.reward_scale.moments.variance + 1e-8).rsqrt())

    def begin(self, update: int) -> None:
        """Begin new episodes; what is remembered stays."""
        super().begin(update)
        self.reward_scale.begin()
        self.replay.cut()

    def state_dict(self) -> dict[str, Any]:
        """Return replay, generators and the scale of rewards; a subclass adds its own."""
        return {
            **super().state_dict(),
            "replay": self.replay.state_dict(),
            "reward_scale": self.reward_scale.state_dict(),
            "drawing": self.drawing.get_state(),
            "gradient_steps": self.gradient_steps,
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        super().load_state_dict(tree)
        self.replay.load_state_dict(tree["replay"])
        self.reward_scale.load_state_dict(tree["reward_scale"])
        self.drawing.set_state(tree["drawing"])
        self.gradient_steps = int(tree["gradient_steps"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the minibatch, or the step of the environments, that came last."""
        return {} if self.last is None else self.last._asdict()


@torch.no_grad()
def follow(target: Iterable[Tensor], source: Iterable[Tensor], rate: float) -> None:
    """Move weights towards others, all at once: θ⁻ ← θ⁻ + τ (θ − θ⁻), ``rate`` = τ in (0, 1].

    T. Lillicrap et al., Continuous control with deep reinforcement learning, ICLR 2016, algorithm
    1; a copy with τ = 1.

    >>> target = [torch.zeros(2)]
    >>> follow(target, [torch.ones(2)], 0.25)
    >>> target[0].tolist()
    [0.25, 0.25]
    """
    torch._foreach_lerp_(list(target), list(source), rate)


def any_action(arena: Arena, count: int, generator: torch.Generator) -> Shaped[Tensor, "B *A"]:
    """Return ``count`` actions, each as likely as any other.

    >>> generator = torch.Generator().manual_seed(0)
    >>> any_action(Arena("CartPole-v1"), 200, generator).unique().tolist()
    [0, 1]
    """
    space = arena.action_space
    if isinstance(space, Discrete):
        return torch.randint(int(space.n), (count,), generator=generator)
    if not isinstance(space, Box):
        raise ConfigurationError(
            f"actions must be Discrete or a Box; '{arena.name}' has {space}. Wrap the environment."
        )
    low, high = torch.from_numpy(space.low).float(), torch.from_numpy(space.high).float()
    return low + (high - low) * torch.rand((count, *space.shape), generator=generator)


def replay_for(arena: Arena, config: OffPolicyConfig) -> ReplayBuffer:
    """Return an empty memory for what is seen and done in ``arena``.

    Raises :class:`ConfigurationError` when it does not fit into memory.
    """
    seen, done = arena.observation_space, arena.action_space
    return ReplayBuffer(
        config.capacity,
        config.environments,
        () if isinstance(seen, Discrete) else (math.prod(seen.shape or ()),),
        () if isinstance(done, Discrete) else tuple(done.shape or ()),
        observation_dtype=torch.int64 if isinstance(seen, Discrete) else torch.float32,
        action_dtype=torch.int64 if isinstance(done, Discrete) else torch.float32,
        discount=config.discount,
        steps=config.steps,
        priority=config.priority,
    )


def _averages(taught: Sequence[Taught]) -> dict[str, Any]:
    """Return the mean of each figure; ``None`` where there is none."""
    columns = zip(Taught._fields, zip(*taught, strict=True), strict=True)
    return {
        name: None if values[0] is None else sum(values) / len(values) for name, values in columns
    }
