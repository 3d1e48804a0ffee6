"""How demand follows what customers remember: one rule a class."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require

__all__ = ["GoodwillEffect", "LinearGoodwill", "PowerGoodwill"]

LEAST_SATISFACTION = 1e-6
"""What a power is taken of at least, so that its slope stays finite."""


@runtime_checkable
class GoodwillEffect(Protocol):
    """How demand follows satisfaction."""

    def multiplier(
        self, satisfaction: Float[Tensor, "#B 1 D"], initial: float
    ) -> Float[Tensor, "#B 1 D"]:
        """Return what demand is multiplied by, ≥ 0 and 1 at ``initial``."""
        ...


@dataclass(frozen=True, slots=True)
class PowerGoodwill:
    """Demand is multiplied by (s / s₀)^κ; ``exponent`` (κ ≥ 0) has no unit.

    Raises :class:`ConfigurationError` when κ is negative, NaN or infinite.

    >>> import torch
    >>> PowerGoodwill(2.0).multiplier(torch.full((1, 1, 1), 0.4), 0.8).item()
    0.25
    """

    exponent: float

    def __post_init__(self) -> None:
        """Check the exponent."""
        _check("exponent", self.exponent)

    def multiplier(
        self, satisfaction: Float[Tensor, "#B 1 D"], initial: float
    ) -> Float[Tensor, "#B 1 D"]:
        """Return (s / s₀)^κ."""
        return (satisfaction.clamp_min(LEAST_SATISFACTION) / initial) ** self.exponent


@dataclass(frozen=True, slots=True)
class LinearGoodwill:
    """Demand is multiplied by (1 + κ (s − s₀))⁺; ``slope`` (κ ≥ 0) is per point of satisfaction.

    Raises :class:`ConfigurationError` when κ is negative, NaN or infinite.

    >>> import torch
    >>> LinearGoodwill(0.5).multiplier(torch.full((1, 1, 1), 0.25), 0.75).item()
    0.75
    """

    slope: float

    def __post_init__(self) -> None:
        """Check the slope."""
        _check("slope", self.slope)

    def multiplier(
        self, satisfaction: Float[Tensor, "#B 1 D"], initial: float
    ) -> Float[Tensor, "#B 1 D"]:
        """Return (1 + κ (s − s₀))⁺."""
        return (1 + self.slope * (satisfaction - initial)).clamp_min(0)


def _check(name: str, value: float) -> None:
    require(
        0 <= value < math.inf,
        ConfigurationError,
        f"`{name}` must be finite and ≥ 0; got {value}. Use 0 where service moves no demand.",
    )
