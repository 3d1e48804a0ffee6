"""Whatever an instance holds is there again after writing and reading, in strict JSON."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.problem import (
    Instance,
    Lane,
    LeadTimeDistribution,
    Location,
    Outage,
    PriceRules,
    Product,
    Region,
    Shipping,
    StockTerms,
    Substitute,
)
from restock.problem.tree import from_tree

# the tests' type checks look at a random element of a tuple, also while hypothesis draws one
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

texts = st.text(max_size=8)
amounts = st.floats(0, 1e6)
shares = st.floats(0, 1)
roomy = st.floats(1e5, 1e9) | st.just(math.inf)
PLACES = ("centre", "north", "south")


@st.composite
def price_rules(draw: st.DrawFn) -> PriceRules:
    """Draw rules that allow a list price of 4 at a unit cost of at most 2."""
    rungs = draw(st.sets(st.integers(2, 9), max_size=4))
    ladder = tuple(sorted({4.0, *map(float, rungs)})) if rungs else ()
    return PriceRules(
        ladder=ladder,
        floor=draw(st.sampled_from([0.0, 2.0])),
        ceiling=draw(st.sampled_from([9.0, math.inf])),
        largest_step=draw(st.floats(7, 100) | st.just(math.inf)),
        least_periods_between_changes=draw(st.integers(0, 30)),
    )


@st.composite
def products(draw: st.DrawFn, name: str) -> Product:
    return Product(
        id=name,
        name=draw(texts),
        category=draw(texts),
        list_price=4.0,
        unit_cost=draw(st.floats(0, 2)),
        holding_cost=draw(amounts),
        shortage_cost=draw(amounts),
        lost_share=draw(shares),
        volume=draw(st.floats(0, 10)),
        shelf_life_periods=draw(st.integers(0, 9)),
        waste_cost=draw(amounts),
        fifo_share=draw(shares),
        return_share=draw(shares),
        return_delay_periods=draw(st.integers(1, 9)),
        price_rules=draw(st.none() | price_rules()),
    )


@st.composite
def lead_times(draw: st.DrawFn) -> LeadTimeDistribution:
    """Draw a distribution that can take 2 periods."""
    periods = draw(st.lists(st.integers(0, 9), max_size=3, unique=True).map(lambda x: {2, *x}))
    weights = [draw(st.integers(1, 9)) for _ in periods]
    return LeadTimeDistribution(
        periods=tuple(periods),
        probabilities=tuple(weight / sum(weights) for weight in weights),
        orders_cross=draw(st.booleans()),
    )


@st.composite
def lanes(draw: st.DrawFn, product_id: str, origin: str, destination: str) -> Lane:
    cycle = draw(st.integers(1, 7))
    offsets = st.lists(st.integers(0, cycle - 1), min_size=1, max_size=cycle, unique=True)
    outage = st.builds(Outage, start_probability=shares, end_probability=st.floats(0.01, 1))
    return Lane(
        product_id=product_id,
        origin=origin,
        destination=destination,
        lead_time_periods=2,
        fixed_order_cost=draw(amounts),
        minimum_units=draw(st.integers(0, 20)),
        case_pack_units=draw(st.integers(0, 12)),
        capacity_units=draw(roomy),
        unit_cost=draw(st.floats(0, 9)),
        lead_time_distribution=draw(st.none() | lead_times()),
        order_cycle_periods=cycle,
        order_offsets=tuple(draw(offsets)),
        outage=draw(st.none() | outage),
    )


@st.composite
def service(draw: st.DrawFn) -> dict[str, Any]:
    names = [f"region {n}" for n in range(draw(st.integers(0, 3)))]
    promises = st.floats(0, 9) | st.just(math.inf)
    ways = [(name, place) for name in names for place in PLACES]
    return {
        "regions": tuple(
            Region(id=name, name=draw(texts), promise_periods=draw(promises)) for name in names
        ),
        "shipping": tuple(
            Shipping(
                region=name,
                location=place,
                cost_per_unit=draw(amounts),
                cost_per_shipment=draw(amounts),
                transit_periods=draw(st.integers(0, 5)),
            )
            for name, place in ways
            # the centre, which every product reaches, serves every region
            if place == "centre" or draw(st.booleans())
        ),
    }


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Draw an instance with any of the features that an instance can have."""
    names = [f"p{n}" for n in range(draw(st.integers(1, 3)))]
    ways = [("acme", "centre"), ("centre", "north"), ("centre", "south"), ("bolt", "south")]
    serving = draw(service())
    shortage = st.none() if serving["regions"] else st.none() | amounts
    return Instance(
        name=draw(texts),
        period=draw(texts),
        products=tuple(draw(products(name)) for name in names),
        locations=(
            *(Location(id=name, holds_stock=False) for name in ("acme", "bolt")),
            *(
                Location(
                    id=place,
                    name=draw(texts),
                    storage_capacity=draw(roomy),
                    inbound_capacity_units=draw(roomy),
                )
                for place in PLACES
            ),
        ),
        lanes=tuple(
            draw(lanes(name, *way))
            for name in names
            for way in ways
            if way == ways[0] or draw(st.booleans())
        ),
        stock_terms=tuple(
            StockTerms(
                product_id=name,
                location=place,
                holding_cost=draw(st.none() | amounts),
                shortage_cost=draw(shortage),
            )
            for name in names
            for place in PLACES
            if draw(st.booleans())
        ),
        substitutes=tuple(
            Substitute(
                product_id=one,
                substitute_id=other,
                spontaneous_share=draw(st.floats(0, 0.2)),
                accepted_share=draw(st.floats(0.2, 0.5)),
            )
            for one in names
            for other in names
            if one != other and draw(st.booleans())
        ),
        budget_per_period=draw(roomy),
        rationing=draw(st.sampled_from(["proportional", "least_cover"])),
        **serving,
    )


def refuse(constant: str) -> None:
    pytest.fail(f"{constant} is not JSON")


@settings(max_examples=60)
@given(instances())
def test_any_instance_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, instance: Instance
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    instance.write(file)
    assert Instance.read(file) == instance
    json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)


def test_what_is_no_limit_is_null_in_the_file_and_a_part_that_is_not_there_too(
    tmp_path: Path,
) -> None:
    file = tmp_path / "shop.json"
    rules = PriceRules(ladder=(4.0, 5.0))
    tea = Product(id="tea", list_price=4.0, price_rules=rules)
    Instance.single_location([tea], 2).write(file)
    tree = json.loads(file.read_text(encoding="utf-8"))
    assert tree["budget_per_period"] is None
    assert tree["locations"][1]["storage_capacity"] is None
    assert tree["lanes"][0]["outage"] is None
    assert tree["products"][0]["price_rules"] == {
        "ladder": [4.0, 5.0],
        "floor": 0.0,
        "ceiling": None,
        "largest_step": None,
        "least_periods_between_changes": 0,
    }


def test_a_file_from_before_networks_is_still_read(tmp_path: Path) -> None:
    tree = {
        "name": "shop",
        "products": [{"id": "tea", "name": "", "category": "", "list_price": 4.0}],
        "locations": [{"id": "s", "name": "", "holds_stock": False}, {"id": "shop"}],
        "lanes": [
            {
                "product_id": "tea",
                "origin": "s",
                "destination": "shop",
                "lead_time_periods": 2,
                "case_pack_units": 0,
                "capacity_units": None,
            }
        ],
        "period": "trading day",
    }
    (tmp_path / "shop.json").write_text(json.dumps(tree), encoding="utf-8")
    supplier = {"name": "shop", "supplier": "s"}
    expected = Instance.single_location([Product(id="tea", list_price=4.0)], 2, **supplier)
    assert Instance.read(tmp_path / "shop.json") == expected


@dataclass(frozen=True)
class Lamp:
    """A part whose types nothing else checks."""

    name: str
    lit: bool = False


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (3, "Lamp must be a JSON object; got 3"),
        ({"name": "hall", "lit": "no"}, "'lit' of Lamp cannot be 'no'"),
        ({"name": 7}, "'name' of Lamp cannot be 7"),
        ({"name": "hall", "lit": None}, "'lit' of Lamp cannot be None"),
        ({"name": "hall", "colour": "red"}, "Lamp has no field 'colour'"),
    ],
)
def test_a_tree_that_does_not_fit_its_part_is_refused(tree: object, message: str) -> None:
    assert from_tree(Lamp, {"name": "hall", "lit": True}) == Lamp("hall", lit=True)
    with pytest.raises((TypeError, ValueError), match=message):
        from_tree(Lamp, tree)
