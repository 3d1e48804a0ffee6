"""Bound ≤ optimum ≤ policy, where theory knows the optimum: for every policy of the catalogue.

A policy of the room is asked for its orders in every state that it can reach, so that its cost is
exact; what only a simulation can tell has its standard error beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from restock.demand.price_response import AdditiveNoise, LinearResponse
from restock.optimality import (
    Clearance,
    Hindsight,
    SerialSystem,
    best_clearance,
    best_mix,
    clark_scarf,
    counted,
    dual_sourcing,
    fluid_clearance,
    joint_pricing,
    lost_sales,
    network_bound,
    perishables,
    poisson_pmf,
    serial_cost,
)
from restock.policies import (
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
    FixedPrice,
    MarkdownSchedule,
    ModifiedReorderPoint,
    Priced,
    ReorderBatches,
    ReorderPoint,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
)
from restock.problem import Instance, Lane, Location, PriceRules, Product
from restock.simulation import (
    Ages,
    Decision,
    Memory,
    Observation,
    Policy,
    Prices,
    Scenario,
    SellingSeason,
    State,
    SteadyDemand,
    Trace,
    World,
    rollout,
)
from restock.simulation.period import decide, observe
from restock.simulation.perishing import Shelf

HAIR = 1e-6
ERRORS = 4.0
"""Standard errors that a simulated mean may lie on the wrong side of an exact one."""


def numbers(*values: float) -> Tensor:
    """Return one row, ``[1, 1, E]``."""
    return torch.tensor([[values]], dtype=torch.float64)


def supplied(product: Product, **lead_times: int) -> Instance:
    """One shop with a lane from each named supplier, units ordered singly."""
    return Instance(
        name="shop",
        products=(product,),
        locations=(
            *(Location(id=each, holds_stock=False) for each in lead_times),
            Location(id="shop"),
        ),
        lanes=tuple(
            Lane(product_id=product.id, origin=each, destination="shop", lead_time_periods=periods)
            for each, periods in lead_times.items()
        ),
    )


def orders_of(policy: Policy, world: World, state: State) -> tuple[np.ndarray, Decision]:
    """Return the whole units ``[S, E]`` that a policy orders in each of S states."""
    nothing = Scenario(torch.zeros(len(state.on_hand), 1, 1, 1, dtype=torch.float64))
    nothing = replace(
        nothing, signals=torch.full((1, 1, 1, 1), 2.0).double(), signal_names=("scale",)
    )
    seen = observe(world, state, nothing, 0)
    decision = policy.decide(seen)
    return decide(world, seen, decision)[:, 0].numpy().astype(np.int64), decision


def column(values: np.ndarray) -> Tensor:
    """Return one number for each state, ``[S, 1, 1]``."""
    return torch.from_numpy(values.astype(float)).reshape(-1, 1, 1)


def of_one_lane(policy: Policy, world: World) -> Callable[[np.ndarray], np.ndarray]:
    """Return a policy as a rule on (on hand, due in 1, 2, … periods)."""

    def rule(states: np.ndarray) -> np.ndarray:
        due = tuple(column(states[:, k]) for k in range(1, states.shape[1]))
        on_order = column(states[:, 1:].sum(axis=1))
        return orders_of(policy, world, State(column(states[:, 0]), on_order, (*due, None)))[0][
            :, 0
        ]

    return rule


@dataclass(frozen=True)
class Table:
    """The optimal orders, read from a table of whole states ``[S, n] → [S]``."""

    orders: Callable[[np.ndarray], np.ndarray]

    def decide(self, observation: Observation) -> Decision:
        slots = [
            torch.zeros_like(observation.on_order) if s is None else s for s in observation.pipeline
        ]
        states = torch.cat([observation.on_hand, *slots], dim=-1)[:, 0].round().long().numpy()
        return Decision(observation.lane_position + column(self.orders(states)))


# Lost sales with a fixed cost: lead time 2, demand about 2, fixed cost 5, holding 1, shortage 9.

REGULAR = lost_sales.LostSales(
    np.array([0.1, 0.25, 0.3, 0.25, 0.1]), 2, holding_cost=1, shortage_cost=9, fixed_order_cost=5
)
ONE_LANE: dict[str, Policy] = {
    "base stock": BaseStock(numbers(7)),
    "capped": CappedBaseStock(numbers(8), numbers(3)),
    "constant": ConstantOrder(numbers(1)),
    "(s, S)": ReorderPoint(numbers(4), numbers(9)),
    "(s, nQ)": ReorderBatches(numbers(4), numbers(4)),
    "(s, S, q)": ModifiedReorderPoint(numbers(5), numbers(10), numbers(5)),
    "ensemble": Ensemble([BaseStock(numbers(7)), CappedBaseStock(numbers(9), numbers(4))]),
    "echelon": EchelonBaseStock(numbers(6)),
}


def test_no_rule_for_lost_sales_costs_less_than_the_optimum() -> None:
    instance = supplied(Product(id="tea", holding_cost=1, shortage_cost=9), s=2)
    world = World.from_instance(instance, torch.float64)
    best = lost_sales.solve(REGULAR)
    assert best.lower <= best.cost <= best.upper
    # a constant order lets stock grow without bound: it is tried where stock perishes
    for name in ONE_LANE.keys() - {"constant"}:
        policy = ONE_LANE[name]
        cost = lost_sales.evaluate(REGULAR, of_one_lane(policy, world)).cost
        assert cost >= best.lower - HAIR, name
    # the best rules of each kind are no better, and the best of all is not far
    for rule in (lost_sales.best_s_s, lost_sales.best_s_nq, lost_sales.best_modified_s_s):
        assert best.lower - HAIR <= rule(REGULAR).cost <= 1.1 * best.cost
    found = lost_sales.evaluate(REGULAR, of_one_lane(Table(best.orders), world)).cost
    assert found == pytest.approx(best.cost, abs=1e-5)


# Two sources: the slow one takes 2 periods at 10, the fast one none at 14.

SOURCES = dual_sourcing.DualSourcing(
    np.array([0.2, 0.2, 0.2, 0.2, 0.2]), 2, 10, 14, holding_cost=1, shortage_cost=19
)
FAST_AND_SLOW = TwoLanes(expedited=0, regular=1)
TWO_LANES: dict[str, Policy] = {
    "dual index": DualIndex(FAST_AND_SLOW, numbers(2), numbers(6)),
    "capped dual index": CappedDualIndex(FAST_AND_SLOW, numbers(2), numbers(7), numbers(3)),
    "single index": SingleIndex(FAST_AND_SLOW, numbers(5), numbers(8)),
    "tailored base surge": TailoredBaseSurge(FAST_AND_SLOW, numbers(3), numbers(1)),
    "fast only": BaseStock(numbers(4, 0)),
    "slow only": BaseStock(numbers(-99, 8)),
}


def two_sources() -> World:
    tea = Product(id="tea", holding_cost=1, shortage_cost=19, lost_share=0)
    plain = supplied(tea, fast=0, slow=2)
    lanes = zip(plain.lanes, (14.0, 10.0), strict=True)
    dear = tuple(replace(lane, unit_cost=cost) for lane, cost in lanes)
    return World.from_instance(replace(plain, lanes=dear), torch.float64)


def of_two_lanes(policy: Policy, world: World) -> dual_sourcing.Decide:
    """Return a policy as a rule on (net inventory, due in 1, …) of a slow lane of 2 periods."""

    def rule(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        due = torch.cat([torch.zeros(len(states), 1, 1).double(), column(states[:, 1])], dim=-1)
        net = column(states[:, 0])
        state = State(net.clamp_min(0), due, (due, None), (-net).clamp_min(0))
        fast, slow = orders_of(policy, world, state)[0].T
        return fast, slow

    return rule


def test_no_rule_for_two_sources_costs_less_than_the_optimum() -> None:
    world, best = two_sources(), dual_sourcing.solve(SOURCES)
    assert world.network.lanes == (("fast", "shop"), ("slow", "shop"))
    for name, policy in TWO_LANES.items():
        if name == "tailored base surge":  # its stock has no bound, and its chain no end
            cost = dual_sourcing.evaluate_tailored_base_surge(SOURCES, 3, 1)
        else:
            cost = dual_sourcing.evaluate(SOURCES, of_two_lanes(policy, world)).cost
        assert cost >= best.lower - HAIR, name
    capped = dual_sourcing.best_capped_dual_index(SOURCES).cost
    assert best.lower - HAIR <= capped <= dual_sourcing.best_dual_index(SOURCES).cost + HAIR
    assert capped <= 1.05 * best.cost


# Perishables: three periods of life, lead time 2, oldest or freshest first.


@pytest.mark.parametrize("fifo_share", [1.0, 0.0])
def test_no_rule_for_perishables_costs_less_than_the_optimum(fifo_share: float) -> None:
    costs = perishables.PerishableCosts(unit=3, holding=1, shortage=9, waste=7)
    pmf = np.array([0.2, 0.3, 0.3, 0.2])
    problem = perishables.Perishable(pmf, 2, 3, costs, 6, fifo_share=fifo_share, discount=0.95)
    milk = Product(
        id="milk",
        holding_cost=1,
        shortage_cost=9,
        waste_cost=7,
        shelf_life_periods=3,
        fifo_share=fifo_share,
    )
    plain = supplied(milk, s=2)
    lanes = tuple(replace(each, capacity_units=6.0) for each in plain.lanes)
    world = World.from_instance(replace(plain, lanes=lanes), torch.float64)
    shelf = next(each for each in world.openings if isinstance(each, Shelf))
    best = perishables.solve(problem)
    ageing = {"effective": EffectiveBaseStock(numbers(6), shelf)}
    for name, policy in {**ONE_LANE, **ageing}.items():
        rule = of_aged_lane(policy, world)
        cost = perishables.evaluate(problem, rule, warm_up_periods=0, periods=400).cost
        assert cost >= best.lower - HAIR, name
    # 0.95 to the 400 is nothing
    found = perishables.evaluate(problem, best.orders, warm_up_periods=0, periods=400).cost
    assert found == pytest.approx(best.cost, abs=1e-4)


def of_aged_lane(policy: Policy, world: World) -> perishables.Decide:
    """Return a policy as a rule on (three classes of age, due in 1 period)."""

    def rule(states: np.ndarray) -> np.ndarray:
        ages = torch.from_numpy(states[:, :3].astype(float)).reshape(-1, 1, 1, 3)
        due = column(states[:, 3])
        memory = Memory(Ages(ages, (None, None)))
        state = State(ages.sum(-1), due, (due, None), memory=memory)
        return orders_of(policy, world, state)[0][:, 0]

    return rule


# Price and order together: three prices, additive demand, backorders, lead time 0.

PRICES = np.array([6.0, 8.0, 10.0])
JOINT = joint_pricing.JointPricing(
    prices=PRICES,
    demand=joint_pricing.additive_demand(
        np.array([5, 4, 3]), np.array([0.2, 0.2, 0.2, 0.2, 0.2]), first=-2
    ),
    unit_cost=3,
    holding_cost=1,
    shortage_cost=8,
)


def priced_world() -> World:
    """Return a world of the same demand: 3 at the list price 10, one more for each 2 less."""
    rules = PriceRules(ladder=tuple(PRICES.tolist()))
    tea = Product(
        id="tea",
        list_price=10,
        unit_cost=3,
        holding_cost=1,
        shortage_cost=8,
        lost_share=0,
        price_rules=rules,
    )
    mean, ten = torch.tensor([[3.0]]).double(), torch.tensor([10.0]).double()
    response = AdditiveNoise(LinearResponse(ten, -ten / 6), mean)
    return World.from_instance(supplied(tea, s=0), torch.float64, price_response=response)


def table_of(policy: Policy, world: World) -> joint_pricing.JointRule:
    """Return the levels and prices that a policy wishes at each net stock."""
    net = column(JOINT.states)
    ten = torch.full_like(net, 10.0)
    state = State(
        net.clamp_min(0),
        torch.zeros_like(net),
        (None,),
        (-net).clamp_min(0),
        Memory(prices=Prices(ten, ten, ten)),
    )
    units, decision = orders_of(policy, world, state)
    assert decision.price is not None
    asked = decision.price.expand(len(net), 1, 1).flatten().numpy()
    index = np.abs(asked[:, None] - PRICES).argmin(axis=1)
    return joint_pricing.JointRule(JOINT.states + units[:, 0], index)


RULES: dict[str, Policy] = {
    "base stock list price": BaseStockListPrice(
        numbers(7), torch.tensor([[8.0, 8.0, 6.0]]).double()
    ),
    "fixed price 6": Priced(BaseStock(numbers(7)), FixedPrice(numbers(6))),
    "fixed price 10": Priced(BaseStock(numbers(5)), FixedPrice(numbers(10))),
    "cost plus": Priced(
        ReorderPoint(numbers(3), numbers(7)),
        CostPlus(torch.tensor([[3.0]]).double(), numbers(5 / 3)),
    ),
    "batches": Priced(ReorderBatches(numbers(3), numbers(3)), FixedPrice(numbers(8))),
}


def test_no_rule_for_price_and_order_earns_more_than_the_optimum_nor_this_than_the_fluid() -> None:
    best, world = joint_pricing.best_prices_and_orders(JOINT), priced_world()
    # without chance nothing is held or missed: the best price alone
    fluid = best_mix(JOINT.mean_demand, PRICES - JOINT.unit_cost).value
    assert best.profit <= best.upper <= fluid + HAIR
    for name, policy in RULES.items():
        earned = joint_pricing.joint_profit(JOINT, table_of(policy, world))
        assert earned <= best.upper + HAIR, name
        assert earned > 0, name
    # the world earns what the chain says
    name = "base stock list price"
    simulated, error = profit_of(RULES[name], world)
    exact = joint_pricing.joint_profit(JOINT, table_of(RULES[name], world))
    assert abs(simulated - exact) <= ERRORS * error
    assert simulated <= best.upper + ERRORS * error


def profit_of(policy: Policy, world: World, paths: int = 2000) -> tuple[float, float]:
    """Return the mean profit per period after a while, and its standard error."""
    luck = torch.Generator().manual_seed(7)
    demand = torch.randint(1, 6, (paths, 30, 1, 1), generator=luck).double()
    trace = Trace()
    rollout(world, policy, Scenario(demand), world.empty_state(paths), trace)
    price, asked = trace.series("price")[:, 10:, 0, 0], trace.series("demand")[:, 10:, 0, 0]
    bought = 3.0 * trace.series("order")[:, 10:, 0, 0]
    # who waits has paid the price of the day on which he asked
    earned = (price * asked - bought - trace.series("cost")[:, 10:, 0, 0]).mean(1)
    return float(earned.mean()), float(earned.std()) / paths**0.5


# Clearance: 12 units, one season, three prices.

SEASON = Clearance(
    prices=np.array([6.0, 8.0, 10.0]), rates=np.array([1.8, 1.3, 0.8]), stock=12, horizon=10.0
)
SCHEDULES: dict[str, tuple[list[float], list[int]]] = {
    "never": ([8.0], [10]),
    "late": ([10.0, 6.0], [10, 3]),
    "in steps": ([10.0, 8.0, 6.0], [10, 7, 3]),
}


def test_no_markdown_earns_more_than_the_best_nor_this_than_the_fluid() -> None:
    best, fluid = best_clearance(SEASON), fluid_clearance(SEASON).value
    assert best.lower[-1] <= best.upper[-1]
    assert best.lower[-1] <= fluid
    tea = Product(id="tea", list_price=10, price_rules=PriceRules(floor=1))
    ten = torch.tensor([10.0]).double()
    for name, (prices, left) in SCHEDULES.items():
        pricing = MarkdownSchedule(torch.tensor([prices]).double(), torch.tensor(left))
        policy = Priced(BaseStock(numbers(0)), pricing)
        world = World.from_instance(supplied(tea, s=1), torch.float64, price_response=Arrivals(ten))
        season = SellingSeason(SteadyDemand(Uniform()), 10).sample(
            4000, 10, torch.Generator().manual_seed(3)
        )
        trace = Trace()
        stock = torch.full((4000, 1, 1), 12.0)
        rollout(world, policy, season, world.state_with(stock), trace)
        earned = (trace.series("price") * trace.series("sold")).sum((1, 2, 3))
        error = float(earned.std()) / len(earned) ** 0.5
        assert float(earned.mean()) <= best.upper[-1] + ERRORS * error, name
        assert float(earned.mean()) >= 0.6 * best.lower[-1], name


@dataclass(frozen=True)
class Uniform:
    """The luck of a day in [0, 1), from which customers are drawn when the price is known."""

    @property
    def mean(self) -> Tensor:
        return torch.ones(1)

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Tensor:
        return torch.rand(paths, periods, 1, 1, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class Arrivals:
    """Poisson customers of the season's rate at each price, by inverting the luck of the day."""

    list_price: Tensor
    remembers: bool = False

    def demand(self, base: Tensor, price: Tensor, reference: Tensor) -> Tensor:
        del reference
        asked = torch.zeros_like(base)
        for money, rate in zip(SEASON.prices, SEASON.rates, strict=True):
            until = torch.from_numpy(poisson_pmf(float(rate))).cumsum(0)
            units = torch.searchsorted(until, base.contiguous(), right=True).to(base)
            asked = torch.where(price == money, units, asked)
        return asked

    def next_reference(self, reference: Tensor, price: Tensor) -> Tensor:
        del price
        return reference


# Two stages in a row, backorders.

CHAIN = SerialSystem.periodic(
    counted(poisson_pmf(3)), lead_times=(2, 1), holding_costs=(1, 2), shortage_cost=20
)


def test_no_rule_for_a_chain_costs_less_than_clark_and_scarf() -> None:
    best = clark_scarf(CHAIN)
    upper, lower = best.levels
    for more, less in ((2, 0), (-2, 0), (0, 2), (0, -2), (3, -1)):
        assert serial_cost(CHAIN, (upper + more, lower + less)).cost >= best.cost - HAIR
    tea = Product(id="tea", lost_share=0, shortage_cost=20)
    instance = Instance.serial(tea, (2, 1), (1, 2))
    world = World.from_instance(instance, torch.float64)
    rules: dict[str, Policy] = {
        "echelon": EchelonBaseStock(numbers(upper, lower)),
        "local": BaseStock(numbers(*best.local_levels)),
        "leaner": EchelonBaseStock(numbers(upper - 2, lower - 1)),
        "batches": ReorderBatches(numbers(best.local_levels[0] - 3, lower - 1), numbers(4, 2)),
        "(s, S)": ReorderPoint(numbers(best.local_levels[0] - 3, lower - 2), numbers(12, lower)),
        "capped": CappedBaseStock(numbers(*best.local_levels), numbers(5, 5)),
    }
    for name, policy in rules.items():
        cost, error = chain_cost(policy, world)
        assert cost >= best.cost_on_hand - ERRORS * error, name
        if name == "echelon":
            assert cost == pytest.approx(best.cost_on_hand, abs=ERRORS * error), name


def chain_demand(paths: int, periods: int) -> Scenario:
    luck = torch.Generator().manual_seed(11)
    asked = torch.poisson(torch.full((paths, periods, 1, 1), 3.0), generator=luck).double()
    return Scenario(torch.cat([torch.zeros_like(asked), asked], dim=-1))


def chain_cost(policy: Policy, world: World, paths: int = 1500) -> tuple[float, float]:
    """Return the mean cost per period after a while, and its standard error."""
    trace = Trace()
    rollout(world, policy, chain_demand(paths, 45), world.empty_state(paths), trace)
    cost = trace.series("cost")[:, 15:, 0, 0].mean(1)
    return float(cost.mean()), float(cost.std()) / paths**0.5


def below_hindsight(instance: Instance, policy: Policy, scenario: Scenario, optimum: float) -> None:
    """Require bound ≤ cost of the best policy on each path, and bound ≤ optimum on average.

    The first half of the periods brings the state to its long run; the second is measured.
    """
    world = World.from_instance(instance, torch.float64)
    half, trace = scenario.periods // 2, Trace()
    middle = rollout(world, policy, scenario.window(0, half), world.empty_state(scenario.paths))
    after = scenario.window(half, scenario.periods)
    rollout(world, policy, after, middle, trace)
    slots = [torch.zeros_like(middle.on_order) if s is None else s for s in middle.pipeline]
    told = Hindsight(
        demand=after.demand.numpy(),
        initial_stock=middle.on_hand.numpy(),
        backlog=0.0 if middle.backlog is None else middle.backlog.numpy(),
        pipeline=torch.stack(slots, 1).numpy(),
        lanes=world.network.lanes,
    )
    bound = network_bound(instance, told).cost
    paid = trace.series("cost").sum((1, 2, 3)).numpy()
    assert bool((bound <= paid + HAIR).all())
    error = bound.std() / len(bound) ** 0.5
    assert bound.mean() <= optimum * half + ERRORS * error
    assert bound.mean() > 0


def test_hindsight_is_below_the_optimum_of_a_chain() -> None:
    best = clark_scarf(CHAIN)
    tea = Product(id="tea", lost_share=0, shortage_cost=20)
    policy = EchelonBaseStock(numbers(*best.levels))
    instance = Instance.serial(tea, (2, 1), (1, 2))
    below_hindsight(instance, policy, chain_demand(30, 24), best.cost_on_hand)


def test_hindsight_is_below_the_optimum_of_lost_sales() -> None:
    best = lost_sales.solve(REGULAR)
    plain = supplied(Product(id="tea", holding_cost=1, shortage_cost=9), s=2)
    lanes = tuple(replace(each, fixed_order_cost=5.0) for each in plain.lanes)
    luck = np.random.default_rng(5).choice(5, (30, 24, 1, 1), p=REGULAR.pmf)
    scenario = Scenario(torch.from_numpy(luck).double())
    below_hindsight(replace(plain, lanes=lanes), Table(best.orders), scenario, best.cost)
