"""Many episodes in one world: the Gymnasium vector environment, torch from end to end."""

from typing import Any

import numpy as np
import torch
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation.environments.acting import NUMBERS, ActionSpace, refuse_action
from restock.simulation.environments.catalogue import setup_for
from restock.simulation.environments.chart import RENDER_MODES, Chart, checked_mode
from restock.simulation.environments.fields import Field
from restock.simulation.environments.playing import Episodes
from restock.simulation.environments.rewarding import PARTS
from restock.simulation.environments.setup import Setup

__all__ = ["InventoryVectorEnv"]

NAMES = tuple(PARTS)

Rows = Bool[np.ndarray, " B"]


class InventoryVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """``num_envs`` episodes of an inventory problem, all in one batched world.

    ``autoreset_mode`` is Gymnasium's: NEXT_STEP (an ended episode begins anew in the next step,
    whose action it ignores), SAME_STEP (at once; what it last saw is in ``final_obs`` and
    ``final_info``) or DISABLED (reset it with ``options={"reset_mask": …}``). The rest is as in
    :class:`~restock.simulation.environments.single.InventoryEnv`, which a vector of one equals,
    number by number.

    Raises :class:`ConfigurationError` for an unknown problem, setting, mode or number of
    environments, and, from :meth:`step`, for an action outside the action space.

    >>> envs = InventoryVectorEnv("LostSales", num_envs=3, starts_empty=True)
    >>> observations, _ = envs.reset(seed=1)
    >>> *_, infos = envs.step(np.zeros((3, 1), dtype=np.float32))
    >>> observations.shape, infos["order"].tolist()
    ((3, 4), [25.0, 25.0, 25.0])
    """

    def __init__(
        self,
        problem: str | Setup,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **settings: object,
    ) -> None:
        require(
            num_envs >= 1,
            ConfigurationError,
            f"`num_envs` must be an integer ≥ 1; got {num_envs}. Ask for one or more.",
        )
        self.setup, self.num_envs = setup_for(problem, settings), num_envs
        self.autoreset_mode = _mode(autoreset_mode)
        self.render_mode = checked_mode(render_mode)
        self.metadata = {
            "render_modes": list(RENDER_MODES),
            "render_fps": 5,
            "autoreset_mode": self.autoreset_mode,
        }
        self.episodes = Episodes(self.setup, num_envs)
        self.single_observation_space = self.episodes.sight.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.single_action_space: ActionSpace = self.episodes.steering.space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.chart = None if render_mode is None else Chart(self.setup, num_envs)
        self.over: Rows | None = None

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
    ) -> tuple[Float[np.ndarray, "B F"], dict[str, Any]]:
        """Begin new episodes, in all environments or in those of ``options["reset_mask"]``.

        ``seed`` is one for the whole batch: it draws the demand of all environments.
        """
        super().reset(seed=seed)
        rows = self._asked_for(options or {})
        self._begin(rows)
        self.over = (np.zeros_like(rows) if self.over is None else self.over) & ~rows
        return self.episodes.observation(), {}

    @torch.no_grad()
    def step(
        self, actions: np.ndarray
    ) -> tuple[Float[np.ndarray, "B F"], Float[np.ndarray, " B"], Rows, Rows, dict[str, Any]]:
        """Decide in all environments, let the period pass, and begin ended episodes anew."""
        if self.over is None:
            raise ResetNeeded("No episode was begun. Call `reset` first.")
        waiting = self.over
        require(
            self.autoreset_mode is not AutoresetMode.DISABLED or not waiting.any(),
            ConfigurationError,
            f"{waiting.sum()} episodes have ended and autoreset is disabled. Call"
            ' `reset(options={"reset_mask": terminations | truncations})` first.',
        )
        if waiting.all():
            return self._begin_all()
        given = self._checked(actions, ~waiting)
        numbers, rewards = self.episodes.play(given)
        terminations, truncations = (ended & ~waiting for ended in self.episodes.ended())
        if self.chart is not None:
            self.chart.add(numbers)
        if waiting.any():
            numbers, rewards = np.where(waiting, 0, numbers), np.where(waiting, 0.0, rewards)
            self._begin(waiting)
        infos = _info(numbers, ~waiting)
        self.over = terminations | truncations
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self.over.any():
            infos = self._begin_at_once(infos, self.over)
        return self.episodes.observation(), rewards, terminations, truncations, infos

    def render(self) -> tuple[np.ndarray | str, ...] | None:
        """Draw the last periods of each environment."""
        if self.chart is None:
            return None
        return tuple(self.chart.frame(path, self.render_mode) for path in range(self.num_envs))

    def _begin(self, rows: Rows) -> None:
        self.episodes.begin(rows, int(self.np_random.integers(2**63)))
        if self.chart is not None:
            self.chart.begin(rows)

    def _begin_all(
        self,
    ) -> tuple[Float[np.ndarray, "B F"], Float[np.ndarray, " B"], Rows, Rows, dict[str, Any]]:
        """All episodes have ended: this step begins new ones and nothing else."""
        nobody = np.zeros(self.num_envs, dtype=np.bool_)
        self._begin(~nobody)
        self.over = nobody
        return self.episodes.observation(), np.zeros(self.num_envs), nobody, nobody.copy(), {}

    def _begin_at_once(self, infos: dict[str, Any], ended: Rows) -> dict[str, Any]:
        """Keep what ended episodes saw last, and begin new ones in the same step."""
        last = np.full(self.num_envs, None, dtype=object)
        observations = self.episodes.observation()
        for path in np.flatnonzero(ended):
            last[path] = observations[path]
        final = {
            name: values if name.startswith("_") else np.where(ended, values, 0)
            for name, values in infos.items()
        }
        final |= {f"_{name}": ended.copy() for name in NAMES}
        going = _info(np.stack([np.where(ended, 0, infos[name]) for name in NAMES]), ~ended)
        self._begin(ended)
        self.over = np.zeros_like(ended)
        return going | {
            "final_obs": last,
            "_final_obs": ended.copy(),
            "final_info": final,
            "_final_info": ended.copy(),
        }

    def _checked(self, actions: np.ndarray, rows: Rows) -> Tensor:
        """Return the actions ``[B, A]``; those of environments that begin anew do not matter."""
        given = np.asarray(actions)
        space = self.single_action_space
        wanted = (self.num_envs, *(space.shape or ()))
        if given.shape != wanted or given.dtype.kind not in NUMBERS:
            raise ConfigurationError(
                f"actions must be numbers of shape {wanted}; got"
                f" {given.dtype} of shape {given.shape}. Give one action for each environment."
            )
        numbers = given.reshape(self.num_envs, -1)
        fits = self.episodes.steering.fits(numbers)
        if not fits.all():
            if not fits[rows].all():
                refuse_action(given[int(np.argmax(rows & ~fits))], space)
            numbers = np.where(fits[:, None], numbers, 0)
        return torch.from_numpy(numbers.astype(np.float32))

    def _asked_for(self, options: dict[str, Any]) -> Rows:
        """Return which environments a reset is for."""
        everybody = np.ones(self.num_envs, dtype=np.bool_)
        rows = np.asarray(options.get("reset_mask", everybody))
        require(
            rows.shape == (self.num_envs,) and rows.dtype == np.bool_ and bool(rows.any()),
            ConfigurationError,
            f"`reset_mask` must be {self.num_envs} truth values, at least one of them true; got"
            f" {rows.dtype} of shape {rows.shape}. Give `terminations | truncations`.",
        )
        require(
            self.over is not None or bool(rows.all()),
            ConfigurationError,
            "the first reset must begin all environments; got a `reset_mask` for some."
            " Call `reset(seed=…)` without one first.",
        )
        return rows


def _info(numbers: Float[np.ndarray, "K B"], there: Rows) -> dict[str, Any]:
    """Return Gymnasium's form: an array for each name, and a mask of where it is told."""
    infos: dict[str, Any] = dict(zip(NAMES, numbers.copy(), strict=True))
    infos |= {f"_{name}": there.copy() for name in NAMES}
    return infos


def _mode(mode: AutoresetMode | str) -> AutoresetMode:
    known = [known.value for known in AutoresetMode]
    if isinstance(mode, str) and mode not in known:
        raise ConfigurationError(
            f"`autoreset_mode` must be one of {', '.join(known)}; got '{mode}'."
            " Take `gymnasium.vector.AutoresetMode`."
        )
    return AutoresetMode(mode)
