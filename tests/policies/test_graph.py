"""The graph policy: fresh it is classical, stores are interchangeable, news travels by rounds."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from restock.demand.processes import CorrelatedNormal, Normal
from restock.errors import ConfigurationError
from restock.learning import PathwiseConfig, pathwise
from restock.policies import EchelonBaseStock
from restock.policies.neural.graph import GraphLevels, GraphLevelsConfig, location_traits
from restock.policies.neural.network_levels import NetworkLevels
from restock.problem import Instance, Product, StockTerms
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Policy,
    SteadyDemand,
    World,
    average_cost,
    rollout,
)
from restock.simulation.period import arrive, decide, observe, place

MEANS = (4.0, 6.0, 5.0)
LEADS = (2, 1, 2)
LEVELS = torch.tensor([[60.0, 13.0, 13.0, 16.0]])


def stores(order: tuple[int, ...] = (0, 1, 2)) -> World:
    """Return a warehouse with three stores, in the given order."""
    names = [f"store {n}" for n in order]
    terms = tuple(
        StockTerms(product_id="a", location=name, holding_cost=1.0, shortage_cost=5.0 + n)
        for name, n in zip(names, order, strict=True)
    )
    return World.from_instance(
        Instance.warehouse_and_stores(
            Product(id="a", holding_cost=0.3),
            3,
            {name: LEADS[n] for name, n in zip(names, order, strict=True)},
            stock_terms=terms,
        )
    )


def source(order: tuple[int, ...] = (0, 1, 2)) -> SteadyDemand:
    mean = torch.tensor([0.0, *(MEANS[n] for n in order)])
    names = ("warehouse", *(f"store {n}" for n in order))
    return SteadyDemand(CorrelatedNormal(mean, 0.4 * mean, 0.5), points=names)


def graph(
    world: World,
    levels: Tensor = LEVELS,
    *,
    moved: float = 0.0,
    caps: Tensor | None = None,
    **settings: float,
) -> GraphLevels:
    """Return a policy, its last layer moved away from zero by so much."""
    config = GraphLevelsConfig(pipeline_slots=2, width=8, **settings)  # type: ignore[arg-type]
    policy = GraphLevels(config, NetworkLevels(levels, caps=caps), world, Seeds(1).torch("network"))
    with torch.no_grad():
        policy.body.head.weight.normal_(0, 1, generator=Seeds(2).torch("head")).mul_(moved)
    return policy


def seen(world: World, order: tuple[int, ...] = (0, 1, 2), *, extra: float = 0.0) -> Observation:
    """Return what is seen after four days; ``extra`` units are on the shelf of store 2."""
    places = [0, *(n + 1 for n in order)]
    demand = source().sample(5, 6, Seeds(3).torch("demand"))
    mine = replace(
        demand,
        demand=demand.demand[..., places],
        signals=source(order).sample(1, 6, torch.Generator()).signals,
        signal_names=source(order).sample(1, 6, torch.Generator()).signal_names,
    )
    with torch.no_grad():
        policy = EchelonBaseStock(LEVELS[:, None, places])
        state = rollout(world, policy, mine.window(0, 4), world.empty_state(5))
        state = replace(arrive(world, state))
        on_hand = state.on_hand.clone()
        on_hand[..., places.index(3)] += extra
        return observe(world, replace(state, on_hand=on_hand), mine, 4)


@pytest.mark.parametrize("moved", [0.0, 1.0])
def test_a_fresh_policy_is_its_classical_anchor_and_a_moved_one_is_not(moved: float) -> None:
    world = stores()
    scenario = source().sample(64, 40, Seeds(0).torch("demand"))
    with torch.no_grad():
        ours = average_cost(world, graph(world, moved=moved), scenario, 10)
        classical = average_cost(world, EchelonBaseStock(LEVELS.unsqueeze(0)), scenario, 10)
    assert torch.allclose(ours, classical, rtol=1e-4) is (moved == 0)


def test_a_fresh_policy_with_caps_is_its_capped_anchor() -> None:
    world, caps = stores(), torch.tensor([[18.0, 5.0, 8.0, 6.0]])
    scenario = source().sample(64, 40, Seeds(0).torch("demand"))
    with torch.no_grad():
        ours = average_cost(world, graph(world, caps=caps), scenario, 10)
        capped = average_cost(world, NetworkLevels(LEVELS, caps=caps), scenario, 10)
        free = average_cost(world, NetworkLevels(LEVELS), scenario, 10)
    assert torch.allclose(ours, capped, rtol=1e-4)
    assert not torch.allclose(ours, free, rtol=1e-3)


def test_the_anchor_itself_does_not_learn() -> None:
    anchor = NetworkLevels(LEVELS)
    policy = GraphLevels(GraphLevelsConfig(pipeline_slots=2), anchor, stores(), torch.Generator())
    with torch.no_grad():
        policy.anchor.log_levels.add_(1.0)
    assert torch.allclose(anchor.levels, LEVELS)


def test_with_backorders_it_sees_what_is_owed() -> None:
    tea = Product(id="tea", lost_share=0.0, shortage_cost=9.0)
    world = World.from_instance(Instance.serial(tea, (1, 1), (0.5, 1.0)))
    sold = torch.tensor([0.0, 1.0])
    chain = SteadyDemand(Normal(5 * sold, 2 * sold), points=world.network.locations)
    scenario = chain.sample(3, 8, Seeds(0).torch("demand"))
    levels = torch.tensor([[12.0, 3.0]])
    policy = GraphLevels(
        GraphLevelsConfig(pipeline_slots=0), NetworkLevels(levels), world, torch.Generator()
    )
    with torch.no_grad():
        state = rollout(world, policy, scenario.window(0, 7), world.empty_state(3))
    assert state.backlog is not None
    assert bool((state.backlog[..., 1] > 0).all())
    # on hand, position, owed, and five traits
    features = policy.features(observe(world, state, scenario, 7))
    assert features.shape == (3, 1, 2, 8)
    owed = state.backlog[..., 1]
    assert torch.allclose(features[..., 1, 2], torch.log1p(owed / chain.process.mean[1]))


def test_stores_in_another_order_are_decided_in_that_order() -> None:
    order, places = (2, 0, 1), [0, 3, 1, 2]
    here, there = stores(), stores(order)
    first = graph(here, moved=0.5).decide(seen(here))
    second = graph(there, LEVELS[:, places], moved=0.5).decide(seen(there, order))
    assert torch.allclose(first.target[..., places], second.target, rtol=1e-4)
    assert first.lane_weight is not None
    assert second.lane_weight is not None
    assert torch.allclose(first.lane_weight[..., places], second.lane_weight, rtol=1e-3, atol=1e-4)
    # which would be an empty fact if stores were decided alike
    assert not torch.allclose(first.target, second.target, rtol=1e-3)


# the warehouse sees its echelon's position, in which every store counts
@pytest.mark.parametrize(("rounds", "hears"), [(0, False), (1, True), (2, True)])
def test_a_store_hears_of_another_by_messages_alone(rounds: int, *, hears: bool) -> None:
    world = stores()
    policy = graph(world, moved=0.5, rounds=rounds)
    poor, rich = policy.decide(seen(world)), policy.decide(seen(world, extra=20.0))
    moved = (poor.target[..., 1] - rich.target[..., 1]).abs()
    assert bool((moved > 1e-4).all()) is hears


def test_the_body_has_as_many_weights_for_any_number_of_stores() -> None:
    names = {f"store {n}": 1 + n % 3 for n in range(12)}
    many = World.from_instance(Instance.warehouse_and_stores(Product(id="a"), 3, names))
    large = graph(many, torch.full((1, 13), 10.0))
    small = dict(graph(stores(), moved=1.0).body.named_parameters())
    assert {n: p.shape for n, p in large.body.named_parameters()} == {
        n: p.shape for n, p in small.items()
    }


def test_products_are_decided_as_if_each_were_alone() -> None:
    world = stores()
    one = Instance.warehouse_and_stores(
        Product(id="a", holding_cost=0.3),
        3,
        {f"store {n}": lead for n, lead in enumerate(LEADS)},
    )
    other = Product(id="b", holding_cost=0.6)
    both = World.from_instance(
        replace(
            one,
            products=(*one.products, other),
            lanes=(*one.lanes, *(replace(lane, product_id="b") for lane in one.lanes)),
        )
    )
    levels = torch.cat([LEVELS, 2 * LEVELS])
    policy = graph(both, levels, moved=0.5)
    look = seen(world)
    signals = look.signals
    assert signals is not None
    twice = replace(
        look,
        on_hand=look.on_hand.repeat(1, 2, 1),
        on_order=look.on_order.repeat(1, 2, 1),
        pipeline=tuple(None if slot is None else slot.repeat(1, 2, 1) for slot in look.pipeline),
        lead_time=both.arrivals.lead_time,
        signals=signals.repeat(1, 2, 1),
        network=both.network,
    )
    together = policy.decide(twice).target
    for product in (0, 1):
        alone = GraphLevels(
            policy.config,
            NetworkLevels(levels[product : product + 1]),
            world,
            Seeds(1).torch("network"),
            traits=location_traits(both)[product : product + 1],
        )
        alone.body.load_state_dict(policy.body.state_dict())
        target = alone.decide(look).target
        assert torch.allclose(together[:, product], target[:, 0], rtol=1e-4)


def test_departures_stay_within_their_bound() -> None:
    world = stores()
    policy = graph(world, moved=1e6, bound=0.3)
    departure = policy.departure(seen(world)).detach()
    assert departure.abs().max() == pytest.approx(0.3, rel=1e-4)


class Favouring:
    """A policy whose stores all want 10 units, one of which weighs more."""

    def __init__(self, policy: GraphLevels, favour: float) -> None:
        self.policy, self.favour = policy, favour

    def decide(self, observation: Observation) -> Decision:
        departure = torch.zeros(*observation.on_hand.shape, 2)
        departure[..., 3, 1] = self.favour
        return self.policy.compose(observation, departure)


@pytest.mark.parametrize(("favour", "share"), [(0.0, 4.0), (math.log(4.0), 8.0)])
def test_what_the_warehouse_lacks_is_shared_by_wish_times_weight(
    favour: float, share: float
) -> None:
    # 12 units for three stores that want 10 each: 12/3 = 4, or 12 · 4/(1 + 1 + 4) = 8
    world = stores()
    state = world.state_with(torch.tensor([[[12.0, 0.0, 0.0, 0.0]]]))
    scenario = source().sample(1, 1, torch.Generator())
    look = observe(world, state, scenario, 0)
    policy: Policy = Favouring(graph(world, torch.tensor([[50.0, 10.0, 10.0, 10.0]])), favour)
    decision = policy.decide(look)
    _, shipped = place(world, state, decide(world, look, decision), look, decision)
    assert shipped[0, 0, 3].item() == pytest.approx(share, rel=1e-4)
    assert shipped[0, 0, 1:].sum().item() == pytest.approx(12.0, rel=1e-4)


# one location, L = 1, backorders: the best level is the p/(p + h) quantile of the demand of two
# periods, Normal(10, 2√2): 10 + 1.2816 · 2.828 = 13.62 at 0.9, and 10.00 at 0.5
@pytest.mark.parametrize(("shortage_cost", "best"), [(9.0, 13.62), (1.0, 10.0)])
def test_learned_levels_find_the_newsvendor_level(shortage_cost: float, best: float) -> None:
    product = Product(id="a", holding_cost=1.0, shortage_cost=shortage_cost, lost_share=0.0)
    world = World.from_instance(Instance.single_location([product], 1))
    rule = NetworkLevels(torch.tensor([[18.0]]))
    config = PathwiseConfig(
        updates=80,
        chains=512,
        window=24,
        learning_rate=0.02,
        validate_every=80,
        validation_paths=256,
        validation_periods=60,
    )
    demand = SteadyDemand(Normal(torch.tensor([5.0]), torch.tensor([2.0])))
    pathwise.fit(rule, world, demand, config, Seeds(0))
    assert rule.levels.item() == pytest.approx(best, abs=0.2)


def test_a_cap_is_the_most_that_is_ordered_at_once() -> None:
    world = stores()
    caps = torch.tensor([[9.0, 1.0, 2.0, 3.0]])
    look = observe(
        world,
        world.state_with(torch.full((1, 1, 4), 10.0)),
        source().sample(1, 1, Seeds(0).torch("d")),
        0,
    )
    order = decide(world, look, NetworkLevels(LEVELS, caps=caps).decide(look))
    assert torch.allclose(order[0, 0], torch.tensor([9.0, 1.0, 2.0, 3.0]))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_levels_that_are_no_units_are_refused(bad: float) -> None:
    with pytest.raises(ConfigurationError, match=r"`levels` must be finite and > 0.*Give units"):
        NetworkLevels(torch.tensor([[5.0, bad]]))
    with pytest.raises(ConfigurationError, match=r"`caps` must be finite and > 0"):
        NetworkLevels(torch.tensor([[5.0]]), caps=torch.tensor([[bad]]))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("pipeline_slots", -1), ("width", 0), ("rounds", -2), ("bound", 0.0), ("bound", math.nan)],
)
def test_settings_out_of_range_name_value_rule_and_remedy(setting: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{setting}` must be .*; got {value}"):
        GraphLevelsConfig(**({"pipeline_slots": 1} | {setting: value}))  # type: ignore[arg-type]


def test_a_signal_that_is_not_given_is_named() -> None:
    world = stores()
    look = replace(seen(world), signals=None, signal_names=())
    with pytest.raises(ConfigurationError, match="signal 'scale' is not observed"):
        graph(world).decide(look)
