"""A fixed cost per order: (s, S), (r, Q) and Wagner–Whitin against the printed figures.

* Y.-S. Zheng & A. Federgruen (1991), Operations Research 39(4):654–665: Poisson demand, h = 1,
  p = 9, K = 64, no lead time.
* Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed.: Examples 4.7, 5.1 and 3.9.
"""

import pytest

from restock.optimality import Normal, poisson_pmf
from restock.optimality.r_q import ContinuousReview, optimal_r_q, r_q_cost
from restock.optimality.s_s import Backorders, optimal_s_s
from restock.optimality.wagner_whitin import wagner_whitin

PRINTED = {
    15: (10, 49, 42.698),
    20: (14, 62, 49.173),
    25: (19, 56, 54.262),
    30: (23, 66, 57.819),
    35: (28, 77, 61.215),
    40: (33, 87, 64.512),
    45: (37, 97, 67.776),
    50: (42, 108, 70.975),
    55: (47, 118, 74.149),
    60: (52, 129, 77.306),
    65: (56, 75, 78.518),
    70: (62, 81, 79.037),
    75: (67, 86, 79.554),
}
SHOP = ContinuousReview(Normal(1300, 150), 1 / 12, 0.225, 7.5, 8)


@pytest.mark.parametrize("mean", PRINTED)
def test_the_best_s_s_is_the_printed_one(mean: int) -> None:
    best = optimal_s_s(Backorders(poisson_pmf(mean), 0, 1, 9, 64))
    assert (best.reorder_point, best.order_up_to, round(best.cost, 3)) == PRINTED[mean]


def test_the_example_with_poisson_6_has_its_nine_decimals() -> None:
    best = optimal_s_s(Backorders(poisson_pmf(6), 0, 1, 4, 5))
    assert (best.reorder_point, best.order_up_to) == (4, 10)
    assert best.cost == pytest.approx(8.034111561, abs=1e-9)


@pytest.mark.parametrize("mean", PRINTED)
def test_with_a_lead_time_or_another_fixed_cost_nothing_matches(mean: int) -> None:
    late = optimal_s_s(Backorders(poisson_pmf(mean), 1, 1, 9, 64))
    dearer = optimal_s_s(Backorders(poisson_pmf(mean), 0, 1, 9, 65))
    assert min(late.cost, dearer.cost) > PRINTED[mean][2] + 0.1


def test_the_cost_of_r_q_is_the_printed_one_and_the_best_is_close() -> None:
    assert r_q_cost(SHOP, 126.8, 328.5) == pytest.approx(78.0711625, abs=5e-8)
    best = optimal_r_q(SHOP)
    assert best.cost < 78.0711625
    assert (best.reorder_point, best.quantity) == pytest.approx((126.8, 328.5), abs=0.1)


def test_r_q_without_the_lead_time_s_uncertainty_does_not_match() -> None:
    sure = ContinuousReview(Normal(1300, 1.0), 1 / 12, 0.225, 7.5, 8)
    assert abs(r_q_cost(sure, 126.8, 328.5) - 78.0711625) > 0.5


@pytest.mark.parametrize(
    ("demand", "fixed", "holding", "orders", "cost"),
    [
        ((90, 120, 80, 70), 500, 2.0, (210, 0, 150, 0), 1380),
        ((150, 100, 80, 200), 120, 0.8, (150, 180, 0, 200), 424),
        ((730, 580, 445, 650, 880), 100, 0.1, (1310, 0, 1095, 0, 880), 423),
    ],
)
def test_wagner_whitin_finds_the_printed_plans(
    demand: tuple[int, ...], fixed: float, holding: float, orders: tuple[int, ...], cost: float
) -> None:
    plan = wagner_whitin(demand, fixed_order_cost=fixed, holding_cost=holding)
    assert plan.orders == orders
    assert plan.cost == pytest.approx(cost, abs=1e-9)


def test_wagner_whitin_of_dearer_holding_does_not_match() -> None:
    plan = wagner_whitin((90, 120, 80, 70), fixed_order_cost=500, holding_cost=2.1)
    assert plan.cost > 1380 + 1
