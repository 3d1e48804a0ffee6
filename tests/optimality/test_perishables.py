"""Perishables: the program, exact evaluation and rules agree with hand, simulation and LP."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.special import gammainc

from restock.errors import InstanceError, OptimalityError
from restock.optimality import poisson_pmf
from restock.optimality.lost_sales import LostSales
from restock.optimality.lost_sales import evaluate as evaluate_lost_sales
from restock.optimality.perishables import (
    Decide,
    Perishable,
    PerishableCosts,
    base_stock,
    best_base_stock,
    best_effective_base_stock,
    effective_base_stock,
    estimated_expiry,
    evaluate,
    issue,
    rounded_gamma_pmf,
    solve,
)

COSTS = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)


def _random_problem(rng: np.random.Generator) -> Perishable:
    return Perishable(
        pmf=rng.dirichlet(np.ones(6)),
        lead_time=int(rng.integers(1, 4)),
        shelf_life=int(rng.integers(1, 4)),
        costs=PerishableCosts(*rng.uniform(0, 8, 4).tolist()),
        largest_order=4,
        fifo_share=float(rng.choice([0.0, 0.3, 0.5, 1.0])),
        discount=float(rng.uniform(0.8, 0.99)),
    )


def _served_one_by_one(shelf: list[int], demand: int, fifo_share: float) -> int:
    """Take units off ``shelf`` (in place) one at a time; return the demand that is lost."""
    served = min(demand, sum(shelf))
    n_oldest = int(fifo_share * served + 0.5)
    for unit in range(served):
        ages = range(len(shelf)) if unit < n_oldest else reversed(range(len(shelf)))
        shelf[next(age for age in ages if shelf[age] > 0)] -= 1
    return demand - served


def _simulated(problem: Perishable, decide: Decide, n_runs: int, seed: int) -> np.ndarray:
    """Return the discounted cost of each run, 20 periods after a warm-up of 10."""
    rng = np.random.default_rng(seed)
    costs = problem.costs
    states = np.zeros((n_runs, problem.n_components), dtype=np.int64)
    totals = np.zeros(n_runs)
    for period in range(-10, 20):
        orders = decide(states)
        demand = rng.choice(problem.pmf.size, size=n_runs, p=problem.pmf)
        for run in range(n_runs):
            conveyor = states[run].tolist()
            shelf = conveyor[: problem.shelf_life]
            lost = _served_one_by_one(shelf, int(demand[run]), problem.fifo_share)
            if period >= 0:
                totals[run] += problem.discount**period * (
                    costs.unit * orders[run]
                    + costs.shortage * lost
                    + costs.waste * shelf[0]
                    + costs.holding * sum(shelf[1:])
                )
            states[run] = [*shelf[1:], *conveyor[problem.shelf_life :], orders[run]]
    return totals


@pytest.mark.parametrize("seed", range(6))
def test_exact_mean_and_spread_agree_with_brute_force_simulation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = _random_problem(rng)
    weights, level = rng.uniform(0.5, 1, problem.n_components), rng.uniform(4, 9)

    def decide(states: np.ndarray) -> np.ndarray:
        return np.floor(level - states @ weights).clip(0, 4).astype(np.int64)

    exact = evaluate(problem, decide, warm_up_periods=10, periods=20)
    runs = _simulated(problem, decide, 1000, seed)
    assert abs(exact.cost - runs.mean()) < 4 * runs.std(ddof=1) / np.sqrt(runs.size)
    # A standard deviation of 1,000 near-normal runs is off by 2.2 % (sd / √(2 N)); 12 % is ample.
    assert exact.standard_deviation == pytest.approx(runs.std(ddof=1), rel=0.12)


def test_a_simulation_whose_units_live_a_period_longer_does_not_agree() -> None:
    problem = Perishable(np.full(5, 0.2), 2, 2, COSTS, 4)
    longer = Perishable(np.full(5, 0.2), 2, 3, COSTS, 4)
    runs = _simulated(longer, base_stock(longer, 8), 500, seed=0)
    exact = evaluate(problem, base_stock(problem, 8), warm_up_periods=10, periods=20)
    assert abs(exact.cost - runs.mean()) > 10 * runs.std(ddof=1) / np.sqrt(runs.size)


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.integers(0, 25),
    st.floats(0, 1),
)
def test_issuing_takes_the_units_that_one_by_one_takes(
    shelf: list[int], demand: int, fifo_share: float
) -> None:
    issued = issue(np.array([shelf]), np.array([demand]), fifo_share)
    one_by_one = list(shelf)
    assert issued.lost.tolist() == [[_served_one_by_one(one_by_one, demand, fifo_share)]]
    assert issued.left.tolist() == [[one_by_one]]


def test_rounded_gamma_demand_has_the_mass_of_the_units_around_it() -> None:
    pmf = rounded_gamma_pmf(4, 0.5)  # shape 4, scale 1
    assert pmf[0] == pytest.approx(gammainc(4, 0.5), rel=1e-9)
    assert pmf[4] == pytest.approx(gammainc(4, 4.5) - gammainc(4, 3.5), rel=1e-9)
    assert pmf.sum() == pytest.approx(1)
    demand = np.arange(pmf.size)
    assert demand @ pmf == pytest.approx(4, abs=0.01)
    # Rounding adds 1/12 to the variance 4.
    assert demand**2 @ pmf - (demand @ pmf) ** 2 == pytest.approx(4 + 1 / 12, abs=0.02)
    with pytest.raises(InstanceError, match=r"got 4, 0 and 1e-12"):
        rounded_gamma_pmf(4, 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_program_equals_the_linear_program(seed: int) -> None:
    # max Σ v subject to v(s) ≤ c(s, a) + γ E v(s') for every state and order.
    rng = np.random.default_rng(seed)
    problem = Perishable(
        rng.dirichlet(np.ones(4)),
        lead_time=1 + seed % 2,
        shelf_life=2,
        costs=PerishableCosts(*rng.uniform(0, 8, 4).tolist()),
        largest_order=2,
        fifo_share=seed / 3,
        discount=0.9,
    )
    shape = (3,) * problem.n_components
    rows, bounds = [], []
    for state in np.ndindex(*shape):
        for order in range(3):
            row, cost = np.zeros(shape), problem.costs.unit * order
            row[state] += 1
            for demand, chance in enumerate(problem.pmf):
                shelf = list(state[:2])
                lost = _served_one_by_one(shelf, demand, problem.fifo_share)
                row[(*shelf[1:], *state[2:], order)] -= problem.discount * chance
                cost += chance * (
                    problem.costs.shortage * lost
                    + problem.costs.waste * shelf[0]
                    + problem.costs.holding * shelf[1]
                )
            rows.append(row.ravel())
            bounds.append(cost)
    solution = linprog(
        -np.ones(3**problem.n_components), np.array(rows), bounds, bounds=(None, None)
    )
    optimum = solve(problem)
    assert optimum.cost == pytest.approx(solution.x[0], abs=1e-5)
    assert optimum.lower <= optimum.cost <= optimum.upper <= optimum.lower + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_the_table_attains_the_optimum_and_no_base_stock_beats_it(seed: int) -> None:
    problem = _random_problem(np.random.default_rng(seed))
    optimum = solve(problem)
    # 0.99^3000 is 1e-13: as good as for ever
    attained = evaluate(problem, optimum.orders, warm_up_periods=0, periods=3000)
    assert attained.cost == pytest.approx(optimum.cost, abs=1e-5)
    for level in range(12):
        for rule in (base_stock, effective_base_stock):
            cost = evaluate(problem, rule(problem, level), warm_up_periods=0, periods=3000).cost
            assert cost >= optimum.lower - 1e-6


def test_what_never_expires_is_a_plain_lost_sales_system() -> None:
    # At least one unit is asked for a period and at most 3 are there: none lives 3 periods.
    pmf = np.array([0.0, 0.5, 0.3, 0.2])
    costs = PerishableCosts(unit=0, holding=1, shortage=9, waste=100)
    problem = Perishable(pmf, 2, 3, costs, largest_order=3, discount=1 - 1e-12)
    average = evaluate(problem, base_stock(problem, 3), warm_up_periods=300, periods=1000).cost
    plain = evaluate_lost_sales(
        LostSales(pmf, 2, 1.0, 9.0), lambda states: (3 - states.sum(axis=1)).clip(0)
    )
    assert average / 1000 == pytest.approx(plain.cost, abs=1e-6)
    # With two periods to live a unit can expire: the same levels cost more.
    short = Perishable(pmf, 2, 2, costs, largest_order=3, discount=1 - 1e-12)
    dearer = evaluate(short, base_stock(short, 5), warm_up_periods=300, periods=1000).cost
    assert dearer / 1000 > plain.cost + 1


def test_stock_that_is_bound_to_expire_is_ordered_anew() -> None:
    # Two units a period are asked for. FIFO: of (5, 1) two old ones go and 3 expire: 3 of 6 count.
    # LIFO: one fresh and one old go, 4 expire: 2 count. Of (2, 2) both fresh ones go, 2 expire.
    pmf = np.array([0.0, 0.0, 1.0])
    fifo = Perishable(pmf, 1, 2, COSTS, largest_order=9)
    lifo = Perishable(pmf, 1, 2, COSTS, largest_order=9, fifo_share=0.0)
    states = np.array([[5, 1], [0, 0], [2, 2]])
    assert estimated_expiry(fifo, states).tolist() == [3, 0, 0]
    assert estimated_expiry(lifo, states).tolist() == [4, 0, 2]
    assert effective_base_stock(fifo, 6)(states).tolist() == [3, 6, 2]
    assert effective_base_stock(lifo, 6)(states).tolist() == [4, 6, 4]
    assert base_stock(fifo, 6)(states).tolist() == [0, 6, 2]


def test_an_order_on_the_way_counts_when_it_meets_the_demand_of_the_next_period() -> None:
    # L = 2, m = 1: the shelf holds one period only. 5 on hand, 1 due: 3 expire now, and of the 1
    # that comes none is left over.
    problem = Perishable(np.array([0.0, 0.0, 1.0]), 2, 1, COSTS, largest_order=9)
    assert estimated_expiry(problem, np.array([[5, 1], [0, 5]])).tolist() == [3, 3]


def test_counting_what_survives_helps_where_units_expire_and_changes_nothing_where_none_do() -> (
    None
):
    pmf = rounded_gamma_pmf(4, 0.5)
    lifo = Perishable(pmf, 2, 2, COSTS, 10, fifo_share=0.0)
    plain, effective = best_base_stock(lifo), best_effective_base_stock(lifo)
    assert effective.cost.cost < plain.cost.cost - 5
    assert effective.cost.cost > evaluate(lifo, solve(lifo).orders).cost
    one = Perishable(np.array([0.0, 0.5, 0.5]), 1, 4, COSTS, largest_order=4)
    states = np.array([[0, 0, 1, 2], [0, 1, 1, 0], [0, 0, 0, 3]])
    assert (effective_base_stock(one, 5)(states) == base_stock(one, 5)(states)).all()


def test_the_best_level_is_no_worse_than_its_neighbours() -> None:
    problem = Perishable(poisson_pmf(2), 1, 2, COSTS, largest_order=6)
    level, best = best_base_stock(problem)
    for other in (level - 1, level + 1):
        assert evaluate(problem, base_stock(problem, other)).cost > best.cost


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"pmf": np.array([0.5, 0.6])}, "sum to 1"),
        ({"lead_time": 0}, "`lead_time` must be an integer ≥ 1; got 0"),
        ({"shelf_life": 0}, "`shelf_life` must be an integer ≥ 1; got 0"),
        ({"largest_order": 0}, "`largest_order` must be an integer ≥ 1; got 0"),
        ({"fifo_share": 1.5}, r"`fifo_share` must lie in \[0, 1\]; got 1.5"),
        ({"discount": 1.0}, r"`discount` must lie in \(0, 1\); got 1.0"),
        ({"discount": float("nan")}, "got nan"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_the_rule(
    change: dict[str, object], fragment: str
) -> None:
    good: dict[str, object] = {
        "pmf": np.array([0.5, 0.5]),
        "lead_time": 1,
        "shelf_life": 2,
        "costs": COSTS,
        "largest_order": 3,
    }
    Perishable(**good)  # type: ignore[arg-type]
    with pytest.raises(InstanceError, match=fragment):
        Perishable(**(good | change))  # type: ignore[arg-type]


def test_what_cannot_be_solved_or_evaluated_is_refused_with_the_reason() -> None:
    problem = Perishable(np.array([0.5, 0.5]), 1, 2, COSTS, largest_order=3)

    def constant(order: int) -> Decide:
        return lambda states: np.full(len(states), order, dtype=np.int64)

    with pytest.raises(OptimalityError, match="from 0 to `largest_order` 3; got 4 to 4"):
        evaluate(problem, constant(4))
    with pytest.raises(OptimalityError, match="got -1 to -1"):
        evaluate(problem, constant(-1))
    with pytest.raises(OptimalityError, match="one integer per state"):
        evaluate(problem, lambda states: np.zeros(len(states) + 1, dtype=np.int64))
    with pytest.raises(OptimalityError, match="after 2 sweeps, wider than `tolerance`"):
        solve(problem, max_iterations=2)
    with pytest.raises(OptimalityError, match="Count in cases, or lower `largest_order`"):
        solve(Perishable(np.array([0.5, 0.5]), 4, 5, COSTS, largest_order=10))
