"""What Stable-Baselines3 is told to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from restock.errors import ConfigurationError, did_you_mean, require

__all__ = ["ALGORITHMS", "StableBaselinesConfig"]

#: Each algorithm, and the actions that it needs.
ALGORITHMS: Mapping[str, str] = MappingProxyType(
    {
        "PPO": "any",
        "A2C": "any",
        "DQN": "discrete",
        "DDPG": "continuous",
        "TD3": "continuous",
        "SAC": "continuous",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StableBaselinesConfig:
    """What Stable-Baselines3 is told.

    ``algorithm`` is one of PPO, A2C, DQN, DDPG, TD3, SAC; ``settings`` are those of its
    constructor, all others its defaults. It plays ``steps`` environment steps in ``environments``
    side by side; its VecNormalize divides observations and rewards by running standard deviations
    where it ``scales_observations`` and ``scales_rewards``. Actions of DDPG, TD3 and SAC get normal
    ``noise`` of this standard deviation while it plays, in half-widths of the Box. Its policy is
    measured ``validations`` times on the way, and before the start, each time as the mean return of
    the same ``validation_episodes``.

    Raises :class:`ConfigurationError` for an unknown algorithm, a count that is no integer ≥ 1, and
    noise that is negative or that the algorithm does not know.
    """

    algorithm: str
    steps: int = 50_000
    environments: int = 1
    scales_observations: bool = False
    scales_rewards: bool = False
    noise: float = 0.0
    validations: int = 4
    validation_episodes: int = 32
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        if self.algorithm not in ALGORITHMS:
            raise ConfigurationError(
                f"algorithm '{self.algorithm}' is unknown."
                f"{did_you_mean(self.algorithm, ALGORITHMS)}"
            )
        for name in ("steps", "environments", "validations", "validation_episodes"):
            value = getattr(self, name)
            require(
                value >= 1 and value % 1 == 0,
                ConfigurationError,
                f"`{name}` must be an integer ≥ 1; got {value}. Give a whole number.",
            )
        require(
            self.noise == 0
            or (0 < self.noise < float("inf") and ALGORITHMS[self.algorithm] == "continuous"),
            ConfigurationError,
            f"`noise` must be ≥ 0 and finite, and 0 but for DDPG, TD3 and SAC; got {self.noise} for"
            f" {self.algorithm}. Try 0.1, or 0.",
        )
