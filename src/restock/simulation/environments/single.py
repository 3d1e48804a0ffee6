"""One episode at a time: the Gymnasium environment."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from jaxtyping import Float

from restock.simulation.environments.acting import NUMBERS, ActionSpace, refuse_action
from restock.simulation.environments.catalogue import setup_for
from restock.simulation.environments.chart import RENDER_MODES, Chart, checked_mode
from restock.simulation.environments.fields import Field
from restock.simulation.environments.playing import Episodes
from restock.simulation.environments.rewarding import PARTS
from restock.simulation.environments.setup import Setup

__all__ = ["InventoryEnv"]

NAMES = tuple(PARTS)
ONE = np.ones(1, dtype=np.bool_)


class InventoryEnv(gymnasium.Env[np.ndarray, "np.ndarray | np.int64"]):
    """An inventory problem, by name or as a :class:`Setup`, one episode at a time.

    ``settings`` are those of the problem's dataclass in
    :data:`~restock.simulation.environments.catalogue.CONFIGS`. ``observation_fields`` and
    ``action_fields`` tell what each number is; ``info`` holds the numbers of
    :data:`~restock.simulation.environments.rewarding.PARTS`.

    Raises :class:`ConfigurationError` for an unknown problem, setting or render mode, and, from
    :meth:`step`, for an action outside the action space.

    >>> env = InventoryEnv("LostSales", action="quantity", largest_order=20, starts_empty=True)
    >>> observation, _ = env.reset(seed=1)
    >>> observation, reward, *_, info = env.step(np.zeros(1, dtype=np.float32))
    >>> observation.tolist(), info["order"], reward == -info["cost"] / 10
    ([0.0, 0.0, 0.0, 2.0], 10.0, True)
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium has a plain attribute
        "render_modes": list(RENDER_MODES),
        "render_fps": 5,
    }

    def __init__(
        self, problem: str | Setup, *, render_mode: str | None = None, **settings: object
    ) -> None:
        self.setup = setup_for(problem, settings)
        self.render_mode = checked_mode(render_mode)
        self.episodes = Episodes(self.setup, 1)
        self.observation_space: Box = self.episodes.sight.space
        self.action_space: ActionSpace = self.episodes.steering.space
        self.chart = None if render_mode is None else Chart(self.setup, 1)
        self.is_over = True

    @property
    def observation_fields(self) -> tuple[Field, ...]:
        """What each number of an observation is."""
        return self.episodes.sight.fields

    @property
    def action_fields(self) -> tuple[Field, ...]:
        """What each number of an action decides."""
        return self.episodes.steering.fields

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float[np.ndarray, " F"], dict[str, Any]]:
        """Begin an episode with fresh demand; ``options`` are not used."""
        super().reset(seed=seed, options=options)
        self.episodes.begin(ONE, int(self.np_random.integers(2**63)))
        self.is_over = False
        if self.chart is not None:
            self.chart.begin(ONE)
        return self.episodes.observation()[0], {}

    @torch.no_grad()
    def step(
        self, action: object
    ) -> tuple[Float[np.ndarray, " F"], float, bool, bool, dict[str, Any]]:
        """Decide, let demand come and be served, charge, and show the next period."""
        if self.is_over:
            raise ResetNeeded("The episode has ended, or none was begun. Call `reset` first.")
        numbers = np.asarray(action)
        if numbers.dtype.kind not in NUMBERS or numbers.shape != self.action_space.shape:
            refuse_action(action, self.action_space)
        numbers = numbers.reshape(1, -1)
        if not self.episodes.steering.fits(numbers)[0]:
            refuse_action(action, self.action_space)
        given = torch.from_numpy(numbers.astype(np.float32))
        parts, reward = self.episodes.play(given)
        ended, cut = self.episodes.ended()
        terminated, truncated = bool(ended[0]), bool(cut[0])
        self.is_over = terminated or truncated
        info = dict(zip(NAMES, parts[:, 0].tolist(), strict=True))
        if self.chart is not None:
            self.chart.add(parts)
        return self.episodes.observation()[0], float(reward[0]), terminated, truncated, info

    def render(self) -> np.ndarray | str | None:
        """Draw the last periods: stock, orders, demand and what was lost of it."""
        return None if self.chart is None else self.chart.frame(0, self.render_mode)
