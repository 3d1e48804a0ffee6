"""The settings of the pathwise-gradient trainer."""

from dataclasses import dataclass

from restock.errors import ConfigurationError, require

__all__ = ["PathwiseConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwiseConfig:
    """How the pathwise gradient is followed.

    ``updates`` gradient steps on ``chains`` parallel paths (B), each step through ``window``
    periods (T). Chains are never reset: each window goes on from the last one's stock. New paths
    are drawn every ``episode_windows`` windows. The step size falls from ``learning_rate`` to 0
    by a cosine. ``departure_penalty`` pulls the policy towards its classical anchor: it adds
    penalty × mean u² to the loss, in units of the first window's cost. ``gradient_clip`` bounds
    the gradient's norm. Every ``validate_every`` updates the policy is measured on held-out paths
    and a checkpoint is written; after ``patience`` validations without improvement training
    stops. Validation runs ``validation_paths`` over ``validation_periods`` after
    ``validation_warm_up`` periods.
    """

    updates: int = 300
    chains: int = 512
    window: int = 32
    episode_windows: int = 1
    learning_rate: float = 1e-2
    departure_penalty: float = 0.0
    gradient_clip: float = 1.0
    validate_every: int = 25
    patience: int = 8
    validation_paths: int = 1024
    validation_periods: int = 200
    validation_warm_up: int = 50

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        counts = (
            "updates",
            "chains",
            "window",
            "episode_windows",
            "validate_every",
            "patience",
            "validation_paths",
            "validation_periods",
        )
        for name in counts:
            value = getattr(self, name)
            require(
                value >= 1 and value % 1 == 0,
                ConfigurationError,
                f"`{name}` must be an integer ≥ 1; got {value}. Give a whole number.",
            )
        require(
            0 < self.learning_rate < float("inf"),
            ConfigurationError,
            f"`learning_rate` must be > 0 and finite; got {self.learning_rate}. Try 0.01.",
        )
        require(
            0 <= self.departure_penalty < float("inf"),
            ConfigurationError,
            f"`departure_penalty` must be ≥ 0 and finite; got {self.departure_penalty}."
            " Use 0 to switch it off.",
        )
        require(
            self.validation_warm_up >= 0 and self.validation_warm_up % 1 == 0,
            ConfigurationError,
            f"`validation_warm_up` must be an integer ≥ 0; got {self.validation_warm_up}."
            " Use 0 to switch it off.",
        )
        require(
            self.gradient_clip > 0,
            ConfigurationError,
            f"`gradient_clip` must be > 0; got {self.gradient_clip}. Try 1.0.",
        )
