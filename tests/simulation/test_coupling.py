"""Limits over several products: never exceeded, cut alike, and silent where nothing binds."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import Instance, Lane, Location, Product
from restock.simulation import CostTally, Decision, Observation, Scenario, World, rollout
from restock.simulation.coupling import Budget, InboundCapacity, StorageCapacity, couplings_for
from restock.simulation.mechanism import Coupling
from restock.simulation.network import OUTSIDE, network_of
from restock.simulation.ordering import Ordering, Rule
from restock.simulation.period import arrive, observe, step
from restock.simulation.state import State

DOUBLE = torch.float64
STEP = 1e-6
B = 3
SLACK = 1e-4
"""Rounding to packs takes a hair of 1e-6 packs a lane; float64 adds less."""

UNIT_COSTS, VOLUMES, FREIGHT = (2.0, 5.0, 1.5), (1.0, 0.5, 3.0), 0.25
PLACES = ("cheap", "fast", "hub", "north", "south")
PAIRS = (("cheap", "hub"), ("fast", "north"), ("hub", "north"), ("hub", "south"))

seeds = st.integers(0, 2**32)
packs = st.sampled_from([(0, 0), (1, 0), (6, 0), (6, 13), (0, 4)])
KINDS = (Budget, InboundCapacity, StorageCapacity)
each_limit = pytest.mark.parametrize("name", ["budget", "inbound", "storage"])


def instance_of(
    limits: dict[str, float], *, pack: int = 0, minimum: int = 0, leads: int = 1
) -> Instance:
    """Build two suppliers, a hub and two shops; the third product never travels to the south."""
    products = tuple(
        Product(id=f"p{n}", unit_cost=cost, volume=volume, holding_cost=1.0, shortage_cost=4.0)
        for n, (cost, volume) in enumerate(zip(UNIT_COSTS, VOLUMES, strict=True))
    )
    lanes = tuple(
        Lane(
            product_id=product.id,
            origin=origin,
            destination=destination,
            lead_time_periods=leads,
            case_pack_units=pack,
            minimum_units=minimum,
            unit_cost=FREIGHT,
        )
        for product in products
        for origin, destination in PAIRS
        if (product.id, destination) != ("p2", "south")
    )
    suppliers = tuple(Location(id=place, holds_stock=False) for place in PLACES[:2])
    stocking = tuple(
        Location(
            id=place,
            storage_capacity=limits.get("storage", math.inf),
            inbound_capacity_units=limits.get("inbound", math.inf),
        )
        for place in PLACES[2:]
    )
    return Instance(
        name="two suppliers",
        products=products,
        locations=suppliers + stocking,
        lanes=lanes,
        budget_per_period=limits.get("budget", math.inf),
    )


LIMITS: dict[str, dict[str, float]] = {
    "budget": {"budget": 100.0},
    "inbound": {"inbound": 40.0},
    "storage": {"storage": 60.0},
}


@dataclass(frozen=True)
class Case:
    """A world with limits, the middle of one of its periods, and orders that are wished there."""

    world: World
    observation: Observation
    order: Tensor

    def limited_by(self, coupling: Coupling, order: Tensor | None = None) -> Tensor:
        order = self.order if order is None else order
        return coupling.limit(order, self.observation, self.world.ordering)


class Wishes:
    """Orders of up to 50 units on each lane, the same in each run."""

    def __init__(self, seed: int, most: float = 50.0) -> None:
        self.seed, self.most = seed, most

    def decide(self, observation: Observation) -> Decision:
        day = int(observation.signal("period")[0, 0, 0])
        generator = torch.Generator().manual_seed(self.seed + day)
        share = torch.rand(observation.on_order.shape, generator=generator, dtype=DOUBLE)
        return Decision(observation.lane_position + self.most * share)


def scenario_of(seed: int, periods: int = 8) -> Scenario:
    generator = torch.Generator().manual_seed(seed)
    demand = 9 * torch.rand(B, periods, 3, 3, generator=generator, dtype=DOUBLE)
    clock = torch.arange(periods, dtype=DOUBLE).reshape(1, -1, 1, 1).expand(1, -1, 3, 1)
    return Scenario(demand, clock, ("period",))


def case_of(seed: int, instance: Instance, most: float = 50.0) -> Case:
    """Look into the fourth period of a run without limits, so that stock is on the way."""
    world = World.from_instance(instance, DOUBLE)
    scenario = scenario_of(seed)
    free = replace(world, couplings=())
    state = rollout(free, Wishes(seed, 8.0), scenario.window(0, 3), world.empty_state(B))
    observation = observe(world, arrive(world, state), scenario, 3)
    wish = (Wishes(seed, most).decide(observation).target - observation.lane_position).clamp_min(0)
    return Case(world, observation, world.ordering.order(wish))


def money(world: World, order: Tensor) -> Tensor:
    """Return what purchases cost, ``[B]``."""
    bought = [column for column, origin in enumerate(world.network.origin) if origin == OUTSIDE]
    price = torch.tensor(UNIT_COSTS, dtype=DOUBLE).unsqueeze(-1) + FREIGHT
    return (price * order[..., bought]).sum((-2, -1))


def inbound(world: World, order: Tensor) -> Tensor:
    """Return the units that enter lanes towards each location, ``[B, L]``."""
    into = torch.zeros(len(order), world.n_locations, dtype=DOUBLE)
    for column, place in enumerate(world.network.destination):
        into[:, place] += order[..., column].sum(-1)
    return into


def room_taken(world: World, observation: Observation, order: Tensor) -> Tensor:
    """Return the volume of what is or will be at each location, ``[B, L]``."""
    volume = torch.tensor(VOLUMES, dtype=DOUBLE)
    taken = (volume.unsqueeze(-1) * observation.on_hand).sum(-2)
    for column, place in enumerate(world.network.destination):
        coming = observation.on_order[..., column] + order[..., column]
        taken[:, place] += coming @ volume
    return taken


def excess(name: str, world: World, observation: Observation, order: Tensor) -> float:
    """Return by how much an order goes beyond its limit, where it could have been less."""
    if name == "budget":
        return (money(world, order) - LIMITS[name]["budget"]).max().item()
    if name == "inbound":
        return (inbound(world, order) - LIMITS[name]["inbound"]).max().item()
    taken = room_taken(world, observation, order)
    full = room_taken(world, observation, torch.zeros_like(order)) > LIMITS[name]["storage"]
    over = torch.where(full, inbound(world, order), taken - LIMITS[name]["storage"])
    return over.max().item()


@each_limit
@given(packs, seeds)
@settings(max_examples=25)
def test_no_limit_is_exceeded_and_no_order_grows(
    name: str, pack: tuple[int, int], seed: int
) -> None:
    case = case_of(seed, instance_of(LIMITS[name], pack=pack[0], minimum=pack[1]))
    (coupling,) = case.world.couplings
    limited = case.limited_by(coupling)
    assert excess(name, case.world, case.observation, limited) <= SLACK
    assert (limited <= case.order).all()
    assert (limited >= 0).all()
    # negative control: the orders as wished are beyond the limit
    assert excess(name, case.world, case.observation, case.order) > SLACK


@each_limit
@given(packs, seeds)
@settings(max_examples=15)
def test_a_limited_order_is_one_that_the_lane_takes(
    name: str, pack: tuple[int, int], seed: int
) -> None:
    case = case_of(seed, instance_of(LIMITS[name], pack=pack[0], minimum=pack[1]))
    (coupling,) = case.world.couplings
    limited = case.limited_by(coupling)
    torch.testing.assert_close(case.world.ordering.order(limited), limited)


@each_limit
@given(packs, seeds)
@settings(max_examples=15)
def test_nothing_is_cut_where_nothing_binds(name: str, pack: tuple[int, int], seed: int) -> None:
    roomy = dict.fromkeys(LIMITS[name], 10000.0)
    case = case_of(seed, instance_of(roomy, pack=pack[0], minimum=pack[1]))
    (coupling,) = case.world.couplings
    assert torch.equal(case.limited_by(coupling), case.order)


def first_morning(world: World) -> Observation:
    nothing = Scenario(torch.zeros(1, 1, world.n_products, 1, dtype=DOUBLE))
    return observe(world, world.empty_state(1), nothing, 0)


def test_a_limit_that_is_just_reached_cuts_nothing() -> None:
    instance = Instance.single_location([Product(id="a", unit_cost=3.0)], 1)
    world = World.from_instance(replace(instance, budget_per_period=30.0), DOUBLE)
    observation = first_morning(world)
    (budget,) = world.couplings
    for units, expected in ((10.0, 10.0), (12.0, 10.0)):
        order = torch.full((1, 1, 1), units, dtype=DOUBLE)
        assert budget.limit(order, observation, world.ordering).item() == expected


@given(seeds)
@settings(max_examples=15)
def test_divisible_goods_are_cut_alike_and_only_where_the_limit_is(seed: int) -> None:
    for name, kind in zip(LIMITS, KINDS, strict=True):
        case = case_of(seed, instance_of(LIMITS[name]))
        (coupling,) = case.world.couplings
        assert isinstance(coupling, kind)
        share = case.limited_by(coupling) / case.order  # nan where nothing was ordered
        for group in lanes_cut_together(name, case.world):
            alike = share[..., group].flatten(1)
            low, high = alike.nan_to_num(2.0).amin(1), alike.nan_to_num(0.0).amax(1)
            torch.testing.assert_close(low, high)
        if name == "budget":
            inside = [start != OUTSIDE for start in case.world.network.origin]
            between = share[..., torch.tensor(inside)]
            assert (between.nan_to_num(1.0) == 1).all()


def lanes_cut_together(name: str, world: World) -> list[list[int]]:
    """Return the lanes that one limit concerns: all purchases, or all towards one place."""
    network, lanes = world.network, range(world.n_lanes)
    if name == "budget":
        return [[lane for lane in lanes if network.origin[lane] == OUTSIDE]]
    return [
        [lane for lane in lanes if network.destination[lane] == place]
        for place in range(world.n_locations)
    ]


def test_a_divisible_budget_is_spent_to_the_last_coin() -> None:
    case = case_of(3, instance_of(LIMITS["budget"]))
    limited = case.limited_by(case.world.couplings[0])
    torch.testing.assert_close(money(case.world, limited), torch.full((B,), 100.0, dtype=DOUBLE))


def test_the_budget_counts_freight_and_not_what_goes_between_locations() -> None:
    case = case_of(3, instance_of(LIMITS["budget"]))
    (budget,) = case.world.couplings
    assert isinstance(budget, Budget)
    columns = dict(zip(case.world.network.lanes, range(4), strict=True))
    assert budget.price[:, columns["cheap", "hub"]].tolist() == [2.25, 5.25, 1.75]
    assert budget.price[:, columns["hub", "north"]].tolist() == [0, 0, 0]


def test_a_full_store_orders_nothing_and_throws_nothing_away() -> None:
    world = World.from_instance(instance_of(LIMITS["storage"]), DOUBLE)
    state = world.state_with(torch.full((B, 3, 3), 20.0, dtype=DOUBLE))  # volume 20 · 4.5 = 90
    scenario = scenario_of(1)
    after, flows = step(world, Wishes(1), state, scenario, 0)
    assert flows.order.sum() == 0
    torch.testing.assert_close(after.on_hand + flows.served.sold, state.on_hand)


def test_a_cut_below_the_minimum_is_no_order() -> None:
    instance = Instance.single_location([Product(id="a", unit_cost=1.0)], 1)
    lane = replace(instance.lanes[0], minimum_units=8, case_pack_units=1)
    bought = replace(instance, lanes=(lane,), budget_per_period=9.0)
    world = World.from_instance(bought, DOUBLE)
    two = replace(
        bought,
        products=(Product(id="a", unit_cost=1.0), Product(id="b", unit_cost=1.0)),
        lanes=(lane, replace(lane, product_id="b")),
    )
    for instance_, expected in ((bought, [9.0]), (two, [0.0, 0.0])):
        world = World.from_instance(instance_, DOUBLE)
        observation = first_morning(world)
        order = torch.full((1, world.n_products, 1), 12.0, dtype=DOUBLE)
        limited = world.couplings[0].limit(order, observation, world.ordering)
        assert limited.flatten().tolist() == expected


def test_a_product_without_the_lane_orders_nothing_there() -> None:
    case = case_of(2, instance_of(LIMITS["inbound"], pack=6))
    column = case.world.network.lanes.index(("hub", "south"))
    limited = case.limited_by(case.world.couplings[0])
    assert (limited[:, 2, column] == 0).all()
    assert (case.world.ordering.order(torch.full_like(limited, 99.0))[:, 2, column] == 0).all()


@given(packs, seeds)
@settings(max_examples=15)
def test_a_run_under_all_three_limits_keeps_all_three(pack: tuple[int, int], seed: int) -> None:
    limits = LIMITS["budget"] | LIMITS["inbound"] | LIMITS["storage"]
    world = World.from_instance(instance_of(limits, pack=pack[0], minimum=pack[1], leads=2), DOUBLE)
    scenario = scenario_of(seed)
    worst = dict.fromkeys(LIMITS, -math.inf)
    unlimited = dict(worst)
    for couplings, most in ((world.couplings, worst), ((), unlimited)):
        here = replace(world, couplings=couplings)
        state: State = here.empty_state(B)
        for period in range(scenario.periods):
            observation = observe(here, arrive(here, state), scenario, period)
            state, flows = step(here, Wishes(seed), state, scenario, period)
            for name in LIMITS:
                most[name] = max(most[name], excess(name, here, observation, flows.order))
    assert all(by <= SLACK for by in worst.values())
    # negative control: without the limits each is exceeded
    assert all(by > SLACK for by in unlimited.values())


def test_limits_that_are_not_there_are_not_asked() -> None:
    instance = instance_of({})
    assert couplings_for(instance, network_of(instance, DOUBLE), DOUBLE) == ()


def test_each_limit_has_the_name_of_its_rule() -> None:
    limits = LIMITS["budget"] | LIMITS["inbound"] | LIMITS["storage"]
    world = World.from_instance(instance_of(limits))
    names = {type(limit): limit.rule for limit in world.couplings if isinstance(limit, KINDS)}
    assert names == {
        Budget: Rule.BUDGET,
        InboundCapacity: Rule.INBOUND,
        StorageCapacity: Rule.STORAGE,
    }


@each_limit
def test_the_gradient_through_a_limit_is_the_difference_quotient(name: str) -> None:
    case = case_of(4, instance_of(LIMITS[name]))
    (coupling,) = case.world.couplings
    ordering: Ordering = case.world.ordering
    used = (case.order > 0).to(DOUBLE)
    at = (case.order + 0.01 * used).requires_grad_()

    def limited(order: Tensor) -> Tensor:
        return coupling.limit(order * used, case.observation, ordering)

    assert torch.autograd.gradcheck(limited, (at,))


@each_limit
def test_the_gradient_of_the_cost_through_several_periods_is_the_difference_quotient(
    name: str,
) -> None:
    instance = instance_of(LIMITS[name], leads=2)
    world = World.from_instance(instance, DOUBLE)
    scenario = scenario_of(6, periods=10)
    at = torch.tensor([9.1, 11.3, 7.7], dtype=DOUBLE).reshape(1, 3, 1).repeat(1, 1, 4)
    at[..., 0] = 33.3

    class Level:
        def __init__(self, level: Tensor) -> None:
            self.level = level

        def decide(self, observation: Observation) -> Decision:
            return Decision(self.level.expand_as(observation.on_order))

    def cost(level: Tensor) -> Tensor:
        tally = CostTally()
        rollout(world, Level(level), scenario, world.empty_state(B), tally)
        return tally.mean()

    leaf = at.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cost(leaf), leaf)
    for product in range(3):
        nudge = torch.zeros_like(at)
        nudge[:, product] = STEP
        quotient = (cost(at + nudge) - cost(at - nudge)) / (2 * STEP)
        torch.testing.assert_close(slope[0, product].sum(), quotient, rtol=1e-5, atol=1e-7)
    assert slope.abs().max() > 0.01
