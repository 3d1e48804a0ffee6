"""Price and order together: exact against plain recursion, and never below simpler ways."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from restock.errors import InstanceError
from restock.optimality import newsvendor
from restock.optimality.joint_pricing import (
    JointPricing,
    JointRule,
    additive_demand,
    base_stock_list_price,
    best_fixed_price,
    best_prices_and_orders,
    joint_profit,
    multiplicative_demand,
    price_then_stock,
)

YARDSTICKS = [{}, {"discount": 0.9}, {"periods": 5}, {"periods": 4, "discount": 0.9}]


def linear(**terms: object) -> JointPricing:
    """Demand 12 − 2 p + ε at every price that makes the mean a whole number; ε from −2 to 2."""
    means = np.arange(9, 1, -1)
    given = {
        "prices": (12 - means) / 2,
        "demand": additive_demand(means, np.array([0.1, 0.2, 0.4, 0.2, 0.1]), first=-2),
        "unit_cost": 1.0,
        "holding_cost": 0.3,
        "shortage_cost": 2.0,
        **terms,
    }
    return JointPricing(**given)  # type: ignore[arg-type]


def random_problem(rng: np.random.Generator, **terms: object) -> JointPricing:
    n_prices = int(rng.integers(1, 4))
    means = np.sort(rng.uniform(0.2, 3, n_prices))[::-1].copy()
    given = {
        "prices": np.sort(rng.uniform(1, 8, n_prices)),
        "demand": multiplicative_demand(
            means, np.array([0.0, 0.7, 1.5]), np.array([0.3, 0.5, 0.2])
        ),
        "unit_cost": rng.uniform(0, 3),
        "holding_cost": rng.uniform(0.05, 1),
        "shortage_cost": rng.uniform(0.5, 4),
        "lead_time": int(rng.integers(0, 2)),
        "loses_unmet": bool(rng.integers(0, 2)),
        **terms,
    }
    return JointPricing(**given)  # type: ignore[arg-type]


def recursion(problem: JointPricing, start: int, *, most_order: int) -> float:
    """Return the best profit over the horizon by plain recursion on the story, order by order."""
    assert problem.periods is not None
    chances = [
        [(units, float(chance)) for units, chance in enumerate(row) if chance > 0]
        for row in problem.demand
    ]

    def period(stock: int, order: int, units: int, price: float) -> tuple[float, int]:
        here = stock + order if problem.lead_time == 0 else stock
        paid = min(units, here) if problem.loses_unmet else units
        net = here - units
        cost = problem.holding_cost * max(net, 0) + problem.shortage_cost * max(-net, 0)
        left = max(net, 0) if problem.loses_unmet else net
        after = left + (order if problem.lead_time == 1 else 0)
        return price * paid - cost - problem.unit_cost * order, after

    @cache
    def best(left: int, stock: int) -> float:
        if left == 0:
            return (problem.end_value if stock > 0 else problem.unit_cost) * stock
        values = []
        for order in range(max(-stock, 0), most_order + 1):
            for price, row in zip(problem.prices, chances, strict=True):
                value = 0.0
                for units, chance in row:
                    money, after = period(stock, order, units, float(price))
                    value += chance * (money + problem.discount * best(left - 1, after))
                values.append(value)
        return max(values)

    return best(problem.periods, start)


@pytest.mark.parametrize("seed", range(16))
def test_a_horizon_earns_what_plain_recursion_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit_cost = rng.uniform(0, 3)
    problem = random_problem(
        rng,
        periods=3,
        discount=float(rng.choice([1.0, 0.9])),
        unit_cost=unit_cost,
        end_value=rng.uniform(0, unit_cost),
        largest_stock=2,
    )
    start = 0 if problem.loses_unmet else -1
    for stock in (start, 2):
        expected = recursion(problem, stock, most_order=problem.highest + 3)
        assert best_prices_and_orders(problem, start_stock=stock).profit == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(8))
def test_an_endless_horizon_is_the_limit_of_long_ones(seed: int) -> None:
    problem = random_problem(np.random.default_rng(seed))
    discounted = best_prices_and_orders(replace(problem, discount=0.8))
    long = best_prices_and_orders(replace(problem, discount=0.8, periods=120))
    assert discounted.profit == pytest.approx(long.profit, abs=1e-6)
    average = best_prices_and_orders(problem)
    ends = [
        best_prices_and_orders(replace(problem, periods=n)).profit for n in (200, 201, 202, 203)
    ]
    assert average.profit == pytest.approx(float(np.diff(ends).mean()), abs=1e-4)


@pytest.mark.parametrize("terms", YARDSTICKS)
@pytest.mark.parametrize("lead_time", [0, 1])
@pytest.mark.parametrize("loses_unmet", [False, True])
def test_the_bounds_meet_and_no_rule_earns_more(
    terms: dict[str, float], lead_time: int, *, loses_unmet: bool
) -> None:
    problem = linear(lead_time=lead_time, loses_unmet=loses_unmet, **terms)
    best = best_prices_and_orders(problem)
    assert best.lower <= best.upper + 1e-9
    assert best.upper - best.lower <= 1e-6 * (1 + abs(best.profit))
    assert joint_profit(problem, JointRule(best.level, best.price_index)) == pytest.approx(
        best.profit
    )
    rng = np.random.default_rng(1)
    n_states = problem.states.size
    for _ in range(20):
        level = rng.integers(np.maximum(problem.states, 0), problem.highest + 1)
        rule = JointRule(level, rng.integers(0, problem.prices.size, n_states))
        assert joint_profit(problem, rule) < best.upper
    # near the optimum as well: one wrong price in the states below the base stock
    listed = best.price_index if best.price_index.ndim == 1 else best.price_index[0]
    level = best.level if best.level.ndim == 1 else best.level[0]
    off = JointRule(level, np.maximum(listed - 3, 0))
    assert joint_profit(problem, off) < best.upper


@pytest.mark.parametrize("terms", YARDSTICKS)
@pytest.mark.parametrize("lead_time", [0, 1])
def test_deciding_together_is_no_worse_than_one_price_or_price_first(
    terms: dict[str, float], lead_time: int
) -> None:
    problem = linear(lead_time=lead_time, loses_unmet=True, **terms)
    together = best_prices_and_orders(problem).profit
    _, fixed = best_fixed_price(problem)
    _, apart = price_then_stock(problem)
    assert together >= fixed.profit - 1e-7
    assert fixed.profit >= apart.profit - 1e-7
    if lead_time == 1:  # stock differs from day to day, and price can answer it
        assert together > fixed.profit + 1e-3


def test_price_first_loses_money_where_uncertainty_is_dear() -> None:
    # two thirds of the time nobody comes: stock is risky, which the margin alone does not see.
    # 1.8 · 6 against 3.8 · 2.5 tempts to the low price, at which stock is not worth its holding
    third = np.array([2.0, 1.0]) / 3
    problem = JointPricing(
        prices=np.array([2.0, 4.0]),
        demand=multiplicative_demand(np.array([6.0, 2.5]), np.array([0.0, 3.0]), third),
        unit_cost=0.2,
        holding_cost=1.5,
        shortage_cost=0.0,
        loses_unmet=True,
    )
    chosen, apart = price_then_stock(problem)
    assert chosen == 0
    assert best_prices_and_orders(problem).profit > apart.profit + 0.1


@pytest.mark.parametrize("terms", YARDSTICKS)
def test_additive_demand_and_backorders_make_it_base_stock_list_price(
    terms: dict[str, float],
) -> None:
    problem = linear(largest_stock=40, **terms)
    best = best_prices_and_orders(problem)
    assert best.is_base_stock_list_price
    # with far too much stock the price falls, or the property would say little
    assert best.price[..., -1].max() < best.list_price.min()
    assert best.price_index[..., -1].min() < best.price_index[..., 0].max()


def test_a_gap_between_prices_breaks_the_structure() -> None:
    # means 0, 1 and 12 only: mixing is impossible, revenue in the mean is not concave
    problem = JointPricing(
        prices=np.array([1.0, 9.0, 10.0]),
        demand=additive_demand(np.array([12, 1, 0]), np.array([1.0]), first=0),
        unit_cost=1.0,
        holding_cost=0.3,
        shortage_cost=2.0,
        periods=6,
        discount=0.95,
        largest_stock=40,
    )
    assert not best_prices_and_orders(problem).is_base_stock_list_price


def test_without_a_lead_time_the_average_is_the_best_newsvendor() -> None:
    # each period begins below y*, so that it is a newsvendor of its own: at each price
    # (p − c) E D − the least h E(y − D)⁺ + b E(D − y)⁺
    problem = linear()
    alone = [
        (price - 1.0) * mean - newsvendor(row, holding_cost=0.3, shortage_cost=2.0).cost
        for price, mean, row in zip(
            problem.prices, problem.mean_demand, problem.demand, strict=True
        )
    ]
    best = best_prices_and_orders(problem)
    assert best.profit == pytest.approx(max(alone))
    assert best.list_price == problem.prices[int(np.argmax(alone))]


def test_a_rule_earns_what_a_long_simulation_of_it_earns() -> None:
    problem = linear(lead_time=1, loses_unmet=True)
    rng = np.random.default_rng(3)
    prices = np.where(problem.states > 6, 2, 4)
    rule = base_stock_list_price(problem, 11, prices.tolist())
    exact = joint_profit(problem, rule)
    n_periods, stock, total = 40_000, 0, 0.0
    cumulated = problem.demand.cumsum(axis=1)
    for draw in rng.random(n_periods):
        index = int(rule.price_index[stock - problem.lowest])
        order = int(rule.level[stock - problem.lowest]) - stock
        units = int(np.searchsorted(cumulated[index], draw))
        sold = min(stock, units)
        total += problem.prices[index] * sold - problem.unit_cost * order
        total -= problem.holding_cost * (stock - sold) + problem.shortage_cost * (units - sold)
        stock = stock - sold + order
    # the deviation of a period's profit is below 10: three standard errors
    assert total / n_periods == pytest.approx(exact, abs=3 * 10 / np.sqrt(n_periods))


def test_a_rule_that_stops_has_the_average_of_where_it_stops() -> None:
    # half of the first periods sell the only unit, after which nothing is ever ordered
    problem = JointPricing(
        prices=np.array([4.0]),
        demand=np.array([[0.5, 0.5]]),
        unit_cost=1.0,
        holding_cost=1.0,
        shortage_cost=2.0,
        loses_unmet=True,
    )
    never = JointRule(problem.states, np.zeros_like(problem.states))
    assert joint_profit(problem, never) == pytest.approx(-2 * 0.5)
    always = base_stock_list_price(problem, 1, [0, 0])
    assert joint_profit(problem, always) == pytest.approx(0.5 * (4 - 1) - 0.5 * 1)


def test_demand_keeps_its_mean_at_every_price() -> None:
    rng = np.random.default_rng(0)
    means, factors = rng.uniform(0, 9, 5), rng.uniform(0, 3, 4)
    chances = rng.dirichlet(np.ones(4))
    spread = multiplicative_demand(means, factors, chances)
    units = np.arange(spread.shape[1])
    assert spread.sum(axis=1) == pytest.approx(np.ones(5))
    assert spread @ units == pytest.approx(means * (factors @ chances))
    shifted = additive_demand(np.array([4, 2]), np.array([0.25, 0.5, 0.25]), first=-1)
    assert shifted @ np.arange(shifted.shape[1]) == pytest.approx([4, 2])
    variance = shifted @ np.arange(shifted.shape[1]) ** 2 - np.array([16, 4])
    assert variance == pytest.approx([0.5, 0.5])


def test_wrong_numbers_and_tables_are_refused() -> None:
    with pytest.raises(InstanceError, match="`holding_cost` must be finite"):
        linear(holding_cost=float("nan"))
    with pytest.raises(InstanceError, match="ascending"):
        linear(prices=np.arange(8, 0, -1.0))
    with pytest.raises(InstanceError, match="`end_value` must not exceed"):
        linear(end_value=2.0)
    with pytest.raises(InstanceError, match="`lead_time` must be 0 or 1"):
        linear(lead_time=2)
    with pytest.raises(InstanceError, match="demand must be ≥ 0"):
        additive_demand(np.array([1]), np.array([0.5, 0.5]), first=-2)
    problem = linear()
    flat = np.zeros_like(problem.states)
    with pytest.raises(InstanceError, match="`level` must lie"):
        joint_profit(problem, JointRule(flat, flat))
    with pytest.raises(InstanceError, match="`price_index` must be 0 to 7"):
        joint_profit(problem, JointRule(np.maximum(problem.states, 5), flat + 8))
    with pytest.raises(InstanceError, match="an entry for each"):
        joint_profit(problem, JointRule(flat[:3], flat[:3]))
