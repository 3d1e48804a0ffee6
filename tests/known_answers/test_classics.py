"""Textbook answers: newsvendor and economic order quantity.

Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed., chapters 3 and 4.
"""

import numpy as np
import pytest

from restock.errors import InstanceError
from restock.optimality import Normal, economic_order_quantity, newsvendor, poisson_pmf


def test_newsvendor_with_normal_demand() -> None:
    answer = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7)
    assert answer.level == pytest.approx(56.603956, abs=1e-6)
    assert answer.cost == pytest.approx(1.9976052, abs=1e-7)


def test_newsvendor_with_normal_demand_over_a_lead_time_of_four() -> None:
    answer = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7, lead_time=4)
    assert answer.level == pytest.approx(264.766894, abs=1e-6)
    assert answer.cost == pytest.approx(4.466781, abs=1e-6)


def test_newsvendor_with_poisson_demand() -> None:
    answer = newsvendor(poisson_pmf(6), holding_cost=1, shortage_cost=4)
    assert answer.level == 8
    assert answer.cost == pytest.approx(3.570106946, abs=1e-9)


def test_economic_order_quantity() -> None:
    order = economic_order_quantity(fixed_order_cost=8, holding_cost=0.225, demand_rate=1300)
    assert order.quantity == pytest.approx(304.04678, abs=1e-5)
    assert order.cost == pytest.approx(68.4105255, abs=1e-7)
    # 304.04678 / 1300
    assert order.cycle == pytest.approx(0.233882, abs=1e-6)


def test_a_newsvendor_that_forgets_the_lead_time_does_not_match() -> None:
    answer = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7, lead_time=3)
    assert abs(answer.level - 264.766894) > 40


def test_a_discrete_level_beats_its_neighbours_over_a_lead_time() -> None:
    answer = newsvendor(poisson_pmf(2), holding_cost=1, shortage_cost=9, lead_time=2)
    # Three periods of Poisson(2) are one of Poisson(6).
    pmf = poisson_pmf(6)
    gap = np.arange(20)[:, None] - np.arange(pmf.size)
    costs = np.where(gap > 0, gap, -9 * gap) @ pmf
    assert answer.level == int(costs.argmin())
    assert answer.cost == pytest.approx(costs.min(), abs=1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_costs_that_leave_no_trade_off_are_refused(bad: float) -> None:
    with pytest.raises(InstanceError, match=f"holding_cost.*got {bad}"):
        newsvendor(Normal(50, 8), holding_cost=bad, shortage_cost=0.7)
    with pytest.raises(InstanceError, match=f"holding_cost.*got {bad}"):
        economic_order_quantity(8, bad, 1300)
    with pytest.raises(InstanceError, match=f"sd.*got {bad}"):
        Normal(50, bad)


def test_a_lead_time_of_minus_one_is_refused() -> None:
    with pytest.raises(InstanceError, match=r"lead_time.*got -1"):
        newsvendor(Normal(50, 8), holding_cost=1, shortage_cost=1, lead_time=-1)
