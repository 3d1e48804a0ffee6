"""Gijsbrechts et al. (2022), M&SOM 24:1349–1368, section 6.2: two sources, uniform demand on 0..4.

The costs of the six instances were computed for this project by another exact solver and round to
every optimality gap that the paper prints.
"""

import numpy as np
import pytest

from restock.optimality.dual_sourcing import (
    DualSourcing,
    best_capped_dual_index,
    best_dual_index,
    best_single_index,
    best_tailored_base_surge,
    capped_dual_index,
    dual_index,
    evaluate,
    evaluate_tailored_base_surge,
    single_index,
    solve,
)

Case = tuple[int, int]

# (regular lead time, expedited cost): cost
OPTIMUM = {
    (2, 105): 216.76980,
    (2, 110): 219.73333,
    (3, 105): 216.87672,
    (3, 110): 220.34105,
    (4, 105): 216.89305,
    (4, 110): 220.61223,
}
# z_e, z_r and the cap, then the cost
CAPPED_DUAL_INDEX = {
    (2, 105): (4, 7, 2, 216.78241),
    (2, 110): (4, 8, 2, 219.79941),
    (3, 105): (4, 9, 1, 216.87831),
    (3, 110): (4, 10, 2, 220.46566),
    (4, 105): (4, 11, 1, 216.89309),
    (4, 110): (4, 11, 2, 220.86382),
}
# z_e and z_r, then the cost
DUAL_INDEX = {
    (2, 105): (4, 7, 217.02206),
    (2, 110): (4, 8, 220.12531),
    (3, 105): (4, 8, 217.45818),
    (3, 110): (4, 9, 221.13530),
    (4, 105): (4, 8, 217.67441),
    (4, 110): (4, 11, 221.68510),
}
SINGLE_INDEX = {
    (2, 105): (5, 6, 218.0),
    (2, 110): (6, 8, 222.0),
    (3, 105): (6, 7, 219.0),
    (3, 110): (6, 7, 225.0),
    (4, 105): (4, 4, 220.0),
    (4, 110): (7, 8, 226.0),
}
# (z_e, constant order, cost), whatever the lead time
TAILORED_BASE_SURGE = {105: (4, 1, 216.90305), 110: (4, 1, 221.90305)}

# Half a unit of the last printed digit, and the width of our own bracket.
PRINTED = 0.5e-5 + 1e-7

each_instance = pytest.mark.parametrize("case", OPTIMUM)


def _problem(case: Case) -> DualSourcing:
    lead_time, expedited_cost = case
    return DualSourcing(np.full(5, 0.2), lead_time, 100.0, expedited_cost, 5.0, 495.0)


@each_instance
def test_the_program_finds_the_optimum_to_every_digit(case: Case) -> None:
    optimum = solve(_problem(case))
    assert optimum.cost == pytest.approx(OPTIMUM[case], abs=PRINTED)
    assert optimum.upper - optimum.lower <= 1e-7
    attained = evaluate(_problem(case), optimum.orders)
    assert attained.cost == pytest.approx(OPTIMUM[case], abs=PRINTED)


@each_instance
def test_the_searches_find_the_levels_and_their_costs(case: Case) -> None:
    problem = _problem(case)
    *levels, cost = best_capped_dual_index(problem)
    assert (*levels, pytest.approx(cost, abs=PRINTED)) == CAPPED_DUAL_INDEX[case]
    *levels, cost = best_dual_index(problem)
    assert (*levels, pytest.approx(cost, abs=PRINTED)) == DUAL_INDEX[case]
    *levels, cost = best_single_index(problem)
    assert (*levels, pytest.approx(cost, abs=PRINTED)) == SINGLE_INDEX[case]
    *levels, cost = best_tailored_base_surge(problem)
    assert (*levels, pytest.approx(cost, abs=PRINTED)) == TAILORED_BASE_SURGE[case[1]]


@each_instance
def test_the_printed_levels_cost_what_is_printed(case: Case) -> None:
    problem = _problem(case)
    *levels, cost = CAPPED_DUAL_INDEX[case]
    assert evaluate(problem, capped_dual_index(*levels)).cost == pytest.approx(cost, abs=PRINTED)
    *pair, cost = DUAL_INDEX[case]
    assert evaluate(problem, dual_index(*pair)).cost == pytest.approx(cost, abs=PRINTED)
    *pair, cost = SINGLE_INDEX[case]
    assert evaluate(problem, single_index(*pair)).cost == pytest.approx(cost, abs=PRINTED)
    level, order, cost = TAILORED_BASE_SURGE[case[1]]
    surge = evaluate_tailored_base_surge(problem, level, order)
    assert surge == pytest.approx(cost, abs=PRINTED)


@each_instance
def test_broken_models_do_not_match(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_time, expedited_cost = case
    # regular orders that arrive a period early
    early = solve(_problem((lead_time - 1, expedited_cost))).cost
    assert abs(early - OPTIMUM[case]) > 1000 * PRINTED
    # stock that is charged before demand comes: h E(D) more where all of it is served
    right = DualSourcing.period_costs
    monkeypatch.setattr(
        DualSourcing, "period_costs", lambda self, y: right(self, y) + 0.001 * y.clip(0)
    )
    assert abs(solve(_problem(case)).cost - OPTIMUM[case]) > 100 * PRINTED
