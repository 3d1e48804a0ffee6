"""Opening a project: its settings, its records and the planner that works on both."""

from pathlib import Path

from restock.forecasting import forecaster
from restock.planning.pipeline import Planner, Progress
from restock.planning.project import Project
from restock.planning.source import read_records

__all__ = ["open_planner"]


def open_planner(project: Project, work: Path | None, progress: Progress) -> Planner:
    """Read a project's records and return its planner; ``work`` is for training checkpoints.

    Names of rules and forecasters are looked up at once, so that a misspelt one costs no waiting.

    Raises :class:`ConfigurationError` and :class:`InputError` as reading and planning do.
    """
    forecaster(project.settings.forecast.model)
    progress("check", "reading the records", 0.0)
    records = read_records(project.settings.data, project.folder)
    progress("check", "reading the records", 1.0)
    planner = Planner(project.settings, records, work, progress)
    planner.rule(project.settings.rule, "train")
    return planner
