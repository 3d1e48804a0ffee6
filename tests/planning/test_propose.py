"""Today's list: exact waterfalls, whole cases, dates and money that add up, dearest first."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from restock.demand import WARM_UP_DAYS
from restock.planning import PlanningCase, Proposals, propose
from restock.planning.rules import NO_CAP, TunedLevel, forecast_quantile, recent_demand
from restock.planning.today import next_trading_days
from restock.planning.tuning import TuningGround
from restock.policies import BaseStock, CappedBaseStock, ReorderPoint
from restock.simulation import Decision, Observation, Policy, State, step

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
DAYS = WARM_UP_DAYS + 20
PRODUCTS = 12


def a_case(case_of: MakeCase, units_of: MakeUnits, **facts: Any) -> PlanningCase:  # noqa: ANN401
    return case_of(units_of(8, DAYS, PRODUCTS), lead_times=(1, 2, 5), **facts)


@pytest.fixture(scope="module")
def packed_case(case_of: MakeCase, units_of: MakeUnits) -> PlanningCase:
    """Return twelve products that come in packs of 6, at least 10 and at most 50 at once."""
    terms = {"case_pack_units": 6, "minimum_units": 10, "capacity_units": 50.0}
    return a_case(case_of, units_of, **terms)


def a_state(case: PlanningCase, seed: int) -> State:
    """Return random stock in whole units with orders on the way and, where it waits, a backlog."""
    rng = np.random.default_rng(seed)

    def cells(most: int) -> torch.Tensor:
        return torch.from_numpy(rng.integers(0, most, (1, PRODUCTS, 1))).float()

    slots = tuple(cells(9) for _ in range(case.world.arrivals.slots))
    backlog = cells(6) if case.world.unmet.keeps_backlog else None
    return State(cells(25), torch.stack(slots).sum(0), slots, backlog)


def list_of(case: PlanningCase, policy: Policy, seed: int = 0) -> Proposals:
    return propose(case, policy, a_state(case, seed), "some_rule", stock_is_assumed=False)


def levels(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 120, (1, PRODUCTS, 1))).float()


def broken(table: pl.DataFrame) -> pl.DataFrame:
    """Return the lines whose waterfall does not add up exactly."""
    shortfall = pl.col("target") - pl.col("on_hand") - pl.col("on_order") + pl.col("backlog")
    return table.filter(
        (pl.col("expected_demand") + pl.col("safety") != pl.col("target"))
        | (shortfall.clip(0) != pl.col("need"))
        | (pl.col("need") + pl.col("rounding") != pl.col("quantity"))
    )


@pytest.mark.parametrize("seed", range(6))
def test_every_line_adds_up_and_is_what_the_simulator_would_order(
    case_of: MakeCase, units_of: MakeUnits, seed: int
) -> None:
    case = a_case(
        case_of, units_of, case_pack_units=1 + seed, minimum_units=7 * seed, lost_share=0.5
    )
    policy = CappedBaseStock(levels(seed), levels(seed + 50) / 2)
    table = list_of(case, policy, seed).table
    assert broken(table).is_empty()
    _, flows = step(case.world, policy, a_state(case, seed), case.scenario, DAYS - 1)
    ordered = dict(zip(case.history.product_ids, flows.order.flatten().tolist(), strict=True))
    assert dict(table.select("product", "quantity").iter_rows()) == ordered
    assert table["quantity"].sum() > 0


@dataclass(frozen=True)
class Batched:
    """Orders up to a level, at most a cap at once and at least a batch."""

    target: torch.Tensor
    cap: torch.Tensor
    batch: torch.Tensor

    def decide(self, _observation: Observation) -> Decision:
        return Decision(self.target, self.cap, self.batch)


def test_what_waits_for_its_batch_in_the_simulator_waits_in_the_list(
    packed_case: PlanningCase,
) -> None:
    policy = Batched(levels(1), levels(2), torch.full((1, PRODUCTS, 1), 30.0))
    eager = replace(policy, batch=torch.zeros(1, PRODUCTS, 1))
    table = list_of(packed_case, policy).table
    state = a_state(packed_case, 0)
    _, flows = step(packed_case.world, policy, state, packed_case.scenario, DAYS - 1)
    ordered = dict(
        zip(packed_case.history.product_ids, flows.order.flatten().tolist(), strict=True)
    )
    assert dict(table.select("product", "quantity").iter_rows()) == ordered
    assert broken(table).is_empty()
    waiting = table["reason"].str.starts_with("Order nothing yet").sum()
    assert waiting > 0
    assert list_of(packed_case, eager).lines == list_of(packed_case, policy).lines + waiting


def test_a_line_that_is_one_unit_off_is_caught(packed_case: PlanningCase) -> None:
    table = list_of(packed_case, BaseStock(levels(1))).table
    assert broken(table).is_empty()
    for part in ("safety", "on_hand", "rounding"):
        wrong = table.with_columns(pl.col(part) + pl.Series([1, *[0] * (PRODUCTS - 1)]))
        assert broken(wrong)["product"].to_list() == table["product"].to_list()[:1]


def test_what_is_due_today_is_on_hand_and_the_rest_on_order(packed_case: PlanningCase) -> None:
    state = a_state(packed_case, 4)
    due = state.pipeline[0]
    assert due is not None
    table = list_of(packed_case, BaseStock(levels(1)), 4).table
    shown = {row["product"]: row for row in table.iter_rows(named=True)}
    for position, product in enumerate(packed_case.history.product_ids):
        arrived = due[0, position, 0]
        assert shown[product]["on_hand"] == state.on_hand[0, position, 0] + arrived
        assert shown[product]["on_order"] == state.on_order[0, position, 0] - arrived


def test_expected_demand_is_the_forecast_s_mean_in_whole_units(packed_case: PlanningCase) -> None:
    today = packed_case.scenario.signals_at(DAYS - 1)
    assert today is not None
    mean = today[0, :, packed_case.scenario.signal_names.index("forecast_mean")]
    table = list_of(packed_case, BaseStock(levels(1))).table
    told = dict(table.select("product", "expected_demand").iter_rows())
    assert [told[product] for product in packed_case.history.product_ids] == [
        int(value + 0.5) for value in mean.tolist()
    ]


def test_cases_cost_and_dates_follow_from_quantity_and_lane(packed_case: PlanningCase) -> None:
    proposals = list_of(packed_case, BaseStock(levels(2)))
    table = proposals.table
    today = packed_case.history.dates[-1]
    later = [today, *next_trading_days(packed_case.history, 5)]
    leads = {lane.product_id: lane.lead_time_periods for lane in packed_case.instance.lanes}
    for row in table.iter_rows(named=True):
        assert row["cases"] * 6 == row["quantity"]
        assert row["cost"] == pytest.approx(2.0 * row["quantity"])
        assert row["order_by"] == today
        assert row["expected_receipt"] == later[leads[row["product"]]]
        assert row["supplier"] == "supplier"
        assert str(row["quantity"] or "nothing") in row["reason"]
    assert proposals.total_cost == pytest.approx(2.0 * int(table["quantity"].sum()))
    assert proposals.lines == int((table["quantity"] > 0).sum())


def test_cover_is_what_there_will_be_over_the_forecast_a_day(packed_case: PlanningCase) -> None:
    table = list_of(packed_case, BaseStock(levels(3))).table
    today = packed_case.scenario.signals_at(DAYS - 1)
    assert today is not None
    mean = today[0, :, packed_case.scenario.signal_names.index("forecast_mean")]
    a_day = mean / (packed_case.lead_time + 1)
    for row in table.iter_rows(named=True):
        units = row["on_hand"] + row["on_order"] - row["backlog"] + row["quantity"]
        position = packed_case.history.product_ids.index(row["product"])
        assert row["cover_days"] == pytest.approx(units / float(a_day[position]), abs=0.006)


def test_orders_come_first_the_dearest_first_then_the_rest_by_id(
    packed_case: PlanningCase,
) -> None:
    table = list_of(packed_case, BaseStock(levels(2))).table
    quantities = table["quantity"].to_list()
    assert 0 in quantities
    orders = [quantity for quantity in quantities if quantity > 0]
    assert quantities[: len(orders)] == orders
    assert table["cost"].to_list() == sorted(table["cost"].to_list(), reverse=True)
    idle = table.filter(pl.col("quantity") == 0)["product"].to_list()
    assert idle == sorted(idle)


def test_goods_that_cost_nothing_stand_among_the_orders(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    case = a_case(case_of, units_of, unit_cost=0.0)
    table = list_of(case, BaseStock(levels(2))).table
    ordered = (table["quantity"] > 0).to_list()
    assert 0 < sum(ordered) < PRODUCTS
    assert ordered == sorted(ordered, reverse=True)


def test_an_s_s_policy_above_its_reorder_point_orders_nothing(packed_case: PlanningCase) -> None:
    high = torch.full((1, PRODUCTS, 1), 500.0)
    waiting = list_of(packed_case, ReorderPoint(torch.full((1, PRODUCTS, 1), -1.0), high))
    assert waiting.lines == 0
    assert waiting.total_cost == 0
    assert broken(waiting.table).is_empty()
    assert list_of(packed_case, ReorderPoint(high, high)).lines == PRODUCTS


@pytest.mark.parametrize("family", [recent_demand, forecast_quantile])
def test_tuned_rules_propose_with_exact_waterfalls(
    packed_case: PlanningCase, family: Callable[[TuningGround], Any]
) -> None:
    ground = TuningGround(packed_case, WARM_UP_DAYS, DAYS - 1)
    policy = TunedLevel("tuned", family, caps=(1.5, NO_CAP)).tune(ground)
    table = list_of(packed_case, policy).table
    assert broken(table).is_empty()
    assert table.height == PRODUCTS


def test_a_list_says_which_rule_made_it_and_whether_stock_is_assumed(
    packed_case: PlanningCase,
) -> None:
    proposals = list_of(packed_case, BaseStock(levels(2)))
    assert (proposals.rule, proposals.stock_is_assumed) == ("some_rule", False)
    assert not replace(proposals, stock_is_assumed=False).stock_is_assumed
