"""A feature that is off is not there, and one that is on with neutral terms changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from restock.demand import Satisfaction
from restock.demand.goodwill import PowerGoodwill
from restock.demand.price_response import ConstantElasticity
from restock.policies import BaseStock
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
    Substitute,
)
from restock.simulation import Scenario, World, step

if TYPE_CHECKING:
    from tests.laws.conftest import RandomWorld

    RandomWorlds = Callable[..., st.SearchStrategy[RandomWorld]]

SUPPLIER, SHOP, STORE = Location(id="s", holds_stock=False), Location(id="w"), Location(id="x")
PARCELS = ("parcels", "shipping_cost", "late", "delay", "split_share", "transit_periods")


def shop(*places: Location, **more: Any) -> Instance:  # noqa: ANN401
    """Two products at one place or more, each supplied from outside; lost sales."""
    stocked = places or (SHOP,)
    products = tuple(Product(id=each, list_price=5, holding_cost=1) for each in ("tea", "mate"))
    lanes = tuple(
        Lane(
            product_id=product.id,
            origin="s",
            destination=place.id,
            lead_time_periods=2,
            case_pack_units=0,
        )
        for product in products
        for place in stocked
    )
    return Instance(
        **{
            "name": "shop",
            "products": products,
            "locations": (SUPPLIER, *stocked),
            "lanes": lanes,
            **more,
        }
    )


def with_products(**terms: Any) -> Instance:  # noqa: ANN401
    plain = shop()
    return replace(plain, products=tuple(replace(each, **terms) for each in plain.products))


def with_lanes(**terms: Any) -> Instance:  # noqa: ANN401
    plain = shop()
    return replace(plain, lanes=tuple(replace(each, **terms) for each in plain.lanes))


def transfers() -> Instance:
    sent = tuple(
        Lane(product_id=each, origin="w", destination="x", lead_time_periods=1, case_pack_units=0)
        for each in ("tea", "mate")
    )
    plain = shop()
    return replace(plain, locations=(SUPPLIER, SHOP, STORE), lanes=(*plain.lanes, *sent))


ELASTIC = ConstantElasticity(torch.full((2,), 5.0), torch.full((2,), -2.0))
ALONE: dict[str, tuple[Instance, dict[str, Any], set[str]]] = {
    "nothing": (shop(), {}, set()),
    "several places": (shop(SHOP, STORE), {}, set()),
    "transfers": (transfers(), {}, {"supply"}),
    "backorders": (with_products(lost_share=0.0), {}, {"backlog"}),
    "perishing": (
        with_products(shelf_life_periods=3),
        {},
        {"supply", "openings", "closings", "memory.ages", "expired", "waste_cost"},
    ),
    "returns": (
        with_products(return_share=0.5),
        {},
        {"openings", "closings", "memory.returning", "returned", "refund"},
    ),
    "price rules": (
        with_products(price_rules=PriceRules(floor=2.0)),
        {},
        {"market", "closings", "memory.prices", "price"},
    ),
    "price response": (
        shop(),
        {"price_response": ELASTIC},
        {"market", "closings", "memory.prices", "price"},
    ),
    "satisfaction": (
        shop(),
        {"satisfaction": Satisfaction()},
        {
            *("market", "closings", "memory.prices", "memory.customers", "price"),
            *("satisfaction", "customers"),
        },
    ),
    "regions": (
        shop(
            regions=(Region(id="r"),),
            shipping=(Shipping(region="r", location="w"),),
        ),
        {},
        {"fulfilment", *PARCELS},
    ),
    "substitutes": (
        shop(
            substitutes=(
                Substitute(
                    product_id="tea", substitute_id="mate", spontaneous_share=0.1, accepted_share=1
                ),
            )
        ),
        {},
        {"substitutions", "substituted", "saved"},
    ),
    "budget": (shop(budget_per_period=9.0), {}, {"couplings"}),
    "room": (shop(replace(SHOP, storage_capacity=9.0)), {}, {"couplings"}),
    "hands": (shop(replace(SHOP, inbound_capacity_units=9.0)), {}, {"couplings"}),
    "order days": (with_lanes(order_cycle_periods=2), {}, {"order_days"}),
    "outages": (
        with_lanes(outage=Outage(start_probability=0.1, end_probability=0.5)),
        {},
        {"has_uncertain_supply"},
    ),
    "random lead times": (
        with_lanes(
            lead_time_distribution=LeadTimeDistribution(periods=(1, 2), probabilities=(0.5, 0.5))
        ),
        {},
        {"has_uncertain_supply", "supply"},
    ),
    "fixed costs": (with_lanes(fixed_order_cost=1.0), {}, {"fixed_cost"}),
    "freight": (with_lanes(unit_cost=1.0), {}, {"lane_cost"}),
}
"""Each feature alone: the instance, its customers, and what is there that else is not."""


def there_in(world: World) -> set[str]:
    """Return what a world keeps, asks or tells beyond the plain one."""
    names = ("supply", "fulfilment", "market", "openings", "couplings", "substitutions")
    found = {
        name: getattr(world, name)
        for name in (*names, "closings", "order_days", "has_uncertain_supply")
    }
    luck = {
        "lead_time": torch.full((1, 1, 2, world.n_lanes), 2),
        "lane_open": torch.ones(1, 1, 2, world.n_lanes),
    }
    scenario = Scenario(
        torch.ones(1, 1, 2, world.n_demand_points),
        **luck if world.has_uncertain_supply else {},  # type: ignore[arg-type]
    )
    policy = BaseStock(torch.ones(1, 2, world.n_lanes))
    state, flows = step(world, policy, world.empty_state(1), scenario, 0)
    found |= {"backlog": state.backlog, "fixed_cost": flows.fixed_cost}
    if state.memory is not None:
        parts = ("ages", "returning", "prices", "customers")
        found |= {f"memory.{part}": getattr(state.memory, part) for part in parts}
    if flows.extras is not None:
        found |= flows.extras._asdict()
    return {name for name, value in found.items() if isinstance(value, torch.Tensor) or value}


@pytest.mark.parametrize("feature", ALONE)
def test_a_feature_brings_its_own_mechanism_and_memory_and_no_other(feature: str) -> None:
    instance, customers, expected = ALONE[feature]
    world = World.from_instance(instance, **customers)
    assert there_in(world) == expected
    # no memory at all where nothing has to be remembered
    remembers = any(name.startswith("memory") for name in expected)
    assert (world.empty_state(1).memory is not None) == remembers


def for_ever(case: RandomWorld) -> World:
    """Give what did not perish a life longer than the run."""
    products = tuple(
        replace(each, shelf_life_periods=each.shelf_life_periods or case.periods + 2)
        for each in case.instance.products
    )
    return build(case, replace(case.instance, products=products))


def without_limits(case: RandomWorld) -> World:
    """Limit all that ties products together, too widely to bind."""
    places = tuple(
        replace(
            each,
            storage_capacity=min(each.storage_capacity, 1e9),
            inbound_capacity_units=min(each.inbound_capacity_units, 1e9),
        )
        if each.holds_stock
        else each
        for each in case.instance.locations
    )
    budget = min(case.instance.budget_per_period, 1e9)
    return build(case, replace(case.instance, locations=places, budget_per_period=budget))


def every_day(case: RandomWorld) -> World:
    """Give lanes that are always open order days: every day."""
    lanes = tuple(
        replace(each, order_cycle_periods=2, order_offsets=(1, 0))
        if each.order_cycle_periods == 1
        else each
        for each in case.instance.lanes
    )
    return build(case, replace(case.instance, lanes=lanes))


def certain_luck(case: RandomWorld) -> World:
    """Draw lead times, and always the same."""
    lanes = tuple(
        replace(
            each,
            lead_time_distribution=each.lead_time_distribution
            or LeadTimeDistribution(periods=(each.lead_time_periods,), probabilities=(1.0,)),
        )
        for each in case.instance.lanes
    )
    return build(case, replace(case.instance, lanes=lanes))


def list_prices(case: RandomWorld) -> World:
    """Let customers answer prices that stay what they are."""
    assume("prices" not in case.on)
    prices = [each.list_price for each in case.instance.products]
    listed = torch.tensor(prices, dtype=torch.float64)
    response = ConstantElasticity(listed, torch.full_like(listed, -2.0))
    return build(case, case.instance, price_response=response)


def indifferent(case: RandomWorld) -> World:
    """Let customers remember service and do nothing about it."""
    assume("satisfaction" not in case.on)
    return build(case, case.instance, satisfaction=Satisfaction(effect=PowerGoodwill(0.0)))


def unwanted(case: RandomWorld) -> World:
    """Offer substitutes that nobody takes."""
    names = case.products
    assume("substitutes" not in case.on and len(names) > 1)
    pair = Substitute(
        product_id=names[0], substitute_id=names[1], spontaneous_share=0, accepted_share=0
    )
    return build(case, replace(case.instance, substitutes=(pair,)))


def own_regions(case: RandomWorld) -> World:
    """Let each place serve a region of its own, at once and for nothing."""
    known = case.instance
    assume(not known.regions and "place_costs" not in case.on)
    # who waits in a region belongs to no place, and is not in the position that orders see
    assume(all(each.lost_share == 1 for each in known.products))
    assume(all(case.uses(product, place) for product in case.products for place in case.places))
    regions = tuple(Region(id=f"at {place}") for place in case.places)
    ways = tuple(
        Shipping(region=f"at {place}", location=place, transit_periods=0) for place in case.places
    )
    return build(case, replace(known, regions=regions, shipping=ways))


def build(case: RandomWorld, instance: Instance, **customers: Any) -> World:  # noqa: ANN401
    customers = {
        "price_response": case.price_response,
        "satisfaction": case.satisfaction,
        **customers,
    }
    return World.from_instance(instance, torch.float64, **customers)


NEUTRAL = {
    each.__name__: each
    for each in (
        *(for_ever, without_limits, every_day, certain_luck),
        *(list_prices, indifferent, unwanted, own_regions),
    )
}


@pytest.mark.parametrize("name", NEUTRAL)
@given(data=st.data())
@settings(max_examples=10)
def test_a_feature_with_neutral_terms_changes_nothing(
    random_worlds: RandomWorlds, data: st.DataObject, name: str
) -> None:
    never = ["packs"]  # parcels of whole units, and customers who divide them, are not neutral
    if name == "own_regions":
        never += ["regions", "place_costs", "waiting"]
    case = data.draw(random_worlds(never=never))
    world = NEUTRAL[name](case)
    scenario = case.scenario
    if name == "certain_luck":
        scenario = replace(scenario, lead_time=case.lead_times)
    opening = world.state_with(case.opening.on_hand)
    other = case.run(scenario=scenario, opening=opening, world=world)
    for one, same in zip(case.run().flows, other.flows, strict=True):
        for part in ("order", "demand", "cost"):
            torch.testing.assert_close(getattr(same, part), getattr(one, part))
        for part in ("sold", "left", "lost", "short"):
            torch.testing.assert_close(getattr(same.served, part), getattr(one.served, part))
