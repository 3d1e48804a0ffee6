"""What customers send back: when it is on hand again, that none is lost, and what is refunded."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import Instance, PriceRules, Product
from restock.simulation import (
    BusinessTally,
    CostTally,
    Decision,
    Observation,
    Policy,
    Scenario,
    Trace,
    World,
    rollout,
)
from restock.simulation.period import step
from restock.simulation.returns import returns_for

DOUBLE = torch.float64
STEP = 1e-6
B = 3


class NoOrders:
    def decide(self, observation: Observation) -> Decision:
        return Decision(torch.zeros_like(observation.on_order))


class Level:
    def __init__(self, level: Tensor, price: Tensor | None = None) -> None:
        self.level, self.price = level, price

    def decide(self, observation: Observation) -> Decision:
        price = None
        if self.price is not None:
            period = int(observation.signal("period")[0, 0, 0])
            price = self.price[:, period]
        return Decision(self.level, price=price)


def scenario_of(demand: Tensor) -> Scenario:
    """Give demand ``[B, T, P, L]`` with the period's number as a signal."""
    _, periods, products, _ = demand.shape
    clock = torch.arange(periods, dtype=demand.dtype).reshape(1, -1, 1, 1)
    return Scenario(demand, clock.expand(1, -1, products, -1), ("period",))


def world_of(*products: Product, lead: int = 1) -> World:
    return World.from_instance(Instance.single_location(products, lead), DOUBLE)


def run(world: World, policy: Policy, demand: Tensor, opening: float = 0.0) -> Trace:
    trace = Trace()
    stock = torch.full((len(demand), world.n_products, 1), opening, dtype=DOUBLE)
    rollout(world, policy, scenario_of(demand), world.state_with(stock), trace)
    return trace


def test_half_of_ten_units_sold_today_are_on_hand_again_after_the_delay() -> None:
    product = Product(id="a", list_price=4.0, return_share=0.5, return_delay_periods=2)
    demand = torch.tensor([10.0, 20.0, 1.0, 0.0], dtype=DOUBLE).reshape(1, -1, 1, 1)
    trace = run(world_of(product), NoOrders(), demand, opening=10.0)
    # day 0 sells 10; day 1 has none; day 2 has 5 again, sells 1, of which 0.5 return on day 4
    assert trace.series("left").flatten().tolist() == [0, 0, 4, 4]
    assert trace.series("returned").flatten().tolist() == [5, 0, 0.5, 0]
    assert trace.series("refund").flatten().tolist() == [20, 0, 2, 0]


def test_a_return_of_yesterday_can_be_sold_today() -> None:
    product = Product(id="a", return_share=1.0, return_delay_periods=1)
    demand = torch.full((1, 5, 1, 1), 6.0, dtype=DOUBLE)
    trace = run(world_of(product), NoOrders(), demand, opening=6.0)
    assert trace.series("sold").flatten().tolist() == [6] * 5


delays = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 2**32)


@given(delays, st.integers(0, 2), st.sampled_from([0.0, 0.4, 1.0]), seeds)
@settings(max_examples=40)
def test_every_unit_is_sold_on_hand_on_order_or_comes_back_on_its_day(
    delays: list[int], lead: int, lost_share: float, seed: int
) -> None:
    products = [
        Product(
            id=f"p{n}",
            return_share=0.2 * (n + 1),
            return_delay_periods=delay,
            lost_share=lost_share,
        )
        for n, delay in enumerate(delays)
    ]
    world, count, periods = world_of(*products, lead=lead), len(delays), 12
    generator = torch.Generator().manual_seed(seed)
    demand = 9 * torch.rand(B, periods, count, 1, generator=generator, dtype=DOUBLE)
    opening = 9 * torch.rand(B, count, 1, generator=generator, dtype=DOUBLE)
    policy = Level(torch.full((1, count, 1), 15.0, dtype=DOUBLE))
    scenario, state = scenario_of(demand), world.state_with(opening)
    share = torch.tensor([[product.return_share] for product in products], dtype=DOUBLE)
    sold: list[Tensor] = []
    ordered = torch.zeros_like(opening)
    for period in range(periods):
        state, flows = step(world, policy, state, scenario, period)
        sold.append(flows.served.sold)
        ordered = ordered + flows.order
        back = torch.zeros_like(opening)
        for row, delay in enumerate(delays):
            for day in range(period - delay + 1):
                back[:, row] += share[row] * sold[day][:, row]
        gone = torch.stack(sold).sum(0)
        torch.testing.assert_close(opening + ordered + back, gone + state.on_hand + state.on_order)
        assert state.memory is not None
        due = sum(
            (slot for slot in state.memory.returning if slot is not None),
            torch.zeros_like(opening),
        )
        torch.testing.assert_close(due + back, share * gone)


def test_a_world_that_forgets_returns_fails_the_balance_of_units() -> None:
    """Negative control of the law above."""
    product = Product(id="a", return_share=0.5)
    demand = torch.full((1, 4, 1, 1), 2.0, dtype=DOUBLE)
    opening = torch.full((1, 1, 1), 10.0, dtype=DOUBLE)
    ends = [
        rollout(world, NoOrders(), scenario_of(demand), world.state_with(opening))
        for world in (world_of(product), world_of(Product(id="a")))
    ]
    # sold on days 0, 1 and 2, and so back by day 3: half of 6 units
    assert (ends[0].on_hand - ends[1].on_hand).item() == 3


def test_the_refund_is_at_the_price_of_the_day_of_the_sale() -> None:
    rules = PriceRules(floor=1.0)
    product = Product(id="a", list_price=4.0, return_share=0.5, price_rules=rules)
    prices = torch.tensor([4.0, 3.0, 2.0], dtype=DOUBLE).reshape(1, 3, 1, 1)
    policy = Level(torch.zeros(1, 1, 1, dtype=DOUBLE), prices)
    demand = torch.full((1, 3, 1, 1), 2.0, dtype=DOUBLE)
    trace = run(world_of(product), policy, demand, opening=10.0)
    assert trace.series("price").flatten().tolist() == [4, 3, 2]
    assert trace.series("refund").flatten().tolist() == [4, 3, 2]


def test_revenue_is_net_of_refunds() -> None:
    product = Product(id="a", list_price=4.0, return_share=0.25)
    world, tally = world_of(product), BusinessTally()
    opening = torch.full((1, 1, 1), 10.0, dtype=DOUBLE)
    demand = torch.full((1, 1, 1, 1), 8.0, dtype=DOUBLE)
    rollout(world, NoOrders(), scenario_of(demand), world.state_with(opening), tally)
    # 8 sold at 4, 2 come back: 32 − 8
    assert tally.sums["revenue"].item() == 24
    assert tally.sums["refund"].item() == 8
    assert tally.sums["returned"].item() == 2


def test_returned_units_of_perishable_goods_are_fresh() -> None:
    product = Product(
        id="a", shelf_life_periods=3, return_share=0.5, return_delay_periods=1, waste_cost=1.0
    )
    demand = torch.zeros(1, 7, 1, 1, dtype=DOUBLE)
    demand[0, 1] = 4.0
    trace = run(world_of(product), NoOrders(), demand, opening=10.0)
    # 10 fresh on day 0, 4 sold on day 1, 6 expire with day 2; 2 are back on day 2, till day 4
    assert trace.series("expired").flatten().tolist() == [0, 0, 6, 0, 2, 0, 0]
    assert trace.series("left").flatten().tolist() == [10, 6, 2, 2, 0, 0, 0]


def test_nothing_comes_back_nothing_is_there() -> None:
    instance = Instance.single_location([Product(id="a"), Product(id="b")], 1)
    assert returns_for(instance, DOUBLE) is None
    world = World.from_instance(instance)
    assert (world.openings, world.closings) == ((), ())


def test_products_that_do_not_come_back_are_as_in_a_world_without_returns() -> None:
    generator = torch.Generator().manual_seed(2)
    demand = 9 * torch.rand(B, 20, 2, 1, generator=generator, dtype=DOUBLE)
    policy = Level(torch.full((1, 2, 1), 12.0, dtype=DOUBLE))
    mixed = world_of(Product(id="a", return_share=0.5, return_delay_periods=3), Product(id="b"))
    plain = world_of(Product(id="a"), Product(id="b"))
    with_returns = run(mixed, policy, demand).series("left")
    without = run(plain, policy, demand).series("left")
    assert torch.equal(with_returns[:, :, 1], without[:, :, 1])
    assert not torch.equal(with_returns[:, :, 0], without[:, :, 0])


@pytest.mark.parametrize("delay", [1, 3])
def test_the_gradient_at_the_level_is_the_difference_quotient(delay: int) -> None:
    product = Product(
        id="a",
        holding_cost=1.0,
        shortage_cost=4.0,
        return_share=0.4,
        return_delay_periods=delay,
        lost_share=0.5,
    )
    world = world_of(product, lead=2)
    generator = torch.Generator().manual_seed(4)
    scenario = scenario_of(9 * torch.rand(B, 15, 1, 1, generator=generator, dtype=DOUBLE))

    def cost(level: Tensor) -> Tensor:
        tally = CostTally()
        rollout(world, Level(level), scenario, world.empty_state(B), tally)
        return tally.mean()

    at = torch.full((1, 1, 1), 14.2, dtype=DOUBLE)
    leaf = at.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cost(leaf), leaf)
    quotient = (cost(at + STEP) - cost(at - STEP)) / (2 * STEP)
    torch.testing.assert_close(slope.squeeze(), quotient, rtol=1e-5, atol=1e-7)
    assert slope.abs() > 0.01
