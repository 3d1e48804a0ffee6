"""The dynamic program, the exact evaluation and the searches agree with hand and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.errors import InstanceError, OptimalityError
from restock.optimality import (
    geometric_pmf,
    poisson_pmf,
)
from restock.optimality.lost_sales import (
    Decide,
    LostSales,
    best_base_stock,
    best_capped_base_stock,
    evaluate,
    program,
    solve,
)


def _simulated(problem: LostSales, decide: Decide, seed: int) -> tuple[float, float]:
    """Return average cost and its standard error over 1,500 independent chains of 400 periods."""
    n_chains, warm_up, n_periods = 1500, 150, 400
    rng = np.random.default_rng(seed)
    states = np.zeros((n_chains, problem.lead_time), dtype=np.int64)
    totals = np.zeros(n_chains)
    for period in range(warm_up + n_periods):
        orders = decide(states)
        demand = rng.choice(problem.pmf.size, size=n_chains, p=problem.pmf)
        left = np.maximum(states[:, 0] - demand, 0)
        lost = np.maximum(demand - states[:, 0], 0)
        if period >= warm_up:
            totals += problem.holding_cost * left + problem.shortage_cost * lost
        states = np.column_stack([states[:, 1:], orders])
        states[:, 0] += left
    means = totals / n_periods
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(n_chains))


def _order_up_to(level: int, cap: int = 10**6) -> Decide:
    return lambda states: (level - states.sum(axis=1)).clip(0, cap)


@pytest.mark.parametrize("seed", range(6))
def test_exact_evaluation_agrees_with_brute_force_simulation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lead_time = 1 + seed % 4
    pmf = poisson_pmf(rng.uniform(0.5, 3)) if seed % 2 else geometric_pmf(rng.uniform(0.5, 3))
    problem = LostSales(pmf, lead_time, rng.uniform(0.5, 2), rng.uniform(2, 20))
    weights = rng.uniform(0.4, 1.0, lead_time)
    level, cap = rng.uniform(4, 12), int(rng.integers(2, 6))

    def decide(states: np.ndarray) -> np.ndarray:
        return np.floor(level - states @ weights).clip(0, cap).astype(np.int64)

    exact = evaluate(problem, decide)
    mean, error = _simulated(problem, decide, seed)
    assert abs(exact.cost - mean) < 4 * error
    assert exact.upper - exact.lower <= 1e-7


def test_a_simulation_that_delivers_a_period_early_does_not_agree() -> None:
    problem = LostSales(poisson_pmf(2), 3, 1.0, 9.0)
    early = LostSales(poisson_pmf(2), 2, 1.0, 9.0)
    mean, error = _simulated(early, _order_up_to(9), seed=0)
    assert abs(evaluate(problem, _order_up_to(9)).cost - mean) > 20 * error


def test_a_periodic_chain_has_the_average_of_its_cycle() -> None:
    # Demand is always 2. Order 4 when at most 2 are there: stock runs 4, 2, 4, 2, …; it leaves
    # 2 and 0 in turn and loses nothing: average holding 1.
    problem = LostSales(np.array([0.0, 0.0, 1.0]), 1, 1.0, 50.0)
    cost = evaluate(problem, lambda states: np.where(states[:, 0] <= 2, 4, 0))
    assert cost.cost == pytest.approx(1.0, abs=1e-7)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(lambda w: sum(w[1:]) > 0),
    st.integers(1, 3),
    st.floats(0.1, 3.0),
    st.floats(0.5, 30.0),
)
def test_optimum_is_at_most_capped_is_at_most_base_stock_and_its_table_attains_it(
    weights: list[int], lead_time: int, holding_cost: float, shortage_cost: float
) -> None:
    pmf = np.array(weights, dtype=np.float64) / sum(weights)
    problem = LostSales(pmf, lead_time, holding_cost, shortage_cost)
    optimum = solve(problem)
    plain, capped = best_base_stock(problem), best_capped_base_stock(problem)
    assert optimum.lower <= capped.cost + 1e-6
    assert capped.cost <= plain.cost + 1e-6
    attained = evaluate(problem, optimum.orders)
    assert attained.cost == pytest.approx(optimum.cost, abs=1e-6)


def test_the_table_of_a_long_pipeline_attains_the_certified_optimum() -> None:
    problem = LostSales(poisson_pmf(1.2), 4, 1.0, 6.0)
    optimum = solve(problem)
    assert optimum.lower <= optimum.cost <= optimum.upper <= optimum.lower + 1e-7
    assert evaluate(problem, optimum.orders).cost == pytest.approx(optimum.cost, abs=1e-6)
    assert len(optimum.state_shape) == 4


def test_twice_the_table_gives_the_same_optimum() -> None:
    # The bounds on position and order lose nothing: a box twice as wide has the same optimum.
    problem = LostSales(geometric_pmf(2), 2, 1.0, 9.0)
    wide = program._Grid(problem, 2 * problem.position_bound, 2 * problem.order_bound)
    _, lower, upper, _ = program._iterate(wide, 1e-7, 10_000)
    assert (lower + upper) / 2 == pytest.approx(solve(problem).cost, abs=2e-7)


def test_a_table_that_is_too_small_says_so_and_solve_enlarges_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = LostSales(poisson_pmf(3), 2, 1.0, 9.0)
    cost = solve(problem).cost
    small = program._Grid(problem, 8, 2)
    values, *_ = program._iterate(small, 1e-7, 10_000)
    assert small.touched(small.best_orders(values)) == (True, True)
    monkeypatch.setattr(LostSales, "order_bound", property(lambda _: 2))
    monkeypatch.setattr(LostSales, "position_bound", property(lambda _: 9))
    assert solve(problem).cost == pytest.approx(cost, abs=2e-7)


def test_the_best_base_stock_is_the_best_of_all_levels() -> None:
    problem = LostSales(geometric_pmf(3), 2, 1.0, 12.0)
    every = [evaluate(problem, _order_up_to(level)).cost for level in range(35)]
    best = best_base_stock(problem)
    assert best.level == int(np.argmin(every))
    assert best.cost == pytest.approx(min(every), abs=1e-9)


def test_the_best_capped_base_stock_is_the_best_of_all_pairs() -> None:
    problem = LostSales(poisson_pmf(2), 2, 1.0, 9.0)
    every = {
        (level, cap): evaluate(problem, _order_up_to(level, cap)).cost
        for level in range(16)
        for cap in range(1, 10)
    }
    best = best_capped_base_stock(problem)
    assert best.cost == pytest.approx(min(every.values()), abs=1e-9)
    assert every[best.level, best.cap] == pytest.approx(best.cost, abs=1e-12)


def test_free_shortage_means_that_nothing_is_ordered() -> None:
    optimum = solve(LostSales(poisson_pmf(3), 2, 1.0, 0.0))
    assert optimum.cost == pytest.approx(0, abs=1e-7)
    assert not optimum.table.any()


def test_states_outside_the_table_order_nothing() -> None:
    optimum = solve(LostSales(poisson_pmf(1), 2, 1.0, 4.0))
    assert optimum.orders(np.array([[0, 0], [999, 0], [0, 999]])).tolist()[1:] == [0, 0]
    assert optimum.orders(np.array([[0, 0]]))[0] > 0


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"lead_time": 0}, "lead_time.*got 0"),
        ({"lead_time": -1}, "lead_time.*got -1"),
        ({"holding_cost": 0.0}, "holding_cost.*got 0"),
        ({"holding_cost": float("nan")}, "holding_cost.*got nan"),
        ({"shortage_cost": -0.3}, "shortage_cost.*got -0.3"),
        ({"shortage_cost": float("inf")}, "shortage_cost.*got inf"),
        ({"pmf": np.array([0.5, 0.4])}, "sum to 1"),
    ],
)
def test_a_problem_that_contradicts_the_model_is_refused(
    given: dict[str, object], named: str
) -> None:
    whole = {"pmf": poisson_pmf(1), "lead_time": 1, "holding_cost": 1.0, "shortage_cost": 4.0}
    with pytest.raises(InstanceError, match=named):
        LostSales(**{**whole, **given})


def test_a_rule_that_lets_stock_grow_without_end_is_refused() -> None:
    problem = LostSales(poisson_pmf(5), 2, 1.0, 4.0)
    with pytest.raises(OptimalityError, match="order nothing once stock is high enough"):
        evaluate(problem, lambda states: np.full(len(states), 40))


def test_orders_that_are_negative_or_no_integers_are_refused() -> None:
    problem = LostSales(poisson_pmf(1), 1, 1.0, 4.0)
    with pytest.raises(OptimalityError, match="Clip them at 0"):
        evaluate(problem, lambda states: 2 - states.sum(axis=1) - 3)
    with pytest.raises(OptimalityError, match="Round the orders"):
        evaluate(problem, lambda states: np.full(len(states), 1.5))  # type: ignore[arg-type]


def test_a_rule_whose_cost_hangs_on_the_first_demands_is_refused() -> None:
    # Demand is 0 or 1. From 2 units the rule goes to 11 or 12 by chance, and then stays at 10–11
    # or at 31–32 for ever: there are two average costs.
    orders = {0: 2, 2: 10, 11: 0, 10: 1, 12: 20, 31: 1, 32: 0}
    problem = LostSales(np.array([0.5, 0.5]), 1, 1.0, 4.0)
    with pytest.raises(OptimalityError, match="comes back to the same states"):
        evaluate(problem, lambda states: np.array([orders[x] for x in states[:, 0].tolist()]))


def test_too_many_states_or_sweeps_are_refused_with_the_remedy() -> None:
    with pytest.raises(OptimalityError, match="Count demand in cases"):
        solve(LostSales(poisson_pmf(200), 4, 1.0, 4.0))
    with pytest.raises(OptimalityError, match="Raise `max_iterations`"):
        solve(LostSales(poisson_pmf(5), 2, 1.0, 4.0), max_iterations=3)
