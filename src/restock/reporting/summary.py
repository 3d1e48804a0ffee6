"""The run in numbers for programs: ``summary.json`` and the parts it is made of.

Every part is plain dictionaries and lists without NaN: what is not known is ``None``.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from restock import __version__
from restock.demand import DemandHistory
from restock.evaluation import ComparisonRow, Estimate, Gain
from restock.forecasting import BacktestRow
from restock.planning import Backtest, HindsightBound, Plan, Proposals
from restock.reporting.assumed import assumed
from restock.reporting.standing import standing

__all__ = [
    "backtest_report",
    "forecast_report",
    "proposals_report",
    "summary",
    "summary_json",
]

Report = dict[str, Any]


def summary(plan: Plan) -> Report:
    """Return the content of ``summary.json``."""
    history = plan.case.history
    place = standing(plan.comparison)
    return {
        "shop": plan.settings.name,
        "period": {
            "from": history.dates[0].isoformat(),
            "to": history.dates[-2].isoformat(),
            "trading_days": history.n_days - 1,
        },
        "today": history.dates[-1].isoformat(),
        "products": history.n_products,
        **backtest_report(plan.test, plan.comparison, history),
        "verdict": {
            "result": place.verdict,
            "cost": place.cost,
            "profit": place.profit,
            "sentence": place.sentence,
        },
        "forecasts": forecast_report(plan.scores),
        "quality": plan.records.quality.to_dict(),
        "assumptions": {row.key: asdict(row) for row in assumed(plan)},
        "proposals": proposals_report(plan.proposals),
        "seconds_per_stage": dict(plan.seconds),
        "seed": plan.settings.seed,
        "version": __version__,
    }


def summary_json(plan: Plan) -> str:
    """Return ``summary.json``; raises ``ValueError`` if a number were not finite."""
    return json.dumps(summary(plan), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def backtest_report(
    test: Backtest, comparison: Sequence[ComparisonRow], history: DemandHistory
) -> Report:
    """Return ``windows, reference, policies, perfect_information`` of a backtest.

    ``history`` is the one that the windows count the days of.
    """
    return {
        "windows": [
            {
                "from": history.dates[window.start].isoformat(),
                "to": history.dates[window.stop - 1].isoformat(),
                "days": window.days,
            }
            for window in test.windows
        ],
        "reference": standing(comparison).reference.policy,
        "policies": {row.policy: _policy(row, test.seconds[row.policy]) for row in comparison},
        "perfect_information": _bound(test.bound),
    }


def forecast_report(scores: Sequence[BacktestRow]) -> list[Report]:
    """Return one dictionary per forecaster, in the order given."""
    return [{name: _known(value) for name, value in asdict(row).items()} for row in scores]


def proposals_report(proposals: Proposals) -> Report:
    """Return how much is proposed today, and by which rule."""
    return {
        "rule": proposals.rule,
        "lines": proposals.lines,
        "units": int(proposals.table["quantity"].sum()),
        "cost": proposals.total_cost,
        "stock_is_assumed": proposals.stock_is_assumed,
    }


def _policy(row: ComparisonRow, tuning_seconds: float) -> Report:
    return {
        "profit": _estimate(row.profit),
        "cost": _estimate(row.cost),
        "fill_rate": _estimate(row.fill_rate),
        "turnover": _estimate(row.turnover),
        "lost_sales_units": _estimate(row.lost_sales_units),
        "profit_gain_percent": _gain(row.profit_gain),
        "cost_gain_percent": _gain(row.cost_gain),
        "tuning_seconds": tuning_seconds,
    }


def _estimate(estimate: Estimate) -> Report:
    return {name: _known(getattr(estimate, name)) for name in ("value", "low", "high")}


def _gain(gain: Gain | None) -> Report | None:
    if gain is None:
        return None
    ends = {"value": gain.percent, "low": gain.low, "high": gain.high}
    return {name: _known(value) for name, value in ends.items()}


def _bound(bound: HindsightBound | None) -> Report | None:
    if bound is None:
        return None
    return {name: _known(value) for name, value in asdict(bound).items()}


def _known(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value
