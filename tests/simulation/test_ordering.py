"""From wish to order: packs, minimums, capacities, the rule that bound, and the gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restock.simulation import Rule, feasible_order
from restock.simulation.ordering import Ordering, PackedOrders, WholeUnitOrders


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
    ordering.order(wish).sum().backward()
    assert wish.grad is not None
    assert wish.grad.flatten().tolist() == [1.0, 1.0, 1.0]


def test_whole_unit_orders_are_packed_orders_of_one_unit() -> None:
    wish = torch.linspace(0, 20, 401).reshape(-1, 1, 1)
    one, none, most = (torch.tensor([[number]]) for number in (1.0, 0.0, math.inf))
    assert torch.equal(WholeUnitOrders().order(wish), PackedOrders(one, none, most).order(wish))
