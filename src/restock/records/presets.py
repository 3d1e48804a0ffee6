"""Readers for exports whose layout is known, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from restock.errors import ConfigurationError, did_you_mean, require
from restock.records.online_retail import read_online_retail
from restock.records.tables import Records

__all__ = ["PRESETS", "read_preset"]

PRESETS: Mapping[str, Callable[[Path], Records]] = {"online-retail": read_online_retail}


def read_preset(name: str, path: Path) -> Records:
    """Read ``path`` with the preset called ``name``.

    Raises :class:`ConfigurationError` for an unknown name, :class:`InputError` for a bad file.

    >>> read_preset("online-retial", Path("lines.csv"))
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: preset 'online-retial' is unknown. Did you mean \
'online-retail'?
    """
    require(
        name in PRESETS,
        ConfigurationError,
        f"preset '{name}' is unknown.{did_you_mean(name, PRESETS)}",
    )
    return PRESETS[name](path)
