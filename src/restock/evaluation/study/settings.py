"""A study's settings: what ``study.toml`` may say, read and checked.

::

    question = "How far from optimal is the learned policy?"
    protocol = "Every instance of …, evaluated exactly."
    seeds = 3

    [parameters]
    updates = 2000

    [quick]
    seeds = 1
    parameters.updates = 50
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restock.errors import ConfigurationError, InputError, did_you_mean, require

__all__ = ["Parameters", "StudySettings"]

_KEYS = ("question", "protocol", "seeds", "parameters", "quick")
_QUICK_KEYS = ("seeds", "parameters")


class Parameters(Mapping[str, Any]):
    """The ``[parameters]`` of a study; a name that is not there is an error with a remedy.

    >>> Parameters({"updates": 50})["update"]
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: study.toml has no parameter 'update' in [parameters]. \
Did you mean 'updates'?
    """

    def __init__(self, values: Mapping[str, Any], table: str = "parameters") -> None:
        self._values = dict(values)
        self._table = table

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - TOML values are what the file says
        """Return the parameter; a table within is again :class:`Parameters`."""
        if name not in self._values:
            raise ConfigurationError(
                f"study.toml has no parameter '{name}' in [{self._table}]."
                f"{did_you_mean(name, self._values)}"
            )
        value = self._values[name]
        return Parameters(value, f"{self._table}.{name}") if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def as_dict(self) -> dict[str, Any]:
        """Return the plain values."""
        return dict(self._values)


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What a study is told: its question, its protocol, how many seeds, and its parameters.

    ``seeds`` is a count ≥ 1; the study's seeds are 0 … seeds − 1. ``quick`` says that this is the
    cut that ends within a minute, with the overrides of ``[quick]`` already in place.
    """

    name: str
    question: str
    protocol: str
    seeds: int
    parameters: Parameters
    quick: bool = False

    @classmethod
    def read(cls, path: Path, *, quick: bool = False) -> "StudySettings":
        """Read ``study.toml``.

        Raises :class:`InputError` when the file is missing or no TOML, and
        :class:`ConfigurationError` for a missing or misspelt key or a number of seeds below 1.
        """
        table = _load(path)
        _refuse_unknown(table, _KEYS, path, "study.toml")
        cut = _table(table.get("quick", {}), path, "quick")
        _refuse_unknown(cut, _QUICK_KEYS, path, "[quick]")
        given = _table(table.get("parameters", {}), path, "parameters")
        overrides = _table(cut.get("parameters", {}), path, "quick.parameters")
        merged = _override(given, overrides, path, "parameters")
        settings = cls(
            name=path.parent.name,
            question=_text(table, "question", path),
            protocol=_text(table, "protocol", path),
            seeds=_seeds(table.get("seeds", 1), path),
            parameters=Parameters(given),
        )
        if not quick:
            return settings
        seeds = _seeds(cut.get("seeds", settings.seeds), path)
        return replace(settings, seeds=seeds, parameters=Parameters(merged), quick=True)

    def with_seeds(self, seeds: int) -> "StudySettings":
        """Return the settings with another number of seeds."""
        require(
            seeds >= 1,
            ConfigurationError,
            f"`--seeds` must be ≥ 1; got {seeds}. Give the number of seeds to run.",
        )
        return replace(self, seeds=seeds)

    def fingerprint(self, sources: Iterable[bytes] = ()) -> str:
        """Return 12 hex digits that change when a setting or one of ``sources`` changes."""
        said = [self.seeds, self.quick, self.parameters.as_dict()]
        digest = hashlib.blake2b(json.dumps(said, sort_keys=True, default=str).encode())
        for source in sources:
            digest.update(hashlib.blake2b(source).digest())
        return digest.hexdigest()[:12]


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"study file {path} cannot be read ({error.strerror}). A study is a folder with"
            " study.toml and study.py."
        ) from error
    except ValueError as error:
        raise InputError(f"study file {path} is not TOML: {error}. Correct that line.") from error


def _refuse_unknown(
    table: Mapping[str, object], known: Iterable[str], path: Path, where: str
) -> None:
    known = tuple(known)
    for name in table:
        if name not in known:
            raise ConfigurationError(
                f"unknown key '{name}' in {where} of {path}.{did_you_mean(name, known)}"
            )


def _table(value: object, path: Path, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"`{name}` in {path} must be a table; got {value!r}. Write it as [{name}]."
        )
    return value


def _text(table: Mapping[str, object], name: str, path: Path) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            f"`{name}` in {path} must be a text; got {value!r}. Say the {name} in a sentence."
        )
    return value.strip()


def _seeds(value: object, path: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(
            f"`seeds` in {path} must be an integer ≥ 1; got {value!r}. It is how many seeds to run."
        )
    return value


def _override(
    base: Mapping[str, Any], overrides: Mapping[str, Any], path: Path, where: str
) -> dict[str, Any]:
    _refuse_unknown(overrides, base, path, f"[quick.{where}]")
    merged = dict(base)
    for name, value in overrides.items():
        nested = isinstance(value, dict) and isinstance(base[name], dict)
        merged[name] = _override(base[name], value, path, f"{where}.{name}") if nested else value
    return merged
