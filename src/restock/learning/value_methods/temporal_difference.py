"""What Q-learning and SARSA have in common: playing ε-greedily, and moving values to targets.

    δ = target − Q(s, a),   Q(s, a) ← Q(s, a) + α δ

An algorithm adds its targets; its file is read beside this one. The values may be a table or
linear in features: :class:`~restock.learning.value_methods.action_values.ActionValues`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.descent import DivergenceError
from restock.learning.exploration import Exploration, epsilon_greedy
from restock.learning.fingerprint import Fingerprint, digest
from restock.learning.interaction import Arena, Interaction
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.returns import lambda_returns, n_step_returns
from restock.learning.run import Listener, TrainingRun
from restock.learning.value_methods.action_values import ActionValues
from restock.seeds import Seeds

__all__ = ["Played", "TDConfig", "TDLearner", "run_td"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TDConfig(LoopConfig):
    """How a method of temporal differences plays and steps.

    ``environments`` (B) play side by side; their episodes begin anew after each validation, so
    that ``validate_every`` updates should be longer than an episode. Values are moved after every
    ``window`` (T) steps, and ``windows`` of these make one update of the log. Targets hold
    ``steps`` (n) rewards before a value, or with ``decay`` (λ) the λ-return; either looks ahead to
    the end of its window. ``discount`` is γ a step. The step size α falls from ``learning_rate``
    to 0 by a cosine, or stays if not ``anneals``. Validation is the mean return of
    ``validation_episodes`` under the greedy policy, the same episodes every time: episodes of the
    environment must end.

    Raises :class:`ConfigurationError` for a number outside its range, and for a window too short
    for its targets.
    """

    environments: int = 32
    window: int = 1
    windows: int = 64
    steps: int = 1
    decay: float | None = None
    discount: float = 0.99
    learning_rate: float = 0.1
    anneals: bool = True
    exploration: Exploration = field(default_factory=Exploration)
    validation_episodes: int = 32

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        self.require_counts("environments", "window", "windows", "steps", "validation_episodes")
        self.require_shares(discount=0.99, learning_rate=0.1)
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


class TDLearner(ABC):
    """Action values, and the environments in which they are learned."""

    def __init__(self, arena: Arena, config: TDConfig, seeds: Seeds, policy: ActionValues) -> None:
        self.arena, self.settings, self.seeds, self.policy = arena, config, seeds, policy
        self.generator = seeds.torch("acting")
        self.interaction = Interaction(arena, config.environments)
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
        size, squares, norm = config.step_size(number), 0.0, 0.0
        for _ in range(config.windows):
            played = self.play(config.window)
            observation, action = played.observation.flatten(0, 1), played.action.flatten()
            value = self.policy.values(observation).gather(-1, action.unsqueeze(-1)).squeeze(-1)
            error = self.targets(played).flatten() - value
            square = float(error.square().mean())
            # NaN and infinity alike
            if square - square != 0:
                raise DivergenceError(square, norm, size)
            norm = self.policy.move(observation, action, error, size)
            squares += square
        return Update(
            loss=squares / config.windows,
            gradient_norm=norm,
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
            action = epsilon_greedy(following, self.epsilon, self.generator)
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
        return epsilon_greedy(values, self.epsilon, self.generator)

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

    def validate(self) -> float:
        """Return minus the mean return of the held-out episodes."""
        seed = self.seeds.integer("validation")
        return -self.arena.mean_return(self.policy, self.settings.validation_episodes, seed)

    def begin(self, update: int) -> None:
        """Begin new episodes."""
        self.interaction.begin(self.seeds.integer(f"episodes from update {update}"))
        self.action = None

    def state_dict(self) -> dict[str, Any]:
        """Return the generator of actions."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take it back."""
        self.generator.set_state(tree["generator"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the last window."""
        return {} if self.played is None else self.played._asdict()

    def fingerprint(self, method: str) -> Fingerprint:
        """Return what the run's result depends on, besides what is learned."""
        shapes = {name: tuple(value.shape) for name, value in self.policy.state_dict().items()}
        return {
            "method": method,
            "settings": str(self.settings),
            "seed": str(self.seeds.root),
            "policy": f"{self.policy.kind} {digest(str(shapes))}",
            "arena": self.arena.identity,
        }


def run_td(
    learner: TDLearner, method: str, folder: Path | None, listeners: Sequence[Listener]
) -> TrainingRun[ActionValues]:
    """Train with the shared loop, and close the environments whatever happens."""
    try:
        return train(
            learner,
            learner.settings,
            learner.fingerprint(method),
            folder=folder,
            listeners=listeners,
        )
    finally:
        learner.interaction.close()
