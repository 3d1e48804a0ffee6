"""The side of the adapter that imports Stable-Baselines3: our environments as its own.

Only :mod:`~restock.learning.stable_baselines` imports this module, once it has seen that the
package is there.
"""

import copy
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import stable_baselines3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from restock.errors import ConfigurationError, did_you_mean
from restock.learning.interaction import Arena
from restock.learning.stable_baselines_config import StableBaselinesConfig

__all__ = ["ArenaVecEnv", "build", "learn", "moments"]

ROWS = 100
"""About how many rows the log of an on-policy run has."""


class ArenaVecEnv(VecEnv):
    """``count`` environments of an arena, as Stable-Baselines3 knows vectors of them.

    Ended episodes begin anew in the same step; ``infos`` then hold ``terminal_observation``,
    ``TimeLimit.truncated`` (cut off, and not at the problem's end) and ``episode``, its return
    ``r`` and length ``l``.
    """

    def __init__(self, arena: Arena, count: int) -> None:
        self.envs = arena.vector(count)
        self.returns, self.lengths = np.zeros(count), np.zeros(count, dtype=np.int64)
        self.actions: np.ndarray = np.zeros(0)
        self.first_seed: int | None = None
        self.render_mode = None
        super().__init__(count, self.envs.single_observation_space, self.envs.single_action_space)

    def reset(self) -> np.ndarray:
        """Begin new episodes in all environments."""
        observations, _ = self.envs.reset(seed=self.first_seed)
        self.first_seed = None
        self.returns[:], self.lengths[:] = 0, 0
        return np.array(observations)

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed the next reset, of the whole batch."""
        self.first_seed = seed
        return [seed] * self.num_envs

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Act in all environments."""
        seen, rewards, terminated, truncated, told = self.envs.step(self.actions)
        ended = terminated | truncated
        self.returns += rewards
        self.lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for place in np.flatnonzero(ended):
            infos[place] = {
                "terminal_observation": told["final_obs"][place],
                "TimeLimit.truncated": bool(truncated[place] and not terminated[place]),
                "episode": {"r": float(self.returns[place]), "l": int(self.lengths[place])},
            }
        self.returns[ended], self.lengths[ended] = 0, 0
        return np.array(seen), np.asarray(rewards, dtype=np.float32), ended, infos

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the batch, once for each environment."""
        return [getattr(self.envs, attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:  # noqa: ANN401
        """Refuse: one environment of a batch has no attributes of its own."""
        raise ConfigurationError(
            f"`{attr_name}` = {value!r} cannot be set in environments {indices} of a batch."
            " Give it to the arena's settings."
        )

    def env_method(
        self,
        method_name: str,
        *method_args: object,
        indices: VecEnvIndices = None,
        **method_kwargs: object,
    ) -> list[Any]:
        """Call a method of the batch and return its answer, once for each environment."""
        answer = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [answer] * self._count(indices)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Return that no environment of a batch is wrapped by itself."""
        del wrapper_class
        return [False] * self._count(indices)

    def _count(self, indices: VecEnvIndices) -> int:
        return len(list(self._get_indices(indices)))


class _Hears(BaseCallback):
    """Tells how many environment steps have been played."""

    def __init__(self, stepped: Callable[[int], None]) -> None:
        super().__init__()
        self.stepped = stepped

    def _on_step(self) -> bool:
        self.stepped(self.num_timesteps)
        return True


class _Tells(KVWriter):
    """Passes on the figures that would be written to a log."""

    def __init__(self, told: Callable[[Mapping[str, Any]], None]) -> None:
        self.told = told

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        del key_excluded, step
        self.told(key_values)

    def close(self) -> None:
        """Nothing is open."""


def build(arena: Arena, config: "StableBaselinesConfig", seed: int) -> tuple[BaseAlgorithm, VecEnv]:
    """Return a fresh model and its environments.

    Raises :class:`ConfigurationError` for a setting that its algorithm does not have.
    """
    algorithm: type[BaseAlgorithm] = getattr(stable_baselines3, config.algorithm)
    _require_known(config.settings, config.algorithm, algorithm)
    envs: VecEnv = ArenaVecEnv(arena, config.environments)
    if config.scales_observations or config.scales_rewards:
        envs = VecNormalize(
            envs,
            norm_obs=config.scales_observations,
            norm_reward=config.scales_rewards,
            gamma=float(config.settings.get("gamma", 0.99)),
        )
    # its constructors write into what they are given
    settings = copy.deepcopy(dict(config.settings))
    if config.noise:
        spread = np.full(arena.action_space.shape or (1,), config.noise)
        settings["action_noise"] = NormalActionNoise(np.zeros_like(spread), spread)
    with warnings.catch_warnings():
        # it advises minibatch sizes and spaces; what is asked for stays so
        warnings.simplefilter("ignore")
        model = algorithm("MlpPolicy", envs, seed=seed, device="cpu", **settings)
    return model, envs


def learn(
    model: BaseAlgorithm,
    config: "StableBaselinesConfig",
    stepped: Callable[[int], None],
    told: Callable[[Mapping[str, Any]], None],
) -> None:
    """Train ``model``, telling of every step and of every line that it would log."""
    model.set_logger(Logger(folder=None, output_formats=[_Tells(told)]))
    interval = 4
    if isinstance(model, OnPolicyAlgorithm):
        interval = max(1, config.steps // (ROWS * model.n_steps * config.environments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.learn(config.steps, callback=_Hears(stepped), log_interval=interval)


def moments(envs: VecEnv) -> tuple[np.ndarray, np.ndarray] | None:
    """Return mean and variance of the observations, ``None`` where they are not normalised."""
    if not isinstance(envs, VecNormalize) or not envs.norm_obs or isinstance(envs.obs_rms, dict):
        return None
    return envs.obs_rms.mean, envs.obs_rms.var


def _require_known(
    settings: Iterable[str], name: str, algorithm: Callable[..., BaseAlgorithm]
) -> None:
    known = set(inspect.signature(algorithm).parameters) - {"policy", "env", "seed", "device"}
    for setting in settings:
        if setting not in known:
            raise ConfigurationError(
                f"'{setting}' is no setting of Stable-Baselines3's {name}."
                f"{did_you_mean(setting, known)}"
            )
