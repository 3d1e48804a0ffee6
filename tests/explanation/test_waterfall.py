"""An order's steps add up exactly, and end at what the simulator orders."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import InputError
from restock.explanation import Waterfall, order_waterfall, sentence
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import Decision, Observation, PackedOrders, Rule, World
from restock.simulation.period import decide

LEVELS = st.floats(0, 5000, allow_nan=False)
CAPS = st.one_of(st.floats(0, 2000, allow_nan=False), st.just(math.inf))
BATCHES = st.one_of(st.just(0.0), st.floats(0, 2000, allow_nan=False))
STOCKS = st.integers(0, 2000)


def units(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def a_lane(draw: st.DrawFn) -> Lane:
    pack, minimum = draw(st.integers(1, 60)), draw(st.integers(0, 300))
    least = max(-(-minimum // pack), 1) * pack
    room = draw(st.one_of(st.just(math.inf), st.integers(0, 500).map(float)))
    return Lane(
        product_id="A",
        origin="supplier",
        destination="shop",
        lead_time_periods=2,
        minimum_units=minimum,
        case_pack_units=pack,
        capacity_units=least + room,
    )


@st.composite
def orders(draw: st.DrawFn) -> tuple[Lane, dict[str, float]]:
    """Draw a lane's terms and what an order is decided from."""
    amounts = {
        "level": draw(LEVELS),
        "cap": draw(CAPS),
        "batch": draw(BATCHES),
        "expected_demand": draw(LEVELS),
        "on_hand": float(draw(STOCKS)),
        "on_order": float(draw(STOCKS)),
        "backlog": float(draw(STOCKS)),
    }
    return a_lane(draw), amounts


def terms_of(lane: Lane) -> PackedOrders:
    terms = (lane.case_pack_units, lane.minimum_units, lane.capacity_units)
    return PackedOrders(*(units(value) for value in terms))


def explain(lane: Lane, amounts: dict[str, float]) -> Waterfall:
    return order_waterfall(
        **{name: units(value) for name, value in amounts.items()}, terms=terms_of(lane)
    )


def broken_identities(steps: Waterfall) -> list[str]:
    """Return the identities of the issue that do not hold exactly."""
    shortfall = steps.target - steps.on_hand - steps.on_order + steps.backlog
    holds = {
        "expected_demand + safety = target": steps.expected_demand + steps.safety == steps.target,
        "target − on_hand − on_order + backlog = need": np.maximum(shortfall, 0) == steps.need,
        "need ≥ 0": steps.need >= 0,
        "need + rounding = quantity": steps.need + steps.rounding == steps.quantity,
    }
    return [name for name, each in holds.items() if not each.all()]


@given(orders())
def test_the_steps_of_every_order_add_up_exactly(order: tuple[Lane, dict[str, float]]) -> None:
    steps = explain(*order)
    assert broken_identities(steps) == []
    # where something is needed the target is reached without clamping
    shortfall = steps.target - steps.on_hand - steps.on_order + steps.backlog
    assert (shortfall == steps.need)[steps.need > 0].all()


@given(orders())
def test_every_order_is_one_that_the_supplier_takes(order: tuple[Lane, dict[str, float]]) -> None:
    lane, _ = order
    quantity = int(explain(*order).quantity[0])
    assert quantity % lane.case_pack_units == 0
    assert quantity == 0 or lane.minimum_units <= quantity <= lane.capacity_units


@given(orders())
def test_the_explained_order_is_the_one_that_the_simulator_places(
    order: tuple[Lane, dict[str, float]],
) -> None:
    lane, amounts = order
    places = (Location(id="supplier", holds_stock=False), Location(id="shop"))
    product = Product(id="A", lost_share=0.0)
    instance = Instance(name="shop", products=(product,), locations=places, lanes=(lane,))
    cells = {name: units(value).reshape(1, 1, 1) for name, value in amounts.items()}
    observation = Observation(
        on_hand=cells["on_hand"],
        on_order=cells["on_order"],
        pipeline=(),
        lead_time=torch.full((1, 1, 1), 2),
        backlog=cells["backlog"],
    )
    world = World.from_instance(instance, torch.float64)
    placed = decide(world, observation, Decision(cells["level"], cells["cap"], cells["batch"]))
    assert placed.item() == explain(lane, amounts).quantity.item()


@given(orders())
def test_the_rule_that_is_named_is_the_one_that_moved_the_quantity(
    order: tuple[Lane, dict[str, float]],
) -> None:
    lane, amounts = order
    steps = explain(lane, amounts)
    rounding, rule = int(steps.rounding[0]), steps.rule[0]
    assert (rounding == 0) == (rule is Rule.NONE)
    assert (rounding < 0) == (rule is Rule.CAPACITY)
    if rule is Rule.MINIMUM:
        assert steps.quantity[0] - lane.minimum_units < lane.case_pack_units


@given(orders())
def test_the_sentence_tells_quantity_target_and_expected_demand(
    order: tuple[Lane, dict[str, float]],
) -> None:
    steps = explain(*order)
    words = sentence(steps, 0, 2)
    quantity = int(steps.quantity[0])
    if steps.waiting[0]:
        assert quantity == 0
        assert words.startswith("Order nothing yet: ")
        return
    assert words.startswith(f"Order {quantity}: " if quantity else "Order nothing: ")
    assert f"the target of {int(steps.target[0])} " in words
    assert f"({int(steps.expected_demand[0])} expected " in words
    assert "(3 trading days)" in words
    assert ("order cap" in words) == steps.capped[0]


@pytest.mark.parametrize(
    ("part", "identity"),
    [
        ("safety", "expected_demand + safety = target"),
        ("on_order", "target − on_hand − on_order + backlog = need"),
        ("rounding", "need + rounding = quantity"),
    ],
)
def test_a_step_that_is_one_unit_off_is_caught(part: str, identity: str) -> None:
    lane = Lane(product_id="A", origin="s", destination="shop", lead_time_periods=2)
    amounts = dict.fromkeys(("expected_demand", "on_hand", "on_order", "backlog"), 4.0)
    right = explain(lane, {**amounts, "level": 30.0, "cap": math.inf})
    wrong = replace(right, **{part: getattr(right, part) + 1})
    assert broken_identities(right) == []
    assert broken_identities(wrong) == [identity]


def test_an_order_by_hand() -> None:
    # position 8 + 5 − 2 = 11; level 30.4 wants 19.4, the cap allows 16.6, which is 17 whole units;
    # the cap's target is 11 + 17 = 28; 17 units in packs of 6 are 18
    lane = Lane(
        product_id="A", origin="s", destination="shop", lead_time_periods=5, case_pack_units=6
    )
    amounts = {"expected_demand": 21.4, "on_hand": 8.0, "on_order": 5.0, "backlog": 2.0}
    steps = explain(lane, {**amounts, "level": 30.4, "cap": 16.6})
    assert (steps.target[0], steps.safety[0], steps.need[0]) == (28, 7, 17)
    assert (steps.rounding[0], steps.quantity[0]) == (1, 18)
    assert steps.rule == (Rule.CASE_PACK,)
    assert sentence(steps, 0, 5) == (
        "Order 18: 13 on hand and on order less 2 owed to customers fall 17 short of the target of"
        " 28 (21 expected until the next order can arrive (6 trading days) plus 7 for safety). The"
        " need of 17 was held back by the policy's order cap and rounded up to whole case packs."
    )


def test_stock_above_the_level_orders_nothing_and_keeps_the_level_as_target() -> None:
    lane = Lane(product_id="A", origin="s", destination="shop", lead_time_periods=0)
    amounts = {"expected_demand": 9.0, "on_hand": 12.0, "on_order": 0.0, "backlog": 0.0}
    steps = explain(lane, {**amounts, "level": 7.0, "cap": math.inf})
    assert (steps.target[0], steps.need[0], steps.quantity[0]) == (7, 0, 0)
    assert sentence(steps, 0, 0) == (
        "Order nothing: 12 on hand and on order cover the target of 7 (9 expected until the next"
        " order can arrive (1 trading day) less 2 for safety)."
    )


@pytest.mark.parametrize(("batch", "quantity"), [(0.0, 7), (6.9, 7), (7.0, 7), (7.1, 0)])
def test_less_than_a_batch_waits_with_the_position_as_target(batch: float, quantity: int) -> None:
    lane = Lane(product_id="A", origin="s", destination="shop", lead_time_periods=2)
    amounts = {"expected_demand": 9.0, "on_hand": 5.0, "on_order": 0.0, "backlog": 2.0}
    steps = explain(lane, {**amounts, "level": 10.0, "cap": math.inf, "batch": batch})
    # position 5 − 2 = 3: the level wants 7
    assert (steps.need[0], steps.quantity[0]) == (quantity, quantity)
    assert (steps.target[0], steps.waiting[0]) == (3 + quantity, quantity == 0)
    assert broken_identities(steps) == []
    if steps.waiting[0]:
        assert sentence(steps, 0, 2) == (
            "Order nothing yet: 5 on hand and on order less 2 owed to customers fall short of the"
            " level by less than a batch."
        )


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("level", math.nan),
        ("level", math.inf),
        ("cap", math.nan),
        ("batch", math.nan),
        ("expected_demand", math.nan),
    ],
)
def test_a_decision_that_is_not_a_number_is_refused(part: str, value: float) -> None:
    lane = Lane(product_id="A", origin="s", destination="shop", lead_time_periods=0)
    amounts = dict.fromkeys(("expected_demand", "on_hand", "on_order", "backlog"), 4.0)
    with pytest.raises(InputError, match="must be numbers"):
        explain(lane, {**amounts, "level": 9.0, "cap": 9.0, part: value})
