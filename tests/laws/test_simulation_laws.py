"""Laws that hold for every instance: conservation, independence of batching, absent features.

All sums run in double precision; quantities are drawn as whole quarters, so conservation is exact.
"""

from dataclasses import replace
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.policies import BaseStock, CappedBaseStock, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import Policy, Scenario, State, Trace, World, average_cost, rollout, step
from restock.simulation.arrivals import MixedLeadTimes, UniformLeadTime
from restock.simulation.ordering import FreeOrders, PackedOrders, WholeUnitOrders
from restock.simulation.unmet import Backorders, LostSales, PartialBackorders

PLACES = (Location(id="s", holds_stock=False), Location(id="w"))
Terms = list[dict[str, Any]]

terms_of_products = st.lists(
    st.fixed_dictionaries(
        {
            "lead": st.integers(0, 5),
            "pack": st.sampled_from([0, 0, 1, 4]),
            "share": st.sampled_from([0.0, 0.5, 1.0]),
            "level": st.integers(0, 100).map(lambda n: n / 4),
            "cap": st.integers(1, 40).map(lambda n: n / 4),
        }
    ),
    min_size=1,
    max_size=4,
)
seeds = st.integers(0, 2**32)


def instance_of(terms: Terms) -> Instance:
    lanes = tuple(
        Lane(
            product_id=f"p{n}",
            origin="s",
            destination="w",
            lead_time_periods=term["lead"],
            case_pack_units=term["pack"],
            fixed_order_cost=0.5,
        )
        for n, term in enumerate(terms)
    )
    products = tuple(
        Product(id=f"p{n}", holding_cost=1.0, shortage_cost=4.0 + n, lost_share=term["share"])
        for n, term in enumerate(terms)
    )
    return Instance(name="x", products=products, locations=PLACES, lanes=lanes)


def world_of(terms: Terms) -> World:
    return World.from_instance(instance_of(terms), dtype=torch.float64)


def policy_of(terms: Terms) -> CappedBaseStock:
    def column(name: str) -> Tensor:
        values = [term[name] for term in terms]
        return torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1)

    return CappedBaseStock(column("level"), column("cap"))


def quarters(seed: int, *shape: int, most: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, most, shape, generator=generator).to(torch.float64) / 4


def demand_of(seed: int, terms: Terms, paths: int = 3, periods: int = 12) -> Tensor:
    return quarters(seed, paths, periods, len(terms), 1)


def traced(
    terms: Terms, demand: Tensor, on_hand: Tensor, policy: Policy | None = None
) -> tuple[State, Trace]:
    trace, world = Trace(), world_of(terms)
    decider = policy_of(terms) if policy is None else policy
    state = rollout(world, decider, Scenario(demand), world.state_with(on_hand), trace)
    return state, trace


def waiting(state: State) -> Tensor:
    nothing = torch.zeros_like(state.on_hand)
    return nothing if state.backlog is None else state.backlog


def on_the_way(state: State) -> Tensor:
    slots = [slot for slot in state.pipeline if slot is not None]
    return sum(slots, torch.zeros_like(state.on_hand))


@given(terms_of_products, seeds)
@settings(max_examples=30)
def test_stock_is_conserved(terms: Terms, seed: int) -> None:
    opening = quarters(seed + 1, 3, len(terms), 1)
    end, trace = traced(terms, demand_of(seed, terms), opening)
    ordered, sold = trace.series("order").sum(1), trace.series("sold").sum(1)
    # opening + ordered = sold + on hand + on the way
    assert torch.equal(opening + ordered, sold + end.on_hand + end.on_order)
    assert torch.equal(end.on_order, on_the_way(end))


@given(terms_of_products, seeds)
@settings(max_examples=30)
def test_demand_is_conserved(terms: Terms, seed: int) -> None:
    end, trace = traced(terms, demand_of(seed, terms), torch.zeros(3, len(terms), 1))
    sold, lost = trace.series("sold").sum(1), trace.series("lost").sum(1)
    # demand = sold + lost + still waiting
    assert torch.equal(trace.series("demand").sum(1), sold + lost + waiting(end))


@given(terms_of_products, seeds)
@settings(max_examples=25)
def test_every_order_is_received_once_after_its_lead_time(terms: Terms, seed: int) -> None:
    world, policy, scenario = world_of(terms), policy_of(terms), Scenario(demand_of(seed, terms))
    state, sold, orders = world.empty_state(3), torch.zeros(3, len(terms), 1), []
    for period in range(scenario.periods):
        state, flows = step(world, policy, state, scenario, period)
        sold = sold + flows.served.sold
        orders.append(flows.order)
        for product, term in enumerate(terms):
            due = orders[: max(period + 1 - term["lead"], 0)]
            arrived = sum((order[:, product] for order in due), torch.zeros(3, 1))
            # all that ever came is on hand or sold
            assert torch.equal(state.on_hand[:, product] + sold[:, product], arrived)


@given(terms_of_products, seeds)
@settings(max_examples=30)
def test_nothing_is_ever_negative_and_nobody_waits_while_there_is_stock(
    terms: Terms, seed: int
) -> None:
    _, trace = traced(terms, demand_of(seed, terms), torch.zeros(3, len(terms), 1))
    names = ("order", "sold", "left", "lost", "short", "cost")
    assert all(bool((trace.series(name) >= 0).all()) for name in names)
    assert bool((trace.series("left") * trace.series("short") == 0).all())


@given(terms_of_products, seeds)
@settings(max_examples=25)
def test_parallel_paths_are_single_runs(terms: Terms, seed: int) -> None:
    demand, opening = demand_of(seed, terms), quarters(seed + 1, 3, len(terms), 1)
    _, together = traced(terms, demand, opening)
    for path in range(3):
        _, alone = traced(terms, demand[path : path + 1], opening[path : path + 1])
        for name in ("order", "sold", "left", "lost", "cost"):
            assert torch.equal(alone.series(name), together.series(name)[path : path + 1])


@given(terms_of_products, seeds, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_permuted_products_have_permuted_results(terms: Terms, seed: int, random: Any) -> None:  # noqa: ANN401
    order = list(range(len(terms)))
    random.shuffle(order)
    demand = demand_of(seed, terms)
    opening = torch.zeros(3, len(terms), 1)
    _, straight = traced(terms, demand, opening)
    # names and prices go with the products
    instance = instance_of(terms)
    moved = replace(
        instance,
        products=tuple(instance.products[place] for place in order),
        lanes=tuple(instance.lanes[place] for place in order),
    )
    world, trace = World.from_instance(moved, dtype=torch.float64), Trace()
    policy = policy_of([terms[place] for place in order])
    rollout(world, policy, Scenario(demand[:, :, order]), world.state_with(opening), trace)
    for name in ("order", "sold", "left", "lost", "cost"):
        assert torch.equal(trace.series(name), straight.series(name)[:, :, order])


@given(terms_of_products, seeds, st.integers(1, 8))
@settings(max_examples=25)
def test_average_cost_in_chunks_is_average_cost_at_once(
    terms: Terms, seed: int, chunk: int
) -> None:
    scenario = Scenario(demand_of(seed, terms, paths=7))
    world, policy = world_of(terms), policy_of(terms)
    whole = average_cost(world, policy, scenario, 3)
    assert whole.shape == (7, len(terms))
    assert torch.equal(average_cost(world, policy, scenario, 3, chunk_paths=chunk), whole)
    _, trace = traced(terms, scenario.demand, torch.zeros(7, len(terms), 1))
    torch.testing.assert_close(whole, trace.series("cost")[:, 3:].mean(1).squeeze(-1))


@given(terms_of_products, seeds, st.integers(1, 11))
@settings(max_examples=25)
def test_a_rollout_cut_in_two_is_the_rollout(terms: Terms, seed: int, cut: int) -> None:
    scenario = Scenario(demand_of(seed, terms))
    world, policy = world_of(terms), policy_of(terms)
    empty = world.empty_state(3)
    whole = rollout(world, policy, scenario, empty)
    middle = rollout(world, policy, scenario.window(0, cut), empty)
    parts = rollout(world, policy, scenario.window(cut, 12), middle.detach())
    assert torch.equal(parts.on_hand, whole.on_hand)
    assert torch.equal(parts.on_order, whole.on_order)
    assert torch.equal(waiting(parts), waiting(whole))


def test_features_that_are_off_are_not_there() -> None:
    tea = Product(id="tea", holding_cost=1.0, shortage_cost=4.0)
    mug = replace(tea, id="mug")
    lost = World.from_instance(Instance.single_location([tea, mug], 2))
    assert isinstance(lost.unmet, LostSales)
    assert isinstance(lost.arrivals, UniformLeadTime)
    assert isinstance(lost.ordering, FreeOrders)
    assert lost.empty_state(1).backlog is None
    trace = Trace()
    state = rollout(
        lost,
        BaseStock(torch.ones(1, 2, 1)),
        Scenario(torch.ones(1, 3, 2, 1)),
        lost.empty_state(1),
        trace,
    )
    assert state.backlog is None
    assert trace.flows[0].fixed_cost is None


def test_each_feature_brings_its_own_mechanism() -> None:
    tea = Product(id="tea", lost_share=0.0)
    mug = Product(id="mug", lost_share=1.0)
    waits = World.from_instance(Instance.single_location([tea], 2))
    mixed = World.from_instance(Instance.single_location([tea, mug], {"tea": 0, "mug": 2}))
    assert isinstance(waits.unmet, Backorders)
    assert waits.empty_state(1).backlog is not None
    assert isinstance(mixed.unmet, PartialBackorders)
    assert isinstance(mixed.arrivals, MixedLeadTimes)
    assert len(mixed.empty_state(1).pipeline) == 2
    lanes = Instance.single_location([tea], 2).lanes
    for pack, ordering in ((0, FreeOrders), (1, WholeUnitOrders), (6, PackedOrders)):
        packed = tuple(replace(lane, case_pack_units=pack) for lane in lanes)
        shop = replace(Instance.single_location([tea], 2), lanes=packed)
        assert isinstance(World.from_instance(shop).ordering, ordering)


def test_the_same_seed_gives_the_same_run_bit_for_bit() -> None:
    terms = [{"lead": 2, "pack": 1, "share": 0.5, "level": 12.0, "cap": 9.0}]
    runs = [
        traced(terms, demand_of(seed, terms), torch.zeros(3, 1, 1))[1].series("cost")
        for seed in (4, 4, 5)
    ]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def a_network(terms: Terms, seed: int) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=3, hidden=(8,))
    generator = torch.Generator().manual_seed(seed)
    anchors = torch.tensor([1.5 + term["lead"] for term in terms])
    policy = NeuralOrderUpTo(config, anchors, torch.full((len(terms),), 3.0), generator).double()
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.2, generator=generator)
    return policy


@given(terms_of_products, seeds)
@settings(max_examples=30)
def test_one_network_decides_for_each_product_as_if_it_were_alone(terms: Terms, seed: int) -> None:
    demand, policy = demand_of(seed, terms), a_network(terms, seed)
    scale = torch.full((1, 12, len(terms), 1), 5.0, dtype=torch.float64)
    scenario, world = Scenario(demand, scale, ("scale",)), world_of(terms)
    together = average_cost(world, policy, scenario, 0)
    for product, term in enumerate(terms):
        part = Scenario(demand[:, :, [product]], scale[:, :, [product]], ("scale",))
        lone = Instance(
            name="x",
            products=(instance_of(terms).products[product],),
            locations=PLACES,
            lanes=(instance_of(terms).lanes[product],),
        )
        own = a_network([term], seed)
        own.load_state_dict({**policy.state_dict(), **dict(own.named_buffers())})
        alone = average_cost(World.from_instance(lone, torch.float64), own, part, 0)
        torch.testing.assert_close(alone, together[:, [product]])


def test_a_shop_whose_products_have_a_supplier_each_has_one_lane() -> None:
    names = ("tea", "mug", "pot")
    places = (*(Location(id=f"s{n}", holds_stock=False) for n in range(3)), Location(id="w"))
    products = tuple(Product(id=name, holding_cost=1.0) for name in names)
    lanes = tuple(
        Lane(product_id=name, origin=f"s{n}", destination="w", lead_time_periods=n)
        for n, name in enumerate(names)
    )
    shop = Instance(name="x", products=products, locations=places, lanes=lanes)
    world = World.from_instance(shop)
    assert world.network.lanes == (("suppliers", "w"),)
    assert world.shown_network is None
    assert world.arrivals.lead_time.flatten().tolist() == [0, 1, 2]
    # a product with a choice keeps its suppliers apart, for all products
    choice = replace(lanes[0], origin="s2")
    apart = World.from_instance(replace(shop, lanes=(*lanes, choice)))
    assert apart.network.lanes == (("s0", "w"), ("s1", "w"), ("s2", "w"))
