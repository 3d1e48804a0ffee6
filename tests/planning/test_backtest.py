"""The backtest: each window faced once by each rule, and never beyond what hindsight could do."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.demand import WARM_UP_DAYS
from restock.planning import (
    CLASSICAL_RULES,
    PlanningCase,
    Rule,
    TuningGround,
    Window,
    backtest,
    face,
    hindsight_bound,
)
from restock.policies import BaseStock
from restock.simulation import Decision, Observation, Policy

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
TUNING_DAYS = 24


@dataclass
class SpiedPolicy:
    """A base stock that counts the days on which it was asked."""

    policy: Policy
    asked: int = 0

    def decide(self, observation: Observation) -> Decision:
        self.asked += 1
        return self.policy.decide(observation)


@dataclass
class SpiedRule:
    """A rule that keeps what it was given and what became of it."""

    name: str = "spied"
    grounds: list[TuningGround] = field(default_factory=list)
    policies: list[SpiedPolicy] = field(default_factory=list)

    def tune(self, ground: TuningGround) -> SpiedPolicy:
        self.grounds.append(ground)
        levels = torch.full((1, ground.case.history.n_products, 1), 8.0)
        self.policies.append(SpiedPolicy(BaseStock(levels)))
        return self.policies[-1]


def test_every_rule_is_tuned_before_a_window_and_faces_it_once(small_case: PlanningCase) -> None:
    windows = [Window(104, 116), Window(116, 128), Window(128, 140)]
    rule = SpiedRule()
    told: list[tuple[int, str]] = []
    result = backtest(
        small_case,
        windows,
        [rule],
        TUNING_DAYS,
        lambda window, each: told.append((window.start, each.name)),
    )
    # 24 days before the first window begin within the warm-up: it is tuned on the 20 behind it
    assert [(ground.start, ground.stop) for ground in rule.grounds] == [
        (max(WARM_UP_DAYS, window.start - TUNING_DAYS), window.start) for window in windows
    ]
    assert [policy.asked for policy in rule.policies] == [12, 12, 12]
    assert told == [(104, "spied"), (116, "spied"), (128, "spied")]
    assert result.policies["spied"] is rule.policies[-1]
    assert result.outcomes["spied"].demand.shape == (3, 4)
    recorded = [small_case.history.units[w.start : w.stop].sum(0) for w in windows]
    assert result.outcomes["spied"].demand == pytest.approx(np.stack(recorded))
    assert result.windows == windows
    assert result.seconds["spied"] > 0


def test_a_window_opens_with_the_case_s_stock_and_ends_with_its_write_down(
    small_case: PlanningCase,
) -> None:
    window = Window(116, 128)
    levels = torch.full((1, 4, 1), 30.0)
    outcome = face(small_case, window, BaseStock(levels))
    opening = small_case.opening_state(116).on_hand[0, :, 0]
    assert outcome.opening_stock_units[0] == pytest.approx(opening.numpy())
    # a tenth of the unit cost of 2 is lost on each unit that is left
    assert outcome.write_down == pytest.approx(0.2 * outcome.end_stock_units)


@given(
    st.integers(0, 2**32),
    st.sampled_from([(0, 2), (1, 3), (5, 5), (2, 14)]),
    st.sampled_from([1.0, 0.5, 0.0]),
    st.sampled_from([(4.0, 2.0), (4.0, 4.0), (3.0, 5.0)]),
    st.floats(0, 1),
    st.floats(0, 8),
)
@settings(max_examples=25)
def test_no_rule_beats_hindsight(
    case_of: MakeCase,
    units_of: MakeUnits,
    seed: int,
    lead_times: tuple[int, int],
    lost_share: float,
    money: tuple[float, float],
    write_down: float,
    cover: float,
) -> None:
    price, cost = money
    case = case_of(
        units_of(seed),
        lead_times,
        lost_share=lost_share,
        list_price=price,
        unit_cost=cost,
        end_write_down_share=write_down,
        opening_cover_days=cover,
    )
    windows = [Window(116, 128), Window(128, 140)]
    bound = hindsight_bound(case, windows)
    rng = np.random.default_rng(seed)
    rivals = [
        BaseStock(torch.from_numpy(rng.uniform(0, 60, (1, 4, 1))).float()) for _ in range(4)
    ] + [BaseStock(torch.zeros(1, 4, 1))]
    for rival in rivals:
        outcomes = [face(case, window, rival) for window in windows]
        spent = sum(outcome.cost().total for outcome in outcomes)
        earned = sum(outcome.profit().total for outcome in outcomes)
        slack = 1e-4 * (abs(spent) + abs(earned) + 1)
        assert bound.cost <= spent + slack
        assert bound.profit >= earned - slack


def test_hindsight_is_below_every_tuned_rule(small_case: PlanningCase) -> None:
    windows = [Window(116, 128), Window(128, 140)]
    result = backtest(small_case, windows, CLASSICAL_RULES, 32)
    assert result.bound is not None
    assert set(result.outcomes) == {rule.name for rule in CLASSICAL_RULES}
    for outcome in result.outcomes.values():
        assert result.bound.cost < outcome.cost().total
        assert result.bound.profit > outcome.profit().total
        assert result.bound.fill_rate >= outcome.fill_rate().total
        assert result.bound.lost_sales_units <= outcome.lost_sales_units().total


def test_hindsight_by_hand(case_of: MakeCase) -> None:
    # one product, 5.1 a day: 5.1 · (2 + 0) opens with 10 units; then 4, 4, 4, 4 are asked
    units = np.full((WARM_UP_DAYS + 16, 1), 5.0)
    units[96:] = 4.0
    case = case_of(units, (2,), opening_cover_days=0.0, end_write_down_share=0.1)
    bound = hindsight_bound(case, [Window(96, 100)])
    # stock 6, 2, then 4 − 2 = 2 and 4 are ordered for their day: nothing is lost or left;
    # holding 0.05 · (6 + 2) = 0.40; profit 4 · 16 − 0.40 − 2 · 6 for orders − 2 · 10 for stock
    assert bound.cost == pytest.approx(0.40)
    assert bound.profit == pytest.approx(64 - 0.40 - 12 - 20)
    assert (bound.lost_sales_units, bound.fill_rate) == (0, 1)


def test_hindsight_sells_waiting_demand_later(case_of: MakeCase) -> None:
    # an empty shelf, lead time 2: of four days of 4 units two days can only wait
    units = np.full((WARM_UP_DAYS + 16, 1), 4.0)
    units[:96] = 0.0
    usual = {"opening_cover_days": 0.0, "end_write_down_share": 0.0}
    window = [Window(96, 100)]
    lost, half, kept = (
        hindsight_bound(case_of(units, (2,), lost_share=share, **usual), window)
        for share in (1.0, 0.5, 0.0)
    )
    # a margin of 2 on 8, 12 and 16 units
    assert [bound.profit for bound in (lost, half, kept)] == pytest.approx([16, 24, 32])
    assert [bound.lost_sales_units for bound in (lost, half, kept)] == pytest.approx([8, 4, 0])
    assert [bound.fill_rate for bound in (lost, half, kept)] == pytest.approx([0.5, 0.75, 1])


def test_a_rule_of_one_s_own_is_a_rule() -> None:
    assert isinstance(SpiedRule(), Rule)
