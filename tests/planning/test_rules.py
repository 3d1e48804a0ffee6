"""The classical rules: the cheapest of their family, and blind to what comes after tuning."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand import WARM_UP_DAYS
from restock.planning import CLASSICAL_RULES, PlanningCase, Rule, TuningGround
from restock.planning.rules import (
    BATCHES,
    CAPS,
    NO_CAP,
    TunedLevel,
    TunedReorderPoint,
    by_lead_time,
    by_lead_time_and_class,
    forecast_quantile,
    mean_plus_safety,
    recent_demand,
    tune_anchor,
    tune_signal_level,
)
from restock.policies import (
    BaseStock,
    ReorderPoint,
    SignalLevel,
    quantile_signal,
    quantile_weights,
)
from restock.simulation import Observation, Policy

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]
STOP = WARM_UP_DAYS + 32

each_rule = pytest.mark.parametrize("rule", CLASSICAL_RULES, ids=lambda rule: rule.name)


def costs(ground: TuningGround, policy: Policy) -> Tensor:
    """Return what a policy costs on the tuning days, money per product ``[P]``."""
    return torch.from_numpy(ground.replay(policy, 1).cost().amount[0])


def parameters(policy: object) -> list[Tensor]:
    values = [getattr(policy, field.name) for field in fields(policy)]  # type: ignore[arg-type]
    return [value for value in values if isinstance(value, Tensor)]


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in CLASSICAL_RULES]
    assert len(set(names)) == len(names)
    assert all(isinstance(rule, Rule) for rule in CLASSICAL_RULES)


@each_rule
def test_no_rule_looks_at_the_days_from_its_stop_on(
    case_of: MakeCase, units_of: MakeUnits, rule: Rule
) -> None:
    units = units_of(11)
    later = units.copy()
    later[STOP:] = 4 * later[STOP:] + 9
    one, two = (
        parameters(rule.tune(TuningGround(case_of(each), WARM_UP_DAYS, STOP)))
        for each in (units, later)
    )
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@each_rule
def test_every_rule_looks_at_the_last_day_before_its_stop(
    case_of: MakeCase, units_of: MakeUnits, rule: Rule
) -> None:
    units = units_of(11)
    other = units.copy()
    other[STOP - 12 : STOP] += 40
    one, two = (
        parameters(rule.tune(TuningGround(case_of(each), WARM_UP_DAYS, STOP)))
        for each in (units, other)
    )
    assert not all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@given(st.integers(0, 2**32))
@settings(max_examples=15)
def test_no_level_of_the_grid_is_cheaper_than_the_tuned_base_stock(
    ground: TuningGround, seed: int
) -> None:
    rule = next(rule for rule in CLASSICAL_RULES if rule.name == "base_stock")
    multiples = np.concatenate([np.linspace(0, 4, 41), np.linspace(4.5, 10, 12)])
    any_multiple = torch.from_numpy(np.random.default_rng(seed).choice(multiples, 4)).float()
    unit = ground.daily_mean * (ground.case.lead_time + 1)
    rival = BaseStock(torch.floor(any_multiple * unit + 0.5)[None, :, None])
    assert (costs(ground, rule.tune(ground)) <= costs(ground, rival) * (1 + 1e-6)).all()


def test_tuned_reorder_points_are_cheapest_with_fixed_costs(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    case = case_of(units_of(4), fixed_order_cost=6.0)
    ground = TuningGround(case, WARM_UP_DAYS, STOP)
    tuned = TunedReorderPoint().tune(ground)
    assert (tuned.reorder_point <= tuned.level).all()
    unit = (ground.daily_mean * (case.lead_time + 1))[None, :, None]
    for multiple in (0.6, 1.0, 2.4, 4.0):
        for share in (0.0, 0.4, 0.8):
            level = torch.floor(multiple * unit + 0.5)
            rival = ReorderPoint(torch.floor(level * share), level)
            assert (costs(ground, tuned) <= costs(ground, rival) * (1 + 1e-6)).all()
    # orders cost 6 and a unit held a day 0.07: it pays to wait for a batch
    assert (tuned.level - tuned.reorder_point).max() > 5


@pytest.mark.parametrize("family", [recent_demand, mean_plus_safety, forecast_quantile])
@pytest.mark.parametrize("groups", [by_lead_time, by_lead_time_and_class])
@pytest.mark.parametrize("caps", [CAPS, (NO_CAP,)])
def test_no_level_of_a_family_is_cheaper_over_a_group_than_the_tuned_one(
    ground: TuningGround,
    family: Callable[[TuningGround], tuple[tuple[str, ...], Tensor]],
    groups: Callable[[TuningGround], Tensor],
    caps: tuple[float, ...],
) -> None:
    tuned = costs(ground, TunedLevel("any", family, groups, caps).tune(ground))
    signals, weights = family(ground)
    label = groups(ground)
    for candidate in range(0, len(weights), 6):
        for cap in (caps[0], caps[-1]):
            rival = SignalLevel(
                signals,
                weights[candidate : candidate + 1].expand(-1, 4, -1),
                torch.full((1, 4, 1), cap),
                torch.zeros(1, 4, 1),
            )
            theirs = costs(ground, rival)
            for group in range(int(label.max()) + 1):
                mine = label == group
                assert tuned[mine].sum() <= theirs[mine].sum() * (1 + 1e-6)


def test_products_of_a_group_share_level_and_cap(ground: TuningGround) -> None:
    tuned = tune_signal_level(ground, mean_plus_safety)
    # lead times 1, 3, 1, 3
    for values in (tuned.weights, tuned.cap_periods, tuned.batch_periods):
        assert torch.equal(values[0, 0], values[0, 2])
        assert torch.equal(values[0, 1], values[0, 3])
    assert by_lead_time(ground).tolist() == [0, 1, 0, 1]


def test_classes_of_variability_are_those_of_the_days_before_the_stop(case_of: MakeCase) -> None:
    units = np.ones((STOP + 24, 4))
    units[:26, :2] = 0.0
    units[STOP:, :2] = 0.0
    ground = TuningGround(case_of(units, lead_times=(2,)), WARM_UP_DAYS, STOP)
    # 90 sales in 116 days are smooth (1.29); one more day without would still be (1.30), but the
    # 9th would not (1.39)
    assert by_lead_time_and_class(ground).tolist() == [0, 0, 0, 0]
    later = TuningGround(ground.case, WARM_UP_DAYS, STOP + 9)
    assert by_lead_time_and_class(later).tolist() == [1, 1, 0, 0]


def test_batches_are_tried_only_where_orders_cost_something(
    case_of: MakeCase, units_of: MakeUnits, ground: TuningGround
) -> None:
    assert (tune_signal_level(ground, recent_demand).batch_periods == 0).all()
    case = case_of(units_of(1), fixed_order_cost=20.0)
    batches = tune_signal_level(TuningGround(case, WARM_UP_DAYS, STOP), recent_demand).batch_periods
    assert (batches > 0).any()
    assert set(batches.flatten().tolist()) <= set(BATCHES)


def test_the_anchor_is_the_cheapest_of_the_three_families(ground: TuningGround) -> None:
    anchor = costs(ground, tune_anchor(ground)).sum()
    rivals = [
        costs(ground, tune_signal_level(ground, family)).sum()
        for family in (recent_demand, mean_plus_safety, forecast_quantile)
    ]
    assert anchor == min(rivals)
    assert len({round(float(rival), 6) for rival in rivals}) == 3  # they do differ


def seen(quantiles: list[float], levels: tuple[float, ...], scale: float, lead: int) -> Observation:
    names = ("scale", *(quantile_signal(level) for level in levels))
    signals = torch.tensor([scale, *quantiles]).reshape(1, 1, -1)
    zero = torch.zeros(1, 1, 1)
    return Observation(
        on_hand=zero,
        on_order=zero,
        pipeline=(),
        lead_time=torch.full((1, 1, 1), lead),
        signals=signals,
        signal_names=names,
    )


def test_a_quantile_between_two_levels_is_interpolated_by_hand() -> None:
    levels = (0.1, 0.5, 0.9)
    observation = seen([2.0, 10.0, 30.0], levels, scale=4.0, lead=2)
    names = tuple(quantile_signal(level) for level in levels)
    cap, batch = torch.full((1, 1, 1), 1.5), torch.zeros(1, 1, 1)
    for quantile, expected in ((0.1, 2.0), (0.3, 6.0), (0.5, 10.0), (0.6, 15.0), (0.9, 30.0)):
        weights = quantile_weights(torch.tensor([[quantile]]), levels)
        wish = SignalLevel(names, weights, cap, batch).decide(observation)
        assert wish.target.item() == pytest.approx(expected, rel=1e-5)
        # 1.5 days of 4 a day
        assert wish.cap is not None
        assert wish.cap.item() == pytest.approx(6.0)


@given(
    st.lists(st.floats(0.02, 0.98), min_size=2, max_size=6, unique=True).filter(
        lambda each: min(abs(a - b) for a in each for b in each if a != b) > 1e-3
    ),
    st.lists(st.floats(0, 100), min_size=6, max_size=6),
    st.floats(0, 1),
)
def test_interpolated_quantiles_are_those_of_a_piecewise_linear_function(
    drawn: list[float], values: list[float], share: float
) -> None:
    levels = tuple(sorted(drawn))
    quantiles = np.sort(values[: len(levels)])
    asked = levels[0] + share * (levels[-1] - levels[0])
    at = torch.tensor([asked], dtype=torch.float64).clamp(levels[0], levels[-1])
    weights = quantile_weights(at, levels)
    assert weights.sum().item() == pytest.approx(1.0)
    assert (weights >= -1e-12).all()
    blended = float((weights[0] * torch.from_numpy(quantiles)).sum())
    assert blended == pytest.approx(float(np.interp(at.item(), levels, quantiles)), abs=1e-6)
