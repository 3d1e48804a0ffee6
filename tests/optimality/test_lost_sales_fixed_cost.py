"""Lost sales with a fixed cost per order agree with a linear program, enumeration, simulation."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from restock.errors import InstanceError
from restock.optimality import (
    geometric_pmf,
    poisson_pmf,
)
from restock.optimality.lost_sales import (
    Decide,
    LostSales,
    best_modified_s_s,
    best_s_nq,
    best_s_s,
    evaluate,
    program,
    solve,
)
from restock.optimality.lost_sales.bounds import largest_order, largest_position

problems = st.builds(
    lambda weights, lead_time, h, p, k: LostSales(
        np.array(weights, dtype=np.float64) / sum(weights), lead_time, h, p, k
    ),
    st.lists(st.integers(0, 9), min_size=2, max_size=4).filter(lambda w: sum(w[1:]) > 0),
    st.integers(1, 2),
    st.floats(0.3, 2.0),
    st.floats(0.5, 25.0),
    st.floats(0.1, 25.0),
)


def _reorder(reorder_point: int, order_up_to: int, cap: int = 10**6) -> Decide:
    def decide(states: np.ndarray) -> np.ndarray:
        position = states.sum(axis=1)
        return np.where(position <= reorder_point, (order_up_to - position).clip(0, cap), 0)

    return decide


def _linear_program(problem: LostSales, most: int) -> float:
    """Return the least average cost over all rules with at most ``most`` units altogether.

    Maximise g subject to g + v(x) − Σ P(x' | x, z) v(x') ≤ c(x, z) for every state and order.
    """
    n_states = math.comb(most + problem.lead_time, problem.lead_time)
    boxes = product(range(most + 1), repeat=problem.lead_time)
    index = {state: i for i, state in enumerate(s for s in boxes if sum(s) <= most)}
    assert len(index) == n_states
    rows, costs = [], []
    for state, number in index.items():
        for order in range(most - sum(state) + 1):
            row = np.zeros(n_states + 1)
            row[0], row[1 + number] = 1.0, 1.0
            cost = problem.fixed_order_cost * (order > 0)
            for demand, chance in enumerate(problem.pmf):
                left = max(state[0] - demand, 0)
                cost += chance * problem.holding_cost * left
                cost += chance * problem.shortage_cost * max(demand - state[0], 0)
                after = (*state[1:], order)
                row[1 + index[(left + after[0], *after[1:])]] -= chance
            rows.append(row)
            costs.append(cost)
    objective = np.zeros(n_states + 1)
    objective[0] = -1.0
    found = linprog(objective, A_ub=np.array(rows), b_ub=costs, bounds=(None, None))
    assert found.success
    return -float(found.fun)


@pytest.mark.parametrize(
    ("lead_time", "shortage_cost", "fixed_order_cost", "most"),
    [(1, 9.0, 3.0, 14), (1, 30.0, 20.0, 20), (2, 9.0, 4.0, 10), (2, 3.0, 1.0, 8)],
)
def test_the_optimum_is_that_of_a_linear_program(
    lead_time: int, shortage_cost: float, fixed_order_cost: float, most: int
) -> None:
    pmf = np.array([0.3, 0.4, 0.2, 0.1])
    problem = LostSales(pmf, lead_time, 1.0, shortage_cost, fixed_order_cost)
    assert solve(problem).cost == pytest.approx(_linear_program(problem, most), abs=1e-6)
    free = LostSales(pmf, lead_time, 1.0, shortage_cost)
    assert solve(free).cost < solve(problem).cost - 0.1


def test_exact_evaluation_agrees_with_brute_force_simulation() -> None:
    problem = LostSales(poisson_pmf(3), 2, 1.0, 12.0, fixed_order_cost=15.0)
    decide = _reorder(8, 17, cap=10)
    n_chains, warm_up, n_periods = 1500, 100, 400
    rng = np.random.default_rng(0)
    states, totals = np.zeros((n_chains, 2), dtype=np.int64), np.zeros(n_chains)
    for period in range(warm_up + n_periods):
        orders = decide(states)
        demand = rng.poisson(3, n_chains)
        left = np.maximum(states[:, 0] - demand, 0)
        lost = np.maximum(demand - states[:, 0], 0)
        if period >= warm_up:
            totals += left + 12.0 * lost + 15.0 * (orders > 0)
        states = np.column_stack([states[:, 1] + left, orders])
    means = totals / n_periods
    error = means.std() / math.sqrt(n_chains)
    assert abs(evaluate(problem, decide).cost - means.mean()) < 4 * error
    forgetful = LostSales(poisson_pmf(3), 2, 1.0, 12.0)
    assert abs(evaluate(forgetful, decide).cost - means.mean()) > 20 * error


@settings(max_examples=4)
@given(problems)
def test_optimum_is_at_most_every_rule_and_its_table_attains_it(problem: LostSales) -> None:
    optimum = solve(problem)
    plain, lots = best_s_s(problem, 1e-5), best_s_nq(problem, 1e-5)
    capped = best_modified_s_s(problem, 1e-5)
    assert optimum.lower <= min(plain.cost, lots.cost, capped.cost) + 1e-5
    assert capped.cost <= plain.cost + 1e-5
    assert plain.cost <= problem.shortage_cost * problem.mean + 1e-5
    assert evaluate(problem, optimum.orders).cost == pytest.approx(optimum.cost, abs=1e-6)


@settings(max_examples=15)
@given(problems, st.integers(0, 8), st.integers(1, 8))
def test_the_best_s_s_costs_at_most_what_any_other_costs(
    problem: LostSales, reorder_point: int, span: int
) -> None:
    cost = evaluate(problem, _reorder(reorder_point, reorder_point + span)).cost
    assert best_s_s(problem).cost <= cost + 1e-6


@pytest.mark.parametrize("lead_time", [1, 2])
def test_the_searches_find_the_best_of_all_small_rules(lead_time: int) -> None:
    problem = LostSales(poisson_pmf(2), lead_time, 1.0, 19.0, fixed_order_cost=5.0)
    pairs = list(product(range(10), range(1, 10)))
    plain = {(s, s + q): evaluate(problem, _reorder(s, s + q)).cost for s, q in pairs}
    best = best_s_s(problem)
    assert (best.reorder_point, best.order_up_to) == min(plain, key=plain.__getitem__)
    assert best.cost == pytest.approx(min(plain.values()), abs=1e-6)

    def lots(s: int, q: int) -> Decide:
        return lambda states: np.ceil((s + 1 - states.sum(axis=1)).clip(0) / q).astype(int) * q

    batched = {(s, q): evaluate(problem, lots(s, q)).cost for s, q in pairs}
    found = best_s_nq(problem)
    assert (found.reorder_point, found.lot) == min(batched, key=batched.__getitem__)

    near = product(range(3, 10), range(2, 9), range(3, 10))
    capped = {(s, s + q, c): evaluate(problem, _reorder(s, s + q, c)).cost for s, q, c in near}
    modified = best_modified_s_s(problem)
    assert modified.cost == pytest.approx(min(capped.values()), abs=1e-6)
    assert modified.cost < best.cost - 0.002


@pytest.mark.parametrize("lead_time", [1, 2])
@pytest.mark.parametrize("fixed_order_cost", [0.5, 8.0, 40.0])
def test_the_bounds_hold_and_twice_the_table_gives_the_same_optimum(
    lead_time: int, fixed_order_cost: float
) -> None:
    problem = LostSales(geometric_pmf(1.5), lead_time, 1.0, 15.0, fixed_order_cost)
    optimum = solve(problem)
    position, order = problem.position_bound, problem.order_bound
    states = np.argwhere(optimum.table > 0)
    assert (states.sum(axis=1) + optimum.orders(states)).max() <= position
    assert optimum.table.max() <= order
    wide = program._Grid(problem, 2 * position, 2 * order)
    _, lower, upper, _ = program._iterate(wide, 1e-7, 10_000)
    assert (lower + upper) / 2 == pytest.approx(optimum.cost, abs=2e-7)
    # The table is not idle: cut below what the optimum uses, it costs more.
    narrow = program._Grid(problem, position, int(optimum.table.max()) - 2)
    _, lower, upper, _ = program._iterate(narrow, 1e-7, 10_000)
    assert lower > optimum.cost + 1e-4


@settings(max_examples=25)
@given(problems)
def test_no_optimal_order_exceeds_its_bounds_however_large_the_table(problem: LostSales) -> None:
    position, order = problem.position_bound, problem.order_bound
    wide = program._Grid(problem, 2 * position + 6, 2 * order + 6)
    values, *_ = program._iterate(wide, 1e-9, 10_000)
    table = wide.best_orders(values)
    assert table.max() <= order
    assert (wide.positions + table)[table > 0].max(initial=0) <= position


def test_bounds_grow_with_the_fixed_cost_like_the_square_root_until_shortage_is_cheaper() -> None:
    pmf = poisson_pmf(5)
    reach = {
        fixed: largest_position(pmf, 1, 1.0, 200.0, fixed) for fixed in (10.0, 40.0, 160.0, 640.0)
    }
    for fixed, position in reach.items():
        # two periods of demand, safety stock and about √2 economic order quantities
        assert 10 < position < 10 + 30 + 1.5 * math.sqrt(2 * fixed * 5)
        assert largest_order(pmf, 1, 1.0, 200.0, fixed) <= position
    assert list(reach.values()) == sorted(reach.values())
    # p / h + L + 1 = 4 periods of demand, whatever an order costs
    assert largest_position(pmf, 1, 1.0, 2.0, 1e6) == 20
    assert largest_order(pmf, 1, 1.0, 2.0, 1e6) == 15


def test_an_order_that_never_pays_is_never_placed() -> None:
    # Demand of 2 a period costs 8 lost; √(2 · 60 · 2) = 15.5 for ordering and holding is more.
    problem = LostSales(poisson_pmf(2), 2, 1.0, 4.0, fixed_order_cost=60.0)
    optimum = solve(problem)
    assert not optimum.table.any()
    assert optimum.cost == pytest.approx(8.0, abs=1e-6)
    for best in (best_s_s(problem), best_s_nq(problem), best_modified_s_s(problem)):
        assert best.reorder_point == -1
        assert best.cost == pytest.approx(8.0, abs=1e-9)


def test_free_shortage_means_that_nothing_is_ordered() -> None:
    problem = LostSales(poisson_pmf(2), 1, 1.0, 0.0, fixed_order_cost=1.0)
    assert solve(problem).cost == pytest.approx(0, abs=1e-6)
    assert best_s_s(problem).reorder_point == -1


def test_a_fixed_cost_of_nothing_changes_nothing() -> None:
    with_zero = solve(LostSales(poisson_pmf(3), 2, 1.0, 9.0, fixed_order_cost=0.0))
    without = solve(LostSales(poisson_pmf(3), 2, 1.0, 9.0))
    assert with_zero.cost == without.cost
    assert np.array_equal(with_zero.table, without.table)
    tiny = solve(LostSales(poisson_pmf(3), 2, 1.0, 9.0, fixed_order_cost=1e-9))
    assert tiny.cost == pytest.approx(without.cost, abs=3e-7)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_fixed_cost_that_is_no_amount_is_refused(bad: float) -> None:
    with pytest.raises(InstanceError, match=f"`fixed_order_cost`.*got {bad}"):
        LostSales(poisson_pmf(1), 1, 1.0, 4.0, bad)
