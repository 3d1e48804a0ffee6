"""Rules for a fixed cost per order agree with dynamic programs, simulation and enumeration."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from restock.errors import InstanceError
from restock.optimality import Normal, economic_order_quantity, newsvendor, poisson_pmf
from restock.optimality.r_q import ContinuousReview, optimal_r_q, r_q_cost
from restock.optimality.s_s import Backorders, optimal_s_s, s_s_cost
from restock.optimality.wagner_whitin import LotSizes, wagner_whitin

SHOP = ContinuousReview(Normal(1300, 150), 1 / 12, 0.225, 7.5, 8)

problems = st.builds(
    lambda weights, lead_time, h, p, k: Backorders(
        np.array(weights, dtype=np.float64) / sum(weights), lead_time, h, p, k
    ),
    st.lists(st.integers(0, 9), min_size=2, max_size=6).filter(lambda w: sum(w[1:]) > 0),
    st.integers(0, 3),
    st.floats(0.2, 3.0),
    st.floats(0.5, 30.0),
    st.floats(0.0, 60.0),
)


def _program(problem: Backorders, lowest: int, highest: int) -> tuple[float, float]:
    """Bracket the least average cost over all rules on positions lowest..highest.

    Relative value iteration; what would fall below ``lowest`` is counted as there, and is lifted.
    """
    positions = np.arange(lowest, highest + 1)
    costs = problem.period_costs(positions)
    after = np.maximum(np.arange(positions.size)[:, None] - np.arange(problem.pmf.size), 0)
    values = np.zeros(positions.size)
    for _ in range(20_000):
        kept = costs + values[after] @ problem.pmf
        lifted = problem.fixed_order_cost + np.minimum.accumulate(kept[::-1])[::-1]
        change = np.minimum(kept, lifted) - values
        if np.ptp(change) < 1e-7:
            return float(change.min()), float(change.max())
        values += 0.9 * change
        values -= values[0]
    raise AssertionError("the program did not settle")


@settings(max_examples=25)
@given(problems)
def test_no_rule_of_any_form_beats_the_best_s_s(problem: Backorders) -> None:
    best = optimal_s_s(problem)
    lower, upper = _program(problem, best.reorder_point - 25, best.order_up_to + 25)
    assert lower - 1e-6 <= best.cost <= upper + 1e-6


@settings(max_examples=60)
@given(problems, st.integers(-12, 12), st.integers(1, 30))
def test_the_best_s_s_costs_at_most_what_any_other_costs(
    problem: Backorders, shift: int, span: int
) -> None:
    best = optimal_s_s(problem)
    assert best.reorder_point < best.order_up_to
    assert s_s_cost(problem, best.reorder_point, best.order_up_to) == pytest.approx(best.cost)
    reorder_point = best.reorder_point + shift
    assert best.cost <= s_s_cost(problem, reorder_point, reorder_point + span) + 1e-9


@settings(max_examples=25)
@given(problems)
def test_without_a_fixed_cost_the_rule_is_the_newsvendor_s(problem: Backorders) -> None:
    free = Backorders(
        problem.pmf, problem.lead_time, problem.holding_cost, problem.shortage_cost, 0.0
    )
    alone = newsvendor(
        problem.pmf,
        holding_cost=problem.holding_cost,
        shortage_cost=problem.shortage_cost,
        lead_time=problem.lead_time,
    )
    assert optimal_s_s(free).cost == pytest.approx(alone.cost, abs=1e-9)


@pytest.mark.parametrize(("lead_time", "seed"), [(0, 0), (2, 1)])
def test_the_cost_of_s_s_agrees_with_a_simulation(lead_time: int, seed: int) -> None:
    problem = Backorders(poisson_pmf(4), lead_time, 1.0, 9.0, 30.0)
    reorder_point, order_up_to = 5, 22
    means = _simulated(problem, reorder_point, order_up_to, lead_time, seed)
    error = means.std() / math.sqrt(means.size)
    exact = s_s_cost(problem, reorder_point, order_up_to)
    assert abs(exact - means.mean()) < 4 * error
    early = _simulated(problem, reorder_point, order_up_to, lead_time + 1, seed)
    assert abs(exact - early.mean()) > 20 * error


def _simulated(
    problem: Backorders, reorder_point: int, order_up_to: int, lead_time: int, seed: int
) -> np.ndarray:
    """Return the average cost of 1,500 chains: arrivals, orders, demand, costs."""
    n_chains, warm_up, n_periods = 1500, 40, 400
    rng = np.random.default_rng(seed)
    stock, due = np.full(n_chains, 10), np.zeros((lead_time, n_chains), dtype=np.int64)
    totals = np.zeros(n_chains)
    for period in range(warm_up + n_periods):
        position = stock + due.sum(axis=0)
        order = np.where(position <= reorder_point, order_up_to - position, 0)
        due = np.vstack([due, order])
        # what was ordered L periods ago is there before demand comes
        stock, due = stock + due[0], due[1:]
        stock = stock - rng.choice(problem.pmf.size, size=n_chains, p=problem.pmf)
        if period >= warm_up:
            totals += problem.holding_cost * np.maximum(stock, 0)
            totals += problem.shortage_cost * np.maximum(-stock, 0)
            totals += problem.fixed_order_cost * (order > 0)
    return np.asarray(totals / n_periods)


def test_orders_far_apart_do_not_outgrow_the_stored_range() -> None:
    # EOQ √(2 · 5000 · 4) = 200 units, four times what is stored at first.
    problem = Backorders(poisson_pmf(4), 1, 1.0, 50.0, 5000.0)
    best = optimal_s_s(problem)
    fresh = s_s_cost(problem, best.reorder_point, best.order_up_to)
    assert best.cost == pytest.approx(fresh, rel=1e-12)
    assert 190 < best.order_up_to - best.reorder_point < 230
    economic = economic_order_quantity(5000, 1.0, 4)
    assert best.cost == pytest.approx(economic.cost, rel=0.1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"lead_time": -1}, "`lead_time`.*got -1"),
        ({"holding_cost": 0.0}, "`holding_cost`.*got 0"),
        ({"shortage_cost": float("nan")}, "`shortage_cost`.*got nan"),
        ({"fixed_order_cost": -2.0}, "`fixed_order_cost`.*got -2"),
        ({"fixed_order_cost": float("nan")}, "`fixed_order_cost`.*got nan"),
        ({"pmf": np.array([1.0])}, "demand above 0"),
        ({"pmf": np.array([0.5, 0.4])}, "sum to 1"),
    ],
)
def test_backorders_that_contradict_the_model_are_refused(
    changed: dict[str, object], named: str
) -> None:
    whole = {
        "pmf": poisson_pmf(1),
        "lead_time": 1,
        "holding_cost": 1.0,
        "shortage_cost": 4.0,
        "fixed_order_cost": 5.0,
    }
    with pytest.raises(InstanceError, match=named):
        Backorders(**{**whole, **changed})  # type: ignore[arg-type]


def test_a_rule_that_does_not_lift_the_position_is_refused() -> None:
    with pytest.raises(InstanceError, match="below `order_up_to`; got 4 and 4"):
        s_s_cost(Backorders(poisson_pmf(1), 0, 1.0, 4.0, 5.0), 4, 4)


def test_the_cost_of_r_q_is_the_integral_of_the_period_cost() -> None:
    over = SHOP.lead_time_demand

    def period_cost(position: float) -> float:
        z = (position - over.mean) / over.sd
        short = over.sd * (norm.pdf(z) - z * norm.sf(z))
        return float(0.225 * (position - over.mean) + (0.225 + 7.5) * short)

    for reorder_point, quantity in [(126.8, 328.5), (60.0, 200.0), (200.0, 40.0)]:
        area, _ = quad(period_cost, reorder_point, reorder_point + quantity, epsabs=1e-9)
        by_hand = (8 * 1300 + area) / quantity
        assert r_q_cost(SHOP, reorder_point, quantity) == pytest.approx(by_hand, abs=1e-7)


def test_the_best_r_q_is_stationary_and_beats_its_neighbours() -> None:
    best = optimal_r_q(SHOP)
    for dr, dq in product((-2.0, 0.0, 2.0), repeat=2):
        cost = r_q_cost(SHOP, best.reorder_point + dr, best.quantity + dq)
        assert cost >= best.cost - 1e-10
    # At the optimum the cost rate at both ends of the position's range is the average cost:
    # one more unit of Q at either end changes nothing. Over a hundredth of a unit:
    for end in (best.reorder_point, best.reorder_point + best.quantity):
        lot = ContinuousReview(SHOP.demand, SHOP.lead_time, 0.225, 7.5, 1e-12)
        assert r_q_cost(lot, end - 0.005, 0.01) == pytest.approx(best.cost, abs=1e-3)


def test_with_little_uncertainty_the_lot_is_the_economic_one_with_backorders() -> None:
    # Q = √(2Kλ (h + p) / (h p)) and cost √(2Kλ h p / (h + p)), Snyder & Shen section 3.5
    shop = ContinuousReview(Normal(1300, 0.01), 1 / 12, 0.225, 0.5, 8)
    best = optimal_r_q(shop)
    assert best.quantity == pytest.approx(math.sqrt(2 * 8 * 1300 * 0.725 / (0.225 * 0.5)), rel=1e-4)
    assert best.cost == pytest.approx(math.sqrt(2 * 8 * 1300 * 0.225 * 0.5 / 0.725), rel=1e-6)


@settings(max_examples=30)
@given(
    st.floats(1.0, 1e4),
    st.floats(0.1, 1.0),
    st.floats(0.02, 2.0),
    st.floats(0.01, 5.0),
    st.floats(0.05, 50.0),
    st.floats(0.1, 500.0),
)
def test_the_best_r_q_costs_at_most_what_others_cost(
    mean: float, cv: float, lead_time: float, h: float, p: float, k: float
) -> None:
    problem = ContinuousReview(Normal(mean, cv * mean), lead_time, h, p, k)
    best = optimal_r_q(problem)
    for stretch in (0.7, 0.95, 1.05, 1.5):
        for shift in (-0.3, 0.0, 0.3):
            cost = r_q_cost(
                problem, best.reorder_point + shift * best.quantity, best.quantity * stretch
            )
            assert cost >= best.cost * (1 - 1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_r_q_terms_without_a_trade_off_are_refused(bad: float) -> None:
    with pytest.raises(InstanceError, match=f"`holding_cost`.*got {bad}"):
        ContinuousReview(Normal(1300, 150), 1 / 12, bad, 7.5, 8)
    with pytest.raises(InstanceError, match=f"`lead_time`.*got {bad}"):
        ContinuousReview(Normal(1300, 150), bad, 0.2, 7.5, 8)
    with pytest.raises(InstanceError, match=f"`quantity`.*got {bad}"):
        r_q_cost(SHOP, 100.0, bad)
    with pytest.raises(InstanceError, match=r"`reorder_point`.*got nan"):
        r_q_cost(SHOP, float("nan"), 100.0)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 200), st.integers(0, 4), st.integers(0, 5)),
        min_size=1,
        max_size=7,
    )
)
def test_wagner_whitin_is_the_best_of_all_sets_of_order_periods(
    periods: list[tuple[int, int, int, int]],
) -> None:
    demand, fixed, holding, unit = (list(column) for column in zip(*periods, strict=True))
    plan = wagner_whitin(demand, fixed_order_cost=fixed, holding_cost=holding, unit_cost=unit)
    every = [
        _plan_cost(_orders_in(chosen, demand), demand, fixed, holding, unit)
        for chosen in product((False, True), repeat=len(demand))
    ]
    assert plan.cost == pytest.approx(min(every))
    assert _plan_cost(list(plan.orders), demand, fixed, holding, unit) == pytest.approx(plan.cost)


def _orders_in(chosen: tuple[bool, ...], demand: list[int]) -> list[float]:
    """Return orders in the chosen periods, each covering demand up to the next."""
    orders, last = [0.0] * len(demand), -1
    for period, units in enumerate(demand):
        last = period if chosen[period] else last
        if last >= 0:
            orders[last] += units
    return orders


def _plan_cost(
    orders: list[float], demand: list[int], fixed: list[int], holding: list[int], unit: list[int]
) -> float:
    stock, cost = 0.0, 0.0
    for order, needed, k, h, c in zip(orders, demand, fixed, holding, unit, strict=True):
        stock += order - needed
        cost += k * (order > 0) + c * order + h * stock
        if stock < 0:
            return math.inf
    return cost


def test_periods_without_demand_get_no_order() -> None:
    plan = wagner_whitin((0, 0, 5, 0), fixed_order_cost=10, holding_cost=1)
    assert plan == LotSizes(orders=(0.0, 0.0, 5.0, 0.0), cost=10.0)
    assert wagner_whitin((0, 0), fixed_order_cost=10, holding_cost=1).cost == 0


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"demand": (1.0, -1.0)}, r"`demand` must be finite and ≥ 0; got \[-1"),
        ({"demand": (1.0, float("nan"))}, "`demand`.*nan"),
        ({"holding_cost": float("inf")}, "`holding_cost`.*inf"),
        ({"fixed_order_cost": (1.0, 2.0, 3.0)}, "one for each of the 2 periods"),
    ],
)
def test_lot_sizes_of_bad_numbers_are_refused(changed: dict[str, object], named: str) -> None:
    whole = {"demand": (1.0, 2.0), "fixed_order_cost": 1.0, "holding_cost": 1.0}
    with pytest.raises(InstanceError, match=named):
        wagner_whitin(**{**whole, **changed})  # type: ignore[arg-type]
