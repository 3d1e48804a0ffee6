"""No policy of the catalogue beats hindsight, on any path of any network.

What each policy pays is simulated; the bound is a program that knows all demand beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

import restock.policies
from restock.optimality import Hindsight, network_bound
from restock.policies import (
    Allocated,
    Allocator,
    BaseStock,
    BaseStockListPrice,
    CappedBaseStock,
    CappedDualIndex,
    Cheapest,
    ConstantOrder,
    CostPlus,
    DualIndex,
    DualPrice,
    EchelonBaseStock,
    EffectiveBaseStock,
    Ensemble,
    FixedPrice,
    GraphLevels,
    GraphLevelsConfig,
    InStockRecommender,
    LearnedAllocation,
    LeastCover,
    MarkdownSchedule,
    ModifiedReorderPoint,
    Nearest,
    NetworkLevels,
    NeuralConfig,
    NeuralDeparture,
    NeuralDepartureConfig,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
    NeuralQuantity,
    Priced,
    PriceHead,
    PricingRule,
    Recommending,
    ReorderBatches,
    ReorderPoint,
    SignalLevel,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
)
from restock.simulation import Policy
from restock.simulation.fulfilment import Fulfilment
from restock.simulation.perishing import Shelf

if TYPE_CHECKING:
    from tests.laws.conftest import RandomWorld, Run

    RandomWorlds = Callable[..., st.SearchStrategy[RandomWorld]]

HAIR = 1e-6
Network = TypeVar("Network", bound=torch.nn.Module)


def level(case: RandomWorld, low: float = 1, high: float = 12) -> Tensor:
    return case.per_lane(lambda *name: case.dice.number(low, high, "policy", low, *name))


def at_product(case: RandomWorld, low: float, high: float) -> Tensor:
    """Return ``[1, P, 1]``."""
    return case.per_product(low, high, "policy").reshape(1, -1, 1)


def at_point(case: RandomWorld, names: tuple[str, ...], high: float) -> Tensor:
    """Return ``[1, P, X]`` of numbers of the named places or regions."""
    rows = [
        [case.dice.number(1, high, "policy", product, name) for name in names]
        for product in case.products
    ]
    return torch.tensor(rows, dtype=torch.float64).unsqueeze(0)


def list_price(case: RandomWorld) -> Tensor:
    return case.world.economics.list_price


def both(case: RandomWorld) -> TwoLanes:
    """Return the two lanes of a world of one place, the faster one first."""
    assume(len(case.places) == 1 and len(case.world.network.lanes) == 2)
    planned = case.world.arrivals.lead_time.double().mean((0, 1))
    return TwoLanes(*planned.argsort().tolist())


def shelf_of(case: RandomWorld) -> Shelf:
    shelves = [each for each in case.world.openings if isinstance(each, Shelf)]
    assume(len(shelves) == 1)
    return shelves[0]


def terms_of(case: RandomWorld) -> Fulfilment:
    assert case.world.fulfilment is not None
    return case.world.fulfilment


def recommender(case: RandomWorld) -> InStockRecommender:
    pairs = case.instance.substitutes
    assume(len(pairs) > 0)
    rows = [
        [case.products.index(each.substitute_id) for each in pairs if each.product_id == product]
        for product in case.products
    ]
    width = max(map(len, rows))
    candidate = torch.tensor([row + [-1] * (width - len(row)) for row in rows])
    affinity = (candidate >= 0).double()
    return InStockRecommender(candidate, affinity, torch.ones(len(rows), dtype=torch.float64))


def luck(case: RandomWorld) -> torch.Generator:
    return torch.Generator().manual_seed(case.seed % 2**31)


def drawn(policy: Network, case: RandomWorld) -> Network:
    """Return the network with random weights: a fresh one is a classical rule."""
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=luck(case))
    return policy.double()


def an_order_up_to(case: RandomWorld) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=0, hidden=(4,))
    anchors = torch.full((len(case.products),), 3.0)
    return drawn(NeuralOrderUpTo(config, anchors, torch.tensor(2.0), luck(case)), case)


def a_quantity(case: RandomWorld) -> NeuralQuantity:
    config = NeuralConfig(pipeline_slots=0, hidden=(4,))
    return drawn(NeuralQuantity(config, torch.tensor(0.9), luck(case)), case)


def a_departure(case: RandomWorld) -> NeuralDeparture:
    memory = case.opening.memory
    ages = None if memory is None else memory.ages
    config = NeuralDepartureConfig(
        scale=3.0,
        lanes=len(case.world.network.lanes),
        stock_classes=1 if ages is None else ages.on_hand.shape[-1],
        owes=case.opening.backlog is not None,
        hidden=(4,),
    )
    return drawn(NeuralDeparture(BaseStock(level(case)), config, luck(case)), case)


def a_pricing_network(case: RandomWorld) -> NeuralPricedOrderUpTo:
    anchors, price = torch.full((len(case.products),), 3.0), list_price(case).flatten(1)
    policy = NeuralPricedOrderUpTo(
        NeuralPricedOrderUpToConfig(pipeline_slots=0, hidden=(4,)),
        anchors,
        torch.tensor(2.0),
        luck(case),
        pricing=PriceHead(0.7 * price, 1.2 * price, price),
    )
    return drawn(policy, case)


def levels(case: RandomWorld) -> NetworkLevels:
    return NetworkLevels(at_point(case, case.places, 20)[0])


def a_graph(case: RandomWorld) -> GraphLevels:
    config = GraphLevelsConfig(pipeline_slots=0, width=4)
    return drawn(GraphLevels(config, levels(case), case.world, luck(case)), case)


ORDERS: dict[str, Callable[[RandomWorld], Policy]] = {
    "BaseStock": lambda case: BaseStock(level(case)),
    "CappedBaseStock": lambda case: CappedBaseStock(level(case), level(case, 0, 6)),
    "ConstantOrder": lambda case: ConstantOrder(level(case, 0, 3)),
    "EchelonBaseStock": lambda case: EchelonBaseStock(at_point(case, case.places, 20)),
    "GraphLevels": a_graph,
    "ModifiedReorderPoint": lambda case: ModifiedReorderPoint(
        level(case, 0, 4), level(case, 4, 12), level(case, 2, 7)
    ),
    "NetworkLevels": levels,
    "ReorderBatches": lambda case: ReorderBatches(level(case, 0, 6), level(case, 2, 5)),
    "ReorderPoint": lambda case: ReorderPoint(level(case, 0, 4), level(case, 4, 12)),
    "SignalLevel": lambda case: SignalLevel(
        ("scale",), at_product(case, 1, 3), at_product(case, 1, 2), at_product(case, 0, 1)
    ),
}
"""Those that only order: tried in every world."""

NETWORKS: dict[str, Callable[[RandomWorld], Policy]] = {
    "Ensemble": lambda case: Ensemble([BaseStock(level(case)), an_order_up_to(case)]),
    "NeuralDeparture": a_departure,
    "NeuralOrderUpTo": an_order_up_to,
    "NeuralQuantity": a_quantity,
}
"""Those that read the stock of one place."""

SOURCES: dict[str, Callable[[RandomWorld], Policy]] = {
    "CappedDualIndex": lambda case: CappedDualIndex(
        both(case), at_product(case, 0, 4), at_product(case, 4, 12), at_product(case, 1, 4)
    ),
    "DualIndex": lambda case: DualIndex(
        both(case), at_product(case, 0, 4), at_product(case, 4, 12)
    ),
    "SingleIndex": lambda case: SingleIndex(
        both(case), at_product(case, 0, 4), at_product(case, 4, 12)
    ),
    "TailoredBaseSurge": lambda case: TailoredBaseSurge(
        both(case), at_product(case, 0, 6), at_product(case, 0, 3)
    ),
}
"""Those for one place with two sources."""

PERISHABLES: dict[str, Callable[[RandomWorld], Policy]] = {
    "EffectiveBaseStock": lambda case: EffectiveBaseStock(
        level(case),
        shelf_of(case),
        demand_share=at_point(case, case.places, 2).softmax(-1) if case.regions else None,
    ),
}
RECOMMENDERS: dict[str, Callable[[RandomWorld], Policy]] = {
    "Recommending": lambda case: Recommending(
        BaseStock(level(case)),
        recommender(case),
        case.world.economics.unit_cost,
        list_price(case),
    ),
}

PRICES: dict[str, Callable[[RandomWorld], PricingRule]] = {
    "CostPlus": lambda case: CostPlus(case.world.economics.unit_cost, at_product(case, 0.5, 3)),
    "FixedPrice": lambda case: FixedPrice(list_price(case) * at_product(case, 0.7, 1.2)),
    "MarkdownSchedule": lambda case: MarkdownSchedule(
        list_price(case) * torch.tensor([[1.1, 0.9, 0.7]]).double(), torch.tensor([7, 4, 2])
    ),
}
PRICED: dict[str, Callable[[RandomWorld], Policy]] = {
    "BaseStockListPrice": lambda case: BaseStockListPrice(
        level(case), list_price(case) * torch.tensor([[1.0, 0.9, 0.8, 0.6]]).double()
    ),
    **{
        f"Priced, {name}": lambda case, rule=rule: Priced(BaseStock(level(case)), rule(case))  # type: ignore[misc]
        for name, rule in PRICES.items()
    },
}
PRICERS: dict[str, Callable[[RandomWorld], Policy]] = {"NeuralPricedOrderUpTo": a_pricing_network}

ALLOCATORS: dict[str, Callable[[RandomWorld], Allocator]] = {
    "Cheapest": lambda case: Cheapest(terms_of(case)),
    "DualPrice": lambda case: DualPrice(
        terms_of(case),
        at_point(case, case.regions, 3),
        case.world.economics.shortage_cost.unsqueeze(0).expand(-1, -1, len(case.regions)),
    ).solve(case.opening.on_hand),
    "LearnedAllocation": lambda case: LearnedAllocation(
        terms_of(case),
        at_point(case, case.places, 3),
        torch.Generator().manual_seed(case.seed % 2**31),
    ),
    "LeastCover": lambda case: LeastCover(at_point(case, case.places, 3)),
    "Nearest": lambda case: Nearest(terms_of(case)),
}
ALLOCATED: dict[str, Callable[[RandomWorld], Policy]] = {
    f"Allocated, {name}": lambda case, rule=rule: Allocated(BaseStock(level(case)), rule(case))  # type: ignore[misc]
    for name, rule in ALLOCATORS.items()
}

HOMES: dict[str, tuple[dict[str, Callable[[RandomWorld], Policy]], tuple[str, ...]]] = {
    "orders": (ORDERS, ()),
    "one place": (NETWORKS, ("one place",)),
    "two sources": (SOURCES, ("two sources",)),
    "perishables": (PERISHABLES, ("perishing",)),
    "substitutes": (RECOMMENDERS, ("substitutes",)),
    "prices": (PRICED, ("prices",)),
    "prices of one place": (PRICERS, ("prices", "one place")),
    "regions": (ALLOCATED, ("regions",)),
}
"""What is tried where, and the features that its worlds always have."""
CASES = [(home, name) for home, (policies, _) in HOMES.items() for name in policies]


def test_every_policy_of_the_catalogue_is_tried() -> None:
    exported = [getattr(restock.policies, name) for name in restock.policies.__all__]
    for protocol in (Policy, PricingRule, Allocator):
        known = {each.__name__ for each in exported if isclass(each) and issubclass(each, protocol)}
        tried = {part for _, name in CASES for part in name.split(", ")}
        # these two act in the world of one product alone
        assert known - {protocol.__name__, "EnvironmentPolicy", "Tabulated"} <= tried


def total_cost(run: Run) -> np.ndarray:
    cost = torch.stack([moved.cost.sum((1, 2)) for moved in run.flows]).sum(0)
    return cost.detach().numpy()


def least_cost(case: RandomWorld, run: Run, *, integer: bool = False) -> np.ndarray:
    """Return the bound on each path; demand is what prices and service made of it."""
    luck = case.scenario
    told = Hindsight(
        demand=torch.stack([moved.demand for moved in run.flows], 1).detach().numpy(),
        initial_stock=case.opening.on_hand.numpy(),
        lead_time=None if luck.lead_time is None else luck.lead_time.numpy(),
        lane_open=None if luck.lane_open is None else luck.lane_open.numpy(),
        lanes=case.world.network.lanes,
        first_period=luck.first_period,
    )
    return network_bound(case.instance, told, integer=integer, seconds=5.0).cost


@pytest.mark.parametrize(("home", "name"), CASES, ids=[name for _, name in CASES])
@given(data=st.data())
@settings(max_examples=4)
def test_no_policy_costs_less_than_hindsight_on_any_path(
    random_worlds: RandomWorlds, data: st.DataObject, home: str, name: str
) -> None:
    policies, always = HOMES[home]
    case = data.draw(random_worlds(always=always))
    with torch.no_grad():
        run = case.run(policies[name](case))
    bound, paid = least_cost(case, run), total_cost(run)
    assert bool((bound <= paid + HAIR).all()), (bound, paid)


@given(data=st.data())
@settings(max_examples=10)
def test_with_fixed_costs_and_packs_the_integer_bound_lies_between(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds(always=["packs", "fixed_costs"], never=["regions"]))
    assume(len(case.products) == 1)
    run = case.run()
    relaxed, whole, paid = (
        least_cost(case, run),
        least_cost(case, run, integer=True),
        total_cost(run),
    )
    assert bool((relaxed <= whole + HAIR).all())
    assert bool((whole <= paid + HAIR).all())
