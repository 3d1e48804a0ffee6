"""Every error that restock raises on purpose.

::

    RestockError                 the base: catch this to catch them all
    ├── InputError               a file, table or column cannot be used as it is
    ├── ConfigurationError       a setting is unknown or outside its range
    ├── InstanceError            a product, lane or cost contradicts the model
    ├── CheckpointError          a saved run does not fit the run at hand
    ├── TrainingError            training cannot go on (loss not finite, …)
    └── OptimalityError          an exact method cannot certify its answer

A message says what was given, what is allowed and what to do. Command-line doors print it alone
and leave with exit code 2.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CheckpointError",
    "ConfigurationError",
    "InputError",
    "InstanceError",
    "OptimalityError",
    "RestockError",
    "TrainingError",
    "did_you_mean",
    "require",
]


class RestockError(Exception):
    """Base of every error raised on purpose."""


class InputError(RestockError):
    """A file, table or column cannot be used as it is."""


class ConfigurationError(RestockError):
    """A setting is unknown or outside its range."""


class InstanceError(RestockError):
    """A product, lane or cost contradicts the model."""


class CheckpointError(RestockError):
    """A saved run does not fit the run at hand."""


class TrainingError(RestockError):
    """Training cannot go on."""


class OptimalityError(RestockError):
    """An exact method cannot certify its answer."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, else the list of known names.

    >>> did_you_mean("base_stok", ["base_stock", "constant"])
    " Did you mean 'base_stock'?"
    >>> did_you_mean("zzz", ["base_stock", "constant"])
    ' Known: base_stock, constant.'
    """
    names = sorted(known)
    close = get_close_matches(given, names, n=1)
    return f" Did you mean '{close[0]}'?" if close else f" Known: {', '.join(names)}."


def require(holds: bool, error: type[RestockError], message: str) -> None:  # noqa: FBT001
    """Raise ``error(message)`` unless ``holds``; write conditions so that NaN fails them.

    >>> require(float("nan") >= 0, InstanceError, "`holding_cost` must be ≥ 0; got nan.")
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `holding_cost` must be ≥ 0; got nan.
    """
    if not holds:
        raise error(message)
