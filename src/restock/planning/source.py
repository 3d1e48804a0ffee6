"""Where a project's records come from: its folder of tables, or one file in a known form."""

from pathlib import Path

from restock.errors import ConfigurationError, require
from restock.planning.project import DataSettings
from restock.records import PRESETS, Records, read_folder, read_preset

__all__ = ["read_records"]


def read_records(data: DataSettings, base: Path) -> Records:
    """Read what ``data`` names; its paths count from the folder ``base``.

    Raises :class:`ConfigurationError` when of ``file`` and ``preset`` only one is given or the
    preset is unknown, and :class:`InputError` when the records cannot be used.

    >>> read_records(DataSettings(file="lines.csv"), Path())
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: file 'lines.csv' is given without a preset. Name the form \
that it is in (online-retail), or put the tables into a folder of their own.
    """
    if not data.file and not data.preset:
        return read_folder(base / data.folder)
    require(
        bool(data.preset),
        ConfigurationError,
        f"file '{data.file}' is given without a preset. Name the form that it is in"
        f" ({', '.join(PRESETS)}), or put the tables into a folder of their own.",
    )
    require(
        bool(data.file),
        ConfigurationError,
        f"preset '{data.preset}' is given without a file. Name the file that is in this form.",
    )
    return read_preset(data.preset, base / data.file)
