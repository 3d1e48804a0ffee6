"""Today: one day after the record, the last counts on the shelf, open orders where they are due."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from restock.demand import WARM_UP_DAYS, DemandHistory
from restock.planning import PlanningCase
from restock.planning.today import next_trading_days, state_today, with_today
from restock.records import Records
from restock.simulation import State
from restock.simulation.period import arrive

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
MakeRecords = Callable[..., Records]
MakeHistory = Callable[[np.ndarray], DemandHistory]

COUNTED = date(2024, 1, 1)


def order(product: str, expected: date, units: float) -> dict[str, Any]:
    return {
        "product_id": product,
        "supplier_id": "acme",
        "ordered_on": expected - timedelta(days=30),
        "expected_on": expected,
        "units": units,
    }


def count(product: str, day: date, units: float) -> dict[str, Any]:
    return {"product_id": product, "date": day, "on_hand_units": units}


@pytest.fixture(scope="module")
def case(case_of: MakeCase, units_of: MakeUnits) -> PlanningCase:
    """Return a case whose last day is today; the longest lead time is 4 trading days."""
    return case_of(units_of(1, WARM_UP_DAYS + 12), lead_times=(2, 4))


@pytest.fixture
def days(case: PlanningCase) -> list[date]:
    """Return today and the trading days after it."""
    return [case.history.dates[-1], *next_trading_days(case.history, 8)]


def on_the_way(state: State) -> Tensor:
    """Return the pipeline ``[K, P]``, zero where nothing can be due."""
    empty = torch.zeros_like(state.on_hand)
    return torch.stack([empty if slot is None else slot for slot in state.pipeline])[:, 0, :, 0]


def test_the_next_trading_days_skip_the_closed_weekday(history_of: MakeHistory) -> None:
    # 60 days from Monday, 1 January 2024, without Sundays: the last is Saturday, 9 March
    history = history_of(np.ones((60, 1)))
    assert history.dates[-1] == date(2024, 3, 9)
    assert next_trading_days(history, 7) == [date(2024, 3, 11 + n) for n in (0, 1, 2, 3, 4, 5, 7)]
    assert next_trading_days(history, 0) == []


def test_today_is_one_more_day_at_the_last_price_with_nothing_known_of_it(
    history_of: MakeHistory,
) -> None:
    history = history_of(np.arange(1.0, 121.0).reshape(60, 2))
    history.list_price[-1] = [7.0, 8.0]
    history.promoted[-1] = True
    longer = with_today(history)
    assert longer.dates == (*history.dates, date(2024, 3, 11))
    assert np.array_equal(longer.units[:-1], history.units)
    assert longer.units[-1].tolist() == [0, 0]
    assert longer.list_price[-1].tolist() == [7.0, 8.0]
    assert not longer.promoted[-1].any()
    assert not longer.censored[-1].any()


def test_the_zero_of_today_is_never_read(case_of: MakeCase, units_of: MakeUnits) -> None:
    units = units_of(3, WARM_UP_DAYS + 12)
    other = units.copy()
    other[-1] = 500.0
    one, two = (case_of(each).scenario.signals_at(len(units) - 1) for each in (units, other))
    assert one is not None
    assert two is not None
    assert torch.equal(one, two)


def test_without_a_stock_table_stock_is_assumed(
    case: PlanningCase, records_of: MakeRecords
) -> None:
    state, recorded = state_today(case, records_of())
    assert not recorded
    assert torch.equal(state.on_hand, case.opening_state(case.history.n_days - 1).on_hand)
    assert state.on_order.sum() == 0


def test_the_last_count_is_the_stock_in_whole_units(
    case: PlanningCase, records_of: MakeRecords
) -> None:
    stock = [
        count("p0", COUNTED + timedelta(days=5), 7),
        count("p0", COUNTED, 99),
        count("p2", COUNTED, 2.5),
        count("p3", COUNTED, 2.4),
        count("unplanned", COUNTED, 50),
    ]
    state, recorded = state_today(case, records_of(stock=stock))
    assert recorded
    assert state.on_hand.flatten().tolist() == [7, 0, 3, 2]
    assert state.on_order.flatten().tolist() == [0, 0, 0, 0]


def test_open_orders_stand_where_the_simulator_will_take_them(
    case: PlanningCase, days: list[date], records_of: MakeRecords
) -> None:
    orders = [
        order("p0", days[0], 1),  # due today
        order("p0", days[1], 2),
        order("p1", days[3], 4),
        order("p1", days[3], 8),  # another on the same day
        order("p1", days[4], 16),  # beyond the last day that an order of yesterday can reach
        order("p2", days[7], 32),  # far beyond
        order("p3", days[0] - timedelta(days=20), 64),  # overdue
        order("unplanned", days[1], 99),
    ]
    state, _ = state_today(
        case, records_of(stock=[count("p0", COUNTED, 5)], purchase_orders=orders)
    )
    # the pipeline reaches 4 days: today (0) to 3 days from now
    assert on_the_way(state).tolist() == [
        [1, 0, 0, 0],
        [2, 0, 0, 64],
        [0, 0, 0, 0],
        [0, 28, 32, 0],
    ]
    assert state.on_order.flatten().tolist() == [3, 28, 32, 64]
    # what is due today is on the shelf when the policy looks, the rest is seen coming
    morning = arrive(case.world, state)
    assert morning.on_hand.flatten().tolist() == [6, 0, 0, 0]
    assert morning.on_order.flatten().tolist() == [2, 28, 32, 64]
    assert torch.equal(on_the_way(morning)[:-1].sum(0), morning.on_order[0, :, 0])


def test_an_order_expected_on_a_closed_day_comes_on_the_next_open_one(
    case: PlanningCase, days: list[date], records_of: MakeRecords
) -> None:
    closed = next(a + timedelta(days=1) for a, b in pairwise(days) if (b - a).days == 2)
    wait = sum(day < closed for day in days)
    orders = [order("p1", closed, 9)]
    state, _ = state_today(
        case, records_of(stock=[count("p0", COUNTED, 0)], purchase_orders=orders)
    )
    assert on_the_way(state)[:, 1].nonzero().flatten().tolist() == [min(wait, 3)]


def test_orders_are_in_whole_units(
    case: PlanningCase, days: list[date], records_of: MakeRecords
) -> None:
    orders = [order("p0", days[1], 1.2), order("p0", days[1], 1.4)]
    state, _ = state_today(
        case, records_of(stock=[count("p0", COUNTED, 0)], purchase_orders=orders)
    )
    assert on_the_way(state)[1, 0] == 3


def test_with_immediate_lanes_every_open_order_is_due_today(
    case_of: MakeCase, units_of: MakeUnits, records_of: MakeRecords
) -> None:
    case = case_of(units_of(1, WARM_UP_DAYS + 12), lead_times=(0,))
    today = case.history.dates[-1]
    orders = [order("p0", today - timedelta(days=9), 4), order("p1", today, 5)]
    state, _ = state_today(
        case, records_of(stock=[count("p0", COUNTED, 1)], purchase_orders=orders)
    )
    assert arrive(case.world, state).on_hand.flatten().tolist() == [5, 5, 0, 0]


def test_with_backorders_today_begins_without_a_backlog(
    case_of: MakeCase, units_of: MakeUnits, records_of: MakeRecords
) -> None:
    case = case_of(units_of(1, WARM_UP_DAYS + 12), lost_share=0.0)
    state, _ = state_today(case, records_of(stock=[count("p0", COUNTED, 1)]))
    assert state.backlog is not None
    assert state.backlog.sum() == 0
