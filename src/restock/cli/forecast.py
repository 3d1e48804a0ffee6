"""``restock forecast``: what is expected, and how good such beliefs were."""

from pathlib import Path

from restock.cli.options import JsonOption, ProjectArgument

__all__ = ["forecast"]


def forecast(project: ProjectArgument = Path(), *, as_json: JsonOption = False) -> None:
    """Forecast each product over its lead time, and score the forecasters on past weeks.

    Writes forecast.csv (units over lead time and the next day: mean, sd, quantiles) and
    scores.json into runs/forecast. WQL is held against the seasonal naive forecast: below 1 is
    better.

    For example:

    - restock forecast my-shop
    - restock forecast my-shop --json
    """
    import json

    from restock.cli.places import check_writable
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json, print_table, print_text
    from restock.cli.threads import use_one_torch_thread
    from restock.planning import Project, open_planner, outlook
    from restock.reporting import forecast_report, write_together

    opened = Project(project)
    folder = opened.runs / "forecast"
    check_writable(folder)
    use_one_torch_thread()
    with show_progress() as tell:
        planner = open_planner(opened, None, tell)
        case = planner.build_case()
        scores = forecast_report(planner.score_forecasts(case))
        tell("forecast", "forecast", 1.0)
    table = outlook(case)
    files = {
        folder / "forecast.csv": table.write_csv(),
        folder / "scores.json": f"{json.dumps(scores, indent=2)}\n",
    }
    write_together(files)
    if as_json:
        print_json({"model": opened.settings.forecast.model, "scores": scores, "files": [*files]})
        return
    figures = ("wql_relative", "rmsse", "wape", "bias", "coverage_80")
    print_table(
        ("forecaster", "WQL / naive", "RMSSE", "WAPE", "bias", "coverage 80 %"),
        [(row["forecaster"], *(_shown(row[name]) for name in figures)) for row in scores],
    )
    print_text(f"{table.height} products are forecast with {opened.settings.forecast.model}.")
    print_text(f"Written: {', '.join(str(file) for file in files)}")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
