"""A study's code: ``study.py``, loaded by its path, and what it must define."""

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from restock.errors import InputError, require
from restock.evaluation.study.settings import StudySettings

__all__ = ["Key", "Row", "StudyCode", "load_code"]

Key: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]

_REQUIRED = ("keys", "run_row", "summarise")


@dataclass(frozen=True, slots=True)
class StudyCode:
    """What ``study.py`` defines.

    ``keys(settings)`` lists the rows, one dict each (instance, method, seed). ``run_row(key,
    settings)`` makes one row's figures. ``summarise(rows, settings)`` makes the summary; a row is
    its key and its figures in one dict, and with ``--only`` some rows are absent.
    ``tables(rows, summary, settings)``, if defined, returns the tables of ``results.md``.
    ``sources`` are the folder's Python files, for the fingerprint.
    """

    keys: Callable[[StudySettings], list[Key]]
    run_row: Callable[[Key, StudySettings], Row]
    summarise: Callable[[Sequence[Row], StudySettings], dict[str, Any]]
    tables: Callable[[Sequence[Row], Mapping[str, Any], StudySettings], str] | None
    sources: tuple[bytes, ...]


def load_code(folder: Path) -> StudyCode:
    """Load ``study.py`` of ``folder``; it may import its neighbours relatively (``from .x``).

    Raises :class:`InputError` when the file or one of its functions is missing.
    """
    path = folder / "study.py"
    require(
        path.is_file(),
        InputError,
        f"study '{folder.name}' has no study.py in {folder}. A study is a folder with study.toml"
        f" and study.py, which defines {', '.join(_REQUIRED)}.",
    )
    module = _import(path)
    functions = {name: getattr(module, name, None) for name in (*_REQUIRED, "tables")}
    for name in _REQUIRED:
        require(
            callable(functions[name]),
            InputError,
            f"{path} does not define `{name}`. A study defines {', '.join(_REQUIRED)}.",
        )
    sources = tuple(file.read_bytes() for file in sorted(folder.rglob("*.py")))
    return StudyCode(**functions, sources=sources)  # type: ignore[arg-type]


def _import(path: Path) -> ModuleType:
    name = "restock_study_" + re.sub(r"\W", "_", path.parent.name)
    for stale in [loaded for loaded in sys.modules if loaded.split(".")[0] == name]:
        del sys.modules[stale]  # another folder may hold a study of the same name
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[str(path.parent)]
    )
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded as Python. Rename it to study.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
