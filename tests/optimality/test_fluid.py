"""Fluid bounds: proven by their own prices, and above everything that chance allows."""

import numpy as np
import pytest
from scipy.optimize import linprog

from restock.errors import InstanceError
from restock.optimality import poisson_pmf
from restock.optimality.fluid import best_mix
from restock.optimality.fluid_plan import FluidTerms, fluid_plan
from restock.optimality.joint_pricing import (
    JointPricing,
    best_prices_and_orders,
    multiplicative_demand,
)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_mix_is_the_linear_program_s_and_its_price_proves_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_prices = int(rng.integers(1, 8))
    rates, margins = rng.uniform(0, 9, n_prices), rng.uniform(-2, 9, n_prices)
    capacity = float(rng.choice([0.5, 3.0, 20.0]))
    mix = best_mix(rates, margins, capacity)
    answer = linprog(
        -rates * margins,
        A_ub=np.stack([np.ones(n_prices), rates]),
        b_ub=[1.0, capacity],
    )
    assert mix.value == pytest.approx(-answer.fun, abs=1e-9)
    # the shares are a plan that earns it
    assert (mix.share >= 0).all()
    assert mix.share.sum() <= 1 + 1e-12
    assert mix.share @ rates == pytest.approx(mix.rate)
    assert mix.rate <= capacity + 1e-12
    assert mix.share @ (rates * margins) == pytest.approx(mix.value)

    # and no price of capacity proves less than it: weak duality, tight at the one returned
    def proven(price: float) -> float:
        return price * capacity + max(0.0, float((rates * (margins - price)).max()))

    assert proven(mix.price_of_capacity) == pytest.approx(mix.value)
    assert min(proven(float(price)) for price in rng.uniform(0, 9, 50)) >= mix.value - 1e-9


def test_a_price_below_the_envelope_is_never_mixed_in() -> None:
    # the middle price earns 4 · 1.4 = 5.6 where the mix of its neighbours earns (1 · 5 + 8) / 2
    mix = best_mix(np.array([7.0, 4.0, 1.0]), np.array([8 / 7, 1.4, 5.0]), capacity=4.0)
    assert mix.share.tolist() == pytest.approx([0.5, 0, 0.5])
    assert mix.value == pytest.approx(6.5)


@pytest.mark.parametrize("seed", range(30))
def test_no_policy_for_price_and_stock_earns_more_than_the_fluid_plan(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_prices, periods = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    means = np.sort(rng.uniform(0.3, 5, n_prices))[::-1].copy()
    unit_cost = rng.uniform(0, 4)
    common = {
        "unit_cost": unit_cost,
        "holding_cost": rng.uniform(0, 1),
        "shortage_cost": rng.uniform(0.5, 5),
        "end_value": rng.uniform(0, 1) * unit_cost,
        "lead_time": int(rng.integers(0, 2)),
        "loses_unmet": bool(rng.integers(0, 2)),
        "discount": float(rng.choice([1.0, 0.95])),
    }
    start = int(rng.integers(0, 5))
    problem = JointPricing(
        prices=np.sort(rng.uniform(1, 10, n_prices)),
        demand=multiplicative_demand(means, np.array([0, 0.5, 1, 1.5, 2]), np.full(5, 0.2)),
        periods=periods,
        largest_stock=start,
        **common,  # type: ignore[arg-type]
    )
    exact = best_prices_and_orders(problem, start_stock=start)
    terms = FluidTerms(initial_stock=start, **common)  # type: ignore[arg-type]
    plan = fluid_plan(problem.prices, np.tile(problem.mean_demand, (periods, 1)), terms)
    assert exact.profit <= plan.profit + 1e-7
    assert plan.profit == pytest.approx(plan.attained, abs=1e-6)
    assert (plan.price_share.sum(axis=1) <= 1 + 1e-9).all()


def test_without_chance_and_with_a_concave_price_set_the_bound_is_attained() -> None:
    problem = JointPricing(
        prices=np.array([3.0, 4.0, 5.0]),
        demand=multiplicative_demand(np.array([6.0, 5.0, 2.0]), np.ones(1), np.ones(1)),
        unit_cost=1.0,
        holding_cost=0.5,
        shortage_cost=1.0,
        loses_unmet=True,
        periods=3,
    )
    terms = FluidTerms(unit_cost=1.0, holding_cost=0.5, shortage_cost=1.0)
    plan = fluid_plan(problem.prices, np.tile(problem.mean_demand, (3, 1)), terms)
    # three periods of 5 · (4 − 1)
    assert plan.profit == pytest.approx(45)
    assert best_prices_and_orders(problem).profit == pytest.approx(45)


def test_the_bound_is_tighter_for_many_customers() -> None:
    def gap(size: int) -> float:
        chances = [poisson_pmf(size * mean) for mean in (3.0, 2.0)]
        width = max(row.size for row in chances)
        problem = JointPricing(
            prices=np.array([4.0, 5.0]),
            demand=np.stack([np.pad(row, (0, width - row.size)) for row in chances]),
            unit_cost=1.0,
            holding_cost=0.5,
            shortage_cost=2.0,
            loses_unmet=True,
            periods=3,
        )
        terms = FluidTerms(unit_cost=1.0, holding_cost=0.5, shortage_cost=2.0)
        bound = fluid_plan(problem.prices, np.tile(problem.mean_demand, (3, 1)), terms).profit
        return 1 - best_prices_and_orders(problem).profit / bound

    gaps = [gap(1), gap(4), gap(16)]
    assert gaps[0] > gaps[1] > gaps[2] > 0
    # the price of chance grows with the root of demand
    assert gaps[2] < 0.4 * gaps[0]


def test_a_capacity_binds_and_stock_is_built_ahead() -> None:
    # 1 and then 5 are wanted, 3 a period can be ordered: 2 are bought a period ahead, held once
    demand = np.array([[1.0], [5.0]])
    terms = FluidTerms(unit_cost=1, holding_cost=0.5, shortage_cost=2, order_capacity=3)
    plan = fluid_plan(np.array([4.0]), demand, terms)
    assert plan.order.tolist() == pytest.approx([3, 3])
    assert plan.left.tolist() == pytest.approx([2, 0])
    assert plan.profit == pytest.approx(6 * 3 - 2 * 0.5)
    free = FluidTerms(unit_cost=1, holding_cost=0.5, shortage_cost=2)
    assert fluid_plan(np.array([4.0]), demand, free).profit == pytest.approx(18)


def test_customers_who_wait_pay_when_they_ask_and_are_settled_at_the_end() -> None:
    # lead time 2, two periods: 2 + 2 asked and paid at 4, waiting costs 2 · 1 and 4 · 1, none can
    # be served and each is settled at the unit cost of 1
    terms = FluidTerms(unit_cost=1, holding_cost=1, shortage_cost=1, lead_time=2, loses_unmet=False)
    plan = fluid_plan(np.array([4.0]), np.array([[2.0], [2.0]]), terms)
    assert plan.profit == pytest.approx(16 - 2 - 4 - 4)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InstanceError, match="`rates` and `capacity` must be ≥ 0"):
        best_mix(np.array([-1.0]), np.array([1.0]))
    with pytest.raises(InstanceError, match="`holding_cost` must be finite"):
        FluidTerms(unit_cost=1, holding_cost=float("nan"), shortage_cost=1)
    with pytest.raises(InstanceError, match="`end_value` must be at most"):
        FluidTerms(unit_cost=1, holding_cost=1, shortage_cost=1, end_value=2)
    terms = FluidTerms(unit_cost=1, holding_cost=1, shortage_cost=1)
    with pytest.raises(InstanceError, match="`mean_demand` must be finite"):
        fluid_plan(np.array([1.0]), np.array([[np.nan]]), terms)
