"""The hindsight bound equals a linear program in small worlds and bounds every plan."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from restock.errors import InstanceError
from restock.optimality import PerfectInformation, SupplyTerms, perfect_information_bound


@dataclass(frozen=True)
class Shop:
    """One product, one path: everything that the bound is told."""

    demand: np.ndarray
    lead_time: int
    holding_cost: float
    shortage_cost: float
    unit_cost: float
    end_value: float
    unit_price: np.ndarray
    initial_stock: float
    pipeline: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, n_periods: int, *, steady_price: bool) -> "Shop":
        unit_cost = rng.uniform(0, 5)
        shortage_cost = rng.uniform(0, 6)
        price = rng.uniform(0, 8, 1 if steady_price else n_periods) * np.ones(n_periods)
        lead_time = int(rng.integers(0, 4))
        return cls(
            demand=rng.integers(0, 6, n_periods).astype(np.float64),
            lead_time=lead_time,
            holding_cost=rng.uniform(0, 2),
            shortage_cost=shortage_cost,
            unit_cost=unit_cost,
            # the linear program may keep stock from customers, which pays above this value
            end_value=rng.uniform(0, 1) * min(unit_cost, (price + shortage_cost).min()),
            unit_price=price,
            initial_stock=float(rng.integers(0, 9)),
            pipeline=rng.integers(0, 5, lead_time).astype(np.float64),
        )

    def bound(self) -> PerfectInformation:
        return perfect_information_bound(
            self.demand[:, None],
            SupplyTerms(
                lead_time=self.lead_time,
                holding_cost=self.holding_cost,
                shortage_cost=self.shortage_cost,
                unit_cost=self.unit_cost,
                end_value=self.end_value,
            ),
            initial_stock=self.initial_stock,
            pipeline=self.pipeline[:, None],
            unit_price=self.unit_price[:, None],
        )

    def run(self, orders: np.ndarray) -> tuple[float, float]:
        """Return cost and profit of an order plan, period by period, by plain arithmetic."""
        n_periods = len(self.demand)
        due = np.zeros(n_periods + len(self.pipeline) + self.lead_time)
        due[: len(self.pipeline)] += self.pipeline
        due[self.lead_time : self.lead_time + n_periods] += orders
        stock, cost, revenue = self.initial_stock, 0.0, 0.0
        for period in range(n_periods):
            stock += due[period]
            sold = min(stock, self.demand[period])
            stock -= sold
            cost += self.holding_cost * stock
            cost += self.shortage_cost * (self.demand[period] - sold)
            revenue += self.unit_price[period] * sold
        end = self.end_value * (stock + due[n_periods:].sum())
        return cost, revenue + end - cost - self.unit_cost * orders.sum()


def _linear_program(shop: Shop) -> tuple[float, float]:
    """Return least cost and highest profit over all plans, orders o, sales s and stock I ≥ 0."""
    n = len(shop.demand)
    due = np.zeros(n)
    due[: min(n, len(shop.pipeline))] = shop.pipeline[:n]
    due[0] += shop.initial_stock
    late = shop.pipeline[n:].sum()
    flow = np.hstack([-np.eye(n, k=-shop.lead_time), np.eye(n), np.eye(n) - np.eye(n, k=-1)])
    bounds = [(0, None)] * n + [(0, d) for d in shop.demand] + [(0, None)] * n
    missed = shop.shortage_cost * shop.demand.sum()
    operating = np.concatenate(
        [np.zeros(n), np.full(n, -shop.shortage_cost), np.full(n, shop.holding_cost)]
    )
    arrives_late = np.arange(n) + shop.lead_time >= n
    trading = np.concatenate(
        [shop.unit_cost - shop.end_value * arrives_late, -shop.unit_price, np.zeros(n)]
    )
    trading[-1] -= shop.end_value
    cost = linprog(operating, A_eq=flow, b_eq=due, bounds=bounds, method="highs")
    loss = linprog(operating + trading, A_eq=flow, b_eq=due, bounds=bounds, method="highs")
    assert cost.status == 0
    assert loss.status == 0
    return cost.fun + missed, -loss.fun - missed + shop.end_value * late


@pytest.mark.parametrize("seed", range(10))
def test_the_closed_form_equals_the_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        # short ones end while the first orders are still due
        shop = Shop.random(rng, int(rng.integers(1, 9)), steady_price=True)
        cost, profit = _linear_program(shop)
        bound = shop.bound()
        assert bound.cost.item() == pytest.approx(cost, abs=1e-7)
        assert bound.profit.item() == pytest.approx(profit, abs=1e-7)


@pytest.mark.parametrize("seed", range(12))
def test_the_closed_form_equals_the_best_of_all_plans_when_prices_change(seed: int) -> None:
    shop = Shop.random(np.random.default_rng(1000 + seed), 4, steady_price=False)
    plans = [shop.run(np.array(orders, dtype=np.float64)) for orders in product(range(6), repeat=4)]
    bound = shop.bound()
    assert bound.cost.item() == pytest.approx(min(cost for cost, _ in plans), abs=1e-9)
    assert bound.profit.item() == pytest.approx(max(profit for _, profit in plans), abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_no_plan_beats_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        shop = Shop.random(rng, 20, steady_price=False)
        bound = shop.bound()
        cost, profit = shop.run(rng.integers(0, 6, 20) * (rng.random(20) < rng.random()))
        assert cost >= bound.cost.item() - 1e-9
        assert profit <= bound.profit.item() + 1e-9


def test_a_bound_that_delivers_a_period_early_does_not_equal_the_program() -> None:
    # Nothing is there, nothing is due; the first day's demand is lost to everybody.
    late = Shop(np.array([5.0, 5.0]), 1, 1.0, 4.0, 0.0, 0.0, np.zeros(2), 0.0, np.zeros(1))
    early = Shop(np.array([5.0, 5.0]), 0, 1.0, 4.0, 0.0, 0.0, np.zeros(2), 0.0, np.zeros(1))
    assert _linear_program(late)[0] == pytest.approx(20.0)
    assert late.bound().cost.item() == pytest.approx(20.0)
    assert early.bound().cost.item() == 0.0


def test_units_are_conserved_and_every_demand_is_sold_or_lost() -> None:
    rng = np.random.default_rng(0)
    demand = rng.poisson(2.0, (3, 15, 40)).astype(np.float64)
    stock = rng.integers(0, 9, 40).astype(np.float64)
    pipeline = rng.integers(0, 4, (5, 40)).astype(np.float64)
    lead_time = rng.integers(1, 6, 40)
    terms = SupplyTerms(lead_time=lead_time, holding_cost=0.1, shortage_cost=1.0, unit_cost=2.0)
    price = np.full(40, 3.0)
    bound = perfect_information_bound(
        demand, terms, initial_stock=stock, pipeline=pipeline, unit_price=price
    )
    assert bound.cost.shape == (3, 40)
    assert bound.sold + bound.lost == pytest.approx(demand.sum(axis=1))
    supplied = stock + pipeline.sum(axis=0) + bound.ordered
    assert supplied == pytest.approx(bound.sold + bound.left)


def test_many_products_equal_one_at_a_time() -> None:
    rng = np.random.default_rng(3)
    shops = [Shop.random(rng, 9, steady_price=False) for _ in range(20)]
    pipeline = np.zeros((3, 20))
    for column, shop in enumerate(shops):
        pipeline[: shop.lead_time, column] = shop.pipeline
    together = perfect_information_bound(
        np.stack([shop.demand for shop in shops], axis=1),
        SupplyTerms(
            lead_time=np.array([shop.lead_time for shop in shops]),
            holding_cost=np.array([shop.holding_cost for shop in shops]),
            shortage_cost=np.array([shop.shortage_cost for shop in shops]),
            unit_cost=np.array([shop.unit_cost for shop in shops]),
            end_value=np.array([shop.end_value for shop in shops]),
        ),
        initial_stock=np.array([shop.initial_stock for shop in shops]),
        pipeline=pipeline,
        unit_price=np.stack([shop.unit_price for shop in shops], axis=1),
    )
    single = np.array([shop.bound().profit.item() for shop in shops])
    assert together.profit == pytest.approx(single, abs=1e-9)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"lead_time": -1}, "`lead_time` must be finite and ≥ 0; got -1"),
        ({"end_value": float("nan")}, "`end_value`.*got nan"),
        ({"holding_cost": float("nan")}, "`holding_cost`.*got nan"),
        ({"end_value": 3.0}, "`end_value` must not exceed `unit_cost`"),
    ],
)
def test_terms_that_contradict_the_model_are_refused(
    changed: dict[str, object], named: str
) -> None:
    terms = {"lead_time": 1, "holding_cost": 1.0, "shortage_cost": 4.0, "unit_cost": 2.0}
    with pytest.raises(InstanceError, match=named):
        SupplyTerms(**{**terms, **changed})


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_demand_that_is_no_amount_is_refused(bad: float) -> None:
    terms = SupplyTerms(lead_time=1, holding_cost=1.0, shortage_cost=4.0)
    with pytest.raises(InstanceError, match=f"`demand` must be finite and ≥ 0; got {bad}"):
        perfect_information_bound(np.array([[1.0], [bad]]), terms)
