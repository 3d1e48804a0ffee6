"""The main job from records to proposals, on a small generated company."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from restock.demand import WARM_UP_DAYS, DemandHistory
from restock.errors import ConfigurationError, InputError
from restock.forecasting import FittedForecaster, forecaster
from restock.planning import CLASSICAL_RULES, LEARNED, Plan, Planner, ProjectSettings
from restock.records import DemoCompanyConfig, Records, generate_demo_company
from restock.seeds import Seeds

SETTINGS = {
    "data": {"products": 8},
    "forecast": {"model": "negative_binomial"},
    "training": {"updates": 2, "seeds": 1},
    "backtest": {"windows": 2, "weeks": 2, "tuning_weeks": 4},
}


def settings_with(**changes: object) -> ProjectSettings:
    return ProjectSettings.parse({**SETTINGS, **changes}, "the test")


@pytest.fixture(scope="module")
def company_records() -> Records:
    return generate_demo_company(DemoCompanyConfig(n_products=10, n_days=190), Seeds(2)).records


@pytest.fixture(scope="module")
def heard() -> list[tuple[str, float]]:
    """Return what the plan's run tells of its progress, in order."""
    return []


@pytest.fixture(scope="module")
def plan(company_records: Records, heard: list[tuple[str, float]]) -> Plan:
    def listen(stage: str, text: str, share: float) -> None:
        assert text
        heard.append((stage, share))

    return Planner(settings_with(), company_records, progress=listen).run()


def test_a_run_tests_every_rule_and_proposes_for_every_product(plan: Plan) -> None:
    names = {rule.name for rule in CLASSICAL_RULES} | {LEARNED}
    assert set(plan.test.outcomes) == names
    assert {row.policy for row in plan.comparison} == names
    assert sorted(plan.proposals.table["product"]) == sorted(plan.case.history.product_ids)
    assert plan.proposals.table.height == 8
    assert plan.proposals.rule == LEARNED
    assert not plan.proposals.stock_is_assumed
    assert {row.forecaster for row in plan.scores} >= {"seasonal_naive", "negative_binomial"}


def test_the_waterfall_of_every_proposal_adds_up(plan: Plan) -> None:
    table = plan.proposals.table
    shortfall = pl.col("target") - pl.col("on_hand") - pl.col("on_order") + pl.col("backlog")
    exact = table.filter(
        (pl.col("expected_demand") + pl.col("safety") == pl.col("target"))
        & (shortfall.clip(0) == pl.col("need"))
        & (pl.col("need") + pl.col("rounding") == pl.col("quantity"))
    )
    assert exact.height == table.height


def test_today_is_the_trading_day_after_the_record(plan: Plan, company_records: Records) -> None:
    today = plan.case.history.dates[-1]
    assert timedelta(days=1) <= today - company_records.last_day <= timedelta(days=3)
    assert set(plan.proposals.table["order_by"]) == {today}


def test_stages_are_timed_and_progress_runs_from_zero_to_one(
    plan: Plan, heard: list[tuple[str, float]]
) -> None:
    stages = ("forecast", "train", "backtest", "propose")
    assert tuple(plan.seconds) == stages
    for stage in stages:
        shares = [share for name, share in heard if name == stage]
        assert (shares[0], shares[-1]) == (0.0, 1.0)
        assert all(0 <= share <= 1 for share in shares)


def test_the_reference_is_the_cheapest_classical_rule(plan: Plan) -> None:
    costs = {rule.name: plan.test.outcomes[rule.name].cost().total for rule in CLASSICAL_RULES}
    own = [row.policy for row in plan.comparison if row.cost_gain and row.cost_gain.percent == 0]
    assert min(costs, key=lambda name: costs[name]) in own


def test_no_rule_does_better_than_hindsight(plan: Plan) -> None:
    bound = plan.test.bound
    assert bound is not None
    for outcome in plan.test.outcomes.values():
        assert bound.cost <= outcome.cost().total * (1 + 1e-5)
        assert bound.profit >= outcome.profit().total - 1e-5 * abs(outcome.profit().total)


def test_the_same_seed_gives_the_same_proposals_and_figures(
    plan: Plan, company_records: Records
) -> None:
    again = Planner(settings_with(), company_records).run()
    assert again.proposals.table.equals(plan.proposals.table)
    for name, outcome in plan.test.outcomes.items():
        assert again.test.outcomes[name].cost().total == outcome.cost().total
    assert again.comparison == plan.comparison


def test_an_interrupted_run_goes_on_to_the_same_proposals(
    plan: Plan, company_records: Records, tmp_path: Path
) -> None:
    def stop_at_backtest(stage: str, _text: str, share: float) -> None:
        if stage == "backtest" and share > 0.9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Planner(settings_with(), company_records, tmp_path, stop_at_backtest).run()
    kept = Counter(path.name for path in tmp_path.glob("*/checkpoint.pt"))
    assert kept["checkpoint.pt"] >= 2
    resumed = Planner(settings_with(), company_records, tmp_path).run()
    assert resumed.proposals.table.equals(plan.proposals.table)
    assert resumed.comparison == plan.comparison


def test_proposals_follow_the_rule_that_is_asked_for(company_records: Records) -> None:
    planner = Planner(settings_with(rule="base_stock"), company_records)
    case = planner.build_case()
    proposals = planner.propose(case, planner.todays_policy(case))
    assert proposals.rule == "base_stock"
    assert planner.training["train"] == []  # nothing was learned for it


def test_an_unknown_rule_is_answered_with_the_nearest(company_records: Records) -> None:
    planner = Planner(settings_with(), company_records)
    with pytest.raises(ConfigurationError, match="Did you mean 'scaled_level'"):
        planner.rule("scaled_levl", "train")


class SpiedForecaster:
    """A forecaster that keeps how many days it was fitted to."""

    name = "spied"

    def __init__(self) -> None:
        self.model = forecaster("negative_binomial")
        self.days: list[int] = []

    def fit(self, history: DemandHistory, horizon_days: np.ndarray) -> FittedForecaster:
        self.days.append(history.n_days)
        return self.model.fit(history, horizon_days)


def test_forecasts_are_fitted_anew_before_each_window_and_for_today(
    company_records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = Planner(
        settings_with(forecast={"model": "negative_binomial", "refit_days": 10}), company_records
    )
    spy = SpiedForecaster()
    monkeypatch.setattr(planner, "forecaster", spy)
    planner.build_case()
    days = planner.history.n_days
    first, second = (window.start for window in planner.windows)
    before = list(range(max(WARM_UP_DAYS, first - planner.tuning_days), first, 10))
    assert spy.days == [*before, first, second, days]
    assert planner.windows[-1].stop == days


def test_every_day_that_is_tuned_tested_or_proposed_on_has_a_forecast(
    company_records: Records,
) -> None:
    planner = Planner(settings_with(), company_records)
    case = planner.build_case()
    first = max(WARM_UP_DAYS, planner.windows[0].start - planner.tuning_days)
    signals = case.scenario.signals
    assert signals is not None
    mean = signals[0, :, :, case.scenario.signal_names.index("forecast_mean")]
    assert (mean[first:] > 0).any(1).all()
    assert (mean[:first] == 0).all()


def test_a_shop_that_never_sold_is_refused(company_records: Records) -> None:
    nothing = company_records.sales.with_columns(pl.lit(0.0).alias("units"))
    silent = replace(company_records, sales=nothing)
    with pytest.raises(InputError, match="no product was ever sold"):
        Planner(settings_with(), silent)


def test_a_record_that_is_too_short_is_refused_with_what_would_do() -> None:
    short = generate_demo_company(DemoCompanyConfig(n_products=3, n_days=90), Seeds(2)).records
    with pytest.raises(ConfigurationError, match="give a longer history"):
        Planner(settings_with(), short)
