"""The planning case: windows, forecasts without their own day, costs, opening stock, classes."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand import SIGNAL_NAMES, WARM_UP_DAYS, DemandHistory
from restock.errors import ConfigurationError
from restock.forecasting import forecaster
from restock.planning import PlanningCase, rolling_windows
from restock.planning.case import forecast_signals

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
MakeHistory = Callable[[np.ndarray], DemandHistory]


@given(st.integers(1, 6), st.integers(1, 60), st.integers(0, 200))
def test_windows_are_the_last_days_one_after_another(count: int, days: int, spare: int) -> None:
    n_days = WARM_UP_DAYS + days + spare + count * days
    windows = rolling_windows(n_days, count, days)
    assert [window.days for window in windows] == [days] * count
    assert windows[-1].stop == n_days
    assert all(one.stop == two.start for one, two in pairwise(windows))
    assert windows[0].start >= WARM_UP_DAYS + days


@given(st.integers(1, 6), st.integers(1, 60), st.integers(1, 200))
def test_windows_that_leave_too_little_to_tune_on_are_refused(
    count: int, days: int, missing: int
) -> None:
    n_days = WARM_UP_DAYS + days + count * days - missing
    with pytest.raises(ConfigurationError, match=f"at least {WARM_UP_DAYS + days} are needed"):
        rolling_windows(n_days, count, days)


def forecasts_of(history: DemandHistory, model: str, refit_days: list[int]) -> Tensor:
    horizon = np.array([2, 4, 2, 4])
    return forecast_signals(history, forecaster(model), horizon, refit_days)[0]


@given(st.integers(0, 2**32), st.integers(90, 138))
@settings(max_examples=15)
def test_no_forecast_knows_demand_of_its_own_day_or_later(
    history_of: MakeHistory, units_of: MakeUnits, seed: int, day: int
) -> None:
    units = units_of(seed)
    changed = units.copy()
    changed[day:] = 3 * changed[day:] + 5
    refits = [WARM_UP_DAYS, 100, 120]
    one, two = (
        forecasts_of(history_of(each), "negative_binomial", refits) for each in (units, changed)
    )
    assert torch.equal(one[: day + 1], two[: day + 1])
    assert not torch.equal(one[day + 1], two[day + 1])


def test_no_forecast_of_a_fitted_model_knows_its_own_day_or_later(
    history_of: MakeHistory, units_of: MakeUnits
) -> None:
    units = units_of(5)
    changed = units.copy()
    changed[118:] = 3 * changed[118:] + 5
    # the refit on day 118 sees the same days, the one on day 124 does not
    one, two = (
        forecasts_of(history_of(each), "lightgbm", [100, 118, 124]) for each in (units, changed)
    )
    assert torch.equal(one[:119], two[:119])
    assert not torch.equal(one[124:], two[124:])


def test_days_between_refits_are_forecast_by_the_last_fit_before_them(
    history_of: MakeHistory, units_of: MakeUnits
) -> None:
    history = history_of(units_of(6))
    horizon = np.array([2, 4, 2, 4])
    model = forecaster("seasonal_naive")
    signals, names, levels = forecast_signals(history, model, horizon, [90, 110])
    assert signals.shape == (history.n_days, 4, 2 + len(levels))
    assert names[:2] == ("forecast_mean", "forecast_sd")
    assert (signals[:90] == 0).all()
    belief = model.fit(history.days(0, 110), horizon).predict(history, np.array([133]))
    assert signals[133, :, 0].numpy() == pytest.approx(belief.mean[0], rel=1e-6)
    assert signals[133, :, 2:].numpy() == pytest.approx(belief.quantiles[0], rel=1e-6)


def test_a_case_carries_trailing_signals_then_forecasts(small_case: PlanningCase) -> None:
    names = small_case.scenario.signal_names
    assert names[: len(SIGNAL_NAMES)] == SIGNAL_NAMES
    assert names[len(SIGNAL_NAMES)] == "forecast_mean"
    assert len(names) == len(SIGNAL_NAMES) + 2 + len(small_case.quantile_levels)
    assert small_case.lead_time.tolist() == [1, 3, 1, 3]


def test_the_planning_world_spreads_the_write_down_over_the_days_of_a_test(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    # 30 % of a unit cost of 2 over 12 days: 0.05 a day beside the holding cost of 0.05
    case = case_of(units_of(0), end_write_down_share=0.3, test_days=12)
    planning, actual = case.planning_world.economics, case.world.economics
    assert actual.holding_cost.flatten().tolist() == pytest.approx([0.05] * 4)
    assert planning.holding_cost.flatten().tolist() == pytest.approx([0.10] * 4)
    # a unit held through the whole test pays what it would lose at the end
    surcharge = (planning.holding_cost - actual.holding_cost) * case.test_days
    torch.testing.assert_close(surcharge, 0.3 * actual.unit_cost)
    for name in ("shortage_cost", "fixed_order_cost", "unit_cost", "list_price"):
        assert torch.equal(getattr(planning, name), getattr(actual, name))


def test_products_are_classed_by_interval_and_size_variation(
    case_of: MakeCase,
) -> None:
    days = WARM_UP_DAYS + 16  # 100
    units = np.zeros((days, 4))
    units[:, 0] = 5.0  # every day, always 5: interval 1, variation 0
    units[::2, 1] = 5.0  # every other day: interval 2
    # sizes 1 and 9 by turns: mean 5, variance 16, squared variation 16 / 25 = 0.64
    units[:, 2] = np.where(np.arange(days) % 2, 1.0, 9.0)
    units[::2, 3] = np.where(np.arange(days // 2) % 2, 1.0, 9.0)
    case = case_of(units)
    assert case.variability_classes(days).tolist() == [0, 1, 2, 3]


def test_products_at_the_cut_offs_are_smooth_and_later_days_do_not_count(
    case_of: MakeCase,
) -> None:
    days = WARM_UP_DAYS + 16
    units = np.ones((days, 2))
    units[:25, 0] = 1.0
    # 25 sales in 33 days: interval 1.32 exactly; 24 sales: 1.375
    units[25:33] = 0.0
    units[24, 1] = 0.0
    case = case_of(units)
    assert case.variability_classes(33).tolist() == [0, 1]
    assert case.variability_classes(days).tolist() == [0, 0]
    # sizes 3 and 17 by turns: mean 10, variance 49, squared variation 0.49 exactly
    units[:, 0] = np.where(np.arange(days) % 2, 3.0, 17.0)
    assert case_of(units).variability_classes(days).tolist() == [0, 0]


def test_a_product_that_never_sold_is_intermittent(case_of: MakeCase) -> None:
    units = np.ones((WARM_UP_DAYS + 16, 2))
    units[:, 1] = 0.0
    assert case_of(units).variability_classes(90).tolist() == [0, 1]


def test_a_test_opens_with_recent_demand_over_lead_time_and_cover(case_of: MakeCase) -> None:
    units = np.full((WARM_UP_DAYS + 16, 2), 5.0)
    case = case_of(units, lead_times=(1, 3), opening_cover_days=2.5)
    state = case.opening_state(90)
    # scale 5.1: 5.1 · (1 + 2.5) = 17.85 and 5.1 · (3 + 2.5) = 28.05, to the nearest unit
    assert state.on_hand.flatten().tolist() == [18, 28]
    assert state.on_order.sum() == 0
    assert all(slot is None for slot in state.pipeline)


def test_opening_stock_knows_nothing_of_the_test(case_of: MakeCase, units_of: MakeUnits) -> None:
    units = units_of(2)
    later = units.copy()
    later[100:] += 7
    one, two = (case_of(each).opening_state(100).on_hand for each in (units, later))
    assert torch.equal(one, two)


def test_other_costs_keep_signals_and_change_the_world(
    case_of: MakeCase, units_of: MakeUnits, small_case: PlanningCase
) -> None:
    dear = case_of(units_of(1), shortage_cost=9.0)
    changed = small_case.with_costs(dear.instance)
    assert changed.scenario is small_case.scenario
    assert changed.world.economics.shortage_cost.flatten().tolist() == [9.0] * 4
    assert small_case.world.economics.shortage_cost.flatten().tolist() == [2.0] * 4
