"""Perishable stock: what leaves, what expires, and that no unit is lost or found on the way.

The batched shelf is compared with a shelf of single lots that is kept in plain Python.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import Instance, Lane, Location, Product
from restock.simulation import CostTally, Decision, Observation, Scenario, State, Trace, World
from restock.simulation.network import network_of
from restock.simulation.period import step
from restock.simulation.perishing import Shelf, shelf_for
from restock.simulation.rollout import rollout

DOUBLE = torch.float64
STEP = 1e-6
B, P, L, A = 3, 2, 2, 4

seeds = st.integers(0, 2**32)
fifo_shares = st.sampled_from([0.0, 0.3, 1.0])


@dataclass(frozen=True)
class Quantity:
    """Orders ``units`` ``[B, T, P, E]`` whatever it sees."""

    units: Tensor

    def decide(self, observation: Observation) -> Decision:
        period = int(observation.signal("period")[0, 0, 0])
        return Decision(observation.lane_position + self.units[:, period])


@dataclass(frozen=True)
class Level:
    level: Tensor

    def decide(self, observation: Observation) -> Decision:
        del observation
        return Decision(self.level)


def scenario_of(demand: Tensor) -> Scenario:
    """Give demand ``[B, T, P, D]`` with the period's number as a signal."""
    _, periods, products, _ = demand.shape
    clock = torch.arange(periods, dtype=demand.dtype).reshape(1, -1, 1, 1)
    return Scenario(demand, clock.expand(1, -1, products, -1), ("period",))


def shop(*products: Product, lead: int = 1) -> Instance:
    return Instance.single_location(products, lead)


def shelf_of(*fifo_shares: float, lives: tuple[int, ...] | None = None) -> Shelf:
    lives = lives or (A,) * len(fifo_shares)
    products = [
        Product(id=f"p{n}", shelf_life_periods=life, fifo_share=share)
        for n, (life, share) in enumerate(zip(lives, fifo_shares, strict=True))
    ]
    instance = shop(*products)
    shelf = shelf_for(instance, network_of(instance, DOUBLE), DOUBLE)
    assert shelf is not None
    return shelf


def draw(seed: int, *, whole: bool = False) -> tuple[Tensor, Tensor]:
    """Return ages ``[B, P, L, A]``, some classes empty, and units from nothing to everything."""
    generator = torch.Generator().manual_seed(seed)
    ages = 9 * torch.rand(B, P, L, A, generator=generator, dtype=DOUBLE)
    ages = ages * (torch.rand(ages.shape, generator=generator) > 0.3)
    if whole:
        ages = ages.round()
    share = (1.4 * torch.rand(B, P, L, generator=generator, dtype=DOUBLE) - 0.2).clamp(0, 1)
    units = share * ages.sum(-1)
    return ages, units.floor() if whole else units


def take_plainly(lots: list[float], units: float, fifo_share: float) -> list[float]:
    """Return what leaves each class: the share oldest first, then the rest freshest first."""
    left, taken = list(lots), [0.0] * len(lots)
    for wanted, classes in (
        (fifo_share * units, range(len(lots))),
        (units - fifo_share * units, reversed(range(len(lots)))),
    ):
        rest = wanted
        for age in classes:
            part = min(rest, left[age])
            left[age] -= part
            taken[age] += part
            rest -= part
    return taken


@given(seeds, fifo_shares, fifo_shares)
def test_what_leaves_is_what_was_asked_and_nothing_is_negative(
    seed: int, one: float, other: float
) -> None:
    ages, units = draw(seed)
    stays, leaves = shelf_of(one, other).take(ages, units)
    assert (stays >= 0).all()
    assert (leaves >= 0).all()
    torch.testing.assert_close(stays + leaves, ages, rtol=0, atol=1e-12)
    torch.testing.assert_close(leaves.sum(-1), units, rtol=0, atol=1e-12)


@given(seeds, fifo_shares, fifo_shares)
@settings(max_examples=30)
def test_the_shelf_takes_what_a_plain_loop_takes(seed: int, one: float, other: float) -> None:
    ages, units = draw(seed)
    _, leaves = shelf_of(one, other).take(ages, units)
    for b, p, place in torch.cartesian_prod(*map(torch.arange, (B, P, L))).tolist():
        expected = take_plainly(
            ages[b, p, place].tolist(), units[b, p, place].item(), (one, other)[p]
        )
        torch.testing.assert_close(leaves[b, p, place], torch.tensor(expected, dtype=DOUBLE))


@given(seeds)
def test_oldest_first_and_freshest_first_keep_whole_units_whole(seed: int) -> None:
    ages, units = draw(seed, whole=True)
    stays, leaves = shelf_of(1.0, 0.0).take(ages.float(), units.float())
    assert torch.equal(leaves, leaves.round())
    assert torch.equal(stays + leaves, ages.float())
    assert torch.equal(leaves.sum(-1), units.float())


def test_fifo_lifo_and_a_mix_take_what_they_say() -> None:
    ages = torch.tensor([2.0, 1.0, 0.0, 4.0], dtype=DOUBLE).expand(1, 3, 1, A)
    _, leaves = shelf_of(1.0, 0.0, 0.5).take(ages, torch.full((1, 3, 1), 5.0, dtype=DOUBLE))
    # FIFO: 2 + 1 + 0 + 2; LIFO: 4 + 0 + 1; half: 2.5 oldest (2, 0.5), then 2.5 freshest
    assert leaves.squeeze().tolist() == [[2, 1, 0, 2], [0, 1, 0, 4], [2, 0.5, 0, 2.5]]


def test_the_freshest_first_part_never_takes_what_the_oldest_first_part_took() -> None:
    ages = torch.tensor([0.0, 0.0, 0.0, 8.0], dtype=DOUBLE).expand(1, 1, 1, A)
    stays, leaves = shelf_of(0.5).take(ages, torch.full((1, 1, 1), 8.0, dtype=DOUBLE))
    assert leaves.flatten().tolist() == [0, 0, 0, 8]
    assert stays.sum() == 0


def test_more_than_there_is_takes_all_and_no_more() -> None:
    ages, _ = draw(7)
    stays, leaves = shelf_of(0.3, 1.0).take(ages, ages.sum(-1) + 1)
    torch.testing.assert_close(leaves, ages, rtol=0, atol=1e-12)
    assert (stays <= 1e-12).all()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_gradient_of_taking_is_the_difference_quotient(share: float) -> None:
    generator = torch.Generator().manual_seed(3)
    ages = (1 + torch.rand(2, 1, 1, A, generator=generator, dtype=DOUBLE)).requires_grad_()
    units = torch.tensor([[[2.6]], [[3.9]]], dtype=DOUBLE).requires_grad_()
    assert torch.autograd.gradcheck(shelf_of(share).take, (ages, units))


def test_an_empty_class_that_is_not_reached_has_no_slope() -> None:
    # 1 of 3 oldest is taken; another unit in the empty third class would change nothing
    ages = torch.tensor([3.0, 1.0, 0.0, 1.0], dtype=DOUBLE).reshape(1, 1, 1, A).requires_grad_()
    _, leaves = shelf_of(1.0).take(ages, torch.ones(1, 1, 1, dtype=DOUBLE))
    (slope,) = torch.autograd.grad(leaves[..., 2].sum(), ages)
    assert slope.flatten().tolist() == [0, 0, 0, 0]


def test_products_of_different_lives_age_on_one_padded_axis() -> None:
    shelf = shelf_of(1.0, 1.0, 1.0, lives=(1, 3, 0))
    assert shelf.fresh.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    ages = 6 * shelf.fresh.reshape(1, 3, 1, 4)
    expired_by_day = []
    for _ in range(4):
        ages, expired = shelf.expire(ages)
        expired_by_day.append(expired.flatten().tolist())
    # a life of 1 ends with the day of arrival, of 3 two days later, the third product keeps
    assert expired_by_day == [[6, 0, 0], [0, 0, 0], [0, 6, 0], [0, 0, 0]]
    assert ages[0, 2, 0].tolist() == [0, 0, 0, 6]


def test_nothing_perishes_nothing_is_there() -> None:
    plain = World.from_instance(shop(Product(id="a")))
    assert (plain.openings, plain.closings, plain.empty_state(2).memory) == ((), (), None)
    perishing = World.from_instance(shop(Product(id="a", shelf_life_periods=3)))
    memory = perishing.empty_state(2).memory
    assert memory is not None
    assert memory.ages is not None


def chain(product: Product, *, warehouse_lead: int = 1, store_leads: tuple[int, ...]) -> Instance:
    stores = {f"store {n}": lead for n, lead in enumerate(store_leads)}
    return Instance.warehouse_and_stores(product, warehouse_lead, stores)


@dataclass
class PlainShelf:
    """One product at one place, as lots of (units, periods of life left)."""

    life: int
    fifo_share: float
    lots: list[float]

    def sell(self, demand: float) -> float:
        sold = min(sum(self.lots), demand)
        taken = take_plainly(self.lots, sold, self.fifo_share)
        self.lots = [lot - part for lot, part in zip(self.lots, taken, strict=True)]
        return sold

    def age(self) -> float:
        expired, *later = self.lots
        self.lots = [*later, 0.0]
        return expired


@given(st.integers(1, 4), st.integers(0, 3), fifo_shares, st.sampled_from([0.0, 0.4, 1.0]), seeds)
@settings(max_examples=40)
def test_a_perishing_shop_keeps_the_same_books_as_single_lots(
    life: int, lead: int, fifo_share: float, lost_share: float, seed: int
) -> None:
    periods = 12
    generator = torch.Generator().manual_seed(seed)
    orders, demand = (
        6 * torch.rand(2, 1, periods, 1, 1, generator=generator, dtype=DOUBLE)
    ).unbind()
    product = Product(
        id="a",
        holding_cost=1.0,
        shortage_cost=4.0,
        waste_cost=7.0,
        lost_share=lost_share,
        shelf_life_periods=life,
        fifo_share=fifo_share,
    )
    world = World.from_instance(shop(product, lead=lead), DOUBLE)
    trace = Trace()
    rollout(world, Quantity(orders), scenario_of(demand), world.empty_state(1), trace)

    shelf, owed = PlainShelf(life, fifo_share, [0.0] * life), 0.0
    for t in range(periods):
        if t >= lead:
            shelf.lots[-1] += orders[0, t - lead].item()
        asked = demand[0, t].item()
        sold = shelf.sell(owed + asked)
        fresh = max(sold - owed, 0.0)
        lost = lost_share * (asked - fresh)
        owed = owed + asked - sold - lost
        expired = shelf.age()
        flows = trace.flows[t]
        assert flows.extras is not None
        assert flows.extras.expired is not None
        books = [flows.served.sold, flows.extras.expired, flows.served.left, flows.cost]
        cost = sum(shelf.lots) + 4 * (lost + owed) + 7 * expired
        assert [book.item() for book in books] == pytest.approx(
            [sold, expired, sum(shelf.lots), cost], abs=1e-9
        )


def test_another_issuing_rule_keeps_other_books() -> None:
    """Negative control of the comparison above: FIFO wastes less than LIFO."""
    generator = torch.Generator().manual_seed(0)
    orders, demand = (6 * torch.rand(2, 1, 40, 1, 1, generator=generator, dtype=DOUBLE)).unbind()
    wasted = []
    for share in (1.0, 0.5, 0.0):
        product = Product(id="a", shelf_life_periods=3, fifo_share=share)
        world = World.from_instance(shop(product), DOUBLE)
        trace = Trace()
        rollout(world, Quantity(orders), scenario_of(demand), world.empty_state(1), trace)
        wasted.append(trace.series("expired").sum().item())
    assert wasted[0] < wasted[1] < wasted[2]


@given(
    st.integers(1, 4), fifo_shares, st.tuples(*[st.integers(0, 2)] * 2), st.integers(0, 2), seeds
)
@settings(max_examples=40)
def test_in_a_network_every_unit_is_sold_expired_on_a_shelf_or_on_the_way(
    life: int, fifo_share: float, store_leads: tuple[int, int], warehouse_lead: int, seed: int
) -> None:
    product = Product(id="a", shelf_life_periods=life, fifo_share=fifo_share)
    keeps = Product(id="b", fifo_share=fifo_share)
    one = chain(product, warehouse_lead=warehouse_lead, store_leads=store_leads)
    instance = replace(
        one,
        products=(product, keeps),
        lanes=one.lanes + tuple(replace(lane, product_id="b") for lane in one.lanes),
    )
    world = World.from_instance(instance, DOUBLE)
    generator = torch.Generator().manual_seed(seed)
    orders = 6 * torch.rand(B, 10, 2, 3, generator=generator, dtype=DOUBLE)
    demand = 4 * torch.rand(B, 10, 2, 3, generator=generator, dtype=DOUBLE)
    scenario, opening = scenario_of(demand), 5 * torch.ones(B, 2, 3, dtype=DOUBLE)
    state, came, went = world.state_with(opening), opening.sum((0, 2)), torch.zeros(2, dtype=DOUBLE)
    for period in range(scenario.periods):
        state, flows = step(world, Quantity(orders), state, scenario, period)
        assert flows.extras is not None
        assert flows.extras.expired is not None
        came = came + flows.order[..., 0].sum(0)
        went = went + (flows.served.sold + flows.extras.expired).sum((0, 2))
        there = (state.on_hand.sum(-1) + state.on_order.sum(-1)).sum(0)
        torch.testing.assert_close(came, went + there)
        assert flows.extras.expired[:, 1].abs().max() < 1e-12
        assert_ages_fit(state)


def assert_ages_fit(state: State) -> None:
    """Require that ages sum to the stock that they describe, on hand and on the way."""
    assert state.memory is not None
    ages = state.memory.ages
    assert ages is not None
    torch.testing.assert_close(ages.on_hand.sum(-1), state.on_hand)
    waiting = [slot for slot in state.pipeline if slot is not None]
    aged = [slot.sum(-1) for slot in ages.pipeline if slot is not None]
    between = sum((slot[..., 1:] for slot in waiting), torch.zeros_like(state.on_order[..., 1:]))
    if aged:
        torch.testing.assert_close(sum(aged[1:], aged[0])[..., 1:], between)
    else:
        assert between.abs().max() == 0


def test_what_waits_in_the_warehouse_reaches_the_store_with_less_life_left() -> None:
    # 8 units with a life of 4 arrive at the warehouse on day 1; 3 are sent on day 1, 5 on day 2,
    # and do not age on the way (1 day). The 3 arrive on day 2 with 4 periods left, the 5 on day 3
    # with 3 left, since they spent day 1 in the warehouse: all expire at the end of day 5.
    instance = chain(Product(id="a", shelf_life_periods=4), store_leads=(1,))
    world = World.from_instance(instance, DOUBLE)
    orders = torch.zeros(1, 8, 1, 2, dtype=DOUBLE)
    orders[0, 0, 0, 0], orders[0, 1, 0, 1], orders[0, 2, 0, 1] = 8, 3, 5
    trace = Trace()
    nothing = scenario_of(torch.zeros(1, 8, 1, 2, dtype=DOUBLE))
    rollout(world, Quantity(orders), nothing, world.empty_state(1), trace)
    expired = trace.series("expired")[0, :, 0]
    assert expired[:, 0].tolist() == [0] * 8
    assert expired[:, 1].tolist() == [0, 0, 0, 0, 0, 8, 0, 0]


def test_lanes_that_leave_one_place_share_every_age_in_proportion() -> None:
    instance = chain(Product(id="a", shelf_life_periods=2), store_leads=(1, 1))
    network = network_of(instance, DOUBLE)
    shelf = shelf_for(instance, network, DOUBLE)
    assert shelf is not None
    sources = network.tiers[1].sources
    assert sources is not None
    ages = torch.tensor([[4.0, 6.0], [1.0, 1.0], [1.0, 1.0]], dtype=DOUBLE).reshape(1, 1, 3, 2)
    stays, lanes = shelf.send(ages, torch.tensor([[[6.0, 2.0]]], dtype=DOUBLE), sources)
    # 8 leave: the 4 oldest and 4 fresh, of which the first lane gets 6 / 8 each
    assert lanes[0, 0].tolist() == [[3, 3], [1, 1]]
    assert stays[0, 0].tolist() == [[0, 2], [1, 1], [1, 1]]


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(
    "build",
    [
        lambda product: shop(product, lead=2),
        lambda product: chain(product, store_leads=(1, 2)),
    ],
    ids=["shop", "network"],
)
def test_the_gradient_of_the_cost_at_levels_is_the_difference_quotient(
    build: Callable[[Product], Instance], share: float
) -> None:
    product = Product(
        id="a",
        holding_cost=1.0,
        shortage_cost=4.0,
        waste_cost=3.0,
        shelf_life_periods=3,
        fifo_share=share,
    )
    world = World.from_instance(build(product), DOUBLE)
    generator = torch.Generator().manual_seed(5)
    shape = (B, 12, 1, world.n_locations)
    scenario = scenario_of(5 * torch.rand(shape, generator=generator, dtype=DOUBLE))

    def cost(level: Tensor) -> Tensor:
        tally = CostTally()
        rollout(world, Level(level), scenario, world.empty_state(B), tally)
        return tally.mean()

    at = torch.linspace(11.3, 8.9, world.n_lanes, dtype=DOUBLE).reshape(1, 1, -1)
    leaf = at.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cost(leaf), leaf)
    for lane in range(world.n_lanes):
        nudge = torch.zeros_like(at)
        nudge[..., lane] = STEP
        quotient = (cost(at + nudge) - cost(at - nudge)) / (2 * STEP)
        torch.testing.assert_close(slope[0, 0, lane], quotient, rtol=1e-5, atol=1e-7)
    assert slope.abs().max() > 0.01


def test_places_of_outside_suppliers_have_no_shelf() -> None:
    places = (Location(id="s", holds_stock=False), Location(id="w"))
    lane = Lane(product_id="a", origin="s", destination="w", lead_time_periods=0)
    product = Product(id="a", shelf_life_periods=2)
    instance = Instance(name="x", products=(product,), locations=places, lanes=(lane,))
    memory = World.from_instance(instance).empty_state(1).memory
    assert memory is not None
    assert memory.ages is not None
    assert tuple(memory.ages.on_hand.shape) == (1, 1, 1, 2)
