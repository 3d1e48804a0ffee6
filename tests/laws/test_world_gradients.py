"""Through a whole network the gradient at prices, orders and shares is the slope of the cost.

Every number is nudged on a path of its own: one rollout gives all difference quotients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand.price_response import LinearResponse
from restock.policies import BaseStock, FixedPrice, Priced
from restock.problem import Instance, Lane, Location, PriceRules, Product, Region, Shipping
from restock.simulation import Decision, Observation, Scenario, State, World, rollout
from restock.simulation.flows import Flows

if TYPE_CHECKING:
    from tests.laws.conftest import RandomWorld

    RandomWorlds = Callable[..., st.SearchStrategy[RandomWorld]]

STEP = 1e-6
REVENUE_WEIGHT = 0.7


@dataclass(frozen=True)
class Numbers:
    """A policy that is nothing but numbers; each is ``[#B, …]``."""

    level: Tensor
    cap: Tensor
    weight: Tensor | None
    share: Tensor | None
    price: Tensor | None
    score: Tensor | None = None

    def decide(self, observation: Observation) -> Decision:
        del observation
        return Decision(
            self.level,
            self.cap,
            lane_weight=self.weight,
            region_share=self.share,
            region_score=self.score,
            price=self.price,
        )


@dataclass
class Objective:
    """Cost less a part of revenue, ``[B]``."""

    total: Tensor | float = 0.0

    def add(self, world: World, flows: Flows) -> None:
        earned = REVENUE_WEIGHT * flows.revenue(world.economics.list_price)
        self.total = self.total + (flows.cost - earned).sum((1, 2))


def objective(world: World, policy: Numbers, scenario: Scenario, opening: State) -> Tensor:
    tally = Objective()
    rollout(world, policy, scenario, opening, tally)
    assert isinstance(tally.total, Tensor)
    return tally.total


def gradient_and_quotients(
    case: RandomWorld, world: World, numbers: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the gradient at all numbers, and their difference quotients."""
    sizes = [each.numel() for each in numbers.values()]
    at = torch.cat([each.flatten() for each in numbers.values()])

    def cost(values: Tensor) -> Tensor:
        """Return the cost for each row of numbers, all on the same path."""
        parts = torch.split(values, sizes, dim=-1)
        named = {
            name: part.reshape(-1, *each.shape[1:])
            for (name, each), part in zip(numbers.items(), parts, strict=True)
        }
        asked = {name: named.get(name) for name in ("weight", "share", "price")}
        policy = Numbers(named["level"], named["cap"], **asked, score=case.planner.score)
        luck = smooth(case, len(values))
        stock = case.opening.on_hand[:1] * 1.01 + 0.3
        return objective(world, policy, luck, world.state_with(stock.repeat(len(values), 1, 1)))

    values = at.unsqueeze(0).requires_grad_()
    (gradient,) = torch.autograd.grad(cost(values).sum(), values)
    nudges = STEP * torch.eye(len(at), dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = cost(torch.cat([at + nudges, at - nudges])).chunk(2)
    return gradient.squeeze(0), (ahead - behind) / (2 * STEP)


def smooth(case: RandomWorld, paths: int) -> Scenario:
    """Repeat a path, its demand moved a little so that nothing stands exactly on a kink."""
    scenario = case.scenario.path_slice(0, 1)
    luck = torch.Generator().manual_seed(case.seed % 2**31)
    noise = torch.rand(scenario.demand.shape, generator=luck, dtype=torch.float64)
    demand = scenario.demand + 0.1 + 0.8 * noise
    return replace(scenario, demand=demand.expand(paths, -1, -1, -1))


def without_rungs(case: RandomWorld) -> World:
    """Return the world with prices between bounds: rounding to a rung has no slope."""
    products = tuple(
        replace(each, price_rules=PriceRules(floor=0.6 * each.list_price))
        if each.price_rules is not None and each.price_rules.ladder
        else each
        for each in case.instance.products
    )
    return World.from_instance(
        replace(case.instance, products=products),
        torch.float64,
        price_response=case.price_response,
        satisfaction=case.satisfaction,
    )


def numbers_of(case: RandomWorld) -> dict[str, Tensor]:
    """Return the numbers that the world of ``case`` has a use for."""
    planner, found = case.planner, {}
    for name in ("level", "cap", "weight", "share"):
        value = getattr(planner, name)
        if value is not None:
            found[name] = value
    if planner.price is not None:
        found["price"] = planner.price * case.per_product(0.8, 1.15, "wish").reshape(1, -1, 1)
    return found


@given(data=st.data())
@settings(max_examples=25)
def test_the_gradient_is_the_difference_quotient_in_every_world_that_divides(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    # orders, transfers and prices alike; packs and rungs round, and pass gradients through
    case = data.draw(random_worlds(never=["packs"]))
    gradient, quotients = gradient_and_quotients(case, without_rungs(case), numbers_of(case))
    torch.testing.assert_close(gradient, quotients, rtol=1e-5, atol=1e-6)


def one(value: float) -> Tensor:
    return torch.tensor([[[value]]], dtype=torch.float64)


def places(*names: str) -> tuple[Location, ...]:
    return (Location(id="s", holds_stock=False), *(Location(id=name) for name in names))


def lane(origin: str, destination: str, lead_time: int) -> Lane:
    return Lane(
        product_id="tea",
        origin=origin,
        destination=destination,
        lead_time_periods=lead_time,
        case_pack_units=0,
    )


def test_the_slope_at_the_price_by_hand() -> None:
    # demand 8 (1 − 2 (p − 5) / 5) at price p: at 5.5 it is 6.4 and falls by 3.2 a unit.
    # Two days from stock 20, holding 1: left 20 − d and 20 − 2 d, cost 40 − 3 d; revenue 2 p d.
    # slope of cost − revenue: 3 · 3.2 − 2 (6.4 − 5.5 · 3.2) = 9.6 + 22.4
    tea = Product(id="tea", list_price=5, holding_cost=1, price_rules=PriceRules(floor=1))
    shop = Instance.single_location([tea], 1)
    list_price = torch.tensor([5.0], dtype=torch.float64)
    response = LinearResponse(list_price, -2 * torch.ones_like(list_price))
    world = World.from_instance(shop, torch.float64, price_response=response)
    price = one(5.5).requires_grad_()
    policy = Priced(BaseStock(one(0.0)), FixedPrice(price))
    tally = Profit()
    demand = torch.full((1, 2, 1, 1), 8.0, dtype=torch.float64)
    rollout(world, policy, Scenario(demand), world.state_with(one(20.0)), tally)
    torch.testing.assert_close(slope(tally.total, price), one(9.6 + 22.4))


def slope(value: Tensor, at: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(value, at)
    return found


class Profit:
    """Revenue less cost, with the sign of a cost."""

    def __init__(self) -> None:
        self.total = torch.zeros((), dtype=torch.float64)

    def add(self, world: World, flows: Flows) -> None:
        self.total = self.total + (flows.cost - flows.revenue(world.economics.list_price)).sum()


def test_the_slope_at_a_regions_shares_by_hand() -> None:
    # of 10 units a share goes out of far at 3, the rest out of near at 1: 20 more for the whole,
    # on each of two days; stock lasts for both
    tea = Product(id="tea")
    instance = Instance(
        name="two",
        products=(tea,),
        locations=places("far", "near"),
        lanes=(lane("s", "far", 1), lane("s", "near", 1)),
        regions=(Region(id="town"),),
        shipping=(
            Shipping(region="town", location="far", cost_per_unit=3),
            Shipping(region="town", location="near", cost_per_unit=1),
        ),
    )
    world = World.from_instance(instance, torch.float64)
    share = torch.tensor([[[[0.25, 0.0]]]], dtype=torch.float64, requires_grad=True)
    policy = Numbers(one(0.0).expand(1, 1, 2), one(9.0).expand(1, 1, 2), None, share, None)
    stock = torch.full((1, 1, 2), 40.0, dtype=torch.float64)
    demand = torch.full((1, 2, 1, 1), 10.0, dtype=torch.float64)
    found = slope(objective_of(world, policy, demand, stock), share)
    # the share of near has no slope: what is not shared out goes there anyway
    torch.testing.assert_close(found, torch.tensor([[[[40.0, 0.0]]]]).double())


def test_the_slope_at_the_weights_of_a_shortage_by_hand() -> None:
    # the warehouse has 6 units, both stores want 10 and get 6 w / (w + v) each, at once. Each unit
    # of north's saves 4, of south's 1: at w = 1, v = 2 the slope of north's units is 6 v / (w + v)²
    # = 4/3 at w, and −6 w / (w + v)² = −2/3 at v: (1 − 4) times either
    stores = Instance(
        name="stores",
        products=(Product(id="tea", shortage_cost=4),),
        locations=places("dc", "north", "south"),
        lanes=(lane("s", "dc", 9), lane("dc", "north", 0), lane("dc", "south", 0)),
    )
    world = World.from_instance(stores, torch.float64)
    assert world.network.lanes == (("s", "dc"), ("dc", "north"), ("dc", "south"))
    cheap = world.economics.shortage_cost.new_tensor([[4.0, 4.0, 1.0]])
    world = replace(world, economics=replace(world.economics, shortage_cost=cheap))
    weight = torch.tensor([[[1.0, 1.0, 2.0]]], dtype=torch.float64, requires_grad=True)
    level = torch.tensor([[[0.0, 10.0, 10.0]]], dtype=torch.float64)
    policy = Numbers(level, torch.full_like(level, 99.0), weight, None, None)
    stock = torch.tensor([[[6.0, 0.0, 0.0]]], dtype=torch.float64)
    demand = torch.tensor([0.0, 10.0, 10.0], dtype=torch.float64).reshape(1, 1, 1, 3)
    found = slope(objective_of(world, policy, demand, stock), weight)
    torch.testing.assert_close(found, torch.tensor([[[0.0, -4.0, 2.0]]]).double())


def objective_of(world: World, policy: Numbers, demand: Tensor, stock: Tensor) -> Tensor:
    return objective(world, policy, Scenario(demand), world.state_with(stock)).sum()
