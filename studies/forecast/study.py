"""Forecasts of lead-time demand on a real shop's orders, rolling origin."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from restock.demand import DemandHistory, recorded_history
from restock.errors import InputError
from restock.evaluation import StudySettings, markdown_table
from restock.forecasting import forecaster, rolling_backtest
from restock.planning import rolling_windows
from restock.records import read_preset

Row = dict[str, Any]


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per model."""
    return [{"model": model} for model in settings.parameters["models"]]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Score one model at every origin."""
    history, origins, per_window = _ground(settings)
    leads = settings.parameters["lead_time_days"]
    horizon = np.array([leads[k % len(leads)] + 1 for k in range(history.n_products)])
    row = rolling_backtest(
        history, [forecaster(key["model"])], horizon, origins, refit_every=per_window
    )[0]
    return {
        "wql": row.wql,
        "wql_relative": row.wql_relative,
        "rmsse": row.rmsse,
        "wape": row.wape,
        "bias": row.bias,
        "coverage_80": row.coverage_80,
        "origins": row.n_origins,
        "cells": row.n_cells,
        "fit_seconds": row.fit_seconds,
        "predict_seconds": row.predict_seconds,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return each model's WQL relative to seasonal naive, and the best model."""
    del settings
    relative = {row["model"]: row["wql_relative"] for row in rows}
    return {"wql_relative": relative, "best_model": min(relative, key=lambda name: relative[name])}


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return one line per model, the best first."""
    del summary, settings
    return markdown_table(
        [
            {
                "model": row["model"],
                "WQL / seasonal naive": f"{row['wql_relative']:.3f}",
                "WQL": f"{row['wql']:.4f}",
                "RMSSE": f"{row['rmsse']:.3f}",
                "WAPE": f"{row['wape']:.3f}",
                "bias": f"{row['bias']:+.3f}",
                "80 % coverage": f"{row['coverage_80']:.3f}",
                "fit, s": f"{row['fit_seconds']:.1f}",
            }
            for row in sorted(rows, key=lambda row: float(row["wql_relative"]))
        ]
    )


def _ground(settings: StudySettings) -> tuple[DemandHistory, np.ndarray, int]:
    """Return the history, the weekly origins of all windows, and how many a window has."""
    values = settings.parameters
    shared = Path(os.environ.get("RESTOCK_SHARED", Path.cwd().parent / "shared"))
    path = shared / values["file"]
    if not path.exists():
        raise InputError(
            f"{path} is missing. The study needs the real data: run it from the project's root"
            " with ../shared beside it, or set RESTOCK_SHARED."
        )
    records = read_preset("online-retail", path)
    every = recorded_history(records, products=values["products"])
    windows = rolling_windows(every.n_days, values["windows"], values["window_days"])
    until = every.dates[windows[0].start - 1]
    chosen = recorded_history(records, products=values["products"], until=until).product_ids
    history = recorded_history(records, products=list(chosen))
    step, longest = values["origin_step_days"], max(values["lead_time_days"]) + 1
    starts = [np.arange(window.start, window.stop, step) for window in windows]
    origins = np.concatenate(starts)
    return history, origins[origins <= history.n_days - longest], len(starts[0])
