"""Linear Q: action values that are sums of features, moved by the semi-gradient of Q-learning.

    Q(s, a) = w_aᵀ f(s) + b_a        weights of each action: :class:`LinearQ`
    Q(s, a) = wᵀ f(s, a) + b         the same weights for all: :class:`JointLinearQ`

    δ = target − Q(s, a),   w ← w + α δ f,   b ← b + α δ

The target is that of :mod:`~restock.learning.value_methods.q_learning` (one step, n steps or λ),
or of :mod:`~restock.learning.value_methods.sarsa` when its ``fit`` is given these values. It is
held fixed, hence *semi*-gradient: Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, eq.
9.7 and 10.1 with the maximum of eq. 6.8.

A batch moves the weights once, as a table does: n rows that share weights move them by 1 − (1 − α)ⁿ
times the mean of δ f. With ``normalises``, that is divided by the mean of f·f + 1 over these rows
(ibid. eq. 9.19), so that α is the share of an error that one step removes, whatever the features
are. A table is the special case of one feature a state.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from jaxtyping import Float, Int, Num, Shaped
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.arena_learner import fitting
from restock.learning.interaction import Arena, Interaction, require_discrete
from restock.learning.run import Listener, TrainingRun
from restock.learning.value_methods.action_values import ActionValues, repeated_step
from restock.learning.value_methods.features import FEATURES, Features, features_of
from restock.learning.value_methods.q_learning import QLearner
from restock.learning.value_methods.temporal_difference import TDConfig
from restock.seeds import Seeds

__all__ = ["JointLinearQ", "LinearQ", "LinearQConfig", "fit", "linear_for", "observed"]

METHOD = "linear Q"
SAMPLED_ENVIRONMENTS = 64


class LinearQ(ActionValues):
    """Weights ``[A, K]`` and biases ``[A]``, all 0 at first; ``features`` make K numbers of s.

    >>> from restock.learning.value_methods.features import StateFeatures
    >>> q = LinearQ(StateFeatures(torch.zeros(1), torch.ones(1)), 2, normalises=False)
    >>> norm = q.move(torch.tensor([[3.0]]), torch.tensor([1]), torch.tensor([2.0]).double(), 0.5)
    >>> q.weight.tolist(), q.bias.tolist(), q.act(torch.tensor([[5.0]])).tolist()
    ([[0.0], [3.0]], [0.0, 1.0], [1])
    """

    kind = "linear, weights of each action"
    weight: Tensor
    bias: Tensor

    def __init__(self, features: Features, actions: int, *, normalises: bool = True) -> None:
        super().__init__()
        self.features, self.actions, self.normalises = features, actions, normalises
        self.register_buffer("weight", torch.zeros(actions, features.width, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(actions, dtype=torch.float64))

    def values(self, observation: Num[Tensor, "*N F"]) -> Float[Tensor, "*N A"]:
        """Return w_aᵀ f(s) + b_a."""
        values: Tensor = self.features(observation) @ self.weight.T + self.bias
        return values

    def move(
        self,
        observation: Num[Tensor, "N F"],
        action: Int[Tensor, " N"],
        error: Float[Tensor, " N"],
        step_size: float,
    ) -> float:
        """Move the weights of the actions taken."""
        features = self.features(observation)
        took = nn.functional.one_hot(action, self.actions).to(error.dtype).T
        gradient, slope = (took * error) @ features, took @ error
        times = took.sum(-1)
        length = took @ (features.square().sum(-1) + 1) if self.normalises else times
        share = repeated_step(step_size, times) / length.clamp_min(1e-300)
        self.weight += share.unsqueeze(-1) * gradient
        self.bias += share * slope
        return _norm(gradient, slope) / len(action)


class JointLinearQ(ActionValues):
    """Weights ``[K]`` and a bias for all actions; ``features`` make K numbers of s and a together.

    ``meaning`` ``[A, M]`` are the numbers that stand for each action, such as units ordered.

    >>> from restock.learning.value_methods.features import StateFeatures
    >>> features, orders = StateFeatures(torch.zeros(2), torch.ones(2)), torch.tensor([[0.0], [50]])
    >>> q = JointLinearQ(features, orders, normalises=False)
    >>> norm = q.move(torch.tensor([[9.0]]), torch.tensor([1]), torch.tensor([2.0]).double(), 0.5)
    >>> q.weight.tolist(), q.values(torch.tensor([1.0])).tolist()
    ([9.0, 50.0], [10.0, 2510.0])
    """

    kind = "linear, weights of all actions"
    weight: Tensor
    bias: Tensor
    meaning: Tensor

    def __init__(
        self, features: Features, meaning: Float[Tensor, "A M"], *, normalises: bool = True
    ) -> None:
        super().__init__()
        self.features, self.actions, self.normalises = features, len(meaning), normalises
        self.register_buffer("meaning", meaning.double())
        self.register_buffer("weight", torch.zeros(features.width, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros((), dtype=torch.float64))

    def values(self, observation: Num[Tensor, "*N F"]) -> Float[Tensor, "*N A"]:
        """Return wᵀ f(s, a) + b for every a."""
        seen = observation.unsqueeze(-2).expand(*observation.shape[:-1], self.actions, -1)
        meant = self.meaning.expand(*seen.shape[:-1], -1)
        values: Tensor = self.features(torch.cat((seen, meant), -1)) @ self.weight + self.bias
        return values

    def move(
        self,
        observation: Num[Tensor, "N F"],
        action: Int[Tensor, " N"],
        error: Float[Tensor, " N"],
        step_size: float,
    ) -> float:
        """Move the weights."""
        features = self.features(torch.cat((observation, self.meaning[action]), -1))
        times = torch.full((), float(len(error)), dtype=error.dtype)
        length = (features.square().sum(-1) + 1).sum() if self.normalises else times
        gradient, slope = error @ features, error.sum()
        share = repeated_step(step_size, times) / length
        self.weight += share * gradient
        self.bias += share * slope
        return _norm(gradient, slope) / len(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearQConfig(TDConfig):
    """How linear Q is made and learned; see :class:`TDConfig` for how it is learned.

    ``features`` is ``"state"``, ``"polynomial"`` of ``degree`` or ``"radial"`` around ``centres``
    points; ``joint`` takes those of state and action together, the action k of A as k / (A − 1).
    ``sampled_steps`` steps of random play, before learning, tell how far numbers spread.
    """

    features: str = "polynomial"
    degree: int = 2
    centres: int = 100
    joint: bool = False
    normalises: bool = True
    sampled_steps: int = 4096

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        TDConfig.__post_init__(self)
        self.require_counts("degree", "centres", "sampled_steps")
        require(
            self.features in FEATURES,
            ConfigurationError,
            f"`features` must be one of {', '.join(FEATURES)}; got '{self.features}'."
            " Take 'polynomial'.",
        )


def fit(
    arena: Arena,
    config: LinearQConfig,
    seeds: Seeds,
    *,
    policy: ActionValues | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[ActionValues], float] | None = None,
) -> TrainingRun[ActionValues]:
    """Learn linear action values in ``arena``; ``policy`` is where to begin, if not afresh.

    With a ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted
    goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` for spaces that it cannot serve, :class:`TrainingError` when
    values stop being finite and :class:`CheckpointError` when the folder holds another run's
    checkpoint.

    >>> config = LinearQConfig(updates=2, environments=16, validation_episodes=2)
    >>> fit(Arena("restock/LostSalesDiscrete-v0"), config, Seeds(1)).policy.weight.shape
    torch.Size([21, 14])
    """
    values = fitting(policy, linear_for(arena, config, seeds), arena, METHOD)
    learner = QLearner(arena, config, seeds, values, method=METHOD)
    return learner.run(folder, listeners, evaluate)


def linear_for(arena: Arena, config: LinearQConfig, seeds: Seeds) -> ActionValues:
    """Return fresh linear values for ``arena``, their features fitted to random play.

    Raises :class:`ConfigurationError` for spaces that they cannot serve.
    """
    actions = require_discrete(arena, METHOD)
    _require_numbers(arena.observation_space)
    sample = observed(arena, config.sampled_steps, seeds)
    meaning = torch.linspace(0, 1, actions, dtype=torch.float64).unsqueeze(-1)
    if config.joint:
        drawn = torch.randint(actions, (len(sample),), generator=seeds.torch("feature actions"))
        sample = torch.cat((sample, meaning[drawn]), -1)
    features = features_of(
        config.features,
        sample,
        seeds.torch("features"),
        degree=config.degree,
        centres=config.centres,
    )
    if config.joint:
        return JointLinearQ(features, meaning, normalises=config.normalises)
    return LinearQ(features, actions, normalises=config.normalises)


def observed(arena: Arena, steps: int, seeds: Seeds) -> Num[Tensor, "N F"]:
    """Return what ``steps`` steps (or a few more) of random discrete actions show."""
    actions = require_discrete(arena, "random play")
    count = min(steps, SAMPLED_ENVIRONMENTS)
    interaction, generator = Interaction(arena, count), seeds.torch("sampled actions")
    interaction.begin(seeds.integer("sampled episodes"))
    seen = []
    for _ in range(math.ceil(steps / count)):
        seen.append(interaction.observation)
        interaction.step(torch.randint(actions, (count,), generator=generator))
    interaction.close()
    return torch.cat(seen)


def _require_numbers(space: gymnasium.Space[object]) -> None:
    if isinstance(space, Discrete):
        raise ConfigurationError(
            f"{METHOD} needs observed numbers; got {space}, a state's name. Take tabular"
            " Q-learning."
        )
    if not isinstance(space, Box | MultiDiscrete):
        raise ConfigurationError(
            f"{METHOD} needs a Box or MultiDiscrete to observe; got {space}. Wrap the environment"
            " in gymnasium.wrappers.FlattenObservation."
        )


def _norm(*parts: Shaped[Tensor, "..."]) -> float:
    return math.sqrt(sum(float(part.square().sum()) for part in parts))
