"""Satisfaction: what is remembered, what demand makes of it, who comes back."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand.goodwill import LinearGoodwill, PowerGoodwill
from restock.demand.retention import Retention
from restock.demand.satisfaction import Satisfaction, ServiceWeights
from restock.errors import ConfigurationError

STEP = 1e-6
NAN = float("nan")
WEIGHTS = ServiceWeights(fill_rate=0.4, punctuality=0.3, whole_orders=0.2, fair_price=0.1)
seeds = st.integers(0, 2**32)


def points(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, -1)


def memory(**changes: object) -> Satisfaction:
    return Satisfaction(**{"smoothing": 0.25, "initial": 0.8, "weights": WEIGHTS, **changes})  # type: ignore[arg-type]


def experience(seed: int) -> list[Tensor]:
    """Draw satisfaction, fill rate, lateness, split share and price ratio, ``[2, 1, 3]`` each."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(5, 2, 1, 3, generator=generator, dtype=torch.float64)
    drawn[2] *= 10
    drawn[4] += 0.5
    return list(drawn)


def test_an_experience_is_scored_by_its_weights() -> None:
    # 0.4 · 0.5 + 0.3 · exp(−3/3) + 0.2 · (1 − 0.5) + 0.1 · exp(−0.2/0.2)
    #   = 0.2 + 0.110364 + 0.1 + 0.036788 = 0.447152
    score = memory().score(points(0.5), points(3.0), points(0.5), points(1.2))
    assert score.item() == pytest.approx(0.447152, abs=1e-6)


def test_what_is_not_given_was_perfect() -> None:
    one = points(1.0)
    assert memory().score(one).item() == pytest.approx(1.0)
    assert memory().score(points(0.0)).item() == pytest.approx(0.6)
    same = memory().score(points(0.3), 0 * one, 0 * one, one)
    torch.testing.assert_close(memory().score(points(0.3)), same)


def test_a_lower_price_than_expected_is_fair_and_no_more() -> None:
    assert memory().score(points(1.0), None, None, points(0.5)).item() == pytest.approx(1.0)


def test_satisfaction_approaches_a_steady_experience_geometrically() -> None:
    state, habit = points(0.8), memory(weights=ServiceWeights())
    for _ in range(4):
        state = habit.next(state, points(0.4))
    # 0.4 + (0.8 − 0.4) · 0.75⁴
    assert state.item() == pytest.approx(0.4 + 0.4 * 0.75**4)


def test_where_nobody_asked_satisfaction_stays() -> None:
    before = points(0.5, 0.5)
    after = memory().next(before, points(1.0, 1.0), asked=points(1.0, 0.0)).flatten()
    assert after[0] > 0.5
    assert after[1] == 0.5


@given(seed=seeds)
@settings(max_examples=50, derandomize=True)
def test_satisfaction_stays_between_nothing_and_all(seed: int) -> None:
    state, *rest = experience(seed)
    for smoothing in (0.0, 0.3, 1.0):
        after = memory(smoothing=smoothing).next(state, *rest)
        assert bool((after >= 0).all() and (after <= 1).all())


@pytest.mark.parametrize("effect", [PowerGoodwill(0.7), LinearGoodwill(1.3)])
def test_demand_is_as_planned_at_the_start_and_grows_with_satisfaction(
    effect: PowerGoodwill | LinearGoodwill,
) -> None:
    low, start, high = memory(effect=effect).multiplier(points(0.0, 0.8, 1.0)).flatten().tolist()
    assert 0 <= low < start == 1.0 < high


def test_multipliers_are_the_formulas() -> None:
    s = points(0.2)
    assert PowerGoodwill(0.5).multiplier(s, 0.8).item() == pytest.approx(0.5)
    assert LinearGoodwill(0.5).multiplier(s, 0.8).item() == pytest.approx(0.7)
    assert LinearGoodwill(5.0).multiplier(s, 0.8).item() == 0.0


def test_customers_settle_where_those_who_leave_are_replaced() -> None:
    retention = Retention(at_worst=0.9, at_best=0.99, newcomers=0.02)
    habit, customers = memory(retention=retention), points(1.0)
    for _ in range(2000):
        customers = habit.next_customers(customers, points(0.5))
    # retention 0.945: 0.02 / 0.055
    assert customers.item() == pytest.approx(0.02 / 0.055)
    assert retention.settled(0.5) == pytest.approx(0.02 / 0.055)
    assert Retention(at_worst=1.0, at_best=1.0).settled(0.5) == float("inf")


def test_without_retention_customers_stay() -> None:
    customers = points(0.7)
    assert memory().next_customers(customers, points(0.1)) is customers


def test_the_value_of_customers_is_the_sum_of_what_they_will_bring() -> None:
    retention = Retention(at_worst=0.9, at_best=0.99, newcomers=0.5)
    value = retention.value(points(3.0), points(0.5), margin_per_customer=2.0, discount=0.98).item()
    brought = sum(3.0 * 2.0 * (0.98 * 0.945) ** k for k in range(2000))
    assert value == pytest.approx(brought)


@given(seed=seeds)
@settings(max_examples=20, derandomize=True)
@pytest.mark.parametrize("effect", [PowerGoodwill(0.7), LinearGoodwill(1.3)])
def test_gradients_are_difference_quotients(
    effect: PowerGoodwill | LinearGoodwill, seed: int
) -> None:
    retention = Retention(at_worst=0.5, at_best=0.9, newcomers=0.1)
    habit = memory(effect=effect, retention=retention)
    weights = torch.arange(1.0, 7.0, dtype=torch.float64)

    def total(*values: Tensor) -> Tensor:
        after = habit.next(*values)
        customers = habit.next_customers(values[1], after)
        value = retention.value(customers, after, margin_per_customer=3.0, discount=0.9)
        return (habit.multiplier(after) * customers + value).flatten() @ weights

    values = [value.requires_grad_() for value in experience(seed)]
    gradients = torch.autograd.grad(total(*values), values)
    for which, gradient in enumerate(gradients):
        nudge = torch.zeros_like(values[which])
        nudge[1, 0, 2] = STEP
        ahead, behind = list(values), list(values)
        ahead[which], behind[which] = values[which] + nudge, values[which] - nudge
        slope = (total(*ahead) - total(*behind)) / (2 * STEP)
        torch.testing.assert_close(gradient[1, 0, 2], slope, rtol=1e-5, atol=1e-6)


def test_the_slope_is_finite_where_nobody_is_satisfied() -> None:
    nothing = points(0.0).requires_grad_()
    memory(effect=PowerGoodwill(0.5)).multiplier(nothing).sum().backward()  # type: ignore[no-untyped-call]
    assert nothing.grad is not None
    assert bool(nothing.grad.isfinite().all())


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "sum": (lambda: ServiceWeights(fill_rate=0.5, punctuality=0.4), "must sum to 1; got 0.9"),
    "negative": (
        lambda: ServiceWeights(fill_rate=1.2, punctuality=-0.2),
        r"weight `fill_rate` of satisfaction must lie in \[0, 1\]; got 1.2",
    ),
    "weight nan": (lambda: ServiceWeights(fair_price=NAN), "`fair_price`.*got nan"),
    "smoothing": (lambda: memory(smoothing=NAN), r"`smoothing` must lie in \[0, 1\]; got nan"),
    "initial": (lambda: memory(initial=0.0), r"`initial` must lie in \(0, 1\]; got 0.0"),
    "tolerance": (lambda: memory(price_tolerance=NAN), "`price_tolerance` must be finite and > 0"),
    "exponent": (lambda: PowerGoodwill(-1.0), "`exponent` must be finite and ≥ 0; got -1.0"),
    "slope": (lambda: LinearGoodwill(NAN), "`slope` must be finite and ≥ 0; got nan"),
    "retention": (
        lambda: Retention(at_worst=0.9, at_best=0.8),
        "0 ≤ `at_worst` ≤ `at_best` ≤ 1; got 0.9 and 0.8",
    ),
    "newcomers": (
        lambda: Retention(at_worst=0.5, at_best=0.8, newcomers=NAN),
        "`newcomers` must be finite and ≥ 0; got nan",
    ),
    "discount": (
        lambda: Retention(at_worst=0.5, at_best=0.8).value(
            points(1.0), points(1.0), margin_per_customer=1.0, discount=1.0
        ),
        r"`discount` must lie in \[0, 1\); got 1.0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_number_outside_its_range_is_refused(case: str) -> None:
    build, message = BAD[case]
    with pytest.raises(ConfigurationError, match=message):
        build()
