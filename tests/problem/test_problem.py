"""Products, lanes and instances: what they refuse, and that writing and reading lose nothing."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restock.errors import InputError, InstanceError
from restock.problem import Instance, Lane, Location, Product

NAN, INF = float("nan"), float("inf")
TEA = Product(id="tea", list_price=4.0, unit_cost=2.5, holding_cost=0.01, shortage_cost=1.5)


LANE: dict[str, Any] = {
    "product_id": "tea",
    "origin": "acme",
    "destination": "shop",
    "lead_time_periods": 2,
}


def lane(**terms: float) -> Lane:
    return Lane(**{**LANE, **terms})


@pytest.mark.parametrize("field", ["list_price", "unit_cost", "holding_cost", "shortage_cost"])
@pytest.mark.parametrize("value", [-0.3, NAN, INF])
def test_a_product_refuses_money_that_is_negative_or_not_finite(
    untyped: SimpleNamespace, field: str, value: float
) -> None:
    with pytest.raises(InstanceError, match=f"`{field}` must be finite and ≥ 0; got {value}") as e:
        untyped.Product(id="B17", **{field: value})
    assert "'B17'" in str(e.value)


@pytest.mark.parametrize("share", [-0.1, 1.1, NAN])
def test_a_product_refuses_a_lost_share_that_is_no_share(share: float) -> None:
    with pytest.raises(InstanceError, match=r"`lost_share` must lie in \[0, 1\]; got"):
        Product(id="B17", lost_share=share)


def test_the_margin_is_the_price_less_the_cost() -> None:
    assert TEA.margin == 4.0 - 2.5


@pytest.mark.parametrize(
    "terms",
    [
        {"lead_time_periods": -1},
        {"lead_time_periods": 1.5},
        {"lead_time_periods": NAN},
        {"lead_time_periods": INF},
        {"fixed_order_cost": -1.0},
        {"fixed_order_cost": NAN},
        {"fixed_order_cost": INF},
        {"minimum_units": -1},
        {"minimum_units": NAN},
        {"minimum_units": INF},
        {"case_pack_units": -6},
        {"case_pack_units": 2.5},
        {"case_pack_units": NAN},
        {"case_pack_units": INF},
        {"capacity_units": 0},
        {"capacity_units": NAN},
        {"capacity_units": -5},
    ],
    ids=str,
)
def test_a_lane_names_itself_the_field_and_the_value_it_refuses(
    terms: dict[str, Any], untyped: SimpleNamespace
) -> None:
    ((field, value),) = terms.items()
    with pytest.raises(InstanceError, match=f"`{field}` must .*; got {value}") as e:
        untyped.Lane(**{**LANE, **terms})
    assert "lane acme → shop for product 'tea'" in str(e.value)


def test_a_lane_refuses_a_capacity_below_the_smallest_order() -> None:
    # at least 7 units in packs of 6 are 12 units
    assert lane(minimum_units=7, case_pack_units=6, capacity_units=12).capacity_units == 12
    with pytest.raises(InstanceError, match="must admit the smallest order; got 11"):
        lane(minimum_units=7, case_pack_units=6, capacity_units=11)


def test_goods_are_ordered_singly_and_without_limit_unless_said_otherwise() -> None:
    assert (lane().case_pack_units, lane().minimum_units, lane().capacity_units) == (1, 0, math.inf)


def test_the_textbook_instance_has_one_divisible_lane_per_product() -> None:
    shop = Instance.single_location([TEA, Product(id="mug")], {"tea": 2, "mug": 0})
    assert [(x.product_id, x.lead_time_periods, x.case_pack_units) for x in shop.lanes] == [
        ("tea", 2, 0),
        ("mug", 0, 0),
    ]
    assert [place.id for place in shop.locations if place.holds_stock] == ["shop"]


PLACES = (Location(id="acme", holds_stock=False), Location(id="shop"))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"products": ()}, "has no products"),
        ({"products": (TEA, TEA)}, "product 'tea' is given more than once"),
        ({"locations": (*PLACES, PLACES[1])}, "location 'shop' is given more than once"),
        ({"products": (TEA, Product(id="mug"))}, "no lane supplies product 'mug'"),
        ({"products": (Product(id="mug"),)}, "carries product 'tea'"),
        ({"locations": PLACES[:1]}, "names location 'shop'"),
        ({"locations": (PLACES[0], Location(id="shop", holds_stock=False))}, "holds no stock"),
    ],
)
def test_an_instance_refuses_what_contradicts_itself(parts: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {"products": (TEA,), "locations": PLACES, "lanes": (lane(),)}
    assert Instance(name="shop", **whole).products == (TEA,)
    with pytest.raises(InstanceError, match=message):
        Instance(name="shop", **{**whole, **parts})


def test_a_place_must_have_a_name() -> None:
    with pytest.raises(InstanceError, match="`id` of a location is empty"):
        Location(id="")


def an_instance() -> Instance:
    lanes = (
        lane(fixed_order_cost=3.5, minimum_units=7, case_pack_units=6, capacity_units=120.0),
        Lane(product_id="mug", origin="acme", destination="shop", lead_time_periods=0),
    )
    products = (TEA, Product(id="mug", name="Becher, groß", lost_share=0.25))
    return Instance(name="shop", products=products, locations=PLACES, lanes=lanes, period="week")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    an_instance().write(tmp_path / "shop.json")
    assert Instance.read(tmp_path / "shop.json") == an_instance()
    assert [file.name for file in tmp_path.iterdir()] == ["shop.json"]


def test_an_instance_file_is_strict_json_also_without_capacities(tmp_path: Path) -> None:
    an_instance().write(tmp_path / "shop.json")
    text = (tmp_path / "shop.json").read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    tree = json.loads(text, parse_constant=refuse)
    assert [lane["capacity_units"] for lane in tree["lanes"]] == [120.0, None]


def test_a_capacity_of_zero_in_a_file_is_refused_and_not_taken_for_no_limit(
    tmp_path: Path,
) -> None:
    file = tmp_path / "shop.json"
    an_instance().write(file)
    file.write_text(file.read_text(encoding="utf-8").replace("120.0", "0"), encoding="utf-8")
    with pytest.raises(InstanceError, match="`capacity_units` must admit"):
        Instance.read(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"products"', '"product"'),
        lambda text: text.replace("lead_time_periods", "lead_time_days"),
        lambda text: text.replace('"capacity_units": null', '"capacity": null'),
        lambda text: text.replace('"holds_stock": true', '"holds_stock": "yes"'),
        lambda text: text.replace('"lead_time_periods": 2', '"lead_time_periods": null'),
        lambda text: text.replace('"lead_time_periods": 2', '"lead_time_periods": "2"'),
        lambda text: text.replace('"order_offsets": [0]', '"order_offsets": "0"'),
        lambda text: text.replace('"outage": null', '"outage": "often"'),
        lambda text: text.replace('"outage": null', '"outage": []'),
        lambda text: text.replace('"lanes": [', '"lanes": [3,'),
        lambda text: text.replace('"regions": []', '"regions": {}'),
        lambda _: "[]",
    ],
    ids=[
        *("half a file", "key missing", "key misspelt", "capacity missing", "yes for true"),
        *("null for a number", "text for a number", "text for a list", "text for an outage"),
        *("list for an outage", "number for a lane", "object for a list", "another tree"),
    ],
)
def test_a_file_that_is_no_instance_gives_one_message(
    tmp_path: Path, damage: Callable[[str], str]
) -> None:
    file = tmp_path / "shop.json"
    an_instance().write(file)
    whole = file.read_text(encoding="utf-8")
    assert damage(whole) != whole
    file.write_text(damage(whole), encoding="utf-8")
    with pytest.raises(InputError, match=r"shop.json cannot be read: .* write it again"):
        Instance.read(file)


def test_a_missing_instance_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.json cannot be read"):
        Instance.read(tmp_path / "none.json")
