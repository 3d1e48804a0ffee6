"""``restock backtest``: how good every rule was on days that it had not seen."""

from pathlib import Path
from typing import Any

from restock.cli.options import JsonOption, ProjectArgument

__all__ = ["backtest"]


def backtest(project: ProjectArgument = Path(), *, as_json: JsonOption = False) -> None:
    """Tune or train every rule before each test window, and let it face the window once.

    Writes summary.json (per rule: profit, cost, fill rate, turnover and lost sales with 95 %
    intervals, and the paired gain) into runs/backtest. Interrupted, training goes on from the
    last checkpoint.

    For example:

    - restock backtest my-shop
    - restock backtest my-shop --json
    """
    import json
    import shutil
    import time

    from restock.cli.places import check_writable
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json, print_text
    from restock.cli.threads import use_one_torch_thread
    from restock.planning import Project, open_planner
    from restock.reporting import backtest_report, standing, write_together

    opened = Project(project)
    folder = opened.runs / "backtest"
    check_writable(folder)
    use_one_torch_thread()
    started = time.perf_counter()
    with show_progress() as tell:
        planner = open_planner(opened, folder / "work", tell)
        case = planner.build_case()
        tell("forecast", "forecast", 1.0)
        test = planner.backtest(case)
        comparison = planner.compare(test)
        tell("backtest", "backtest", 1.0)
    place = standing(comparison)
    report = backtest_report(test, comparison, case.history)
    report["verdict"] = {"result": place.verdict, "sentence": place.sentence}
    report["seconds"] = time.perf_counter() - started
    file = folder / "summary.json"
    write_together({file: f"{json.dumps(report, indent=2, allow_nan=False)}\n"})
    shutil.rmtree(folder / "work", ignore_errors=True)
    if as_json:
        print_json(report)
        return
    _print_rules(report)
    print_text(place.sentence)
    print_text(f"Written: {file}")


def _print_rules(report: dict[str, Any]) -> None:
    from restock.cli.screen import print_table
    from restock.reporting.figures import amount, interval, label, share, signed_percent

    rows = []
    for name, row in report["policies"].items():
        gain = row["cost_gain_percent"] or {"value": None, "low": None, "high": None}
        ends = interval(signed_percent(gain["low"]), signed_percent(gain["high"]))
        rows.append(
            (
                label(name),
                amount(row["cost"]["value"]),
                amount(row["profit"]["value"]),
                share(row["fill_rate"]["value"]),
                amount(row["turnover"]["value"]),
                amount(row["lost_sales_units"]["value"]),
                signed_percent(gain["value"]),
                ends,
            )
        )
    bound = report["perfect_information"]
    if bound is not None:
        rows.append(
            (
                "Perfect information",
                amount(bound["cost"]),
                amount(bound["profit"]),
                share(bound["fill_rate"]),
                "",
                amount(bound["lost_sales_units"]),
                "",
                "",
            )
        )
    print_table(
        ("rule", "cost", "profit", "fill rate", "turns", "lost units", "cost gain", "95 %"), rows
    )
