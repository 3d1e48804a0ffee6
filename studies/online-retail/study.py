"""A real shop: tuned classical rules and the learned policy on raw order lines."""

import os
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restock.demand import recorded_history
from restock.errors import InputError
from restock.evaluation import Outcome, StudySettings, markdown_table, paired_gain
from restock.forecasting import forecaster
from restock.planning import (
    CLASSICAL_RULES,
    Assumptions,
    LearnedConfig,
    LearnedRule,
    PlanningCase,
    TuningGround,
    Window,
    face,
    hindsight_bound,
    instance_of,
    rolling_windows,
)
from restock.policies import Ensemble
from restock.records import read_preset
from restock.seeds import Seeds

Row = dict[str, Any]
BOUND, LEARNED, LINEAR = "perfect_information", "learned", "linear_trained"


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per cost setting, window and rule."""
    rules = [*(rule.name for rule in CLASSICAL_RULES), LINEAR, LEARNED, BOUND]
    return [
        {"setting": setting, "window": window, "rule": rule}
        for setting in settings.parameters["settings"]
        for window in range(settings.parameters["windows"])
        for rule in rules
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Tune one rule before one window and let it face the window."""
    torch.set_num_threads(settings.parameters["threads"])
    case, windows = _case(settings, key["setting"])
    window = windows[key["window"]]
    days = {
        "from": str(case.history.dates[window.start]),
        "to": str(case.history.dates[window.stop - 1]),
    }
    if key["rule"] == BOUND:
        bound = hindsight_bound(case, [window])
        return {
            **days,
            "cost": bound.cost,
            "profit": bound.profit,
            "lost_sales_units": bound.lost_sales_units,
            "fill_rate": bound.fill_rate,
        }
    ground = TuningGround(case, settings.parameters["first_tuning_day"], window.start)
    started = time.perf_counter()
    if key["rule"] in {LEARNED, LINEAR}:
        outcome, members = _learned(key["rule"], case, window, ground, settings)
    else:
        rule = next(rule for rule in CLASSICAL_RULES if rule.name == key["rule"])
        outcome, members = face(case, window, rule.tune(ground)), []
    return {
        **days,
        **_figures(outcome),
        "seconds": time.perf_counter() - started,
        "member_costs": [member.cost().total for member in members],
        "cost_by_product": np.round(outcome.cost().per_product, 3).tolist(),
        "profit_by_product": np.round(outcome.profit().per_product, 3).tolist(),
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return the gains of the learned policy per setting, with 95 % intervals."""
    summary: Row = {}
    for setting in dict.fromkeys(row["setting"] for row in rows):
        mine = [row for row in rows if row["setting"] == setting]
        classical = [rule.name for rule in CLASSICAL_RULES if _of(mine, rule.name)]
        if not classical or not _of(mine, LEARNED):
            continue
        least = min(classical, key=lambda name: _total(mine, name, "cost"))
        most = max(classical, key=lambda name: _total(mine, name, "profit"))
        entry: Row = {
            "reference_by_cost": least,
            "reference_by_profit": most,
            "profit_gain_percent": _gain(mine, most, "profit", settings),
            "cost_gain_percent": _gain(mine, least, "cost", settings),
        }
        if _of(mine, LINEAR):
            entry["cost_gain_on_linear_percent"] = _gain(mine, LINEAR, "cost", settings)
        members = np.array([row["member_costs"] for row in _of(mine, LEARNED)]).sum(0)
        reference = _total(mine, least, "cost")
        entry["cost_gain_percent_of_single_seeds"] = (
            100 * (reference - members) / reference
        ).tolist()
        summary[setting] = entry
    return summary


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return one table per setting, all windows together, and the verdict in a sentence."""
    parts = []
    for setting, entry in summary.items():
        mine = [row for row in rows if row["setting"] == setting]
        names = [name for name in dict.fromkeys(row["rule"] for row in mine) if name != BOUND]
        lines = [_line(mine, name, settings) for name in names]
        bound = _of(mine, BOUND)
        if bound:
            lines.append(
                {
                    "rule": "perfect information (bound)",
                    "profit": f"{sum(row['profit'] for row in bound):,.0f}",
                    "cost": f"{sum(row['cost'] for row in bound):,.0f}",
                    "fill rate": f"{np.mean([row['fill_rate'] for row in bound]):.3f}",
                    "turnover a year": "",
                    "cost saved by learned, %": "",
                    "tuning, s": "",
                }
            )
        parts.append(f"## {setting}\n\n{markdown_table(lines)}\n\n{_verdict(setting, entry)}")
    return "\n\n".join(parts)


def _line(mine: list[Row], name: str, settings: StudySettings) -> Row:
    part = _of(mine, name)
    sold = sum(row["sold"] for row in part)
    gain = _gain(mine, name, "cost", settings) if name != LEARNED else None
    return {
        "rule": name,
        "profit": f"{_total(mine, name, 'profit'):,.0f}",
        "cost": f"{_total(mine, name, 'cost'):,.0f}",
        "fill rate": f"{sold / sum(row['demand'] for row in part):.3f}",
        "turnover a year": f"{305 * sold / sum(row['stock'] for row in part):.1f}",
        "cost saved by learned, %": ""
        if gain is None
        else f"{gain['value']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}]",
        "tuning, s": f"{sum(row['seconds'] for row in part):.0f}",
    }


def _verdict(setting: str, entry: Row) -> str:
    cost, profit = entry["cost_gain_percent"], entry["profit_gain_percent"]

    def say(gain: Row) -> str:
        sign = "wins" if gain["low"] > 0 else "loses" if gain["high"] < 0 else "is not told apart"
        return f"{gain['value']:+.2f} % [{gain['low']:+.2f}, {gain['high']:+.2f}]: it {sign}"

    return (
        f"In `{setting}` the learned policy saves {say(cost)}, against"
        f" `{entry['reference_by_cost']}`, the classical rule with the least cost. Its profit is"
        f" {say(profit)}, against `{entry['reference_by_profit']}`."
    )


def _of(rows: list[Row], rule: str) -> list[Row]:
    return [row for row in rows if row["rule"] == rule]


def _total(rows: list[Row], rule: str, figure: str) -> float:
    return float(sum(row[figure] for row in _of(rows, rule)))


def _gain(rows: list[Row], rival: str, figure: str, settings: StudySettings) -> Row:
    """Return what the learned policy gains on a rival, positive where it is better."""
    name = f"{figure}_by_product"
    ours = np.array([row[name] for row in _of(rows, LEARNED)])
    theirs = np.array([row[name] for row in _of(rows, rival)])
    gain = paired_gain(
        ours,
        theirs,
        np.arange(ours.shape[1]),
        seeds=Seeds(0),
        draws=settings.parameters["bootstrap_draws"],
    )
    if figure == "cost":
        return {"value": -gain.percent, "low": -gain.high, "high": -gain.low}
    return {"value": gain.percent, "low": gain.low, "high": gain.high}


def _figures(outcome: Outcome) -> Row:
    return {
        "cost": outcome.cost().total,
        "profit": outcome.profit().total,
        "fill_rate": outcome.fill_rate().total,
        "in_stock_rate": outcome.in_stock_rate().total,
        "turnover_per_year": outcome.turnover().total,
        "lost_sales_units": outcome.lost_sales_units().total,
        "demand": float(outcome.demand.sum()),
        "sold": float(outcome.sold.sum()),
        "stock": float(outcome.stock.sum()),
        "holding": float(outcome.holding.sum()),
        "shortage": float(outcome.shortage.sum()),
        "write_down": float(outcome.write_down.sum()),
    }


def _learned(
    name: str, case: PlanningCase, window: Window, ground: TuningGround, settings: StudySettings
) -> tuple[Outcome, list[Outcome]]:
    default = LearnedConfig()
    pathwise = replace(default.pathwise, updates=settings.parameters["updates"])
    rule = LearnedRule(name, replace(default, pathwise=pathwise), tuple(range(settings.seeds)))
    if name == LINEAR:
        rule = rule.linear(name)
    trained = [rule.networks(ground, seed) for seed in rule.seeds]
    every = Ensemble([network for networks in trained for network in networks])
    return face(case, window, every), [face(case, window, Ensemble(one)) for one in trained]


def _case(settings: StudySettings, setting: str) -> tuple[PlanningCase, list[Window]]:
    values = settings.parameters
    case, windows = _shared_case(
        _shared_file(values["file"]),
        values["products"],
        values["windows"],
        values["window_days"],
        values["first_fit_day"],
        values["first_tuning_day"],
        tuple(values["lead_time_days"]),
    )
    assumptions = _assumptions(tuple(values["lead_time_days"]), dict(values[setting]))
    records = read_preset("online-retail", _shared_file(values["file"]))
    known = case.history.days(0, windows[0].start)
    return replace(case, instance=instance_of(records, known, assumptions, "shop")), windows


def _assumptions(lead_time_days: tuple[int, ...], holding: Row) -> Assumptions:
    return Assumptions(lead_time_days=list(lead_time_days), **holding)


@lru_cache(maxsize=1)
def _shared_case(
    path: Path,
    products: int,
    windows: int,
    window_days: int,
    first_fit_day: int,
    first_tuning_day: int,
    lead_time_days: tuple[int, ...],
) -> tuple[PlanningCase, list[Window]]:
    """Read, choose products by the training days alone, and forecast every day once."""
    records = read_preset("online-retail", path)
    every = recorded_history(records, products=products)
    tests = rolling_windows(every.n_days, windows, window_days)
    last_training_day = every.dates[tests[0].start - 1]
    chosen = recorded_history(records, products=products, until=last_training_day).product_ids
    history = recorded_history(records, products=list(chosen))
    assumptions = _assumptions(lead_time_days, {})
    instance = instance_of(records, history.days(0, tests[0].start), assumptions, "shop")
    starts = [window.start for window in tests]
    middle = (first_tuning_day + starts[0]) // 2
    case = PlanningCase.build(
        history,
        instance,
        forecaster("lightgbm"),
        sorted({first_fit_day, middle, *starts}),
        opening_cover_days=assumptions.opening_cover_days,
        end_write_down_share=assumptions.end_write_down_share,
        test_days=window_days,
    )
    return case, tests


def _shared_file(name: str) -> Path:
    shared = Path(os.environ.get("RESTOCK_SHARED", Path.cwd().parent / "shared"))
    path = shared / name
    if not path.exists():
        raise InputError(
            f"{path} is missing. The study needs the real data: run it from the project's root"
            " with ../shared beside it, or set RESTOCK_SHARED."
        )
    return path
