"""The instance: unit costs and lanes as recorded, the assumptions where nothing is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from restock.demand import DemandHistory
from restock.errors import InputError
from restock.planning import Assumptions, instance_of, trading_days_per_week
from restock.problem import Lane
from restock.records import Records

MakeRecords = Callable[..., Records]
MakeHistory = Callable[[np.ndarray], DemandHistory]

ASSUMED = Assumptions(
    unit_cost_share=0.25,
    lead_time_days=[2, 9],
    holding_rate_per_year=0.30,
    shortage_margin_share=0.5,
    lost_share=0.75,
)


@pytest.fixture
def history(history_of: MakeHistory) -> DemandHistory:
    """Return ten weeks of three products at 4 a unit, from Monday to Monday, closed on Sundays."""
    return history_of(np.ones((61, 3)))


def product(id_: str, **facts: float | str) -> dict[str, Any]:
    return {"product_id": id_, "list_price": None, "unit_cost": None, **facts}


def lane(product_id: str, supplier: str, lead_time: int, **terms: float) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "supplier_id": supplier,
        "lead_time_days": lead_time,
        **terms,
    }


def lanes_by_product(records: Records, history: DemandHistory) -> dict[str, Lane]:
    instance = instance_of(records, history, ASSUMED, "shop")
    assert len(instance.lanes) == history.n_products
    return {each.product_id: each for each in instance.lanes}


def test_recorded_unit_costs_are_used_and_the_others_assumed(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    records = records_of(
        products=[product("p0", unit_cost=3.0, name="Tea", category="food"), product("p1")]
    )
    products = instance_of(records, history, ASSUMED, "shop").products
    assert [each.unit_cost for each in products] == [3.0, 1.0, 1.0]  # a quarter of 4
    assert (products[0].name, products[0].category) == ("Tea", "food")
    assert [each.list_price for each in products] == [4.0] * 3
    assert {each.lost_share for each in products} == {0.75}
    # half the margin
    assert [each.shortage_cost for each in products] == [0.5, 1.5, 1.5]


def test_a_unit_cost_of_zero_is_recorded_and_not_missing(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    records = records_of(products=[product("p0", unit_cost=0.0)])
    assert instance_of(records, history, ASSUMED, "shop").products[0].unit_cost == 0.0


def test_holding_is_the_yearly_rate_over_the_trading_days_of_a_year(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    records = records_of(products=[product("p0", unit_cost=3.0)])
    # 30 % of 3 a year is 0.90; six days in each of 52.18 weeks are 313.08 trading days
    assert trading_days_per_week(history) == pytest.approx(6.0)
    held = instance_of(records, history, ASSUMED, "shop").products[0].holding_cost
    assert held == pytest.approx(0.90 / 313.08)
    # and 20 % of the margin of 1 a week is 0.20 / 6 a day
    tight = ASSUMED.model_copy(
        update={"holding_rate_per_year": 0.0, "holding_margin_share_per_week": 0.2}
    )
    assert instance_of(records, history, tight, "shop").products[0].holding_cost == pytest.approx(
        0.20 / 6
    )


def test_a_holiday_of_a_week_does_not_shorten_the_usual_week(history: DemandHistory) -> None:
    # the last two weeks begin seven days later than they would
    moved = tuple(
        day + timedelta(days=7) if day >= date(2024, 2, 26) else day for day in history.dates
    )
    assert moved != history.dates
    # counted in, the gap would make it 60 / 11 = 5.5 days
    assert trading_days_per_week(replace(history, dates=moved)) == pytest.approx(6.0, abs=0.1)


def test_a_product_sold_below_cost_has_no_margin_to_lose(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    records = records_of(products=[product("p0", unit_cost=5.0)])
    assert instance_of(records, history, ASSUMED, "shop").products[0].shortage_cost == 0.0


@pytest.mark.parametrize("price", [0.0, float("nan")])
def test_a_product_without_a_price_is_named(
    history: DemandHistory, records_of: MakeRecords, price: float
) -> None:
    prices = history.list_price.copy()
    prices[:, 1] = price
    bare = replace(history, list_price=prices)
    with pytest.raises(InputError, match=r"'p1' has no price.*must be > 0\. Add it"):
        instance_of(records_of(), bare, ASSUMED, "shop")


def test_a_price_typed_wrong_on_the_last_days_does_not_price_a_product(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    prices = history.list_price.copy()
    usual = prices[0, 1]
    prices[-20:, 1] = 100 * usual
    prices[-40:-30, 1] = np.nan
    typed = replace(history, list_price=prices)
    assert instance_of(records_of(), typed, ASSUMED, "shop").products[1].list_price == usual


def test_recorded_lanes_are_used_and_the_others_assumed_in_turn(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    terms = {"minimum_units": 20, "case_pack_units": 6, "fixed_order_cost": 7.5}
    lanes = lanes_by_product(records_of(lanes=[lane("p1", "acme", 5, **terms)]), history)
    known = lanes["p1"]
    assert (known.origin, known.destination, known.lead_time_periods) == ("acme", "shop", 5)
    assert {key: getattr(known, key) for key in terms} == terms
    # lead times of 2 and 9 are dealt out by position: p0 the first, p2 the first again
    assert (lanes["p0"].lead_time_periods, lanes["p2"].lead_time_periods) == (2, 2)
    assert lanes["p0"].case_pack_units == 1


def test_a_lane_of_a_product_that_is_not_planned_is_left_out(
    history: DemandHistory, records_of: MakeRecords
) -> None:
    assert "other" not in lanes_by_product(records_of(lanes=[lane("other", "acme", 1)]), history)


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_lanes_the_shortest_is_kept_whatever_their_order(
    history: DemandHistory, records_of: MakeRecords, order: int
) -> None:
    rows = [
        lane("p0", "slow", 11),
        lane("p0", "fast", 3),
        lane("p0", "middle", 6),
        lane("p1", "zeta", 4),
        lane("p1", "alpha", 4),
    ]
    lanes = lanes_by_product(records_of(lanes=rows[::order]), history)
    assert lanes["p0"].origin == "fast"
    assert lanes["p1"].origin == "alpha"  # as fast as the other, and first by name
