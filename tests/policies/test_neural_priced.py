"""Stock and price from one body: gradients of profit reach the price and find its optimum."""

import pytest
import torch

from restock.demand.price_response import LinearResponse
from restock.errors import ConfigurationError
from restock.policies.neural import (
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
    PriceHead,
)
from restock.problem import Instance, PriceRules, Product
from restock.simulation import LossTally, Observation, Scenario, World, rollout

UNIT_COST = 3.0


def world(dtype: torch.dtype = torch.float32) -> World:
    product = Product(
        id="a",
        list_price=10.0,
        unit_cost=UNIT_COST,
        holding_cost=0.01,
        shortage_cost=1.0,
        price_rules=PriceRules(floor=4.0, ceiling=14.0),
    )
    response = LinearResponse(torch.tensor([10.0], dtype=dtype), torch.tensor([-2.0], dtype=dtype))
    shop = Instance.single_location([product], 1)
    return World.from_instance(shop, price_response=response, dtype=dtype)


def demand(periods: int, dtype: torch.dtype = torch.float32) -> Scenario:
    """Return the same demand every day, 10 units at the list price of 10."""
    units = torch.full((2, periods, 1, 1), 10.0, dtype=dtype)
    return Scenario(units, units[:1, :, :, :], ("scale",))


def policy(*, sees_prices: bool = False, anchor: float = 11.0) -> NeuralPricedOrderUpTo:
    config = NeuralPricedOrderUpToConfig(pipeline_slots=0, hidden=(4,), sees_prices=sees_prices)
    one = torch.ones(1, 1)
    return NeuralPricedOrderUpTo(
        config,
        torch.tensor(8.0),
        torch.tensor(9.0),
        torch.Generator().manual_seed(0),
        pricing=PriceHead(4 * one, 14 * one, anchor * one),
    )


def loss(network: NeuralPricedOrderUpTo, periods: int, dtype: torch.dtype) -> torch.Tensor:
    """Return the average loss from a full shelf and a full pipeline."""
    place, tally = world(dtype), LossTally()
    start = place.state_with(torch.full((2, 1, 1), 60.0, dtype=dtype))
    rollout(place, network, demand(periods, dtype), start, tally)
    return tally.mean()


@pytest.mark.parametrize("sees_prices", [False, True])
def test_the_gradient_of_profit_is_the_finite_difference(*, sees_prices: bool) -> None:
    network = policy(sees_prices=sees_prices).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for values in network.parameters():
            noise = torch.randn(values.shape, generator=generator, dtype=torch.float64)
            values.add_(0.1 * noise)
    loss(network, 6, torch.float64).backward()
    bias, step = network.body[-1].bias, 1e-6
    assert bias.grad[2].item() != 0
    for place in range(3):
        costs = []
        with torch.no_grad():
            for move in (step, -2 * step, step):
                bias[place] += move
                costs.append(loss(network, 6, torch.float64).item())
        slope = (costs[0] - costs[1]) / (2 * step)
        assert bias.grad[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


def learned_price(sign: float) -> float:
    """Return the price that 80 gradient steps on the loss (or the profit) lead to, at one level."""
    network = policy()
    adam = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(80):
        objective = sign * loss(network, 30, torch.float32)
        adam.zero_grad()
        objective.backward()
        for values in network.body[-1].parameters():
            values.grad[:2] = 0  # the level stays, so that what is sold is bought again
        adam.step()
    stock = torch.full((1, 1, 1), 30.0)
    seen = Observation(
        stock,
        torch.full((1, 1, 1), 20.0),
        (torch.full((1, 1, 1), 20.0),),
        torch.ones(1, 1, 1, dtype=torch.long),
        signals=torch.full((1, 1, 1), 10.0),
        signal_names=("scale",),
    )
    price = network.decide(seen).price
    assert price is not None
    return price.item()


def test_it_finds_the_price_that_earns_most_where_stock_is_plenty() -> None:
    # demand 10·(3 − p/5) is none at 15: (15 + 3) / 2 = 9 earns most, a little less because the
    # last units of a window are not bought again
    assert learned_price(1.0) == pytest.approx(9.0, abs=0.35)
    assert not 8 < learned_price(-1.0) < 10


def test_a_world_without_prices_is_refused_where_they_are_to_be_seen() -> None:
    stock = torch.ones(1, 1, 1)
    seen = Observation(stock, stock, (), stock.long(), signals=5 * stock, signal_names=("scale",))
    with pytest.raises(ConfigurationError, match="`sees_prices` reads yesterday's price"):
        policy(sees_prices=True).decide(seen)
    assert policy().decide(seen).price is not None


def test_a_limit_bounds_levels_and_leaves_prices_to_their_head() -> None:
    config = NeuralPricedOrderUpToConfig(pipeline_slots=0, hidden=(), limit=0.5)
    one = torch.ones(1, 1)
    network = NeuralPricedOrderUpTo(
        config,
        torch.tensor(8.0),
        torch.tensor(9.0),
        torch.Generator(),
        pricing=PriceHead(4 * one, 14 * one, 9 * one),
    )
    with torch.no_grad():
        network.body[-1].bias.fill_(30.0)
    stock = torch.ones(1, 1, 1)
    wish = network.decide(
        Observation(stock, stock, (), stock.long(), signals=stock, signal_names=("scale",))
    )
    assert wish.price is not None
    assert wish.target.item() == pytest.approx(8 * 1.64872, rel=1e-4)  # e^0.5
    assert wish.price.item() == pytest.approx(14.0, abs=1e-3)
