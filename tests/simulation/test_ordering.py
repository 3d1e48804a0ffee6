"""From wish to order: packs, minimums, capacities, the rule that bound, and the gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restock.simulation import Rule, feasible_order
from restock.simulation.ordering import (
    HAIR,
    FreeOrders,
    Ordering,
    PackedOrders,
    WholeUnitOrders,
)


def order(wish: float, pack: float, minimum: float, capacity: float) -> tuple[float, str]:
    quantity, rule = feasible_order(
        torch.tensor(wish, dtype=torch.float64),
        case_pack=torch.tensor(pack, dtype=torch.float64),
        minimum=torch.tensor(minimum, dtype=torch.float64),
        capacity=torch.tensor(capacity, dtype=torch.float64),
    )
    return quantity.item(), Rule(int(rule)).name


@pytest.mark.parametrize(
    ("wish", "pack", "minimum", "capacity", "quantity", "rule"),
    [
        (7.3, 0, 0, math.inf, 7.3, "NONE"),
        (7.3, 0, 8, math.inf, 8.0, "MINIMUM"),
        (0.0, 0, 8, math.inf, 0.0, "NONE"),
        (7.3, 0, 0, 5, 5.0, "CAPACITY"),
        (7.3, 1, 0, math.inf, 7.0, "WHOLE_UNITS"),
        (7.5, 1, 0, math.inf, 8.0, "WHOLE_UNITS"),
        (0.49, 1, 5, math.inf, 0.0, "WHOLE_UNITS"),
        (7.0, 1, 0, math.inf, 7.0, "NONE"),
        (7.0, 6, 0, math.inf, 12.0, "CASE_PACK"),
        (12.0, 6, 0, math.inf, 12.0, "NONE"),
        (12.4, 6, 0, math.inf, 12.0, "WHOLE_UNITS"),
        (1.0, 6, 13, math.inf, 18.0, "MINIMUM"),
        (40.0, 6, 0, 20, 18.0, "CAPACITY"),
    ],
)
def test_a_wish_becomes_the_order_that_the_rules_allow(
    wish: float, pack: float, minimum: float, capacity: float, quantity: float, rule: str
) -> None:
    assert order(wish, pack, minimum, capacity) == (quantity, rule)


@given(
    st.lists(st.floats(0, 500), min_size=1, max_size=20),
    st.sampled_from([1, 2, 6, 24]),
    st.sampled_from([0, 5, 30]),
    st.sampled_from([48, 100, math.inf]),
)
def test_every_order_is_nothing_or_whole_packs_between_minimum_and_capacity(
    wishes: list[float], pack: int, minimum: int, capacity: float
) -> None:
    quantity, _ = feasible_order(
        torch.tensor(wishes),
        case_pack=torch.tensor(float(pack)),
        minimum=torch.tensor(float(minimum)),
        capacity=torch.tensor(float(capacity)),
    )
    placed = quantity[quantity > 0]
    assert (quantity >= 0).all()
    assert (placed % pack == 0).all()
    assert (placed >= minimum).all()
    assert (placed <= capacity).all()


ORDERINGS: list[Ordering] = [
    WholeUnitOrders(),
    PackedOrders(torch.tensor([[8.0]]), torch.tensor([[16.0]]), torch.tensor([[100.0]])),
]


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda ordering: type(ordering).__name__)
def test_an_order_that_carries_a_gradient_is_exactly_the_order_without_one(
    ordering: Ordering,
) -> None:
    generator = torch.Generator().manual_seed(0)
    wish = torch.rand(5000, 1, 1, generator=generator).square() * 150
    learning = ordering.order(wish.clone().requires_grad_())
    assert torch.equal(learning.detach(), ordering.order(wish))


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda ordering: type(ordering).__name__)
def test_gradients_pass_straight_through_rounding(ordering: Ordering) -> None:
    wish = torch.tensor([0.2, 7.3, 140.0]).reshape(3, 1, 1).requires_grad_()
    (slope,) = torch.autograd.grad(ordering.order(wish).sum(), wish)
    assert slope.flatten().tolist() == [1.0, 1.0, 1.0]


def test_whole_unit_orders_are_packed_orders_of_one_unit() -> None:
    wish = torch.linspace(0, 20, 401).reshape(-1, 1, 1)
    one, none, most = (torch.tensor([[number]]) for number in (1.0, 0.0, math.inf))
    assert torch.equal(WholeUnitOrders().order(wish), PackedOrders(one, none, most).order(wish))


def packed(pack: float, minimum: float, capacity: float) -> PackedOrders:
    numbers = (pack, minimum, capacity)
    return PackedOrders(*(torch.tensor([[number]], dtype=torch.float64) for number in numbers))


def cut(ordering: Ordering, limit: float) -> float:
    return ordering.cut(torch.full((1, 1, 1), limit, dtype=torch.float64)).item()


@pytest.mark.parametrize(
    ("limit", "pack", "minimum", "capacity", "quantity"),
    [
        (7.3, 0, 0, math.inf, 7.3),
        (7.3, 0, 8, math.inf, 0.0),
        (8.0, 0, 8, math.inf, 8.0),
        (7.9, 1, 0, math.inf, 7.0),
        (6.9999999, 1, 0, math.inf, 7.0),
        (11.9, 6, 0, math.inf, 6.0),
        (11.9999999, 6, 0, math.inf, 12.0),
        (17.9, 6, 13, math.inf, 0.0),
        (18.0, 6, 13, math.inf, 18.0),
        (5.9, 6, 0, math.inf, 0.0),
        (40.0, 6, 0, 20, 18.0),
        (40.0, 0, 0, 0, 0.0),
    ],
)
def test_a_limit_becomes_the_largest_order_below_it(
    limit: float, pack: float, minimum: float, capacity: float, quantity: float
) -> None:
    assert cut(packed(pack, minimum, capacity), limit) == quantity


@given(
    st.floats(0, 200),
    st.sampled_from([0, 1, 2, 6, 24]),
    st.sampled_from([0, 5, 30]),
    st.sampled_from([0, 48, 100, math.inf]),
)
def test_no_feasible_order_lies_between_the_cut_order_and_its_limit(
    limit: float, pack: int, minimum: int, capacity: float
) -> None:
    quantity = cut(packed(pack, minimum, capacity), limit)
    most = min(limit, capacity)
    if pack == 0:
        assert quantity == (most if most >= minimum else 0)
    else:
        packs = range(int(most / pack + HAIR) + 1)
        assert quantity == max(pack * n for n in packs if n == 0 or pack * n >= minimum)


@given(st.floats(0, 200), st.sampled_from([0, 1, 6]), st.sampled_from([0, 30]))
def test_a_cut_order_is_an_order_that_the_lane_takes(limit: float, pack: int, minimum: int) -> None:
    ordering = packed(pack, minimum, 100)
    quantity = ordering.cut(torch.full((1, 1, 1), limit, dtype=torch.float64))
    assert torch.equal(ordering.order(quantity), quantity)


def test_divisible_goods_are_cut_to_the_limit_itself() -> None:
    limit = torch.tensor([[[0.0, 3.7, 12.25]]])
    assert torch.equal(FreeOrders().cut(limit), limit)


def test_whole_units_are_cut_as_packs_of_one() -> None:
    limit = torch.linspace(0, 20, 401, dtype=torch.float64).reshape(-1, 1, 1)
    assert torch.equal(WholeUnitOrders().cut(limit), packed(1, 0, math.inf).cut(limit))


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda ordering: type(ordering).__name__)
def test_gradients_pass_straight_through_cutting(ordering: Ordering) -> None:
    limit = torch.tensor([0.2, 7.3, 90.0]).reshape(3, 1, 1).requires_grad_()
    (slope,) = torch.autograd.grad(ordering.cut(limit).sum(), limit)
    assert slope.flatten().tolist() == [1.0, 1.0, 1.0]


def test_a_lane_that_a_product_lacks_has_no_order_and_no_gradient() -> None:
    none, some = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, math.inf]])
    wish = torch.tensor([[[7.25, 7.25]]]).requires_grad_()
    order = PackedOrders(none, none, some).order(wish)
    assert order.flatten().tolist() == [0.0, 7.25]
    (slope,) = torch.autograd.grad(order.sum(), wish)
    assert slope.flatten().tolist() == [0.0, 1.0]


def test_the_rules_of_some_lanes_are_the_rules_of_all_lanes_there() -> None:
    generator = torch.Generator().manual_seed(1)
    pack = torch.randint(0, 4, (2, 5), generator=generator).float()
    everywhere = PackedOrders(pack, 2 * pack, 30 + pack)
    wish = 50 * torch.rand(3, 2, 5, generator=generator)
    orderings: list[Ordering] = [everywhere, WholeUnitOrders(), FreeOrders()]
    for ordering in orderings:
        some = ordering.among(slice(1, 4))
        assert torch.equal(some.order(wish[..., 1:4]), ordering.order(wish)[..., 1:4])
        assert torch.equal(some.cut(wish[..., 1:4]), ordering.cut(wish)[..., 1:4])


def test_lanes_that_need_no_packs_have_the_smaller_rules() -> None:
    # the second lane is not there for the product: capacity 0; the third takes cases of four
    packed = PackedOrders(
        torch.tensor([[1.0, 0.0, 4.0, 0.0]]),
        torch.zeros(1, 4),
        torch.tensor([[9.0, 0.0, 40.0, 5.0]]),
    )
    assert isinstance(packed.among(slice(0, 2)), WholeUnitOrders)
    assert isinstance(packed.among(slice(2, 3)), PackedOrders)
    assert isinstance(packed.among(slice(3, 4)), FreeOrders)
