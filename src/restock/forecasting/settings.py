"""Checks that the forecasters' configurations share."""

import numpy as np

from restock.errors import ConfigurationError, require

__all__ = ["check_levels", "check_positive", "check_smoothing"]


def check_smoothing(name: str, value: float) -> None:
    """Refuse a smoothing constant outside (0, 1]."""
    require(
        0 < value <= 1,
        ConfigurationError,
        f"`{name}` must lie in (0, 1]; got {value}. Usual values are 0.05 to 0.3.",
    )


def check_positive(name: str, value: int, unit: str) -> None:
    """Refuse a count below 1."""
    require(
        value >= 1,
        ConfigurationError,
        f"`{name}` must be an integer ≥ 1; got {value}. It counts {unit}.",
    )


def check_levels(levels: tuple[float, ...]) -> None:
    """Refuse quantile levels that are not two or more increasing numbers in (0, 1)."""
    values = np.array(levels)
    require(
        values.size >= 2
        and bool((values > 0).all() and (values < 1).all() and (np.diff(values) > 0).all()),
        ConfigurationError,
        f"`levels` must be two or more numbers that increase inside (0, 1); got {levels}."
        " Sort them and drop repeated ones.",
    )
