"""The settings of the demo: how large the generated company is, and what is learned from it."""

from pathlib import Path

from restock.planning.project import (
    Assumptions,
    BacktestSettings,
    DataSettings,
    ForecastSettings,
    ProjectSettings,
    TrainingSettings,
)
from restock.planning.source import read_records
from restock.records import DemoCompanyConfig, Records, generate_demo_company
from restock.seeds import Seeds

__all__ = ["demo_company_config", "demo_records", "demo_settings"]

GENERATED = "demo company"
"""The name of the generated company; a file or folder has its own."""


def demo_company_config(*, quick: bool = False) -> DemoCompanyConfig:
    """Return the size of the demo company; ``quick`` makes it small enough for half a minute."""
    return DemoCompanyConfig(n_products=30, n_days=320) if quick else DemoCompanyConfig()


def demo_settings(
    data: Path | None = None, preset: str = "", *, quick: bool = False
) -> ProjectSettings:
    """Return the settings of the demo, of the generated company or of real ``data``.

    ``data`` is a file in the form ``preset``, or without preset a folder of tables. A real file
    tells nothing of suppliers, so the products get lead times of 4, 7 and 12 trading days in
    turn. ``quick`` cuts products, forecaster and training.

    >>> demo_settings(quick=True).training.seeds
    1
    """
    settings = _of_data(data, preset)
    if not quick:
        return settings
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"products": 30}),
            "forecast": ForecastSettings(model="negative_binomial"),
            "training": TrainingSettings(seeds=1, updates=100),
            "backtest": BacktestSettings(weeks=4, tuning_weeks=12),
        }
    )


def demo_records(settings: ProjectSettings, *, quick: bool = False) -> Records:
    """Return the records of ``demo_settings``: the generated company's, or the real ones.

    Raises :class:`ConfigurationError` and :class:`InputError` as :func:`read_records` does.
    """
    if settings.name == GENERATED:
        return generate_demo_company(demo_company_config(quick=quick), Seeds(settings.seed)).records
    return read_records(settings.data, Path())


def _of_data(data: Path | None, preset: str) -> ProjectSettings:
    if data is None:
        return ProjectSettings(name=preset or GENERATED, data=DataSettings(preset=preset))
    where = data.absolute()
    return ProjectSettings(
        name=preset or where.stem,
        data=DataSettings(file=str(where), preset=preset)
        if preset or not where.is_dir()
        else DataSettings(folder=str(where)),
        assumptions=Assumptions(lead_time_days=[4, 7, 12]),
    )
