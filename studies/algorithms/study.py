"""Each model-free method beside Stable-Baselines3's, on shops and on Gymnasium's tasks."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from restock.evaluation import Parameters, StudySettings, markdown_table
from restock.evaluation.across_seeds import SeedSummary, seed_summary
from restock.seeds import Seeds

from .methods import DEFAULT, OURS, TUNED, kind_of, kind_of_rival, settings_for, train
from .tasks import judge

Row = dict[str, Any]


def keys(settings: StudySettings) -> list[Row]:
    """Return a row for each task, method and seed; defaults beside what is tuned play one seed."""
    parameters = settings.parameters
    return [
        {"task": task, "method": method, "library": library, "seed": seed}
        for task in parameters["tasks"]
        for method, library in _entrants(task, parameters)
        for seed in range(settings.seeds)
        if seed == 0 or library != DEFAULT or not _is_tuned(method, task, parameters)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Train, and judge what was learned."""
    torch.set_num_threads(1)
    parameters = settings.parameters
    player = {name: key[name] for name in ("task", "method", "library")}
    given = settings_for(**player, parameters=parameters)
    run = train(**player, given=given, parameters=parameters, seeds=Seeds(key["seed"]))
    curve = [
        [row.steps, -row.validation_cost] for row in run.log if row.validation_cost is not None
    ]
    return {
        **judge(run.policy, parameters["tasks"][key["task"]], parameters),
        "steps": run.steps,
        "train_seconds": run.seconds,
        "steps_per_second": run.steps / run.seconds,
        "curve": curve,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return how many methods are not below their rivals, and how much faster they play."""
    lines = list(_lines(rows, settings.parameters))
    same = [line for line in lines if line["same_steps"]]
    own = [line for line in same if line["gap_percent"] is not None]
    summary: Row = {
        "methods_and_tasks": len(same),
        "not_below_rival": sum(line["not_below"] for line in same),
        "mean_above_rival": sum(line["ours"] >= line["rival"] for line in same),
        "below_rival": ", ".join(
            f"{line['method']} on {line['task']}" for line in same if not line["not_below"]
        ),
    }
    for label, group in (("own_worlds", own), ("all_tasks", same)):
        ratios = [line["speed_ratio"] for line in group]
        tuned = [line["tuned_speed_ratio"] for line in group if line["tuned_speed_ratio"]]
        if ratios:
            summary[f"median_speed_ratio_{label}"] = float(np.median(ratios))
            summary[f"min_speed_ratio_{label}"] = float(np.min(ratios))
        if tuned:
            summary[f"median_speed_ratio_to_tuned_{label}"] = float(np.median(tuned))
    return summary


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return a table for each task, and the learning curves as numbers."""
    del summary
    parts = []
    for task in settings.parameters["tasks"]:
        lines = [line for line in _lines(rows, settings.parameters) if line["task"] == task]
        if lines:
            parts += [f"### {task}", markdown_table([_written(line) for line in lines])]
    parts += ["### Learning curves", "Validation return at the steps played, mean over seeds."]
    parts.append(markdown_table(_curves(rows)))
    return "\n\n".join(parts)


def _entrants(task: str, parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Yield method and library of all who take part in a task."""
    methods = parameters["tasks"][task]["methods"]
    for rival in dict.fromkeys(parameters["counterparts"][method] for method in methods):
        yield rival, DEFAULT
        if _is_tuned(rival, task, parameters):
            yield rival, TUNED
    for method in methods:
        yield method, OURS


def _is_tuned(rival: str, task: str, parameters: Parameters) -> bool:
    return task not in parameters["defaults_only"].as_dict().get(rival, ())


def _lines(rows: Sequence[Row], parameters: Parameters) -> Iterator[Row]:
    """Yield a line for each of our methods in each task whose rival was run too."""
    for task in parameters["tasks"]:
        for method in parameters["tasks"][task]["methods"]:
            rival = parameters["counterparts"][method]
            ours = _of(rows, task, method, OURS)
            default, tuned = (_of(rows, task, rival, library) for library in (DEFAULT, TUNED))
            if ours and (default or tuned):
                yield _line(task, method, rival, ours, default, tuned, parameters)


def _line(
    task: str,
    method: str,
    rival: str,
    ours: list[Row],
    default: list[Row],
    tuned: list[Row],
    parameters: Parameters,
) -> Row:
    mine = _spread(ours)
    others = [_spread(rows) for rows in (default, tuned) if rows]
    best = max(others, key=lambda spread: spread.interquartile_mean)
    speed, plain, quick = (_speed(rows) for rows in (ours, default, tuned))
    gaps = [[row["gap_percent"] for row in rows if "gap_percent" in row] for rows in (ours, tuned)]
    return {
        "task": task,
        "method": method,
        "rival_method": rival,
        "same_steps": kind_of(method, parameters) == kind_of_rival(rival, parameters),
        "ours": mine.interquartile_mean,
        "ours_spread": mine,
        "default": _spread(default) if default else None,
        "tuned": _spread(tuned) if tuned else None,
        "rival": best.interquartile_mean,
        "not_below": _high(mine) >= _low(best),
        "gap_percent": float(np.mean(gaps[0])) if gaps[0] else None,
        "tuned_gap_percent": float(np.mean(gaps[1])) if gaps[1] else None,
        "steps": int(np.mean([row["steps"] for row in ours])),
        "steps_per_second": speed,
        "speed_ratio": speed / max(plain or quick, 1e-9),
        "tuned_speed_ratio": speed / quick if quick else None,
    }


def _of(rows: Sequence[Row], task: str, method: str, library: str) -> list[Row]:
    wanted = (task, method, library)
    return [row for row in rows if (row["task"], row["method"], row["library"]) == wanted]


def _spread(rows: Sequence[Row]) -> SeedSummary:
    return seed_summary([row["final_return"] for row in rows])


def _speed(rows: Sequence[Row]) -> float:
    return float(np.median([row["steps_per_second"] for row in rows])) if rows else 0.0


def _high(spread: SeedSummary) -> float:
    return spread.interquartile_mean if np.isnan(spread.high) else spread.high


def _low(spread: SeedSummary) -> float:
    return spread.interquartile_mean if np.isnan(spread.low) else spread.low


def _written(line: Row) -> Row:
    steps = f"{line['steps']:,}" + ("" if line["same_steps"] else " (not the rival's)")
    written: Row = {
        "method": line["method"],
        "steps": steps,
        "return": _figure(line["ours_spread"]),
        "rival": line["rival_method"],
        "its return by default": _figure(line["default"]),
        "its return tuned": _figure(line["tuned"]),
        "not below": "yes" if line["not_below"] else "no",
        "steps/s": f"{line['steps_per_second']:.0f}",
        "× rival by default": f"{line['speed_ratio']:.1f}",
        "× rival tuned": f"{line['tuned_speed_ratio']:.1f}" if line["tuned_speed_ratio"] else "",
    }
    if line["gap_percent"] is not None:
        written["gap to the optimum %"] = f"{line['gap_percent']:.2f}"
    if line["tuned_gap_percent"] is not None:
        written["rival's tuned %"] = f"{line['tuned_gap_percent']:.2f}"
    return written


def _figure(spread: SeedSummary | None) -> str:
    if spread is None:
        return ""
    if np.isnan(spread.low):
        return f"{spread.interquartile_mean:.1f}"
    return f"{spread.interquartile_mean:.1f} [{spread.low:.1f}, {spread.high:.1f}]"


def _curves(rows: Sequence[Row]) -> list[Row]:
    lines = []
    for task, method, library in dict.fromkeys(
        (row["task"], row["method"], row["library"]) for row in rows
    ):
        curves = [row["curve"] for row in _of(rows, task, method, library)]
        points = zip(*curves, strict=False)
        told = [
            f"{round(np.mean([p[0] for p in point])):,}: {np.mean([p[1] for p in point]):.1f}"
            for point in points
        ]
        lines.append(
            {"task": task, "method": method, "library": library, "return": " → ".join(told)}
        )
    return lines
