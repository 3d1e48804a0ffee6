"""Settings drawn at random for each method of each side; the best few are tried again."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from restock.errors import TrainingError
from restock.evaluation import Parameters, StudySettings, markdown_table
from restock.evaluation.study.study_code import load_code
from restock.seeds import Seeds

Row = dict[str, Any]
Settings = dict[str, Any]

ALGORITHMS = Path(__file__).resolve().parents[1] / "algorithms"
DRAWS = Seeds(2026)


def keys(settings: StudySettings) -> list[Row]:
    """Return a row for each task and each method, ours or Stable-Baselines3's, that is searched."""
    played = _played(settings)
    return [
        {"task": task, "method": method, "library": library}
        for task, methods in settings.parameters["searched"].items()
        for method, library in _entrants(methods, played)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Search the settings of a method in a task."""
    torch.set_num_threads(1)
    parameters, played = settings.parameters, _played(settings)
    space = parameters["space"][key["library"]][key["method"]]
    by_hand = _methods().settings_by_hand(**key, parameters=played)
    tries = [by_hand]
    tries += [by_hand | _drawn(space, key, n) for n in range(1, parameters["candidates"])]
    scores = [[_score(key, each, played, parameters["first_seed"])] for each in tries]
    order = sorted(range(len(tries)), key=lambda n: -scores[n][0])
    finalists = order[: parameters["finalists"]]
    for n in finalists:
        more = range(1, parameters["runs"])
        scores[n] += [_score(key, tries[n], played, parameters["first_seed"] + k) for k in more]
    best = max(finalists, key=lambda n: np.mean(scores[n]))
    return {
        "settings": tries[best],
        "is_by_hand": best == 0,
        "best_mean_return": float(np.mean(scores[best])),
        "first_return_by_hand": scores[0][0],
        "first_returns": [first for first, *_ in scores],
        "failed": sum(not np.isfinite(first) for first, *_ in scores),
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return how often a drawn setting won."""
    return {
        "searches": len(rows),
        "tries_each": settings.parameters["candidates"],
        "won_by_hand": sum(row["is_by_hand"] for row in rows),
        "failed_tries": sum(row["failed"] for row in rows),
    }


def tables(rows: Sequence[Row], summary: Row, settings: StudySettings) -> str:
    """Return what was chosen."""
    del summary, settings
    names = ("task", "method", "library", "first_return_by_hand", "best_mean_return")
    lines = [
        {name: row[name] for name in names}
        | {"settings": ", ".join(f"{name} {value}" for name, value in row["settings"].items())}
        for row in rows
    ]
    return markdown_table(lines)


def _drawn(space: Parameters, key: Row, number: int) -> Settings:
    name = f"{key['task']} {key['method']} {key['library']} {number}"
    dice = np.random.default_rng(DRAWS.integer(name))
    return {knob: options[dice.integers(len(options))] for knob, options in space.items()}


def _score(key: Row, given: Settings, played: Parameters, seed: int) -> float:
    """Return the best validation return of a run, −∞ of one that failed."""
    try:
        run = _methods().train(**key, given=given, parameters=played, seeds=Seeds(seed))
    except (TrainingError, ValueError):
        # Stable-Baselines3 raises ValueError for a distribution of NaN
        return -np.inf
    return -float(run.best_validation_cost)


def _entrants(methods: Sequence[str], played: Parameters) -> list[tuple[str, str]]:
    rivals = [
        played["counterparts"][method]
        for method in methods
        if method not in played["kinds"]["table"]
    ]
    ours = [(method, "restock") for method in methods]
    return ours + [(rival, "sb3-tuned") for rival in dict.fromkeys(rivals)]


def _played(settings: StudySettings) -> Parameters:
    return StudySettings.read(ALGORITHMS / "study.toml", quick=settings.quick).parameters


def _methods() -> ModuleType:
    name = "restock_study_algorithms.methods"
    if name not in sys.modules:
        load_code(ALGORITHMS)
    return sys.modules[name]
