"""Every policy keeps the promises of ``Policy``: shapes, purity, information, feasible orders."""

from collections.abc import Callable
from dataclasses import fields
from inspect import isclass

import pytest
import torch
from torch import Tensor

import restock.policies
from restock.policies import (
    Allocated,
    BaseStock,
    BaseStockListPrice,
    CappedBaseStock,
    CappedDualIndex,
    ConstantOrder,
    CostPlus,
    DualIndex,
    EchelonBaseStock,
    EffectiveBaseStock,
    Ensemble,
    ForecastQuantile,
    InStockRecommender,
    LeastCover,
    MeanPlusSafety,
    ModifiedReorderPoint,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
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
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import (
    Decision,
    Observation,
    Policy,
    Scenario,
    Trace,
    World,
    rollout,
)
from restock.simulation.perishing import Shelf

PATHS, PERIODS, PRODUCTS = 3, 24, 4
LEADS = (0, 1, 3, 3)
LEVELS = torch.tensor([[[6.0], [12.0], [25.0], [4.5]]])
SIGNALS = ("scale", "forecast_mean", "forecast_sd", quantile_signal(0.5), quantile_signal(0.9))


def a_network() -> NeuralOrderUpTo:
    """Return a network that has left its anchor, so that all its inputs matter."""
    config = NeuralOrderUpToConfig(pipeline_slots=2, signals=("forecast_mean",), hidden=(8,))
    generator = torch.Generator().manual_seed(5)
    policy = NeuralOrderUpTo(config, torch.tensor([2.0, 3.0, 5.0, 5.0]), LEVELS / 5, generator)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=generator)
    return policy


SUBSTITUTES = InStockRecommender(
    candidate=torch.tensor([[1], [0], [3], [2]]),
    affinity=torch.ones(PRODUCTS, 1),
    enough_units=torch.ones(PRODUCTS),
)
UNIT_COST = torch.full((PRODUCTS, 1), 2.0)
BOTH = TwoLanes(expedited=0, regular=1)

EXAMPLES: dict[str, Callable[[], Policy]] = {
    "Allocated": lambda: Allocated(BaseStock(LEVELS), LeastCover(torch.ones(1, PRODUCTS, 1))),
    "BaseStock": lambda: BaseStock(LEVELS),
    "BaseStockListPrice": lambda: BaseStockListPrice(
        LEVELS, torch.tensor([[9.0, 8.0, 7.0]]).expand(PRODUCTS, -1)
    ),
    "CappedBaseStock": lambda: CappedBaseStock(LEVELS, LEVELS / 3),
    "ConstantOrder": lambda: ConstantOrder(torch.tensor([[[2.0]]])),
    "EchelonBaseStock": lambda: EchelonBaseStock(LEVELS),
    "Ensemble": lambda: Ensemble([a_network(), CappedBaseStock(LEVELS, LEVELS / 3)]),
    "ForecastQuantile": lambda: ForecastQuantile.at(
        torch.tensor([0.5, 0.6, 0.9, 0.75]), (0.5, 0.9), torch.full((1, PRODUCTS, 1), 3.0)
    ),
    "MeanPlusSafety": lambda: MeanPlusSafety(torch.tensor([[[1.5]]])),
    "ModifiedReorderPoint": lambda: ModifiedReorderPoint(LEVELS / 2, LEVELS, LEVELS / 3),
    "NeuralOrderUpTo": a_network,
    "Priced": lambda: Priced(BaseStock(LEVELS), CostPlus(UNIT_COST, torch.full((1, 1, 1), 0.5))),
    "Recommending": lambda: Recommending(BaseStock(LEVELS), SUBSTITUTES, UNIT_COST, 2 * UNIT_COST),
    "ReorderBatches": lambda: ReorderBatches(LEVELS / 2, torch.full((1, PRODUCTS, 1), 3.0)),
    "ReorderPoint": lambda: ReorderPoint(LEVELS / 2, LEVELS),
    "SignalLevel": lambda: SignalLevel(
        ("scale",), LEVELS / 4, LEVELS / 3, torch.full((1, PRODUCTS, 1), 0.5)
    ),
}
TWO_LANES: dict[str, Callable[[], Policy]] = {
    "CappedDualIndex": lambda: CappedDualIndex(
        BOTH, LEVELS / 3, LEVELS, torch.full((1, 1, 1), 3.0)
    ),
    "DualIndex": lambda: DualIndex(BOTH, LEVELS / 3, LEVELS),
    "SingleIndex": lambda: SingleIndex(BOTH, LEVELS / 3, LEVELS),
    "TailoredBaseSurge": lambda: TailoredBaseSurge(BOTH, LEVELS / 3, torch.ones(1, 1, 1)),
}
PERISHING: dict[str, Callable[[World], Policy]] = {
    "EffectiveBaseStock": lambda world: EffectiveBaseStock(LEVELS, shelf_of(world)),
}
# the others order the same whatever was asked before, or leave it to the inventory position alone
LISTENERS = ("Ensemble", "ForecastQuantile", "MeanPlusSafety", "NeuralOrderUpTo", "SignalLevel")


def world_of(share: float = 1.0, pack: int = 0) -> World:
    names = [f"p{number}" for number in range(PRODUCTS)]
    places = (Location(id="s", holds_stock=False), Location(id="w"))
    lanes = tuple(
        Lane(
            product_id=name,
            origin="s",
            destination="w",
            lead_time_periods=lead,
            case_pack_units=pack,
            minimum_units=pack,
        )
        for name, lead in zip(names, LEADS, strict=True)
    )
    products = tuple(
        Product(id=name, holding_cost=1.0, shortage_cost=4.0, lost_share=share) for name in names
    )
    return World.from_instance(Instance(name="w", products=products, locations=places, lanes=lanes))


WORLDS = {
    "lost sales": world_of(),
    "backorders": world_of(share=0.0),
    "case packs": world_of(share=0.5, pack=3),
}


def demand_of(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    rate = torch.tensor([0.5, 3.0, 5.0, 1.0]).expand(PATHS, PERIODS, PRODUCTS)
    return torch.poisson(rate, generator=generator).unsqueeze(-1)


def with_forecasts(demand: Tensor) -> Scenario:
    """Forecast demand over L + 1 periods from the average of all periods before."""
    seen = torch.arange(PERIODS).clamp_min(1).reshape(1, -1, 1)
    daily = (demand.squeeze(-1).cumsum(1) - demand.squeeze(-1)) / seen + 0.5
    mean = daily * (torch.tensor(LEADS) + 1)
    spread = mean.sqrt()
    signals = torch.stack([daily, mean, spread, mean, mean + 1.28 * spread], dim=-1)
    return Scenario(demand, signals, SIGNALS)


def orders_under(policy: Policy, world: World, scenario: Scenario, paths: int = PATHS) -> Tensor:
    trace = Trace()
    with torch.no_grad():
        rollout(world, policy, scenario, world.empty_state(paths), trace)
    return trace.series("order")


class Onlooker:
    """Lets a policy decide and keeps what it saw, what it wished and what it wished on asking."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.seen: list[Observation] = []
        self.untouched = True
        self.repeated = True

    def decide(self, observation: Observation) -> Decision:
        before = numbers_of(observation)
        first, second = self.policy.decide(observation), self.policy.decide(observation)
        self.seen.append(observation)
        self.untouched &= same(before, numbers_of(observation))
        self.repeated &= same(numbers_of(first), numbers_of(second))
        return first


def numbers_of(record: Observation | Decision) -> dict[str, Tensor]:
    """Return a copy of every tensor of an observation or decision."""
    found = {}
    for field in fields(record):
        value = getattr(record, field.name)
        parts = value if isinstance(value, tuple) else (value,)
        for place, part in enumerate(parts):
            if isinstance(part, Tensor):
                found[f"{field.name}[{place}]"] = part.detach().clone()
    return found


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


each_policy = pytest.mark.parametrize("name", EXAMPLES)
each_world = pytest.mark.parametrize("kind", WORLDS)


def test_every_policy_of_the_room_has_an_example_of_its_class() -> None:
    exported = [getattr(restock.policies, name) for name in restock.policies.__all__]
    policies = {item.__name__ for item in exported if isclass(item) and issubclass(item, Policy)}
    assert policies == EXAMPLES.keys() | TWO_LANES.keys() | PERISHING.keys()
    for name, example in EXAMPLES.items():
        assert type(example()).__name__ == name


@each_policy
@each_world
def test_orders_are_finite_and_not_negative_one_per_path_and_product(name: str, kind: str) -> None:
    orders = orders_under(EXAMPLES[name](), WORLDS[kind], with_forecasts(demand_of(1)))
    assert orders.shape == (PATHS, PERIODS, PRODUCTS, 1)
    assert orders.isfinite().all()
    assert orders.min() >= 0
    assert orders.sum() > 0


@each_policy
@each_world
def test_a_decision_broadcasts_to_paths_products_and_lanes(name: str, kind: str) -> None:
    onlooker = Onlooker(EXAMPLES[name]())
    orders_under(onlooker, WORLDS[kind], with_forecasts(demand_of(1)))
    for observation in onlooker.seen[:6]:
        decision = EXAMPLES[name]().decide(observation)
        for wish in (decision.target, decision.cap):
            assert wish is None or wish.expand(PATHS, PRODUCTS, 1).shape == (PATHS, PRODUCTS, 1)
        assert decision.cap is None or bool((decision.cap >= 0).all())


@each_policy
@each_world
def test_the_same_observation_gives_the_same_wish_and_is_left_as_it_was(
    name: str, kind: str
) -> None:
    onlooker = Onlooker(EXAMPLES[name]())
    orders_under(onlooker, WORLDS[kind], with_forecasts(demand_of(1)))
    assert len(onlooker.seen) == PERIODS
    assert onlooker.repeated
    assert onlooker.untouched


@each_policy
def test_paths_decided_together_are_paths_decided_one_by_one(name: str) -> None:
    onlooker = Onlooker(EXAMPLES[name]())
    world = WORLDS["backorders"]
    orders_under(onlooker, world, with_forecasts(demand_of(1)))
    observation = onlooker.seen[-1]
    together = EXAMPLES[name]().decide(observation).target.expand(PATHS, PRODUCTS, 1)
    for path in range(PATHS):
        alone = EXAMPLES[name]().decide(only(observation, path)).target
        torch.testing.assert_close(alone.expand(1, PRODUCTS, 1), together[path : path + 1])


def only(observation: Observation, path: int) -> Observation:
    def cut(value: Tensor | None) -> Tensor | None:
        return value if value is None or len(value) == 1 else value[path : path + 1]

    return Observation(
        on_hand=observation.on_hand[path : path + 1],
        on_order=observation.on_order[path : path + 1],
        pipeline=tuple(cut(slot) for slot in observation.pipeline),
        lead_time=observation.lead_time,
        backlog=cut(observation.backlog),
        signals=cut(observation.signals),
        signal_names=observation.signal_names,
    )


def first_difference(policy: Policy, world: World, change_at: int) -> int | None:
    """Return the first period whose order differs when demand changes from ``change_at`` on."""
    demand = demand_of(1)
    changed = torch.cat([demand[:, :change_at], demand_of(2)[:, change_at:] + 1], dim=1)
    one = orders_under(policy, world, with_forecasts(demand))
    other = orders_under(policy, world, with_forecasts(changed))
    differs = (one != other).any(0).any(-1).any(-1).nonzero()
    return int(differs[0]) if len(differs) else None


@each_policy
@each_world
@pytest.mark.parametrize("change_at", [0, 7, 15])
def test_demand_at_or_after_a_period_changes_no_decision_up_to_it(
    name: str, kind: str, change_at: int
) -> None:
    first = first_difference(EXAMPLES[name](), WORLDS[kind], change_at)
    assert first is None or first > change_at
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
    demand = demand_of(1)
    changed = torch.cat([demand[:, :7], demand_of(2)[:, 7:] + 1], dim=1)
    orders = [
        orders_under(Clairvoyant(path), WORLDS["lost sales"], with_forecasts(path))
        for path in (demand, changed)
    ]
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
    meddler, forgetful = Onlooker(Meddler()), Onlooker(Forgetful())
    for onlooker in (meddler, forgetful):
        orders_under(onlooker, WORLDS["lost sales"], with_forecasts(demand_of(1)))
    assert not meddler.untouched
    assert not forgetful.repeated


def special_world(*, suppliers: int, shelf_life: int) -> World:
    """Return a world of one location, with one or two suppliers, where goods may perish."""
    names = [f"p{number}" for number in range(PRODUCTS)]
    sources = [f"s{number}" for number in range(suppliers)]
    places = (*(Location(id=source, holds_stock=False) for source in sources), Location(id="w"))
    lanes = tuple(
        Lane(product_id=name, origin=source, destination="w", lead_time_periods=lead)
        for name in names
        for source, lead in zip(sources, (1, 3), strict=False)
    )
    products = tuple(
        Product(id=name, holding_cost=1.0, shortage_cost=4.0, shelf_life_periods=shelf_life)
        for name in names
    )
    return World.from_instance(Instance(name="x", products=products, locations=places, lanes=lanes))


def shelf_of(world: World) -> Shelf:
    assert world.supply is not None
    assert world.supply.shelf is not None
    return world.supply.shelf


def special_cases() -> list[tuple[str, Policy, World]]:
    pair, shelf = special_world(suppliers=2, shelf_life=0), special_world(suppliers=1, shelf_life=3)
    cases = [(name, example(), pair) for name, example in TWO_LANES.items()]
    return cases + [(name, example(shelf), shelf) for name, example in PERISHING.items()]


each_special = pytest.mark.parametrize(
    ("name", "policy", "world"), special_cases(), ids=[case[0] for case in special_cases()]
)


@each_special
def test_a_rule_for_a_special_world_keeps_the_promises_there(
    name: str, policy: Policy, world: World
) -> None:
    assert type(policy).__name__ == name
    onlooker, scenario = Onlooker(policy), with_forecasts(demand_of(1))
    orders = orders_under(onlooker, world, scenario)
    assert orders.shape == (PATHS, PERIODS, PRODUCTS, world.n_lanes)
    assert orders.isfinite().all()
    assert orders.min() >= 0
    assert (orders.sum((0, 1, 2)) > 0).all()  # every lane is used
    assert onlooker.repeated
    assert onlooker.untouched
    # two paths alone are the same two paths among three
    alone = orders_under(policy, world, scenario.path_slice(0, 2), paths=2)
    torch.testing.assert_close(alone, orders[:2])


@each_special
@pytest.mark.parametrize("change_at", [0, 7, 15])
def test_a_rule_for_a_special_world_knows_nothing_of_the_future(
    name: str, policy: Policy, world: World, change_at: int
) -> None:
    del name
    first = first_difference(policy, world, change_at)
    assert first is None or first > change_at
