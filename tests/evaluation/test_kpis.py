"""Business figures against hand calculations and the accounting identities behind them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restock.errors import ConfigurationError, InputError
from restock.evaluation import Outcome, concatenate, evaluate
from restock.policies import BaseStock, ConstantOrder
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import Decision, Observation, Scenario, World

TEA = Product(id="tea", list_price=5, unit_cost=2, holding_cost=0.5, shortage_cost=4)
CUP = Product(id="cup", list_price=8, unit_cost=3, holding_cost=0.25, shortage_cost=5)


def _world(*products: Product, lead: int = 1, fixed: float = 0.0) -> World:
    lanes = tuple(
        Lane(
            product_id=product.id,
            origin="acme",
            destination="shop",
            lead_time_periods=lead,
            fixed_order_cost=fixed,
            case_pack_units=0,
        )
        for product in products
    )
    places = (Location(id="acme", holds_stock=False), Location(id="shop"))
    return World.from_instance(
        Instance(name="shop", products=products, locations=places, lanes=lanes), torch.float64
    )


def _demand(*rows: list[float]) -> Scenario:
    """Rows are periods, columns products; one path."""
    return Scenario(torch.tensor(rows, dtype=torch.float64)[None, :, :, None])


def _levels(*levels: float) -> BaseStock:
    return BaseStock(torch.tensor(levels, dtype=torch.float64)[None, :, None])


def _tea_outcome(**options: float) -> Outcome:
    # L = 1, level 6, from 6 on hand, a fixed cost of 1 per order, demand 4 then 5 then 1:
    # period  order  asked  sold  lost  left
    #   1       0      4      4     0     2
    #   2       4      5      2     3     0    (position 2 → order 4, due in period 3)
    #   3       2      1      1     0     3    (4 arrive; position 4 → order 2, due in period 4)
    world = _world(TEA, fixed=1.0)
    state = world.state_with(torch.full((1, 1, 1), 6.0))
    return evaluate(world, _levels(6), _demand([4], [5], [1]), state, **options)


def test_every_figure_of_three_periods_matches_the_hand_calculation() -> None:
    kpis = _tea_outcome(end_write_down_share=0.1).kpis(periods_per_year=300)
    # sold 7 of 10; stock 2 + 0 + 3 = 5 unit-periods; at the end 3 on hand and 2 on order, worth 10
    expected = {
        # revenue 35 − purchases 12 − holding 2.5 − fixed 2 − opening 12 + closing 10 − write-down 1
        "profit": 15.5,
        # holding 2.5 + shortage 12 + fixed 2 + write-down 1
        "cost": 17.5,
        "fill_rate": 0.7,
        "in_stock_rate": 2 / 3,
        "lost_sales_units": 3.0,
        # 700 units a year over 5/3 units on hand
        "turnover": 420.0,
        "days_of_supply": 0.5,
        # margin 21 in 3 periods, 2100 a year, over 10/3 of money in stock
        "gmroi": 630.0,
        "orders": 2.0,
    }
    assert {name: kpi.total for name, kpi in kpis.items()} == pytest.approx(expected)


def test_opening_stock_on_order_is_valued_like_stock_on_hand() -> None:
    world = _world(TEA)
    empty = world.state_with(torch.zeros(1, 1, 1))
    four = torch.full((1, 1, 1), 4.0, dtype=torch.float64)
    on_the_way = replace(empty, on_order=four, pipeline=(four,))
    outcome = evaluate(world, _levels(4), _demand([4]), on_the_way)
    # the 4 units arrive, are paid for by the opening stock (8), and sell for 20
    assert outcome.opening_stock_units.item() == 4
    assert outcome.profit().total == pytest.approx(12.0)


@given(
    demand=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12),
    levels=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    opening=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    lead=st.integers(0, 4),
    share=st.floats(0, 1),
)
def test_profit_is_margin_on_sales_less_holding_fixed_and_write_down(
    demand: list[tuple[int, int]],
    levels: tuple[int, int],
    opening: tuple[int, int],
    lead: int,
    share: float,
) -> None:
    world = _world(TEA, CUP, lead=lead, fixed=2.0)
    state = world.state_with(torch.tensor(opening, dtype=torch.float64)[None, :, None])
    rows = [[float(units) for units in row] for row in demand]
    got = evaluate(world, _levels(*levels), _demand(*rows), state, end_write_down_share=share)
    margin = np.array([[3.0, 5.0]]) * got.sold
    assert got.profit().amount == pytest.approx(margin - got.holding - got.fixed - got.write_down)


def test_a_policy_that_buys_what_never_sells_earns_nothing_but_its_write_down() -> None:
    world = _world(TEA, lead=2)
    bought = evaluate(
        world,
        ConstantOrder(torch.full((1, 1, 1), 3.0, dtype=torch.float64)),
        _demand([0], [0]),
        world.empty_state(1),
        end_write_down_share=0.25,
    )
    # 6 units on order at 2 each: 12 paid, 12 in the books, a quarter written down
    assert bought.profit().total == pytest.approx(-3.0)
    assert bought.cost().total == pytest.approx(3.0)


def test_totals_weigh_products_by_their_units_and_not_equally() -> None:
    world = _world(TEA, CUP)
    state = world.state_with(torch.tensor([[[9.0], [1.0]]]))
    outcome = evaluate(world, _levels(0, 0), _demand([9, 2]), state)
    # 9 of 9 teas and 1 of 2 cups: 10 of 11 units, not the mean of 1 and ½
    assert outcome.fill_rate().per_product.tolist() == [1.0, 0.5]
    assert outcome.fill_rate().total == pytest.approx(10 / 11)
    assert float(outcome.fill_rate()) == outcome.fill_rate().total


def test_what_nobody_asked_for_has_no_fill_rate() -> None:
    world = _world(TEA)
    outcome = evaluate(world, _levels(0), _demand([0]), world.empty_state(1))
    assert np.isnan(outcome.fill_rate().total)
    assert np.isnan(outcome.turnover().total)
    assert outcome.in_stock_rate().total == 1.0


def test_one_state_serves_every_path() -> None:
    world = _world(TEA)
    paths = Scenario(torch.tensor([[4.0], [1.0]], dtype=torch.float64)[..., None, None])
    state = world.state_with(torch.full((1, 1, 1), 3.0))
    outcome = evaluate(world, _levels(0), paths, state)
    assert outcome.sold[:, 0].tolist() == [3.0, 1.0]
    assert outcome.ordered.shape == (2, 1)


def test_concatenated_windows_add_up() -> None:
    first, second = _tea_outcome(), _tea_outcome(end_write_down_share=0.5)
    both = concatenate([first, second])
    assert both.demand.shape == (2, 1)
    assert both.profit().total == pytest.approx(first.profit().total + second.profit().total)
    assert both.fill_rate().total == pytest.approx(0.7)


def test_windows_of_other_products_are_refused() -> None:
    tea = _tea_outcome()
    with pytest.raises(InputError, match="outcome 1 has other products"):
        concatenate([tea, replace(tea, product_ids=("cup",))])
    with pytest.raises(InputError, match="no outcome to concatenate"):
        concatenate([])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_write_down_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match=r"`end_write_down_share` must lie in \[0, 1\]"):
        _tea_outcome(end_write_down_share=share)


def test_a_policy_that_wishes_nan_is_refused_by_the_product_it_hit() -> None:
    world = _world(TEA, CUP)
    with pytest.raises(InputError, match="product 'cup' is not"):
        evaluate(world, _levels(1, float("nan")), _demand([1, 1]), world.empty_state(1))


def test_a_window_without_periods_is_refused() -> None:
    world = _world(TEA)
    with pytest.raises(InputError, match="at least one period"):
        evaluate(world, _levels(1), _demand([1]).window(0, 0), world.empty_state(1))


def test_evaluation_keeps_no_gradient_of_a_trained_level() -> None:
    level = torch.full((1, 1, 1), 4.0, dtype=torch.float64, requires_grad=True)
    seen: list[bool] = []

    class Watched:
        def decide(self, observation: Observation) -> Decision:
            seen.append((observation.inventory_position + level).requires_grad)
            return Decision(level)

    world = _world(TEA)
    evaluate(world, Watched(), _demand([1], [2]), world.empty_state(1))
    assert seen == [False, False]
