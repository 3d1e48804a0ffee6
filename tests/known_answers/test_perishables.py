"""De Moor, Gijsbrechts & Boute (2022), EJOR 301(2):535–545: perishables, demand of mean 4.

Mean returns as tabulated by J. Farrington et al. (2025), Annals of Operations Research 349:1609,
Table 3, scenario A: sample means over simulated runs, rounded to integers. Orders from De Moor et
al., Figure 3. How many runs each mean is of is not printed in our source; 10,000 is assumed, so
that a mean is off by 0.6 (one standard error). None of the 32 differs by more than 0.8.
"""

import math

import numpy as np
import pytest

from restock.optimality.perishables import (
    DiscountedCost,
    Perishable,
    PerishableCosts,
    best_base_stock,
    evaluate,
    rounded_gamma_pmf,
    solve,
)

Case = tuple[int, str, int, int]

# (shelf life, issuing, lead time, waste cost): returns of value iteration and best base stock.
# Shelf life 2 in full; the two slowest of shelf life 3 are left to the study.
RETURNS = {
    (2, "LIFO", 1, 7): (-1553, -1565),
    (2, "FIFO", 1, 7): (-1457, -1474),
    (2, "LIFO", 1, 10): (-1571, -1581),
    (2, "FIFO", 1, 10): (-1463, -1485),
    (2, "LIFO", 2, 7): (-1551, -1590),
    (2, "FIFO", 2, 7): (-1461, -1495),
    (2, "LIFO", 2, 10): (-1569, -1606),
    (2, "FIFO", 2, 10): (-1469, -1504),
    (3, "LIFO", 1, 7): (-1490, -1500),
    (3, "FIFO", 1, 7): (-1424, -1435),
    (3, "LIFO", 1, 10): (-1498, -1512),
    (3, "FIFO", 1, 10): (-1425, -1436),
    (3, "FIFO", 2, 7): (-1435, -1456),
    (3, "FIFO", 2, 10): (-1437, -1457),
}
# Figure 3, a row for each number of fresh units from 0 to 8, a column for each of old ones.
ORDERS = {
    "LIFO": ["333333333"] * 3 + ["222222222", "111111111"] + ["000000000"] * 4,
    "FIFO": [
        *("444444444", "443333333", "433322222", "332211111", "322111100"),
        *("221100000", "211000000", "110000000", "100000000"),
    ],
}
N_RUNS = 10_000


def _problem(case: Case) -> Perishable:
    shelf_life, issuing, lead_time, waste = case
    return Perishable(
        rounded_gamma_pmf(4, 0.5),
        lead_time,
        shelf_life,
        PerishableCosts(unit=3, holding=1, shortage=5, waste=waste),
        largest_order=10,
        fifo_share={"FIFO": 1.0, "LIFO": 0.0}[issuing],
    )


def _tolerance(cost: DiscountedCost) -> float:
    """Return three standard errors of a mean of 10,000 runs and half a unit of rounding."""
    return 3 * cost.standard_deviation / math.sqrt(N_RUNS) + 0.5


@pytest.mark.parametrize("case", [case for case in RETURNS if case[:3] != (3, "FIFO", 2)])
def test_the_optimum_and_the_best_base_stock_return_what_is_printed(case: Case) -> None:
    problem = _problem(case)
    optimum, base_stock = RETURNS[case]
    computed = evaluate(problem, solve(problem).orders)
    assert -computed.cost == pytest.approx(optimum, abs=_tolerance(computed))
    best = best_base_stock(problem).cost
    assert -best.cost == pytest.approx(base_stock, abs=_tolerance(best))
    # The source says that a return has a standard deviation of about 60.
    assert 50 < computed.standard_deviation < 70
    # A systematic error would not be as small as the rounding and the luck of 10,000 runs.
    assert abs(computed.cost + optimum) < 1
    assert abs(best.cost + base_stock) < 1


@pytest.mark.parametrize("case", [case for case in RETURNS if case[:3] == (3, "FIFO", 2)])
def test_the_optimum_returns_what_is_printed_for_three_ages_and_a_pipeline(case: Case) -> None:
    problem = _problem(case)
    computed = evaluate(problem, solve(problem).orders)
    assert -computed.cost == pytest.approx(RETURNS[case][0], abs=_tolerance(computed))


@pytest.mark.parametrize("issuing", ORDERS)
def test_the_optimal_orders_are_the_printed_ones(issuing: str) -> None:
    table = solve(_problem((2, issuing, 1, 7))).table
    printed = np.array([[int(order) for order in row] for row in ORDERS[issuing]])
    assert np.array_equal(table[:9, :9].T, printed)


@pytest.mark.parametrize("case", [(2, "FIFO", 2, 7), (2, "LIFO", 1, 10)])
def test_broken_models_do_not_match(case: Case) -> None:
    shelf_life, issuing, lead_time, waste = case
    right = _problem(case)
    printed = RETURNS[case][0]

    def off(problem: Perishable, warm_up: int = 100) -> float:
        computed = evaluate(problem, solve(problem).orders, warm_up_periods=warm_up)
        return abs(-computed.cost - printed) / _tolerance(computed)

    assert off(right) < 1
    # units that live a period longer, the other way of issuing, no warm-up
    assert off(_problem((shelf_life + 1, issuing, lead_time, waste))) > 5
    assert off(_problem((shelf_life, {"FIFO": "LIFO"}.get(issuing, "FIFO"), lead_time, waste))) > 5
    assert off(right, warm_up=0) > 3


def test_orders_that_arrive_a_period_early_do_not_match() -> None:
    case = (2, "FIFO", 2, 7)
    early = best_base_stock(_problem((2, "FIFO", 1, 7))).cost
    assert abs(-early.cost - RETURNS[case][1]) > 5 * _tolerance(early)
