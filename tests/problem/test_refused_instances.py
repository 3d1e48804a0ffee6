"""What an instance refuses: one row a contradiction, and what the message says about it."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise, product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.errors import InstanceError
from restock.problem import (
    Instance,
    Lane,
    Location,
    Product,
    Region,
    Shipping,
    StockTerms,
    Substitute,
)

Parts = dict[str, Any]
Change = Callable[[Parts], Parts]


def lane(product_id: str, origin: str, destination: str, **terms: Any) -> Lane:  # noqa: ANN401
    ends: Parts = {"product_id": product_id, "origin": origin, "destination": destination}
    return Lane(**ends, lead_time_periods=1, **terms)


def a_network() -> Parts:
    """Return acme → centre → {north, south} for tea; mug goes from acme to north alone."""
    return {
        "name": "shop",
        "products": (
            Product(id="tea", unit_cost=3.0, volume=2.0),
            Product(id="mug"),
        ),
        "locations": (
            Location(id="acme", holds_stock=False),
            *(Location(id=place) for place in ("centre", "north", "south")),
        ),
        "lanes": (
            lane("tea", "acme", "centre", minimum_units=20, case_pack_units=6, unit_cost=1.0),
            lane("tea", "centre", "north"),
            lane("tea", "centre", "south"),
            lane("mug", "acme", "north"),
        ),
        "regions": (Region(id="hills"), Region(id="coast")),
        "shipping": (
            Shipping(region="hills", location="north"),
            Shipping(region="coast", location="north"),
            Shipping(region="coast", location="south"),
        ),
        "stock_terms": (StockTerms(product_id="tea", location="north", holding_cost=0.5),),
        "substitutes": (
            Substitute(
                product_id="tea", substitute_id="mug", spontaneous_share=0.1, accepted_share=0.6
            ),
        ),
    }


def with_lane(*ends: str) -> Change:
    return lambda parts: {"lanes": (*parts["lanes"], lane(*ends))}


def with_row(field: str, row: object) -> Change:
    return lambda parts: {field: (*parts[field], row)}


def with_place(at: int, **terms: Any) -> Change:  # noqa: ANN401 - any bad value
    def change(parts: Parts) -> Parts:
        places = list(parts["locations"])
        places[at] = replace(places[at], **terms)
        return {"locations": tuple(places)}

    return change


def having(**terms: object) -> Change:
    return lambda _: terms


def terms_of(product_id: str, location: str, **costs: float) -> Change:
    row = StockTerms(product_id=product_id, location=location, **costs)
    return with_row("stock_terms", row)


def shipping_of(location: str, region: str, **costs: Any) -> Change:  # noqa: ANN401 - money, periods
    return with_row("shipping", Shipping(region=region, location=location, **costs))


def half_of(product_id: str, substitute_id: str) -> Substitute:
    ends = {"product_id": product_id, "substitute_id": substitute_id}
    return Substitute(**ends, spontaneous_share=0.5, accepted_share=0.5)


REFUSED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "circle of two": (
        with_lane("tea", "north", "centre"),
        ("product 'tea' goes round in a circle: centre → north → centre. Remove",),
    ),
    "circle of three": (
        lambda parts: {
            "lanes": (
                *parts["lanes"],
                lane("tea", "north", "south"),
                lane("tea", "south", "centre"),
            )
        },
        ("product 'tea' goes round in a circle: ", "centre → north → south → centre"),
    ),
    "circle of one": (with_lane("tea", "north", "north"), ("circle: north → north",)),
    "lane to nowhere": (
        with_lane("tea", "centre", "nroth"),
        ("lane centre → nroth of product 'tea' names location 'nroth'", "mean 'north'?"),
    ),
    "lane from nowhere": (
        with_lane("tea", "acmee", "centre"),
        ("lane acmee → centre of product 'tea' names location 'acmee'", "mean 'acme'?"),
    ),
    "lane of an unknown product": (
        with_lane("pot", "acme", "centre"),
        ("lane acme → centre carries product 'pot'", "Add the product or remove the lane"),
    ),
    "lane into a supplier": (
        with_lane("tea", "north", "acme"),
        ("lane north → acme of product 'tea' ends at 'acme'", "holds no stock"),
    ),
    "lane from where the product never comes": (
        with_lane("mug", "centre", "south"),
        ("lane centre → south carries product 'mug' from 'centre'", "nothing supplies"),
    ),
    "lane given twice": (
        with_lane("tea", "centre", "south"),
        ("lane centre → south of product 'tea' is given more than once",),
    ),
    "product without a lane": (
        lambda parts: {"lanes": parts["lanes"][:3]},
        ("no lane supplies product 'mug'", "Add a lane"),
    ),
    "inbound capacity below the smallest order": (
        # at least 20 units in packs of 6 are 24
        with_place(1, inbound_capacity_units=23.0),
        (
            "`inbound_capacity_units` of the destination must admit the smallest order of 24",
            *("got 23.0", "on lane acme → centre for product 'tea'", "lower minimum"),
        ),
    ),
    "storage capacity below the smallest order": (
        with_place(1, storage_capacity=47.0),  # 24 units of volume 2
        (
            "`storage_capacity` of the destination must admit the smallest order of 24 units",
            *("needs 48; got 47.0", "on lane acme → centre for product 'tea'"),
        ),
    ),
    "budget below the smallest order": (
        having(budget_per_period=95.0),  # 24 · (3 + 1)
        ("`budget_per_period` must admit", "needs 96; got 95.0", "acme → centre"),
    ),
    "no budget": (
        having(budget_per_period=0.0),
        ("`budget_per_period` must be > 0; got 0.0 for instance 'shop'",),
    ),
    "budget that is no number": (
        having(budget_per_period=float("nan")),
        ("`budget_per_period` must be > 0; got nan",),
    ),
    "unknown rationing": (
        having(rationing="proportionate"),
        ("`rationing` must be one of", "got 'proportionate'", "mean 'proportional'?"),
    ),
    "region that nothing serves": (
        with_row("regions", Region(id="isle")),
        ("region 'isle' is served by no location", "Add a `Shipping` row"),
    ),
    "region that a product cannot reach": (
        # hills is served from north alone; mug now goes to south alone
        lambda parts: {"lanes": (*parts["lanes"][:3], lane("mug", "acme", "south"))},
        ("region 'hills' cannot be sent product 'mug'", "nothing supplies north with it"),
    ),
    "region given twice": (
        with_row("regions", Region(id="coast")),
        ("region 'coast' is given more than once",),
    ),
    "shipping to an unknown region": (
        shipping_of("north", "costa"),
        ("shipping from 'north' to region 'costa' names a region", "mean 'coast'?"),
    ),
    "shipping from an unknown location": (
        shipping_of("norht", "coast"),
        ("shipping from 'norht' to region 'coast' names a location", "mean 'north'?"),
    ),
    "shipping from a supplier": (
        shipping_of("acme", "coast"),
        ("shipping from 'acme' to region 'coast' starts at an outside supplier",),
    ),
    "shipping given twice": (
        shipping_of("south", "coast", cost_per_unit=1.0),
        ("shipping from 'south' to region 'coast' is given more than once",),
    ),
    "terms of an unknown product": (
        terms_of("pot", "north"),
        ("stock terms for product 'pot' at location 'north' name a product",),
    ),
    "terms at an unknown location": (
        terms_of("tea", "souht"),
        ("stock terms for product 'tea' at location 'souht' name a location", "'south'?"),
    ),
    "terms at a supplier": (
        terms_of("tea", "acme"),
        ("at location 'acme' name a location which is not among those that hold stock",),
    ),
    "terms given twice": (
        terms_of("tea", "north"),
        ("stock terms for product 'tea' at location 'north' are given more than once",),
    ),
    "shortage cost of a location where regions demand": (
        terms_of("mug", "north", shortage_cost=9),
        ("`shortage_cost` must be left out", "got 9 for product 'mug' at location 'north'"),
    ),
    "substitute of an unknown product": (
        with_row("substitutes", half_of("pot", "mug")),
        ("substitute 'mug' of product 'pot' names product 'pot'",),
    ),
    "unknown substitute": (
        with_row("substitutes", half_of("mug", "pot")),
        ("substitute 'pot' of product 'mug' names product 'pot'",),
    ),
    "substitute given twice": (
        with_row("substitutes", half_of("tea", "mug")),
        ("substitute 'mug' of product 'tea' is given more than once",),
    ),
    "accepted shares above one": (
        lambda parts: {
            "products": (*parts["products"], Product(id="pot")),
            "lanes": (*parts["lanes"], lane("pot", "acme", "north")),
            "substitutes": (*parts["substitutes"], half_of("tea", "pot")),
        },
        ("`accepted_share` of all substitutes of product 'tea'", "got 1.1 with", "'pot'"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_contradiction_is_refused_and_named(untyped: SimpleNamespace, name: str) -> None:
    whole = a_network()
    assert untyped.Instance(**whole).products == whole["products"]
    change, fragments = REFUSED[name]
    with pytest.raises(InstanceError) as refusal:
        untyped.Instance(**{**whole, **change(whole)})
    for fragment in fragments:
        assert fragment in str(refusal.value)


def test_limits_that_just_admit_the_smallest_order_are_allowed() -> None:
    whole = a_network()
    room = with_place(1, inbound_capacity_units=24.0, storage_capacity=48.0)(whole)
    tight = Instance(**{**whole, **room, "budget_per_period": 96.0})
    assert tight.budget_per_period == 96.0


def test_the_budget_is_for_orders_from_outside_only() -> None:
    # 24 units · 3 are more than 50, but what the centre sends north is not bought again
    whole = a_network()
    cheap = lane("tea", "acme", "centre", case_pack_units=0)
    inside = lane("tea", "centre", "north", case_pack_units=24)
    lanes = (cheap, inside, *whole["lanes"][2:])
    assert Instance(**{**whole, "lanes": lanes, "budget_per_period": 50.0}).lanes == lanes


def test_a_shortage_cost_of_a_location_is_allowed_where_locations_sell() -> None:
    terms = StockTerms(product_id="mug", location="north", shortage_cost=9.0)
    sells = {"regions": (), "shipping": (), "stock_terms": (terms,)}
    assert Instance(**{**a_network(), **sells}).stock_terms == (terms,)


def test_one_product_s_circle_is_seen_among_many_that_share_a_network() -> None:
    places = (Location(id="s", holds_stock=False), Location(id="a"), Location(id="b"))
    products = tuple(Product(id=f"p{n}") for n in range(5))
    ways = [("s", "a"), ("a", "b")]
    lanes = [lane(item.id, *way) for item in products for way in ways]
    assert len(Instance(name="x", products=products, locations=places, lanes=tuple(lanes)).lanes)
    with pytest.raises(InstanceError, match="product 'p3' goes round in a circle"):
        Instance(
            name="x",
            products=products,
            locations=places,
            lanes=(*lanes, lane("p3", "b", "a")),
        )


def is_acyclic(pairs: set[tuple[str, str]]) -> bool:
    """Take places that nothing enters away until none is left."""
    left = {place for pair in pairs for place in pair}
    while left:
        entered = {end for start, end in pairs if start in left}
        if left <= entered:
            return False
        left &= entered
    return True


@given(st.sets(st.sampled_from(list(product("abcd", repeat=2)))))
def test_a_network_is_refused_exactly_when_it_goes_round_in_a_circle(
    pairs: set[tuple[str, str]],
) -> None:
    places = (Location(id="s", holds_stock=False), *(Location(id=place) for place in "abcd"))
    ways = [*(("s", place) for place in "abcd"), *pairs]
    parts: Parts = {"products": (Product(id="tea"),), "locations": places}
    lanes = tuple(lane("tea", *way) for way in ways)
    if is_acyclic(pairs):
        assert len(Instance(name="x", **parts, lanes=lanes).lanes) == 4 + len(pairs)
        return
    with pytest.raises(InstanceError, match="product 'tea' goes round in a circle: ") as refusal:
        Instance(name="x", **parts, lanes=lanes)
    # it is named from its first place to its first place, along lanes that are there
    circle = str(refusal.value).partition(": ")[2].partition(". ")[0].split(" → ")
    assert circle[0] == circle[-1]
    assert set(pairwise(circle)) <= pairs


SUPPLY = list(product(("tea", "mug"), "abc"))
SERVICE = list(product(("north", "south"), "abc"))


@given(st.sets(st.sampled_from(SUPPLY)), st.sets(st.sampled_from(SERVICE)))
def test_regions_are_refused_exactly_when_one_cannot_be_sent_a_product(
    supply: set[tuple[str, str]], service: set[tuple[str, str]]
) -> None:
    supply |= {("tea", "a"), ("mug", "c")}
    feasible = all(
        any((item, place) in supply and (region, place) in service for place in "abc")
        for item, region in product(("tea", "mug"), ("north", "south"))
    )
    parts: Parts = {
        "products": (Product(id="tea"), Product(id="mug")),
        "locations": (
            Location(id="s", holds_stock=False),
            *(Location(id=place) for place in "abc"),
        ),
        "lanes": tuple(lane(item, "s", place) for item, place in supply),
        "regions": (Region(id="north"), Region(id="south")),
        "shipping": tuple(Shipping(region=r, location=place) for r, place in service),
    }
    if feasible:
        assert Instance(name="x", **parts).shipping == parts["shipping"]
    else:
        with pytest.raises(InstanceError, match=r"region '(north|south)' (is served|cannot be)"):
            Instance(name="x", **parts)


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random: Any) -> None:  # noqa: ANN401 - a Random
    whole = a_network()
    mixed: Parts = {
        field: tuple(random.sample(rows, len(rows))) if isinstance(rows, tuple) else rows
        for field, rows in whole.items()
    }
    assert set(Instance(**mixed).lanes) == set(whole["lanes"])


def test_eight_thousand_products_in_a_network_are_checked_within_a_second() -> None:
    # pairs of products would be 6·10⁷ steps, many seconds; one walk through the rows takes a tenth
    products = tuple(Product(id=f"p{n}", volume=0.1) for n in range(8_000))
    ways = [("s", "a"), *combinations("abc", 2)]
    places = tuple(Location(id=place, storage_capacity=9.0) for place in "abc")
    parts: Parts = {
        "products": products,
        "locations": (Location(id="s", holds_stock=False), *places),
        "lanes": tuple(lane(item.id, *way) for item in products for way in ways),
        "regions": (Region(id="north"),),
        "shipping": (Shipping(region="north", location="c"),),
        "substitutes": tuple(half_of(one.id, other.id) for one, other in pairwise(products)),
    }
    start = time.perf_counter()
    Instance(name="x", **parts)
    assert time.perf_counter() - start < 1
