"""What Q-learning and SARSA have in common: playing ε-greedily, and moving values to targets.

    δ = target − Q(s, a),   Q(s, a) ← Q(s, a) + α δ

An algorithm adds its targets; its file is read beside this one. The values may be a table or
linear in features: :class:`~restock.learning.value_methods.action_values.ActionValues`.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.arena_learner import ArenaConfig, ArenaLearner
from restock.learning.descent import DivergenceError
from restock.learning.exploration import Exploration, epsilon_greedy
from restock.learning.interaction import Arena
from restock.learning.loop import Update
from restock.learning.returns import lambda_returns, n_step_returns
from restock.learning.value_methods.action_values import ActionValues
from restock.seeds import Seeds

__all__ = ["Played", "TDConfig", "TDLearner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TDConfig(ArenaConfig):
    """How a method of temporal differences steps, beside how it plays.

    Values are moved after every
    ``window`` (T) steps, and ``windows`` of these make one update of the log. Targets hold
    ``steps`` (n) rewards before a value, or with ``decay`` (λ) the λ-return; either looks ahead to
    the end of its window. The step size α falls from ``learning_rate``
    to 0 by a cosine, or stays if not ``anneals``.

    Raises :class:`ConfigurationError` for a number outside its range, and for a window too short
    for its targets.
    """

    window: int = 1
    windows: int = 64
    steps: int = 1
    decay: float | None = None
    learning_rate: float = 0.1
    anneals: bool = True
    exploration: Exploration = field(default_factory=Exploration)

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        ArenaConfig.__post_init__(self)
        self.require_counts("window", "windows", "steps")
        self.require_shares(learning_rate=0.1)
        self.require_positive(learning_rate=0.1)
        if self.decay is not None:
            self.require_shares(decay=0.9)
        require(
            self.steps == 1 or self.decay is None,
            ConfigurationError,
            f"targets are n-step or λ-returns; got `steps` {self.steps} and `decay` {self.decay}."
            " Leave one out.",
        )
        least = self.steps if not self.decay else 2
        require(
            self.window >= least,
            ConfigurationError,
            f"`window` must be ≥ {least} for these targets; got {self.window}. Try {4 * least}.",
        )

    def step_size(self, update: int) -> float:
        """Return α of an update."""
        return self.learning_rate * (self.cosine(update) if self.anneals else 1.0)


class Played(NamedTuple):
    """T steps of B environments.

    ``next_values`` is Q(s′, ·) of where a step led, as its episode saw it, before values were
    moved; ``next_action`` is a′, drawn by the same ε-greedy policy, and taken unless the episode
    ended.
    """

    observation: Shaped[Tensor, "T B *O"]
    action: Int[Tensor, "T B"]
    reward: Float[Tensor, "T B"]
    next_values: Float[Tensor, "T B A"]
    next_action: Int[Tensor, "T B"]
    terminated: Bool[Tensor, "T B"]
    ended: Bool[Tensor, "T B"]


class TDLearner(ArenaLearner[ActionValues]):
    """Action values, and the environments in which they are learned."""

    def __init__(
        self,
        arena: Arena,
        config: TDConfig,
        seeds: Seeds,
        policy: ActionValues,
        *,
        method: str = "temporal differences",
    ) -> None:
        super().__init__(arena, config, seeds, policy, method=method)
        self.settings = config
        self.epsilon = config.exploration.at(0.0)
        self.action: Int[Tensor, " B"] | None = None
        self.played: Played | None = None

    @abstractmethod
    def targets(self, played: Played) -> Float[Tensor, "T B"]:
        """Return what Q(s, a) of each step should have been."""

    @torch.no_grad()
    def update(self, number: int) -> Update:
        """Play ``windows`` windows and move the values after each."""
        config = self.settings
        self.epsilon = config.exploration.at(number / config.updates)
        size, squares, norms = config.step_size(number), 0.0, 0.0
        for _ in range(config.windows):
            played = self.play(config.window)
            observation, action = played.observation.flatten(0, 1), played.action.flatten()
            value = self.policy.values(observation).gather(-1, action.unsqueeze(-1)).squeeze(-1)
            error = self.targets(played).flatten() - value
            square = float(error.square().mean())
            # NaN and infinity alike
            if square - square != 0:
                raise DivergenceError.of_loss(square, norms / config.windows, size)
            norms += self.policy.move(observation, action, error, size)
            squares += square
        return Update(
            loss=squares / config.windows,
            gradient_norm=norms / config.windows,
            learning_rate=size,
            steps=config.windows * config.window * config.environments,
            exploration=self.epsilon,
            episode_return=self.interaction.mean_return(),
        )

    def play(self, steps: int) -> Played:
        """Play on, ε-greedily, for ``steps`` steps."""
        moves, values, actions = [], [], []
        action = self._draw() if self.action is None else self.action
        for _ in range(steps):
            moved = self.interaction.step(action)
            following = self.policy.values(moved.next_observation)
            action = epsilon_greedy(following, self.epsilon, self.acting)
            moves.append(moved)
            values.append(following)
            actions.append(action)
            ended = moved.terminated | moved.truncated
            if ended.any():
                action = torch.where(ended, self._draw(), action)
        self.action = action
        terminated = torch.stack([moved.terminated for moved in moves])
        self.played = Played(
            observation=torch.stack([moved.observation for moved in moves]),
            action=torch.stack([moved.action for moved in moves]),
            reward=torch.stack([moved.reward for moved in moves]).to(values[0].dtype),
            next_values=torch.stack(values),
            next_action=torch.stack(actions),
            terminated=terminated,
            ended=terminated | torch.stack([moved.truncated for moved in moves]),
        )
        return self.played

    def _draw(self) -> Int[Tensor, " B"]:
        """Return an ε-greedy action for what each environment shows now."""
        values = self.policy.values(self.interaction.observation)
        return epsilon_greedy(values, self.epsilon, self.acting)

    def returns(
        self, played: Played, next_value: Float[Tensor, "T B"], stops: Bool[Tensor, "T B"]
    ) -> Float[Tensor, "T B"]:
        """Return n-step or λ-returns that end in ``next_value``, at the latest at ``stops``."""
        config = self.settings
        if config.decay is None:
            return n_step_returns(
                played.reward,
                next_value,
                played.terminated,
                stops,
                discount=config.discount,
                steps=config.steps,
            )
        return lambda_returns(
            played.reward,
            next_value,
            played.terminated,
            stops,
            discount=config.discount,
            decay=config.decay,
        )

    def begin(self, update: int) -> None:
        """Begin new episodes."""
        super().begin(update)
        self.action = None

    def evidence(self) -> dict[str, Tensor]:
        """Return the last window."""
        return {} if self.played is None else self.played._asdict()
