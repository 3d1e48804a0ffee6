"""``summary.json``: what is in it, that it is true, and that it holds no NaN."""

import json
import math
from dataclasses import replace
from typing import Any, NoReturn

import polars as pl
import pytest

from restock import __version__
from restock.evaluation import Estimate
from restock.planning import Assumptions, Plan
from restock.reporting import Delivery, assumed, summary, summary_json
from restock.reporting.assumed import UNITS

Json = dict[str, Any]


@pytest.fixture
def content(delivery: Delivery) -> Json:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    text = delivery.summary.read_text(encoding="utf-8")
    loaded: Json = json.loads(text, parse_constant=refuse)
    return loaded


def test_the_summary_has_every_part(content: Json) -> None:
    assert set(content) == {
        "shop",
        "period",
        "today",
        "products",
        "windows",
        "reference",
        "policies",
        "perfect_information",
        "verdict",
        "forecasts",
        "quality",
        "assumptions",
        "proposals",
        "seconds_per_stage",
        "seed",
        "version",
    }
    assert content["version"] == __version__
    assert content["products"] == 12
    assert set(content["seconds_per_stage"]) == {"forecast", "train", "backtest", "propose"}


def test_every_policy_has_figures_inside_their_intervals(content: Json) -> None:
    for numbers in content["policies"].values():
        assert set(numbers) == {
            "profit",
            "cost",
            "fill_rate",
            "turnover",
            "lost_sales_units",
            "profit_gain_percent",
            "cost_gain_percent",
            "tuning_seconds",
        }
        for name in ("profit", "cost", "fill_rate", "turnover", "lost_sales_units"):
            figure = numbers[name]
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_the_reference_is_the_cheapest_classical_rule_and_gains_nothing(content: Json) -> None:
    classical = {name: row for name, row in content["policies"].items() if name != "learned"}
    cheapest = min(classical, key=lambda name: classical[name]["cost"]["value"])
    assert content["reference"] == cheapest
    assert classical[cheapest]["cost_gain_percent"] == {"value": 0, "low": 0, "high": 0}


def test_no_rule_beats_perfect_information(content: Json) -> None:
    bound = content["perfect_information"]
    assert all(row["cost"]["value"] >= bound["cost"] for row in content["policies"].values())
    assert all(row["profit"]["value"] <= bound["profit"] for row in content["policies"].values())


def test_windows_and_period_end_on_the_last_recorded_day(plan: Plan, content: Json) -> None:
    dates = plan.case.history.dates
    assert content["windows"][-1]["to"] == content["period"]["to"] == dates[-2].isoformat()
    assert content["today"] == dates[-1].isoformat()
    assert content["windows"][-1]["days"] == plan.test.windows[-1].days


def test_proposals_are_counted_as_in_the_list(plan: Plan, content: Json) -> None:
    table = plan.proposals.table
    assert content["proposals"] == {
        "rule": "learned",
        "lines": (table["quantity"] > 0).sum(),
        "units": table["quantity"].sum(),
        "cost": table["cost"].sum(),
        "stock_is_assumed": False,
    }


def test_what_is_not_known_is_null(plan: Plan) -> None:
    blind = replace(plan.comparison[0], turnover=Estimate(math.nan, math.nan, math.inf))
    changed = replace(plan, comparison=[blind, *plan.comparison[1:]])
    numbers = json.loads(summary_json(changed))["policies"][blind.policy]
    assert numbers["turnover"] == {"value": None, "low": None, "high": None}


def test_every_assumption_has_a_unit_and_a_meaning(plan: Plan) -> None:
    assert set(UNITS) == set(Assumptions.model_fields)
    assert all(row.unit and row.description and row.used for row in assumed(plan))
    assert list(summary(plan)["assumptions"]) == list(Assumptions.model_fields)


def test_an_assumption_counts_as_used_where_a_record_is_missing(plan: Plan) -> None:
    before = {row.key: row for row in assumed(plan)}
    assert not before["unit_cost_share"].in_use
    assert not before["lead_time_days"].in_use
    assert before["holding_rate_per_year"].in_use
    product = plan.case.history.product_ids[0]
    without = (
        pl.when(pl.col("product_id") == product).then(None).otherwise(pl.col("unit_cost"))
    ).alias("unit_cost")
    records = replace(plan.records, products=plan.records.products.with_columns(without))
    after = {row.key: row for row in assumed(replace(plan, records=records))}
    assert after["unit_cost_share"].in_use
    assert after["unit_cost_share"].used == "1 of 12 products without a unit cost on record"
