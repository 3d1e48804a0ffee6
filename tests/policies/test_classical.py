"""The classical rules of networks, two sources, batches, perishables and prices, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.optimality import SerialSystem, dual_sourcing, perishables, poisson_pmf, serial_cost
from restock.optimality.gridded import counted
from restock.optimality.perishables import Perishable, PerishableCosts
from restock.policies import (
    BaseStock,
    BaseStockListPrice,
    CappedDualIndex,
    ConstantOrder,
    CostPlus,
    DualIndex,
    EchelonBaseStock,
    EffectiveBaseStock,
    FixedPrice,
    MarkdownSchedule,
    ModifiedReorderPoint,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    Priced,
    ReorderBatches,
    ReorderPoint,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
)
from restock.problem import Instance, Lane, Location, PriceRules, Product, Region, Shipping
from restock.simulation import (
    Ages,
    Memory,
    Observation,
    Policy,
    Scenario,
    SellingSeason,
    SteadyDemand,
    World,
    average_cost,
    step,
)
from restock.simulation.network import network_of
from restock.simulation.period import decide, observe
from restock.simulation.perishing import Shelf, shelf_for

seeds = st.integers(0, 2**32)


def lane(*values: float) -> Tensor:
    """Return one value for each product."""
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1)


def places(*values: float) -> Tensor:
    """Return one value for each location or lane of one product."""
    return torch.tensor([[values]], dtype=torch.float32)


def seen(on_hand: Tensor, on_order: Tensor | None = None) -> Observation:
    lead_time = torch.ones(1, *on_hand.shape[1:], dtype=torch.long)
    return Observation(on_hand, 0 * on_hand if on_order is None else on_order, (), lead_time)


def ordered(policy: Policy, observation: Observation) -> float:
    world = World.from_instance(Instance.single_location([Product(id="A")], 1))
    return decide(world, observation, policy.decide(observation)).item()


# --- batches


@pytest.mark.parametrize(
    ("position", "order"), [(4.5, 0), (4.0, 3), (2.0, 3), (1.0, 6), (0.5, 6), (-5.0, 12)]
)
def test_batches_are_as_few_as_bring_the_position_above_s(position: float, order: float) -> None:
    # 1 + 3 is 4 and not above 4; −5 + 4 · 3 = 7 is the first above 4
    assert ordered(ReorderBatches(lane(4.0), lane(3.0)), seen(lane(position))) == order


@given(st.integers(-40, 40), st.integers(-10, 30), st.integers(1, 9))
def test_one_batch_less_would_not_do(position: int, reorder_point: int, batch: int) -> None:
    policy = ReorderBatches(lane(reorder_point), lane(batch))
    order = ordered(policy, seen(lane(position)))
    assert order % batch == 0
    if order == 0:
        assert position > reorder_point
    else:
        assert position + order - batch <= reorder_point < position + order


@pytest.mark.parametrize("batch", [0.0, -2.0, float("nan")])
def test_a_batch_of_nothing_is_refused(batch: float) -> None:
    with pytest.raises(ConfigurationError, match="`batch` must be > 0 units"):
        ReorderBatches(lane(4.0, 4.0), lane(3.0, batch))


@pytest.mark.parametrize(("position", "order"), [(4.5, 0), (4.0, 5), (8.0, 0), (-1.0, 5)])
def test_a_modified_reorder_point_orders_up_to_s_but_at_most_q(
    position: float, order: float
) -> None:
    assert ordered(ModifiedReorderPoint(lane(4), lane(12), lane(5)), seen(lane(position))) == order


@given(st.integers(-9, 20))
def test_a_cap_that_never_binds_leaves_s_big_s(position: int) -> None:
    plain, modified = (
        ReorderPoint(lane(4), lane(12)),
        ModifiedReorderPoint(lane(4), lane(12), lane(1e9)),
    )
    assert ordered(modified, seen(lane(position))) == ordered(plain, seen(lane(position)))


# --- networks


def chain(lead_times: tuple[int, ...] = (2, 1)) -> Instance:
    tea = Product(id="tea", lost_share=0.0, shortage_cost=9.0)
    return Instance.serial(tea, lead_times, (0.5, 1.0, 2.0)[: len(lead_times)])


def stock_in(world: World, on_hand: Tensor, on_order: Tensor, backlog: Tensor) -> Observation:
    state = world.state_with(on_hand)
    state = replace(state, on_order=on_order, backlog=backlog)
    return observe(world, state, Scenario(torch.zeros(1, 1, 1, on_hand.shape[-1])), 0)


def test_a_stage_counts_what_lies_below_it() -> None:
    # stage 2: 1 on hand + 2 on the way − 4 waiting = −1. Stage 1: 3 + 5 on the way, and −1 below: 7
    world = World.from_instance(chain())
    observation = stock_in(world, places(3, 1), places(5, 2), places(0, 4))
    policy = EchelonBaseStock(places(9, 4))
    orders = decide(world, observation, policy.decide(observation))
    assert orders.flatten().tolist() == [2, 5]
    # each stage's own position (8, −1) would have ordered 1 and 5
    alone = decide(world, observation, BaseStock(places(9, 4)).decide(observation))
    assert alone.flatten().tolist() == [1, 5]


def test_an_echelon_above_its_level_orders_nothing() -> None:
    world = World.from_instance(chain())
    observation = stock_in(world, places(9, 9), places(0, 0), places(0, 0))
    wish = EchelonBaseStock(places(17, 8)).decide(observation)
    assert decide(world, observation, wish).flatten().tolist() == [0, 0]


def test_a_warehouse_counts_all_its_stores() -> None:
    tea = Product(id="tea", lost_share=0.0, shortage_cost=9.0)
    world = World.from_instance(Instance.warehouse_and_stores(tea, 2, {"north": 1, "south": 1}))
    order_of = world.network.locations.index
    assert [order_of(name) for name in ("warehouse", "north", "south")] == [0, 1, 2]
    # positions 4, 3 + 1, 0 − 2: the warehouse's echelon has 4 + 4 − 2 = 6
    observation = stock_in(world, places(4, 3, 0), places(0, 1, 0), places(0, 0, 2))
    wish = EchelonBaseStock(places(15, 6, 5)).decide(observation)
    assert decide(world, observation, wish).flatten().tolist() == [9, 2, 7]


@given(st.floats(0, 100), st.floats(0, 100), st.floats(-50, 200))
def test_echelon_base_stock_in_one_place_is_base_stock(
    on_hand: float, on_order: float, level: float
) -> None:
    observation = seen(lane(on_hand), lane(on_order))
    echelon = ordered(EchelonBaseStock(lane(level)), observation)
    assert echelon == pytest.approx(ordered(BaseStock(lane(level)), observation), abs=1e-4)


def test_echelon_levels_cost_in_the_world_what_the_exact_recursion_says() -> None:
    system = SerialSystem.periodic(
        counted(poisson_pmf(3.0)),
        lead_times=(2, 1),
        holding_costs=(0.5, 1.0),
        shortage_cost=9.0,
    )
    exact = serial_cost(system, (19, 10)).cost_on_hand
    world = World.from_instance(chain())
    generator = torch.Generator().manual_seed(1)
    sold = Poisson(torch.tensor([3.0])).sample(400, 260, generator)
    scenario = Scenario(torch.cat([torch.zeros_like(sold), sold], dim=-1))
    costs = average_cost(world, EchelonBaseStock(places(19, 10)), scenario, 60).double()
    error = costs.std().item() / len(costs) ** 0.5
    assert error < 0.01 * exact
    assert abs(costs.mean().item() - exact) < 3 * error
    # negative control: the same numbers as levels of each stage alone hold far more stock
    alone = average_cost(world, BaseStock(places(19, 10)), scenario, 60).double()
    assert alone.mean().item() - exact > 30 * error


def test_orders_on_top_of_the_position_go_to_each_lane() -> None:
    world = World.from_instance(chain())
    observation = stock_in(world, places(3, 1), places(5, 2), places(0, 4))
    wish = ConstantOrder(places(2, 6)).decide(observation)
    assert decide(world, observation, wish).flatten().tolist() == [2, 6]
    wish = ReorderPoint(places(8, -2), places(10, 9)).decide(observation)
    assert decide(world, observation, wish).flatten().tolist() == [2, 0]


# --- two sources


def pair_world(leads: tuple[tuple[int, int], ...] = ((0, 3),), *, beside: bool = False) -> World:
    """Return a world with a fast and a slow lane into ``shop``, and a second shop if asked."""
    shops = ("shop", "annex") if beside else ("shop",)
    lanes = [
        Lane(
            product_id=f"p{number}",
            origin=origin,
            destination=shop,
            lead_time_periods=periods,
            case_pack_units=0,
        )
        for number, periods_of in enumerate(leads)
        for origin, periods in zip(("fast", "slow"), periods_of, strict=True)
        for shop in shops
    ]
    suppliers = [Location(id=name, holds_stock=False) for name in ("fast", "slow")]
    return World.from_instance(
        Instance(
            name="pair",
            products=tuple(Product(id=f"p{n}", lost_share=0.0) for n in range(len(leads))),
            locations=(*suppliers, *(Location(id=shop) for shop in shops)),
            lanes=tuple(lanes),
        )
    )


def lanes_of(world: World, shop: str = "shop") -> TwoLanes:
    index = world.network.lanes.index
    return TwoLanes(expedited=index(("fast", shop)), regular=index(("slow", shop)))


def look(world: World, on_hand: Tensor, due: list[Tensor], backlog: Tensor) -> Observation:
    """Return what is seen with ``due[k]`` units on each lane k + 1 periods from now."""
    state = world.state_with(on_hand)
    slots = (*due, *[None] * (world.arrivals.slots - len(due)))
    on_order = sum(due, torch.zeros_like(state.on_order))
    state = replace(state, on_order=on_order, pipeline=slots, backlog=backlog)
    return observe(world, state, Scenario(torch.zeros(1, 1, *on_hand.shape[1:])), 0)


def level(value: float) -> Tensor:
    return torch.full((1, 1, 1), float(value))


def rules(lanes: TwoLanes, fast: float, slow: float, cap: float = 1e9) -> dict[str, Policy]:
    return {
        "dual": DualIndex(lanes, level(fast), level(slow)),
        "capped": CappedDualIndex(lanes, level(fast), level(slow), level(cap)),
        "single": SingleIndex(lanes, level(fast), level(slow)),
        "surge": TailoredBaseSurge(lanes, level(fast), level(cap)),
    }


@pytest.mark.parametrize(
    ("name", "orders"),
    # near: 5 + 1 − 2 and, due within the fast lead time of 1, 1 + 2 = 7; position: 4 + all 10 = 14
    [("dual", [2, 4]), ("capped", [2, 3]), ("single", [0, 6]), ("surge", [2, 3])],
)
def test_two_sources_by_hand(name: str, orders: list[float]) -> None:
    world = pair_world(((1, 3),))
    lanes = lanes_of(world)
    due = [places(1, 2), places(0, 7)] if lanes.expedited == 0 else [places(2, 1), places(7, 0)]
    observation = look(world, places(6), due, places(2))
    wish = rules(lanes, 9, 20, cap=3)[name].decide(observation)
    order = decide(world, observation, wish)[0, 0]
    assert [order[lanes.expedited].item(), order[lanes.regular].item()] == orders


@given(seeds, st.integers(1, 4))
@settings(max_examples=40)
def test_rules_for_two_sources_decide_as_those_of_the_exact_room(seed: int, lead_time: int) -> None:
    rng = np.random.default_rng(seed)
    states = rng.integers(0, 6, (30, lead_time))
    states[:, 0] = rng.integers(-12, 12, 30)
    fast, slow, cap = (int(rng.integers(0, most)) for most in (9, 20, 5))
    exact = {
        "dual": dual_sourcing.dual_index(fast, slow),
        "capped": dual_sourcing.capped_dual_index(fast, slow, cap),
        "single": dual_sourcing.single_index(fast, slow),
        "surge": dual_sourcing.tailored_base_surge(fast, cap, 10**6),
    }
    world = pair_world(((0, lead_time),))
    lanes = lanes_of(world)
    net = torch.from_numpy(states[:, :1]).float().unsqueeze(-1)
    units = torch.from_numpy(states[:, 1:]).float()
    due = []
    for slot in units.unbind(-1):
        both = torch.zeros(30, 1, 2)
        both[:, 0, lanes.regular] = slot
        due.append(both)
    observation = look(world, net.clamp_min(0), due, (-net).clamp_min(0))
    for name, policy in rules(lanes, fast, slow, cap).items():
        orders = decide(world, observation, policy.decide(observation))[:, 0]
        expedited, regular = exact[name](states)
        assert orders[:, lanes.expedited].tolist() == expedited.tolist()
        assert orders[:, lanes.regular].tolist() == regular.tolist()


def test_each_product_counts_within_its_own_fast_lead_time() -> None:
    # 4 units are due in 1 and 4 in 2 periods; the products' fast lead times are 0, 1 and 2
    world = pair_world(((0, 3), (1, 3), (2, 3)))
    four = torch.zeros(1, 3, 2)
    four[..., lanes_of(world).regular] = 4.0
    observation = look(world, torch.ones(1, 3, 1), [four, four], torch.zeros(1, 3, 1))
    assert lanes_of(world).near(observation).flatten().tolist() == [1, 5, 9]


@pytest.mark.parametrize("name", ["dual", "capped", "single", "surge"])
def test_a_level_of_minus_infinity_expedites_nothing(name: str) -> None:
    world = pair_world()
    lanes = lanes_of(world)
    observation = look(world, places(0), [], places(9))
    wish = rules(lanes, -torch.inf, 20, cap=4)[name].decide(observation)
    order = decide(world, observation, wish)[0, 0]
    assert order[lanes.expedited] == 0
    assert order[lanes.regular] == {"dual": 29, "capped": 4, "single": 29, "surge": 4}[name]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_huge_cap_leaves_the_dual_index(on_hand: int, due: int, backlog: int) -> None:
    world = pair_world()
    observation = look(world, places(on_hand), [places(due, due)], places(backlog))
    each = rules(lanes_of(world), 8, 17)
    assert torch.equal(
        each["capped"].decide(observation).target, each["dual"].decide(observation).target
    )


def test_while_the_fast_lane_is_closed_the_slow_one_makes_up_for_it() -> None:
    world = pair_world()
    lanes = lanes_of(world)
    observation = look(world, places(1), [], places(0))
    shut = torch.ones(1, 1, 2)
    shut[..., lanes.expedited] = 0.0
    closed = replace(observation, lane_open=shut)
    policy = rules(lanes, 5, 12)["dual"]
    for view, orders in ((observation, [4, 7]), (closed, [0, 11])):
        order = decide(world, view, policy.decide(view))[0, 0]
        assert [order[lanes.expedited].item(), order[lanes.regular].item()] == orders


def test_other_locations_are_left_alone_and_do_not_count() -> None:
    world = pair_world(beside=True)
    lanes = lanes_of(world)
    shop, annex = (world.network.locations.index(name) for name in ("shop", "annex"))
    on_hand, due = torch.zeros(1, 1, 2), torch.zeros(1, 1, 4)
    on_hand[..., annex], on_hand[..., shop] = 50.0, 2.0
    due[..., lanes_of(world, "annex").regular], due[..., lanes.regular] = 30.0, 3.0
    observation = look(world, on_hand, [due], torch.zeros(1, 1, 2))
    orders = decide(world, observation, rules(lanes, 6, 12)["dual"].decide(observation))[0, 0]
    assert orders[lanes.expedited] == 4
    assert orders[lanes.regular] == 12 - (2 + 3) - 4
    assert orders.sum() == 4 + 3


def test_lanes_that_are_no_pair_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be different lanes; got 1 for both"):
        TwoLanes(1, 1)
    world = pair_world(beside=True)
    observation = look(world, torch.zeros(1, 1, 2), [], torch.zeros(1, 1, 2))
    apart = TwoLanes(lanes_of(world).expedited, lanes_of(world, "annex").regular)
    for lanes in (apart, TwoLanes(0, 4), TwoLanes(-1, 0)):
        with pytest.raises(ConfigurationError, match="must be lanes into one location"):
            DualIndex(lanes, level(1), level(2)).decide(observation)
    with pytest.raises(ConfigurationError, match="this world has one lane"):
        SingleIndex(TwoLanes(0, 1), level(1), level(2)).decide(seen(lane(0)))


# --- perishables


def fresh_produce(lead_time: int, shelf_life: int, fifo_share: float = 1.0) -> tuple[World, Shelf]:
    tea = Product(id="tea", shelf_life_periods=shelf_life, fifo_share=fifo_share)
    return with_shelf(Instance.single_location([tea], lead_time))


def with_shelf(instance: Instance) -> tuple[World, Shelf]:
    shelf = shelf_for(instance, network_of(instance, torch.float32), torch.float32)
    assert shelf is not None
    return World.from_instance(instance), shelf


def aged(ages: Tensor, due: list[Tensor], lead_time: Tensor, scale: float) -> Observation:
    """Return what is seen with stock by age ``[B, P, L, A]`` and ``due[k]`` in k + 1 periods."""
    on_order = sum(due, torch.zeros(len(ages), ages.shape[1], lead_time.shape[-1]))
    return Observation(
        ages.sum(-1),
        on_order,
        tuple(due),
        lead_time,
        signals=torch.full((1, ages.shape[1], 1), scale),
        signal_names=("scale",),
        memory=Memory(ages=Ages(ages, ())),
    )


def test_effective_stock_leaves_out_what_will_have_expired() -> None:
    # demand 2 a period, oldest first. Today: of 5, 1, 4 the 5 give 2 and 3 expire. Tomorrow 1, 4
    # and 6 fresh ones: 1 + 1 are sold, nothing expires. An order arrives the day after (L = 2)
    _, shelf = fresh_produce(lead_time=2, shelf_life=3)
    ages = torch.tensor([[[[5.0, 1.0, 4.0]]]])
    observation = aged(ages, [lane(6)], torch.full((1, 1, 1), 2), 2.0)
    policy = EffectiveBaseStock(lane(20), shelf)
    assert policy.expected_to_expire(observation).item() == 3
    # 20 − (10 + 6 − 3)
    assert ordered(policy, observation) == 7
    assert ordered(BaseStock(lane(20)), observation) == 4


@given(seeds, st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=60)
def test_effective_stock_expires_as_the_exact_room_says(
    seed: int, lead_time: int, shelf_life: int, fifo_share: float
) -> None:
    problem = Perishable(
        np.array([0.25, 0.0, 0.25, 0.5]),  # mean 2
        lead_time,
        shelf_life,
        PerishableCosts(unit=3, holding=1, shortage=5, waste=7),
        largest_order=9,
        fifo_share=fifo_share,
    )
    states = np.random.default_rng(seed).integers(0, 7, (20, problem.n_components))
    _, shelf = fresh_produce(lead_time, shelf_life, fifo_share)
    units = torch.from_numpy(states).float()[:, None, None]
    due = [units[..., k] for k in range(shelf_life, problem.n_components)]
    lead = torch.full((1, 1, 1), lead_time)
    observation = aged(units[..., :shelf_life], due, lead, problem.mean)
    expired = EffectiveBaseStock(lane(9), shelf).expected_to_expire(observation)
    exact = perishables.estimated_expiry(problem, states)
    torch.testing.assert_close(expired.flatten().double(), torch.from_numpy(exact))


def test_without_a_lead_time_nothing_expires_first_and_what_keeps_never_does() -> None:
    _, shelf = fresh_produce(lead_time=0, shelf_life=2)
    at_once = aged(torch.tensor([[[[5.0, 3.0]]]]), [], torch.zeros(1, 1, 1).long(), 2.0)
    assert EffectiveBaseStock(lane(9), shelf).decide(at_once).target.item() == 9
    both = [Product(id="tea", shelf_life_periods=1), Product(id="tin")]
    _, shelf = with_shelf(Instance.single_location(both, 3))
    ages = torch.tensor([[[[5.0, 0.0]], [[0.0, 5.0]]]])
    observation = aged(ages, [], torch.full((1, 2, 1), 3), 2.0)
    policy = EffectiveBaseStock(lane(9, 9), shelf)
    assert policy.expected_to_expire(observation).flatten().tolist() == [3, 0]


def test_each_lane_counts_what_expires_within_its_own_lead_time() -> None:
    world = pair_world(((1, 3),))
    instance = Instance(
        name="pair",
        products=(Product(id="p0", shelf_life_periods=3),),
        locations=(
            *(Location(id=n, holds_stock=False) for n in ("fast", "slow")),
            Location(id="w"),
        ),
        lanes=tuple(
            Lane(product_id="p0", origin=origin, destination="w", lead_time_periods=periods)
            for origin, periods in (("fast", 1), ("slow", 3))
        ),
    )
    _, shelf = with_shelf(instance)
    # nothing is sold: 1 expires today, 2 tomorrow, 4 on the third day
    ages = torch.tensor([[[[1.0, 2.0, 4.0]]]])
    observation = aged(ages, [], world.arrivals.lead_time, 0.0)
    observation = replace(observation, network=shelf.network)
    gone = EffectiveBaseStock(places(9, 9), shelf).expected_to_expire(observation)
    assert gone.flatten().tolist() == [1, 7]


def test_what_another_location_sends_arrives_as_old_as_it_was_sent() -> None:
    tea = Product(id="tea", shelf_life_periods=3)
    _, shelf = with_shelf(Instance.warehouse_and_stores(tea, 2, {"store": 2}))
    empty = torch.zeros(1, 1, 2, 3)
    observation = aged(empty, [places(5, 4)], torch.full((1, 1, 2), 2), 0.0)
    sent = torch.zeros(1, 1, 2, 3)
    sent[0, 0, 1, 0] = 4.0  # they expire at the end of the day on which they arrive
    observation = replace(
        observation, memory=Memory(ages=Ages(empty, (sent,))), network=shelf.network
    )
    gone = EffectiveBaseStock(places(9, 9), shelf).expected_to_expire(observation)
    assert gone.flatten().tolist() == [0, 4]


def test_shares_of_demand_say_what_leaves_through_each_location() -> None:
    tea = Product(id="tea", shelf_life_periods=1)
    _, shelf = with_shelf(Instance.warehouse_and_stores(tea, 1, {"store": 1}))
    ages = torch.full((1, 1, 2, 1), 8.0)
    observation = aged(ages, [], torch.ones(1, 1, 2).long(), 4.0)
    observation = replace(observation, network=shelf.network)
    policy = EffectiveBaseStock(places(9, 9), shelf, demand_share=places(1.0, 0.25))
    assert policy.expected_to_expire(observation).flatten().tolist() == [4, 7]


def test_effective_stock_where_nothing_perishes_or_regions_ask_is_refused() -> None:
    _, shelf = fresh_produce(lead_time=1, shelf_life=2)
    with pytest.raises(ConfigurationError, match="nothing perishes"):
        EffectiveBaseStock(lane(9), shelf).decide(seen(lane(1)))
    instance = Instance.single_location([Product(id="A", shelf_life_periods=2)], 1)
    world, shelf = with_shelf(
        replace(
            instance,
            regions=(Region(id="north"),),
            shipping=(Shipping(region="north", location="shop"),),
        )
    )
    scenario = Scenario(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 2.0), ("scale",))
    observation = observe(world, world.state_with(lane(8)), scenario, 0)
    with pytest.raises(ConfigurationError, match="`demand_share` must tell"):
        EffectiveBaseStock(lane(9), shelf).decide(observation)
    policy = EffectiveBaseStock(lane(9), shelf, demand_share=lane(1))
    assert policy.decide(observation).target.item() == 9


# --- prices


def price_of(policy: Policy, observation: Observation) -> list[float]:
    price = policy.decide(observation).price
    assert price is not None
    return [round(money, 5) for money in price.flatten().tolist()]


def test_a_priced_policy_asks_the_price_and_orders_as_before() -> None:
    ordering = ModifiedReorderPoint(lane(4, 4), lane(12, 12), lane(5, 5))
    observation = seen(lane(2, 6))
    policy = Priced(ordering, CostPlus(torch.tensor([[4.0], [10.0]]), level(0.25)))
    wish, before = policy.decide(observation), ordering.decide(observation)
    assert price_of(policy, observation) == [5, 12.5]
    assert torch.equal(wish.target, before.target)
    assert wish.cap is before.cap
    # one price for all products is every product's price
    assert price_of(Priced(ordering, FixedPrice(level(3.0))), observation) == [3, 3]


def test_what_can_be_learned_in_a_priced_policy_is_seen_by_a_trainer() -> None:
    config = NeuralOrderUpToConfig(pipeline_slots=0)
    one = torch.tensor(1.0)
    learned = NeuralOrderUpTo(config, one, one, torch.Generator())
    policy = Priced(learned, FixedPrice(level(3.0)))
    assert len(list(policy.parameters())) == len(list(learned.parameters())) > 0


def test_a_markdown_holds_from_the_day_with_so_many_periods_left() -> None:
    rule = MarkdownSchedule(torch.tensor([[9.0, 6.0, 3.0]]), torch.tensor([30, 5, 2]))
    policy = Priced(BaseStock(lane(0)), rule)
    for left, price in ((40, 9), (30, 9), (6, 9), (5, 6), (3, 6), (2, 3), (1, 3), (0, 3)):
        observation = replace(seen(lane(1)), signals=lane(left), signal_names=("periods_left",))
        assert price_of(policy, observation) == [price]


def test_a_schedule_is_asked_day_by_day_in_the_world() -> None:
    tea = Product(id="tea", list_price=9.0, price_rules=PriceRules(floor=1.0))
    world = World.from_instance(Instance.single_location([tea], 1))
    source = SellingSeason(SteadyDemand(Poisson(torch.tensor([2.0]))), periods=5)
    scenario = source.sample(2, 6, torch.Generator())
    rule = MarkdownSchedule(torch.tensor([[8.0, 6.0, 3.0]]), torch.tensor([5, 3, 1]))
    policy, state = Priced(BaseStock(lane(0)), rule), world.state_with(torch.full((2, 1, 1), 9.0))
    asked = []
    for period in range(6):
        state, flows = step(world, policy, state, scenario, period)
        assert flows.extras is not None
        assert flows.extras.price is not None
        asked.append(flows.extras.price[1].item())
    assert asked == [8, 8, 6, 6, 3, 3]


TABLE = torch.tensor([[5.0, 4.0, 3.5]])


def test_the_list_price_holds_up_to_the_level_and_less_above_it() -> None:
    policy = BaseStockListPrice(lane(10), TABLE)
    for position, price in ((-3, 5), (10, 5), (11, 4), (12, 3.5), (50, 3.5), (10.5, 4.5)):
        observation = seen(lane(position))
        assert price_of(policy, observation) == [price]
        assert policy.decide(observation).target.item() == 10
    # what is on order counts: 8 + 3 lie 1 above 10
    assert price_of(policy, seen(lane(8), lane(3))) == [4]


def test_a_coarse_table_and_a_straight_line_are_interpolated() -> None:
    coarse = BaseStockListPrice(lane(10), TABLE, torch.tensor([[4.0]]))
    assert price_of(coarse, seen(lane(12))) == [4.5]
    assert price_of(coarse, seen(lane(18))) == [3.5]
    # 0.5 a unit from 6 down to 4, reached 4 units above
    line = BaseStockListPrice.linear(
        lane(10, 10),
        torch.tensor([[6.0], [2.0]]),
        torch.tensor([[0.5]]),
        torch.tensor([[4.0], [2.0]]),
    )
    for position, price in ((9, 6), (11, 5.5), (13, 4.5), (14, 4), (99, 4)):
        assert price_of(line, seen(lane(position, position))) == [price, 2]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_prices_that_nobody_can_ask_are_refused(bad: float) -> None:
    prices = torch.tensor([[5.0, bad]])
    with pytest.raises(ConfigurationError, match="`money` must be finite and ≥ 0"):
        FixedPrice(level(bad))
    with pytest.raises(ConfigurationError, match="`unit_cost` must be finite"):
        CostPlus(torch.tensor([[bad]]), level(0.1))
    with pytest.raises(ConfigurationError, match="`markup` must be finite"):
        CostPlus(torch.tensor([[1.0]]), level(bad))
    with pytest.raises(ConfigurationError, match="`prices` must be finite"):
        MarkdownSchedule(prices, torch.tensor([5, 2]))
    with pytest.raises(ConfigurationError, match="`prices` must be finite"):
        BaseStockListPrice(lane(1), prices)


def test_schedules_and_tables_that_run_the_wrong_way_are_refused() -> None:
    prices = torch.tensor([[9.0, 6.0]])
    for left in ([2, 5], [5, 5], [5]):
        with pytest.raises(ConfigurationError, match="`periods_left` must fall"):
            MarkdownSchedule(prices, torch.tensor(left))
    with pytest.raises(ConfigurationError, match="must not rise with stock"):
        BaseStockListPrice(lane(1), prices.flip(-1))
    for step_units in (0.0, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="`step_units` must be finite and > 0"):
            BaseStockListPrice(lane(1), prices, torch.tensor([[step_units]]))
