"""Every policy keeps the promises of ``Policy``: shapes, purity, information, feasible orders.

Each is tried in the plain worlds, or in worlds that have the feature that it is for.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from inspect import isclass
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

import restock.policies
from restock.demand.price_response import ConstantElasticity
from restock.policies import (
    Allocated,
    BaseStock,
    BaseStockListPrice,
    CappedBaseStock,
    CappedDualIndex,
    ConstantOrder,
    DualIndex,
    EchelonBaseStock,
    EffectiveBaseStock,
    Ensemble,
    InStockRecommender,
    LeastCover,
    MarkdownSchedule,
    ModifiedReorderPoint,
    Priced,
    Recommending,
    ReorderBatches,
    ReorderPoint,
    SignalLevel,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
    quantile_signal,
)
from restock.policies.neural import (
    GraphLevels,
    GraphLevelsConfig,
    NetworkLevels,
    NeuralConfig,
    NeuralDeparture,
    NeuralDepartureConfig,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
    NeuralQuantity,
    PriceHead,
)
from restock.problem import (
    Instance,
    Lane,
    Location,
    PriceRules,
    Product,
    Region,
    Shipping,
    Substitute,
)
from restock.simulation import (
    Decision,
    Network,
    Observation,
    Policy,
    Scenario,
    State,
    Trace,
    World,
    rollout,
)
from restock.simulation.perishing import Shelf

PATHS, PERIODS, PRODUCTS = 3, 24, 4
LEADS = (0, 1, 3, 3)
NAMES = tuple(f"p{number}" for number in range(PRODUCTS))
LEVELS = torch.tensor([[[6.0], [12.0], [25.0], [4.5]]])
SIGNALS = (
    *("scale", "forecast_mean", "forecast_sd", quantile_signal(0.5), quantile_signal(0.9)),
    "periods_left",
)
UNIT_COST = torch.full((PRODUCTS, 1), 2.0)
BOTH = TwoLanes(expedited=0, regular=1)

Network_ = TypeVar("Network_", bound=nn.Module)


def each(value: float) -> Tensor:
    return torch.full((1, PRODUCTS, 1), value)


def left_its_anchor(policy: Network_) -> Network_:
    """Draw all weights afresh, so that all inputs matter."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=generator)
    return policy


def a_network() -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=2, signals=("forecast_mean",), hidden=(8,))
    anchor, cap = torch.tensor([2.0, 3.0, 5.0, 5.0]), LEVELS / 5
    return left_its_anchor(NeuralOrderUpTo(config, anchor, cap, torch.Generator()))


def a_priced_network() -> NeuralPricedOrderUpTo:
    config = NeuralPricedOrderUpToConfig(pipeline_slots=2, sees_prices=True, hidden=(8,))
    prices = PriceHead(UNIT_COST, 2.5 * UNIT_COST, 2 * UNIT_COST)
    anchor, cap = torch.tensor([2.0, 3.0, 5.0, 5.0]), LEVELS / 5
    policy = NeuralPricedOrderUpTo(config, anchor, cap, torch.Generator(), pricing=prices)
    return left_its_anchor(policy)


def a_quantity() -> NeuralQuantity:
    config = NeuralConfig(pipeline_slots=2, signals=("forecast_mean",), hidden=(8,))
    return left_its_anchor(NeuralQuantity(config, torch.tensor(0.9), torch.Generator()))


def a_departure(world: World) -> NeuralDeparture:
    config = NeuralDepartureConfig(
        scale=3.0, pipeline_slots=2, owes=world.unmet.keeps_backlog, signals=("scale",), hidden=(8,)
    )
    return left_its_anchor(NeuralDeparture(BaseStock(LEVELS), config, torch.Generator()))


def network_levels(world: World) -> Tensor:
    return (LEVELS[0] * world.network.downstream.sum(-1)).clamp_min(1)


def a_graph(world: World) -> GraphLevels:
    config, levels = GraphLevelsConfig(pipeline_slots=2, width=8), network_levels(world)
    policy = GraphLevels(config, NetworkLevels(levels), world, torch.Generator())
    with torch.no_grad():
        policy.body.head.weight.normal_(0.0, 0.1, generator=torch.Generator().manual_seed(5))
    return policy


def a_recommender() -> InStockRecommender:
    others = torch.tensor([[1], [0], [3], [2]])
    return InStockRecommender(others, torch.ones(PRODUCTS, 1), torch.ones(PRODUCTS))


def shelf_of(world: World) -> Shelf:
    (shelf,) = (each for each in world.openings if isinstance(each, Shelf))
    return shelf


EXAMPLES: dict[str, Callable[[World], Policy]] = {
    "Allocated": lambda world: Allocated(
        BaseStock(LEVELS), LeastCover(torch.ones(1, PRODUCTS, world.n_locations))
    ),
    "BaseStock": lambda _: BaseStock(LEVELS),
    "BaseStockListPrice": lambda _: BaseStockListPrice(
        LEVELS / 2, torch.tensor([[4.0, 3.0, 2.5]]).expand(PRODUCTS, -1)
    ),
    "CappedBaseStock": lambda _: CappedBaseStock(LEVELS, LEVELS / 3),
    "CappedDualIndex": lambda _: CappedDualIndex(BOTH, LEVELS / 3, LEVELS, each(3.0)),
    "ConstantOrder": lambda _: ConstantOrder(torch.tensor([[[2.0]]])),
    "DualIndex": lambda _: DualIndex(BOTH, LEVELS / 3, LEVELS),
    "EchelonBaseStock": lambda world: EchelonBaseStock(
        LEVELS * world.network.downstream.sum(-1)  # the more lies below, the more is needed
    ),
    "EffectiveBaseStock": lambda world: EffectiveBaseStock(LEVELS, shelf_of(world)),
    "Ensemble": lambda _: Ensemble([a_network(), CappedBaseStock(LEVELS, LEVELS / 3)]),
    "ModifiedReorderPoint": lambda world: ModifiedReorderPoint(
        *(LEVELS.expand(-1, -1, world.n_lanes) * part for part in (0.5, 1, 0.3))
    ),
    "GraphLevels": a_graph,
    "NetworkLevels": lambda world: NetworkLevels(network_levels(world)),
    "NeuralDeparture": a_departure,
    "NeuralOrderUpTo": lambda _: a_network(),
    "NeuralPricedOrderUpTo": lambda _: a_priced_network(),
    "NeuralQuantity": lambda _: a_quantity(),
    "Priced": lambda _: Priced(
        BaseStock(LEVELS),
        MarkdownSchedule(torch.tensor([[4.0, 3.0, 2.5]]), torch.tensor([24, 12, 4])),
    ),
    "Recommending": lambda _: Recommending(
        BaseStock(LEVELS), a_recommender(), UNIT_COST, 2 * UNIT_COST
    ),
    "ReorderBatches": lambda _: ReorderBatches(LEVELS / 2, each(3.0)),
    "ReorderPoint": lambda _: ReorderPoint(LEVELS / 2, LEVELS),
    "SignalLevel": lambda _: SignalLevel(("scale",), LEVELS / 4, LEVELS / 3, each(0.5)),
    "SingleIndex": lambda _: SingleIndex(BOTH, LEVELS / 3, LEVELS),
    "TailoredBaseSurge": lambda _: TailoredBaseSurge(BOTH, LEVELS / 3, torch.ones(1, 1, 1)),
}
PLAIN = ("lost sales", "backorders", "case packs")
TWO = ("two sources", "two sources, backorders")
HOMES: dict[str, tuple[str, ...]] = {
    "Allocated": ("regions",),
    "BaseStock": (*PLAIN, "network", "regions", "perishables", "prices"),
    "BaseStockListPrice": ("prices",),
    "CappedDualIndex": TWO,
    "DualIndex": TWO,
    "EffectiveBaseStock": ("perishables",),
    "Ensemble": PLAIN,
    "GraphLevels": ("network",),
    "NetworkLevels": ("network",),
    "NeuralDeparture": PLAIN,
    "NeuralOrderUpTo": PLAIN,
    "NeuralPricedOrderUpTo": ("prices",),
    "NeuralQuantity": PLAIN,
    "Priced": ("prices",),
    "Recommending": ("substitutes",),
    "SingleIndex": TWO,
    "TailoredBaseSurge": TWO,
}
"""The worlds in which each is tried; the others in the plain ones and a network."""
# the others order the same whatever was asked before, or leave it to the inventory position alone
LISTENERS = (
    *("Ensemble", "NeuralDeparture", "NeuralOrderUpTo", "NeuralPricedOrderUpTo", "NeuralQuantity"),
    "SignalLevel",
)
# a table is of one product, an environment's policy of its own setup: they have their own tests
ELSEWHERE = {"EnvironmentPolicy", "Tabulated"}
CASES = [(name, kind) for name in EXAMPLES for kind in HOMES.get(name, (*PLAIN, "network"))]


def products_of(
    *, lost_share: float = 1.0, shelf_life: int = 0, rules: PriceRules | None = None
) -> tuple[Product, ...]:
    return tuple(
        Product(
            id=name,
            list_price=4.0,
            unit_cost=2.0,
            holding_cost=1.0,
            shortage_cost=4.0,
            lost_share=lost_share,
            shelf_life_periods=shelf_life,
            price_rules=rules,
        )
        for name in NAMES
    )


def lanes_of(*pairs: tuple[str, str], leads: tuple[int, ...] = LEADS, pack: int = 0) -> list[Lane]:
    return [
        Lane(
            product_id=name,
            origin=origin,
            destination=destination,
            lead_time_periods=lead,
            case_pack_units=pack,
            minimum_units=pack,
        )
        for origin, destination in pairs
        for name, lead in zip(NAMES, leads, strict=True)
    ]


def instance_of(products: tuple[Product, ...], lanes: list[Lane]) -> Instance:
    stocking = {lane.destination for lane in lanes}
    places = sorted(stocking | {lane.origin for lane in lanes})
    return Instance(
        name="w",
        products=products,
        locations=tuple(Location(id=place, holds_stock=place in stocking) for place in places),
        lanes=tuple(lanes),
    )


def one_place(products: tuple[Product, ...], pack: int = 0) -> Instance:
    return instance_of(products, lanes_of(("s", "w"), pack=pack))


def two_sources(lost_share: float) -> Instance:
    fast = lanes_of(("fast", "w"), leads=(0, 1, 1, 2))
    slow = lanes_of(("slow", "w"), leads=(2, 2, 3, 3))
    return instance_of(products_of(lost_share=lost_share), [*fast, *slow])


def a_chain() -> Instance:
    return instance_of(products_of(), lanes_of(("s", "dc"), ("dc", "east"), ("dc", "west"), pack=1))


def two_regions() -> Instance:
    ways = [("north", "east", 1.0), ("north", "west", 3.0), ("south", "east", 2.0)]
    return replace(
        instance_of(products_of(), lanes_of(("s", "east"), ("s", "west"))),
        regions=(Region(id="north"), Region(id="south")),
        shipping=tuple(
            Shipping(region=region, location=place, cost_per_unit=cost)
            for region, place, cost in [*ways, ("south", "west", 1.0)]
        ),
    )


def substitutes() -> Instance:
    pairs = zip(NAMES, (NAMES[1], NAMES[0], NAMES[3], NAMES[2]), strict=True)
    accepted = tuple(
        Substitute(product_id=one, substitute_id=other, spontaneous_share=0.1, accepted_share=0.5)
        for one, other in pairs
    )
    return replace(one_place(products_of()), substitutes=accepted)


BOUGHT_FOR_LESS = ConstantElasticity(torch.full((PRODUCTS,), 4.0), torch.full((PRODUCTS,), -2.0))
WORLDS = {
    "lost sales": World.from_instance(one_place(products_of())),
    "backorders": World.from_instance(one_place(products_of(lost_share=0.0))),
    "case packs": World.from_instance(one_place(products_of(lost_share=0.5), pack=3)),
    "network": World.from_instance(a_chain()),
    "perishables": World.from_instance(one_place(products_of(shelf_life=3))),
    "prices": World.from_instance(
        one_place(products_of(rules=PriceRules(floor=2.0))), price_response=BOUGHT_FOR_LESS
    ),
    "regions": World.from_instance(two_regions()),
    "substitutes": World.from_instance(substitutes()),
    "two sources": World.from_instance(two_sources(1.0)),
    "two sources, backorders": World.from_instance(two_sources(0.0)),
}


def demand_of(seed: int, world: World) -> Tensor:
    """Draw demand, none at a location that only supplies others."""
    network = world.network
    generator = torch.Generator().manual_seed(seed)
    rate = torch.tensor([0.5, 3.0, 5.0, 1.0]).reshape(1, 1, -1, 1)
    rate = rate.expand(PATHS, PERIODS, -1, world.n_demand_points)
    sells = [place not in network.origin for place in range(world.n_demand_points)]
    return torch.poisson(rate, generator=generator) * torch.tensor(sells)


def with_forecasts(demand: Tensor) -> Scenario:
    """Forecast demand over L + 1 periods from the average of all periods before."""
    seen = torch.arange(PERIODS).clamp_min(1).reshape(1, -1, 1)
    total = demand.sum(-1)
    daily = (total.cumsum(1) - total) / seen + 0.5
    mean = daily * (torch.tensor(LEADS) + 1)
    spread = mean.sqrt()
    left = (PERIODS - torch.arange(PERIODS)).reshape(1, -1, 1).expand_as(mean)
    signals = torch.stack([daily, mean, spread, mean, mean + 1.28 * spread, left], dim=-1)
    return Scenario(demand, signals, SIGNALS)


class Onlooker:
    """Lets a policy decide and keeps what it saw, what it wished and what it wished on asking."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.seen: list[Observation] = []
        self.wishes: list[Decision] = []
        self.untouched = True
        self.repeated = True

    def decide(self, observation: Observation) -> Decision:
        before = numbers_of(observation)
        first, second = self.policy.decide(observation), self.policy.decide(observation)
        self.seen.append(observation)
        self.wishes.append(first)
        self.untouched &= same(before, numbers_of(observation))
        self.repeated &= same(numbers_of(first), numbers_of(second))
        return first


def tensors_of(record: object, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of an observation or decision, those that are remembered too."""
    if isinstance(record, Tensor):
        yield name, record
    elif isinstance(record, tuple):
        for place, part in enumerate(record):
            yield from tensors_of(part, f"{name}[{place}]")
    elif is_dataclass(record) and not isinstance(record, Network):
        for field in fields(record):
            yield from tensors_of(getattr(record, field.name), f"{name}.{field.name}")


def numbers_of(record: Observation | Decision) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tensors_of(record)}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def opening_of(world: World) -> State:
    """Return a state with more stock than some policies would have bought."""
    return world.state_with(torch.full((PATHS, PRODUCTS, world.n_locations), 8.0))


def watch(policy: Policy, world: World, scenario: Scenario) -> tuple[Onlooker, Tensor]:
    """Return who watched the policy decide, and the orders."""
    onlooker, trace = Onlooker(policy), Trace()
    with torch.no_grad():
        rollout(world, onlooker, scenario, opening_of(world), trace)
    return onlooker, trace.series("order")


@cache
def try_out(name: str, kind: str) -> tuple[Onlooker, Tensor, World]:
    world = WORLDS[kind]
    return *watch(EXAMPLES[name](world), world, with_forecasts(demand_of(1, world))), world


each_case = pytest.mark.parametrize(("name", "kind"), CASES)


def test_every_policy_of_the_room_has_an_example_of_its_class_in_a_world_for_it() -> None:
    exported = [getattr(restock.policies, name) for name in restock.policies.__all__]
    policies = {item.__name__ for item in exported if isclass(item) and issubclass(item, Policy)}
    assert policies - ELSEWHERE == EXAMPLES.keys()
    assert HOMES.keys() <= EXAMPLES.keys()
    for name, kind in CASES:
        assert type(EXAMPLES[name](WORLDS[kind])).__name__ == name


@each_case
def test_orders_are_finite_and_not_negative_and_use_every_lane(name: str, kind: str) -> None:
    _, orders, world = try_out(name, kind)
    assert orders.shape == (PATHS, PERIODS, PRODUCTS, world.n_lanes)
    assert orders.isfinite().all()
    assert orders.min() >= 0
    assert (orders.sum((0, 1, 2)) > 0).all()


@each_case
def test_a_decision_broadcasts_to_paths_products_and_places(name: str, kind: str) -> None:
    onlooker, _, world = try_out(name, kind)
    allocation = (world.n_demand_points, world.n_locations)
    last = {"price": (1,), "region_share": allocation, "region_score": allocation}
    for wish in onlooker.wishes[:6]:
        for field, value in tensors_of(wish):
            places = (1,) if field == ".proposal" else last.get(field[1:], (world.n_lanes,))
            assert value.expand(PATHS, PRODUCTS, *places).shape == (PATHS, PRODUCTS, *places)
        assert wish.cap is None or bool((wish.cap >= 0).all())


FEATURES = {"Allocated": "region_score", "BaseStockListPrice": "price", "Priced": "price"}
FEATURES["Recommending"] = "proposal"
FEATURES["NeuralPricedOrderUpTo"] = "price"
FEATURES["GraphLevels"] = "lane_weight"


@pytest.mark.parametrize(("name", "field"), FEATURES.items())
def test_what_a_policy_is_for_is_in_its_decision_and_varies(name: str, field: str) -> None:
    (kind,) = HOMES[name]
    onlooker, _, _ = try_out(name, kind)
    wishes = [getattr(wish, field) for wish in onlooker.wishes]
    assert any(not torch.equal(wish, wishes[0]) for wish in wishes)


@each_case
def test_the_same_observation_gives_the_same_wish_and_is_left_as_it_was(
    name: str, kind: str
) -> None:
    onlooker, _, _ = try_out(name, kind)
    assert len(onlooker.seen) == PERIODS
    assert onlooker.repeated
    assert onlooker.untouched


@each_case
def test_paths_decided_together_are_paths_decided_one_by_one(name: str, kind: str) -> None:
    onlooker, _, world = try_out(name, kind)
    together = numbers_of(onlooker.wishes[-1])
    for path in range(PATHS):
        alone = numbers_of(EXAMPLES[name](world).decide(only(onlooker.seen[-1], path)))
        assert alone.keys() == together.keys()
        for field, value in alone.items():
            torch.testing.assert_close(value, only(together[field], path))


Part = TypeVar("Part")


def only(record: Part, path: int) -> Part:
    """Return an observation, or any part of one, on a single path."""
    if isinstance(record, Tensor):
        return record[path : path + 1] if len(record) == PATHS else record  # type: ignore[return-value]
    if isinstance(record, tuple):
        return type(record)(only(part, path) for part in record)
    if is_dataclass(record) and not isinstance(record, Network | type):
        parts = {field.name: getattr(record, field.name) for field in fields(record)}
        return replace(record, **{name: only(part, path) for name, part in parts.items()})
    return record


def first_difference(name: str, kind: str, change_at: int) -> int | None:
    """Return the first period with another order or wish when demand changes from a period on."""
    one, orders, world = try_out(name, kind)
    demand, other = demand_of(1, world), demand_of(2, world) + (demand_of(3, world) > 0)
    changed = with_forecasts(torch.cat([demand[:, :change_at], other[:, change_at:]], dim=1))
    two, other_orders = watch(EXAMPLES[name](world), world, changed)
    for period in range(PERIODS):
        wishes = numbers_of(one.wishes[period]), numbers_of(two.wishes[period])
        if not same(*wishes) or not torch.equal(orders[:, period], other_orders[:, period]):
            return period
    return None


@each_case
@pytest.mark.parametrize("change_at", [0, 7, 15])
def test_demand_at_or_after_a_period_changes_no_decision_up_to_it(
    name: str, kind: str, change_at: int
) -> None:
    first = first_difference(name, kind, change_at)
    assert first is not None  # it does change what is decided later
    assert first > change_at
    if name in LISTENERS:
        assert first == change_at + 1


class Clairvoyant:
    """Wishes for the demand that is about to come: what the law of information forbids."""

    def __init__(self, demand: Tensor) -> None:
        self.demand = demand
        self.period = -1

    def decide(self, observation: Observation) -> Decision:
        self.period += 1
        return Decision(observation.inventory_position + self.demand[:, self.period])


def test_a_policy_that_knows_todays_demand_is_caught_by_the_law() -> None:
    world = WORLDS["lost sales"]
    demand = demand_of(1, world)
    changed = torch.cat([demand[:, :7], demand_of(2, world)[:, 7:] + 1], dim=1)
    orders = []
    for path in (demand, changed):
        trace = Trace()
        rollout(world, Clairvoyant(path), with_forecasts(path), opening_of(world), trace)
        orders.append(trace.series("order"))
    assert torch.equal(orders[0][:, :7], orders[1][:, :7])
    assert not torch.equal(orders[0][:, 7], orders[1][:, 7])


class Meddler:
    """Decides well but empties the shelf it was shown: what purity forbids."""

    def decide(self, observation: Observation) -> Decision:
        target = observation.inventory_position + 1
        observation.on_hand.sub_(observation.on_hand)
        return Decision(target)


class Forgetful:
    """Wishes for more each time it is asked: what purity forbids."""

    def __init__(self) -> None:
        self.asked = 0.0

    def decide(self, observation: Observation) -> Decision:
        self.asked += 1
        return Decision(observation.inventory_position + self.asked)


def test_a_policy_that_changes_what_it_sees_or_remembers_is_caught() -> None:
    world = WORLDS["lost sales"]
    scenario = with_forecasts(demand_of(1, world))
    meddler, _ = watch(Meddler(), world, scenario)
    forgetful, _ = watch(Forgetful(), world, scenario)
    assert not meddler.untouched
    assert not forgetful.repeated
