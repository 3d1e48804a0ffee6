"""Books that are kept wrongly are found out: each world here breaks one rule and is caught.

A control takes a run, and returns the run that the batched simulator is given instead; the ledger
is kept of the right one. The same seeds agree when nothing is broken.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from random_instances import Switches
from random_runs import Run, build_run
from two_books import ReadWishes, book_batched, mismatches, world_of

from restock.simulation import Flows, Scenario, State, World, step
from restock.simulation.ledger import asking, buying, closing, keeping, selling, shipping
from restock.simulation.ledger.entries import LedgerDay
from restock.simulation.state import remembered

SEEDS = range(8)
NETWORK = {"locations": 4, "transfers": True}
REGIONS = {"locations": 3, "regions": 3}

Break = Callable[[Run], Run]


def instance_with(**changed: Any) -> Break:  # noqa: ANN401 - whatever an instance has
    return lambda run: replace(run, instance=replace(run.instance, **changed))


def parts_with(part: str, change: Callable[[Any], Any]) -> Break:
    """Change each product, lane or other part of the instance."""

    def broken(run: Run) -> Run:
        parts = tuple(change(each) for each in getattr(run.instance, part))
        return instance_with(**{part: parts})(run)

    return broken


def without_limit(field: str) -> Break:
    return parts_with("locations", lambda place: replace(place, **{field: float("inf")}))


def without(table: str) -> Break:
    nothing: dict[str, Any] = {table: None}
    return lambda run: replace(run, **nothing)


def planned_lead_times(run: Run) -> Run:
    assert run.lead_time is not None
    return replace(run, lead_time=np.full_like(run.lead_time, 1))


CONTROLS: dict[str, tuple[dict[str, Any], Break]] = {
    "an order arrives a period late": (
        {},
        parts_with(
            "lanes", lambda lane: replace(lane, lead_time_periods=lane.lead_time_periods + 1)
        ),
    ),
    "an order that should arrive at once arrives tomorrow": (
        {**NETWORK, "zero_lead_times": True},
        parts_with(
            "lanes", lambda lane: replace(lane, lead_time_periods=max(lane.lead_time_periods, 1))
        ),
    ),
    "lead times are not those that were drawn": ({"random_lead_times": True}, planned_lead_times),
    "outages are overlooked": (
        {"outages": True},
        lambda run: replace(run, lane_open=np.ones_like(run.lane_open)),
    ),
    "order days begin a period late": (
        {"order_days": True},
        lambda run: replace(run, first_period=run.first_period + 1),
    ),
    "shortage is shared by wishes instead of cover": (
        {**NETWORK, "least_cover": True},
        instance_with(rationing="proportional"),
    ),
    "all places count with the same demand": (
        {**NETWORK, "least_cover": True, "expected_demand": True},
        without("expected"),
    ),
    "orders are larger than wished": ({"caps_and_batches": True}, without("cap")),
    "small orders are not left out": ({"caps_and_batches": True}, without("batch")),
    "orders cost nothing": (
        {"costs_of_lanes": True},
        parts_with("lanes", lambda lane: replace(lane, fixed_order_cost=0.0)),
    ),
    "transport costs nothing": (
        {"costs_of_lanes": True},
        parts_with("lanes", lambda lane: replace(lane, unit_cost=0.0)),
    ),
    "shares of lanes are not weighed": ({**NETWORK, "lane_weights": True}, without("lane_weight")),
    "the budget is overspent": (
        {"budget": True, "products": 4},
        instance_with(budget_per_period=float("inf")),
    ),
    "more comes in than can be received": (
        {"inbound": True},
        without_limit("inbound_capacity_units"),
    ),
    "more is stored than there is room for": ({"storage": True}, without_limit("storage_capacity")),
    "the freshest leave first instead of the oldest": (
        {"perishes": True, "products": 4},
        parts_with("products", lambda each: replace(each, fifo_share=1 - each.fifo_share)),
    ),
    "goods keep a period longer": (
        {"perishes": True, "products": 4},
        parts_with(
            "products",
            lambda each: (
                replace(each, shelf_life_periods=each.shelf_life_periods + 1)
                if each.shelf_life_periods
                else each
            ),
        ),
    ),
    "customers send back a period later": (
        {"returns": True, "products": 4},
        parts_with(
            "products",
            lambda each: replace(each, return_delay_periods=each.return_delay_periods + 1),
        ),
    ),
    "who should wait leaves": (
        {"unmet": "both", "products": 4},
        parts_with("products", lambda each: replace(each, lost_share=1.0)),
    ),
    "stock costs the same everywhere": (
        {"stock_terms": True, "locations": 4},
        instance_with(stock_terms=()),
    ),
    "regions ask the cheapest instead of the one that was named": (
        {**REGIONS, "scores": True},
        without("score"),
    ),
    "regions are not served by shares": ({**REGIONS, "shares": True}, without("share")),
    "parcels cost nothing beyond their units": (
        REGIONS,
        parts_with("shipping", lambda way: replace(way, cost_per_shipment=0.0)),
    ),
    "every delivery is in time": (
        REGIONS,
        parts_with("regions", lambda region: replace(region, promise_periods=float("inf"))),
    ),
    "prices jump further than they may": (
        {"price_rules": True, "products": 4},
        parts_with(
            "products",
            lambda each: (
                replace(each, price_rules=replace(each.price_rules, largest_step=float("inf")))
                if each.price_rules
                else each
            ),
        ),
    ),
    "prices change every day": (
        {"price_rules": True, "products": 4},
        parts_with(
            "products",
            lambda each: (
                replace(
                    each, price_rules=replace(each.price_rules, least_periods_between_changes=0)
                )
                if each.price_rules
                else each
            ),
        ),
    ),
    "customers do not mind prices": (
        {"price_rules": True, "answer": "elasticity"},
        lambda run: replace(run, on=replace(run.on, answer="")),
    ),
    "customers forget how they were served": (
        {"satisfaction": True},
        lambda run: replace(run, on=replace(run.on, satisfaction=False)),
    ),
    "nobody takes a substitute": (
        {"substitutes": True, "products": 3},
        instance_with(substitutes=()),
    ),
    "substitutes are not proposed": (
        {"substitutes": True, "proposals": True, "products": 3},
        without("proposal"),
    ),
}


def runs(on: dict[str, Any]) -> list[Run]:
    return [build_run(Switches(**{"products": 2, **on, "seed": seed})) for seed in SEEDS]


@pytest.mark.parametrize("name", CONTROLS)
def test_a_broken_world_does_not_match_the_ledger(name: str) -> None:
    on, broken = CONTROLS[name]
    right = runs(on)
    assert mismatches(right[0], book_batched(right[0], world_of(right[0]))) == []
    assert any(is_found_out(run, broken(run)) for run in right)


def is_found_out(run: Run, broken: Run) -> bool:
    return mismatches(run, book_batched(broken, world_of(broken))) != []


def test_satisfaction_that_moves_demand_a_period_late_does_not_match_the_ledger() -> None:
    run = build_run(Switches(satisfaction=True, products=2))
    world = world_of(run)
    moods = [remembered(world.state_with(torch.from_numpy(run.on_hand)).memory).customers]

    def late(
        world: World, wishes: ReadWishes, state: State, scenario: Scenario, period: int
    ) -> tuple[State, Flows]:
        state, flows = step(world, wishes, state, scenario, period)
        memory = remembered(state.memory)
        moods.append(memory.customers)
        return replace(state, memory=replace(memory, customers=moods[-2])), flows

    found = mismatches(run, book_batched(run, world, late))
    assert not any("[0, 0, " in entry or "[1, 0, " in entry for entry in found)
    assert any(entry.startswith("demand[") for entry in found)


def test_a_ledger_that_cuts_each_share_by_itself_does_not_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        shipping,
        "in_whole_units",
        lambda shares: {key: share // 1 for key, share in shares.items()},
    )
    assert found_out_in({**NETWORK, "packs": "singly"})


def test_a_ledger_that_serves_who_asks_today_before_who_waits_does_not_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def swapped(shop: Any, books: Any, wishes: Any, left: Any, day: Any) -> dict[Any, float]:  # noqa: ANN401 - as the original
        unmet, _ = selling._fulfil(shop, wishes, day.demand, left)
        waiting, _ = selling._fulfil(shop, wishes, books.backlog, left)
        for key, units in unmet.items():
            day.lost[key] = shop.products[key[0]].lost_share * units
            day.backlog[key] = books.backlog[key] = waiting[key] + units - day.lost[key]
            day.short[key] = day.lost[key] + day.backlog[key]
        return {}

    monkeypatch.setattr(selling, "_serve", swapped)
    assert found_out_in({"unmet": "both"})


def test_a_ledger_in_which_goods_expire_before_they_are_sold_does_not_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def early(shop: Any, books: Any, happening: Any, *rest: Any) -> None:  # noqa: ANN401 - likewise
        keeping_ask(shop, books, happening, *rest)
        keeping_expire(shop, books, rest[-1])

    def nothing(shop: Any, books: Any, day: LedgerDay) -> None:  # noqa: ANN401 - likewise
        del shop, books, day

    keeping_ask, keeping_expire = asking.ask, closing.let_expire
    monkeypatch.setattr(keeping, "ask", early)
    monkeypatch.setattr(keeping, "let_expire", nothing)
    assert found_out_in({"perishes": True, "products": 4})


def test_a_ledger_that_rounds_half_packs_down_does_not_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buying, "HAIR", 0.5)
    assert found_out_in({"packs": "terms", "products": 4})


def found_out_in(on: dict[str, Any]) -> bool:
    return any(mismatches(run, book_batched(run, world_of(run))) for run in runs(on))


def test_every_switch_is_turned_by_a_control() -> None:
    turned = {name for on, _ in CONTROLS.values() for name in on}
    # sizes, and networks of which no rule speaks
    beneath = {"periods", "seed", "packs", "second_sources", "missing_lanes"}
    assert {each.name for each in fields(Switches)} - turned == beneath
