"""Tuning by replay: all candidates at once cost what each alone would, and the cheapest wins."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.demand import WARM_UP_DAYS
from restock.evaluation import Outcome, evaluate
from restock.planning import PlanningCase, TuningGround
from restock.planning.tuning import grid
from restock.policies import BaseStock, SignalLevel

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
DAYS = 24


def alone(ground: TuningGround, policy: BaseStock) -> Outcome:
    """Evaluate one policy on the tuning days in the planning world."""
    case = ground.case
    window = case.scenario.window(ground.start, ground.stop)
    return evaluate(case.planning_world, policy, window, case.opening_state(ground.start))


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([0.0, 3.0]))
@settings(max_examples=10)
def test_candidates_on_the_path_axis_do_what_each_does_alone(
    case_of: MakeCase, units_of: MakeUnits, seed: int, lost_share: float, fixed: float
) -> None:
    case = case_of(units_of(seed), lost_share=lost_share, fixed_order_cost=fixed)
    ground = TuningGround(case, WARM_UP_DAYS, WARM_UP_DAYS + DAYS)
    levels = torch.tensor([0.0, 2.0, 5.0, 11.0, 40.0])[:, None, None].expand(-1, 4, 1)
    together = ground.replay(BaseStock(levels), 5)
    for candidate in range(5):
        single = alone(ground, BaseStock(levels[candidate : candidate + 1]))
        for name in ("sold", "lost", "ordered", "stock", "holding", "shortage", "fixed"):
            ours, theirs = getattr(together, name)[candidate], getattr(single, name)[0]
            assert ours == pytest.approx(theirs, rel=1e-6), name


@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 2), min_size=4, max_size=4).filter(lambda each: 0 in each),
)
@settings(max_examples=15)
def test_the_best_candidate_is_the_cheapest_over_each_group(
    case_of: MakeCase, units_of: MakeUnits, seed: int, groups: list[int]
) -> None:
    ground = TuningGround(case_of(units_of(seed)), WARM_UP_DAYS, WARM_UP_DAYS + DAYS)
    levels = torch.from_numpy(np.random.default_rng(seed).uniform(0, 40, (7, 4, 1))).float()
    costs = [alone(ground, BaseStock(levels[k : k + 1])).cost().amount[0] for k in range(7)]
    chosen = ground.best(BaseStock(levels), 7, torch.tensor(groups)).tolist()
    for product, group in enumerate(groups):
        members = [p for p in range(4) if groups[p] == group]
        totals = [sum(cost[p] for p in members) for cost in costs]
        assert totals[chosen[product]] == pytest.approx(min(totals), rel=1e-6)


def test_the_worst_candidate_is_not_the_best(ground: TuningGround) -> None:
    # nothing on the shelf loses every sale, a year of demand is held for nothing
    levels = torch.tensor([0.0, 30.0, 5000.0])[:, None, None].expand(-1, 4, 1)
    assert ground.best(BaseStock(levels), 3, torch.zeros(4, dtype=torch.long)).tolist() == [1] * 4


def test_the_mean_a_day_is_of_all_days_before_the_stop(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    units = units_of(3)
    stop = WARM_UP_DAYS + DAYS
    ground = TuningGround(case_of(units), WARM_UP_DAYS, stop)
    assert ground.daily_mean.tolist() == pytest.approx(units[:stop].mean(0).tolist(), rel=1e-6)


def test_tuning_days_are_those_from_start_to_stop(ground: TuningGround) -> None:
    assert ground.scenario.periods == ground.stop - ground.start
    recorded = ground.case.history.units[ground.start : ground.stop]
    assert ground.scenario.demand[0, :, :, 0].numpy() == pytest.approx(recorded)


def test_a_replay_pays_the_spread_write_down(ground: TuningGround) -> None:
    one = torch.ones(1, 1, 1)
    names = ("forecast_mean", "forecast_sd")
    outcome = ground.replay(SignalLevel(names, one.expand(1, 1, 2), 1e6 * one, 0 * one), 1)
    # holding 0.05 and a tenth of the unit cost of 2 over 12 days, per unit and day
    assert outcome.holding == pytest.approx(outcome.stock * (0.05 + 0.2 / 12), rel=1e-5)


def test_a_grid_holds_every_combination_once() -> None:
    rows = grid([1, 2, 3], [0.5, 0.25], [7]).tolist()
    assert sorted(map(tuple, rows)) == sorted((a, b, 7.0) for a in (1, 2, 3) for b in (0.5, 0.25))
