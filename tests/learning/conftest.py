"""Small worlds whose answers are known, as Gymnasium ids ``toy/…``."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

Step = tuple[Any, float, bool, bool, dict[str, Any]]


class Bandit(gymnasium.Env[np.ndarray, np.int64]):
    """One step; arm n pays ``rewards[n]``."""

    def __init__(self, rewards: tuple[float, ...] = (1.0, 3.0, 2.0)) -> None:
        self.rewards = rewards
        self.observation_space = Box(-1, 1, (1,), np.float32)
        self.action_space = Discrete(len(rewards))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        return np.zeros(1, np.float32), {}

    def step(self, action: np.int64) -> Step:
        return np.zeros(1, np.float32), self.rewards[int(action)], True, False, {}


class Quadratic(gymnasium.Env[np.ndarray, np.ndarray]):
    """One step; the action a in [0, 10] pays sign × −(a − best)² / 10."""

    def __init__(self, best: float = 7.0, sign: float = 1.0) -> None:
        self.best, self.sign = best, sign
        self.observation_space = Box(-1, 1, (1,), np.float32)
        self.action_space = Box(0, 10, (1,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        return np.zeros(1, np.float32), {}

    def step(self, action: np.ndarray) -> Step:
        paid = -self.sign * (float(action[0]) - self.best) ** 2 / 10
        return np.zeros(1, np.float32), paid, True, False, {}


class Steady(gymnasium.Env[np.ndarray, np.int64]):
    """Reward 1 whatever is done; after ``periods`` an episode is cut, or over if ``ends``.

    What is seen is the clock if ``shows_clock``, else nothing. After ``good_steps`` steps of the
    environment, all episodes together, the reward stops being a number.
    """

    def __init__(
        self,
        *,
        periods: int = 5,
        ends: bool = False,
        shows_clock: bool = False,
        good_steps: int = 10**9,
    ) -> None:
        self.periods, self.ends, self.shows_clock = periods, ends, shows_clock
        self.observation_space = Box(0, 1000, (1,), np.float32)
        self.action_space = Discrete(2)
        self.clock, self.good_steps = 0, good_steps

    def seen(self) -> np.ndarray:
        return np.full(1, self.clock if self.shows_clock else 0.0, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.clock = 0
        return self.seen(), {}

    def step(self, action: np.int64) -> Step:
        del action
        self.clock += 1
        self.good_steps -= 1
        over = self.clock >= self.periods
        reward = 1.0 if self.good_steps >= 0 else float("nan")
        return self.seen(), reward, over and self.ends, over and not self.ends, {}


class Corridor(gymnasium.Env[np.int64, np.int64]):
    """``length`` states in a row; action 1 goes right, 0 left; the last pays 1 and ends it.

    Each step costs 0.1, so that the best return from the left end is 1 − 0.1·(length − 1).
    """

    def __init__(self, length: int = 5) -> None:
        self.length, self.place, self.clock = length, 0, 0
        self.observation_space, self.action_space = Discrete(length), Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.place = self.clock = 0
        return np.int64(0), {}

    def step(self, action: np.int64) -> Step:
        self.clock += 1
        self.place = max(0, self.place + (1 if action == 1 else -1))
        there = self.place == self.length - 1
        return np.int64(self.place), there - 0.1, there, self.clock >= 30 and not there, {}


TOYS: dict[str, Any] = {
    "toy/Bandit-v0": Bandit,
    "toy/Quadratic-v0": Quadratic,
    "toy/Steady-v0": Steady,
    "toy/Corridor-v0": Corridor,
}


@pytest.fixture(scope="session", autouse=True)
def _toys() -> None:
    """Make the toy worlds known to Gymnasium."""
    for name, world in TOYS.items():
        gymnasium.register(name, entry_point=world, disable_env_checker=True)
