"""Acting in Gymnasium environments: ours, many episodes in one batch, and any other.

A model-free trainer sees environments through :class:`Interaction`: tensors in, tensors out, with
ended episodes begun anew in the same step. What an ended episode saw last is the next observation
of its last transition, so that a cut-off episode can be bootstrapped and a finished one not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean, require
from restock.learning.descent import DivergenceError
from restock.learning.fingerprint import digest
from restock.seeds import Seeds
from restock.simulation.environments import InventoryVectorEnv, Setup

__all__ = [
    "ActingPolicy",
    "Arena",
    "Interaction",
    "Transitions",
    "require_continuous",
    "require_discrete",
]

RESTOCK = "restock/"
LONGEST = 100_000
"""Steps after which an episode of a validation is taken for one that never ends."""


@runtime_checkable
class ActingPolicy(Protocol):
    """A policy of an environment: from what is observed to the best action it knows."""

    def act(self, observation: Shaped[Tensor, "B ..."]) -> Shaped[Tensor, "B ..."]:
        """Return an action in the environment's own units for each row."""
        ...


class Transitions(NamedTuple):
    """One step of B environments; ``next_observation`` is before an ended episode began anew."""

    observation: Shaped[Tensor, "B ..."]
    action: Shaped[Tensor, "B ..."]
    reward: Float[Tensor, " B"]
    next_observation: Shaped[Tensor, "B ..."]
    terminated: Bool[Tensor, " B"]
    truncated: Bool[Tensor, " B"]


@dataclass(frozen=True, eq=False)
class Arena:
    """An environment to learn in: a Gymnasium id or one of our setups, and its settings.

    Raises :class:`ConfigurationError` for an id that Gymnasium does not know.

    >>> arena = Arena("restock/LostSales-v0", {"lead_time_periods": 2})
    >>> arena.observation_space.shape, arena.action_space.shape
    ((2,), (1,))
    """

    problem: str | Setup
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the id."""
        if isinstance(self.problem, Setup):
            return
        if self.problem.startswith(RESTOCK):
            # as Gymnasium itself imports what stands before the colon of an id
            import_module("restock.environments")
        if self.problem not in gymnasium.registry:
            raise ConfigurationError(
                f"Gymnasium knows no environment '{self.problem}'."
                f"{did_you_mean(self.problem, gymnasium.registry)}"
            )

    @property
    def name(self) -> str:
        """What is learned in, for logs and checkpoints."""
        problem = self.problem.name if isinstance(self.problem, Setup) else self.problem
        return f"{problem} {dict(self.settings)}"

    @property
    def identity(self) -> str:
        """What tells it from any other arena: a checkpoint may only go on in the same."""
        spaces = f"observing {self.observation_space}, acting in {self.action_space}"
        if not isinstance(self.problem, Setup):
            return f"{self.name}, {spaces}"
        setup = self.problem
        drawn = setup.source.sample(1, min(setup.periods, 32), Seeds(0).torch("fingerprint"))
        rest = (getattr(setup, each.name) for each in fields(setup) if each.name != "source")
        return f"{self.name} {digest((*rest, drawn))}, {spaces}"

    def vector(self, count: int) -> VectorEnv:
        """Return ``count`` environments in one, ended episodes beginning anew in the same step."""
        if isinstance(self.problem, Setup):
            return InventoryVectorEnv(
                self.problem, count, autoreset_mode=AutoresetMode.SAME_STEP, **self.settings
            )
        if self.problem.startswith(RESTOCK):
            return gymnasium.make_vec(
                self.problem,
                num_envs=count,
                vectorization_mode="vector_entry_point",
                autoreset_mode=AutoresetMode.SAME_STEP,
                **self.settings,
            )
        return gymnasium.make_vec(
            self.problem,
            num_envs=count,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
            **self.settings,
        )

    @cached_property
    def _spaces(self) -> tuple[gymnasium.Space[object], gymnasium.Space[object]]:
        try:
            envs = self.vector(1)
        except (TypeError, gymnasium.error.Error) as error:
            raise ConfigurationError(
                f"the environment '{self.name}' cannot be made: {error}. Check its settings, and"
                " that what it needs is installed (MuJoCo: pip install 'restock[mujoco]')."
            ) from error
        spaces = envs.single_observation_space, envs.single_action_space
        envs.close()
        return spaces

    @property
    def observation_space(self) -> gymnasium.Space[object]:
        """What one environment shows."""
        return self._spaces[0]

    @property
    def action_space(self) -> gymnasium.Space[object]:
        """What one environment lets do."""
        return self._spaces[1]

    @torch.no_grad()
    def mean_return(self, policy: ActingPolicy, episodes: int, seed: int) -> float:
        """Return the mean sum of rewards of ``episodes`` first episodes under ``policy``.

        Raises :class:`ConfigurationError` for an episode that has not ended after 100,000 steps.
        """
        interaction = Interaction(self, episodes)
        interaction.begin(seed)
        total = torch.zeros(episodes, dtype=torch.float64)
        going = torch.ones(episodes, dtype=torch.bool)
        for _ in range(LONGEST):
            moved = interaction.step(policy.act(interaction.observation))
            total += moved.reward * going
            going &= ~(moved.terminated | moved.truncated)
            if not going.any():
                break
        interaction.close()
        require(
            not going.any(),
            ConfigurationError,
            f"{int(going.sum())} of {episodes} validation episodes of '{self.name}' have not ended"
            f" after {LONGEST:,} steps. Give it a time limit: Arena(id,"
            " {'max_episode_steps': 1000}).",
        )
        return float(total.mean())


class Interaction:
    """``count`` environments side by side; ``observation`` is what each shows now.

    ``episodes`` is how many have ended since they began.
    """

    def __init__(self, arena: Arena, count: int) -> None:
        self.envs = arena.vector(count)
        self.count = count
        self.observation: Shaped[Tensor, "B ..."]
        self.sums = torch.zeros(count, dtype=torch.float64)
        self.finished: list[float] = []
        self.episodes = 0

    def begin(self, seed: int) -> None:
        """Begin new episodes in all environments; returns so far are forgotten."""
        # Gymnasium's environments take seeds of 32 bits in places
        observation, _ = self.envs.reset(seed=seed % 2**31)
        self.observation = self._tensor(observation)
        self.sums.zero_()
        self.finished.clear()
        self.episodes = 0

    def step(self, action: Shaped[Tensor, "B ..."]) -> Transitions:
        """Act in every environment and return what happened.

        Raises :class:`DivergenceError` for a reward or an observation that is not finite.
        """
        before = self.observation
        after, reward, terminated, truncated, info = self.envs.step(action.detach().numpy())
        self.observation = shown = self._tensor(after)
        ended = terminated | truncated
        rewards = torch.from_numpy(np.asarray(reward, dtype=np.float32))
        self.sums += rewards
        if ended.any():
            rows = torch.from_numpy(np.flatnonzero(ended))
            shown = shown.clone()
            shown[rows] = self._tensor(np.stack(list(info["final_obs"][ended])))
            self.finished += self.sums[rows].tolist()
            self.sums[rows] = 0
            self.episodes += len(rows)
        moved = Transitions(
            before,
            action,
            rewards,
            shown,
            torch.from_numpy(np.array(terminated)),
            torch.from_numpy(np.array(truncated)),
        )
        total = float(rewards.sum()) + float(shown.sum())
        if not math.isfinite(total):
            raise DivergenceError(
                f"what the environment paid and showed sums to {total}",
                "Check the environment, and its settings",
                moved._asdict(),
            )
        return moved

    def mean_return(self) -> float | None:
        """Return the mean of the episodes that ended since the last call, ``None`` if none did."""
        if not self.finished:
            return None
        mean = sum(self.finished) / len(self.finished)
        self.finished.clear()
        return mean

    def _tensor(self, values: np.ndarray) -> Shaped[Tensor, "B ..."]:
        """Return a row of numbers each, float32 of a Box, and integers that count states."""
        space = self.envs.single_observation_space
        if isinstance(space, Discrete):
            return torch.from_numpy(values.astype(np.int64))
        kind = np.float32 if isinstance(space, Box) else np.int64
        return torch.from_numpy(values.astype(kind)).reshape(len(values), -1)

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()


def require_discrete(arena: Arena, method: str) -> int:
    """Return the number of actions of an environment with discrete ones.

    Raises :class:`ConfigurationError` for any other action space.
    """
    space = arena.action_space
    if not isinstance(space, Discrete) or space.start != 0:
        raise ConfigurationError(
            f"{method} needs discrete actions counted from 0; '{arena.name}' has {space}."
            " Take a method for continuous actions, or a discrete environment"
            " (restock/LostSalesDiscrete-v0)."
        )
    return int(space.n)


def require_continuous(arena: Arena, method: str) -> Box:
    """Return the action space of an environment with bounded continuous actions.

    Raises :class:`ConfigurationError` for any other action space.
    """
    space = arena.action_space
    if (
        not isinstance(space, Box)
        or len(space.shape) != 1
        or not np.issubdtype(space.dtype, np.floating)
    ):
        raise ConfigurationError(
            f"{method} needs continuous actions, a vector; '{arena.name}' has {space}. Take a"
            " method for discrete actions, or a continuous environment (restock/LostSales-v0)."
        )
    require(
        bool(np.isfinite(space.low).all() and np.isfinite(space.high).all()),
        ConfigurationError,
        f"{method} needs bounded actions; '{arena.name}' has {space}. Wrap it in"
        " gymnasium.wrappers.RescaleAction.",
    )
    return space
