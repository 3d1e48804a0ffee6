"""Two sources: the program, exact evaluation and searches agree with hand and simulation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.errors import InstanceError, OptimalityError
from restock.optimality import poisson_pmf
from restock.optimality.dual_sourcing import (
    Decide,
    DualSourcing,
    best,
    best_capped_dual_index,
    best_dual_index,
    best_single_index,
    best_tailored_base_surge,
    capped_dual_index,
    dual_index,
    evaluate,
    evaluate_tailored_base_surge,
    program,
    single_index,
    solve,
    surge,
    tailored_base_surge,
)
from restock.optimality.pmf import total_pmf

UNIFORM = np.full(5, 0.2)


def _simulated(problem: DualSourcing, decide: Decide, seed: int) -> tuple[float, float]:
    """Return average cost and its standard error over 1,500 independent chains of 400 periods."""
    n_chains, warm_up, n_periods = 1500, 150, 400
    rng = np.random.default_rng(seed)
    net_inventory = np.zeros(n_chains, dtype=np.int64)
    due = [np.zeros(n_chains, dtype=np.int64) for _ in range(problem.regular_lead_time - 1)]
    totals = np.zeros(n_chains)
    for period in range(warm_up + n_periods):
        expedited, regular = decide(np.column_stack([net_inventory, *due]))
        net_inventory = net_inventory + expedited
        net_inventory -= rng.choice(problem.pmf.size, size=n_chains, p=problem.pmf)
        if period >= warm_up:
            totals += problem.expedited_cost * expedited + problem.regular_cost * regular
            totals += problem.holding_cost * np.maximum(net_inventory, 0)
            totals += problem.shortage_cost * np.maximum(-net_inventory, 0)
        due.append(regular)
        net_inventory += due.pop(0)
    means = totals / n_periods
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(n_chains))


@pytest.mark.parametrize("seed", range(6))
def test_exact_evaluation_agrees_with_brute_force_simulation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lead_time = 1 + seed % 4
    pmf = poisson_pmf(rng.uniform(0.5, 2), tail=1e-6) if seed % 2 else UNIFORM
    problem = DualSourcing(pmf, lead_time, 10.0, 13.0, rng.uniform(0.5, 2), rng.uniform(4, 20))
    weights = rng.uniform(0.5, 1.0, lead_time)
    weights[0] = 1.0
    level, regular_level, cap = rng.uniform(0, 3), rng.uniform(4, 9), int(rng.integers(2, 6))

    def decide(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expedited = np.floor(level - states[:, 0]).clip(0)
        regular = np.floor(regular_level - states @ weights - expedited / 2).clip(0, cap)
        return expedited.astype(np.int64), regular.astype(np.int64)

    exact = evaluate(problem, decide)
    mean, error = _simulated(problem, decide, seed)
    assert abs(exact.cost - mean) < 4 * error
    assert exact.upper - exact.lower <= 1e-7


def test_a_simulation_that_delivers_a_period_early_does_not_agree() -> None:
    problem = DualSourcing(UNIFORM, 3, 10.0, 13.0, 1.0, 19.0)
    early = DualSourcing(UNIFORM, 2, 10.0, 13.0, 1.0, 19.0)
    mean, error = _simulated(early, dual_index(3, 8), seed=0)
    assert abs(evaluate(problem, dual_index(3, 8)).cost - mean) > 20 * error


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(lambda w: sum(w[1:]) > 0),
    st.integers(1, 3),
    st.floats(0.0, 10.0),
    st.floats(0.1, 3.0),
    st.floats(0.5, 30.0),
)
def test_optimum_is_at_most_any_rule_and_its_tables_attain_it(
    weights: list[int], lead_time: int, premium: float, holding_cost: float, shortage_cost: float
) -> None:
    pmf = np.array(weights, dtype=np.float64) / sum(weights)
    problem = DualSourcing(pmf, lead_time, 5.0, 5.0 + premium, holding_cost, shortage_cost)
    optimum = solve(problem)
    capped, plain = best_capped_dual_index(problem), best_dual_index(problem)
    assert optimum.lower <= capped.cost + 1e-6
    assert capped.cost <= plain.cost + 1e-6
    assert optimum.lower <= best_single_index(problem).cost + 1e-6
    assert optimum.lower <= best_tailored_base_surge(problem).cost + 1e-6
    attained = evaluate(problem, optimum.orders)
    assert attained.cost == pytest.approx(optimum.cost, abs=1e-6)


def test_with_consecutive_lead_times_the_dual_index_is_optimal() -> None:
    # Y. Fukuda (1964), Management Science 10(4):690–708.
    for pmf, expedited_cost in product((UNIFORM, poisson_pmf(2, tail=1e-8)), (10.5, 12, 20)):
        problem = DualSourcing(pmf, 1, 10.0, expedited_cost, 1.0, 9.0)
        assert best_dual_index(problem).cost == pytest.approx(solve(problem).cost, abs=1e-6)


@pytest.mark.parametrize("lead_time", [1, 2, 3])
def test_an_expedited_source_as_cheap_as_the_regular_one_leaves_a_newsvendor(
    lead_time: int,
) -> None:
    problem = DualSourcing(UNIFORM, lead_time, 10.0, 10.0, 5.0, 495.0)
    # Level 4 meets any demand: 2 × 10 bought and 2 × 5 held a period.
    assert solve(problem).cost == pytest.approx(30, abs=1e-6)


@pytest.mark.parametrize("lead_time", [1, 2, 3, 4])
def test_an_expedited_source_that_costs_too_much_leaves_the_regular_base_stock(
    lead_time: int,
) -> None:
    problem = DualSourcing(UNIFORM, lead_time, 100.0, 1e5, 5.0, 495.0)
    # One source with backorders: a newsvendor on the demand of l + 1 periods.
    total = total_pmf(UNIFORM, lead_time + 1)
    level = problem.newsvendor_level(lead_time + 1)
    gap = level - np.arange(total.size)
    newsvendor = total @ np.where(gap > 0, 5.0 * gap, -495.0 * gap)
    assert solve(problem).cost == pytest.approx(200 + newsvendor, abs=1e-6)
    assert best_dual_index(problem).cost == pytest.approx(200 + newsvendor, abs=1e-6)


def test_a_box_of_twice_the_size_gives_the_same_optimum() -> None:
    problem = DualSourcing(UNIFORM, 3, 100.0, 110.0, 5.0, 495.0)
    box = program._first_box(problem)
    wide = program._Box(least=2 * box.least, order=2 * box.order, most=2 * box.most + 8)
    optimum = program._iterate(program._Grid(problem, wide), 1e-7, 10_000)
    assert optimum.cost == pytest.approx(solve(problem).cost, abs=2e-7)


def test_a_box_that_binds_costs_more_and_is_enlarged() -> None:
    problem = DualSourcing(UNIFORM, 2, 100.0, 110.0, 5.0, 495.0)
    small = program._closed(problem, program._Box(least=-4, order=1, most=8))
    bound = program._iterate(program._Grid(problem, small), 1e-7, 10_000)
    assert bound.cost > solve(problem).cost + 0.01
    assert program._enlarged(problem, small, bound).order > small.order


def test_backlogs_that_are_cheap_are_found_below_the_first_box() -> None:
    # Expediting saves nothing worth 50, and stock costs 20 times a backlog.
    problem = DualSourcing(UNIFORM, 3, 0.0, 50.0, 1.0, 0.05)
    total = total_pmf(UNIFORM, 4)
    level = problem.newsvendor_level(4)
    gap = level - np.arange(total.size)
    assert solve(problem).cost == pytest.approx(
        total @ np.where(gap > 0, gap, -0.05 * gap), abs=1e-6
    )
    assert solve(problem).least < -4


def test_tables_make_up_for_backlogs_below_them_and_order_nothing_above() -> None:
    optimum = solve(DualSourcing(UNIFORM, 2, 100.0, 105.0, 5.0, 495.0))
    lowest = np.array([[optimum.least, 0], [optimum.least - 7, 0], [1000, 0]])
    expedited, regular = optimum.orders(lowest)
    assert expedited[1] == expedited[0] + 7
    assert regular[1] == regular[0]
    assert (expedited[2], regular[2]) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_searches_find_what_trying_all_levels_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = DualSourcing(
        rng.dirichlet(np.ones(4)), 2, 10.0, rng.uniform(10.5, 14), 1.0, rng.uniform(2, 20)
    )
    levels = [(low, low + gap) for low in range(-2, 5) for gap in range(8)]
    by_hand = min(evaluate(problem, dual_index(*pair)).cost for pair in levels)
    assert best_dual_index(problem).cost == pytest.approx(by_hand, abs=1e-6)
    by_hand = min(evaluate(problem, single_index(*pair)).cost for pair in levels)
    assert best_single_index(problem).cost <= by_hand + 1e-6
    by_hand = min(
        evaluate(problem, capped_dual_index(*pair, cap)).cost
        for pair in levels
        for cap in (1, 2, 3)
    )
    assert best_capped_dual_index(problem).cost <= by_hand + 1e-6


def test_the_level_found_from_the_overshoot_costs_what_its_evaluation_says() -> None:
    problem = DualSourcing(UNIFORM, 3, 100.0, 110.0, 5.0, 495.0)
    level, cost = best._best_level(problem, capped_dual_index(0, 6, 2))
    assert cost == pytest.approx(
        evaluate(problem, capped_dual_index(level, level + 6, 2)).cost, abs=1e-6
    )


@pytest.mark.parametrize("order", [0, 1])
def test_base_surge_by_its_overshoot_equals_base_surge_state_by_state(order: int) -> None:
    problem = DualSourcing(UNIFORM, 3, 100.0, 110.0, 5.0, 495.0)
    exact = evaluate_tailored_base_surge(problem, 4, order)
    by_state = evaluate(problem, tailored_base_surge(4, order, stop_above=60))
    assert exact == pytest.approx(by_state.cost, abs=1e-7)


def test_the_overshoot_obeys_its_recursion_and_a_close_call_is_counted_far_out() -> None:
    problem = DualSourcing(np.array([0.02, 0.49, 0.49]), 2, 1.0, 2.0, 1.0, 9.0)  # mean 1.47
    for order in (0, 1):
        law = surge.overshoot(problem, order)
        after = np.zeros(law.size + 2)
        for units, chance in enumerate(law):
            for demand, likely in enumerate(problem.pmf):
                after[max(units + order - demand, 0)] += chance * likely
        assert law.sum() == pytest.approx(1)
        assert after[: law.size] == pytest.approx(law, abs=1e-14)
    nearly = DualSourcing(np.array([0.499, 0, 0.501]), 2, 1.0, 2.0, 1.0, 9.0)
    assert surge.overshoot(nearly, 1).size > 5000


def test_demand_that_never_varies_costs_what_it_buys() -> None:
    # Two units come every period, ordered at 10; nothing is held or late.
    problem = DualSourcing(np.array([0.0, 0.0, 1.0]), 3, 10.0, 30.0, 1.0, 50.0)
    assert solve(problem).cost == pytest.approx(20, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"pmf": np.array([0.5, 0.6])}, "sum to 1"),
        ({"regular_lead_time": 0}, "`regular_lead_time` must be an integer ≥ 1; got 0"),
        ({"expedited_cost": 9.0}, "`regular_cost` ≤ `expedited_cost`; got 10.0 and 9.0"),
        ({"regular_cost": float("nan")}, "got nan"),
        ({"holding_cost": 0.0}, "`holding_cost` must be finite and > 0; got 0.0"),
        ({"shortage_cost": float("inf")}, "`shortage_cost` must be finite and > 0; got inf"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_the_rule(
    change: dict[str, object], fragment: str
) -> None:
    good: dict[str, object] = {
        "pmf": np.array([0.5, 0.5]),
        "regular_lead_time": 2,
        "regular_cost": 10.0,
        "expedited_cost": 12.0,
        "holding_cost": 1.0,
        "shortage_cost": 9.0,
    }
    DualSourcing(**good)  # type: ignore[arg-type]
    with pytest.raises(InstanceError, match=fragment):
        DualSourcing(**(good | change))  # type: ignore[arg-type]


def test_rules_that_cannot_be_evaluated_are_refused_with_the_reason() -> None:
    problem = DualSourcing(UNIFORM, 2, 10.0, 12.0, 1.0, 9.0)

    def constant(expedited: int, regular: int) -> Decide:
        return lambda states: (
            np.full(len(states), expedited, dtype=np.int64),
            np.full(len(states), regular, dtype=np.int64),
        )

    with pytest.raises(OptimalityError, match="regular orders ≥ 0; got -1"):
        evaluate(problem, constant(0, -1))
    with pytest.raises(OptimalityError, match="expedited orders ≥ 0; got -2"):
        evaluate(problem, constant(-2, 0))
    with pytest.raises(OptimalityError, match="units on hand, backordered or on order"):
        evaluate(problem, constant(0, 1))  # the backlog grows without end
    with pytest.raises(OptimalityError, match="below mean demand 2"):
        evaluate_tailored_base_surge(problem, 4, 2)
    with pytest.raises(OptimalityError, match="Count demand in cases"):
        solve(DualSourcing(poisson_pmf(50), 4, 10.0, 12.0, 1.0, 9.0))
    with pytest.raises(OptimalityError, match=r"after 3 sweeps, wider than `tolerance` 1e-07"):
        solve(problem, max_iterations=3)
