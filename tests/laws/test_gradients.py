"""The gradient that flows through the simulator is the slope of the simulated cost."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.policies import (
    BaseStock,
    CappedBaseStock,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
)
from restock.problem import Instance, Product
from restock.simulation import CostTally, Policy, Scenario, World, rollout

PATHS, PERIODS = 6, 10
STEP = 1e-6

leads = st.lists(st.integers(0, 4), min_size=1, max_size=3)
shares = st.sampled_from([0.0, 0.3, 1.0])
seeds = st.integers(0, 2**32)


def world_of(leads: list[int], share: float) -> World:
    products = [
        Product(id=f"p{n}", holding_cost=1.0, shortage_cost=4.0, lost_share=share)
        for n in range(len(leads))
    ]
    lead_times = {f"p{n}": lead for n, lead in enumerate(leads)}
    return World.from_instance(Instance.single_location(products, lead_times), torch.float64)


def scenario_of(seed: int, products: int) -> Scenario:
    """Draw demand from a density, so that no path stands exactly on a kink."""
    generator = torch.Generator().manual_seed(seed)
    demand = torch.rand(PATHS, PERIODS, products, 1, generator=generator, dtype=torch.float64)
    scale = torch.full((1, PERIODS, products, 1), 5.0, dtype=torch.float64)
    return Scenario(10 * demand, scale, ("scale",))


def cost_of(world: World, policy: Policy, scenario: Scenario) -> Tensor:
    tally = CostTally()
    rollout(world, policy, scenario, world.empty_state(PATHS), tally)
    return tally.mean()


@given(leads, shares, seeds)
@settings(max_examples=25, derandomize=True)
def test_the_gradient_at_levels_and_caps_is_the_difference_quotient(
    leads: list[int], share: float, seed: int
) -> None:
    world, scenario = world_of(leads, share), scenario_of(seed, len(leads))
    generator = torch.Generator().manual_seed(seed)
    # levels from lean to ample, 4 (L + u) units, and caps from 2 to 7 units
    spread = torch.rand(2, 1, len(leads), 1, generator=generator, dtype=torch.float64)
    lean = torch.tensor(leads, dtype=torch.float64).reshape(1, -1, 1)
    at = torch.stack([4 * (lean + spread[0]), 2 + 5 * spread[1]])

    def cost(values: Tensor) -> Tensor:
        return cost_of(world, CappedBaseStock(values[0], values[1]), scenario)

    values = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cost(values), values)
    for place in range(at.numel()):
        nudge = torch.zeros_like(at)
        nudge.view(-1)[place] = STEP
        slope = (cost(at + nudge) - cost(at - nudge)) / (2 * STEP)
        torch.testing.assert_close(gradient.view(-1)[place], slope, rtol=1e-5, atol=1e-7)


@given(leads, shares, seeds)
@settings(max_examples=15, derandomize=True)
def test_the_gradient_at_the_networks_weights_is_the_difference_quotient(
    leads: list[int], share: float, seed: int
) -> None:
    world, scenario = world_of(leads, share), scenario_of(seed, len(leads))
    generator = torch.Generator().manual_seed(seed)
    config = NeuralOrderUpToConfig(pipeline_slots=3, hidden=(6,))
    anchors = torch.tensor(leads) + 1.5
    policy = NeuralOrderUpTo(config, anchors, torch.tensor(1.5), generator).double()
    weights = list(policy.parameters())
    with torch.no_grad():
        for weight in weights:
            weight.normal_(0.0, 0.2, generator=generator)
    gradient = torch.autograd.grad(cost_of(world, policy, scenario), weights)
    # one random direction through all weights at once
    direction = [torch.randn(weight.shape, generator=generator).double() for weight in weights]
    expected = sum(float((g * d).sum()) for g, d in zip(gradient, direction, strict=True))

    @torch.no_grad()
    def cost_after(size: float) -> float:
        for weight, way in zip(weights, direction, strict=True):
            weight.add_(way, alpha=size)
        return float(cost_of(world, policy, scenario))

    ahead = cost_after(STEP)
    behind = cost_after(-2 * STEP)
    slope = (ahead - behind) / (2 * STEP)
    assert abs(expected - slope) <= 1e-5 * max(1.0, abs(slope))


def test_the_gradient_by_hand() -> None:
    # L = 0, S = 5, backorders: demand 3 leaves 2 (slope +h), demand 9 misses 4 (slope −p); then
    # demand 0 leaves 5 in either path: (1 − 4 + 1 + 1) / 4 periods of 2 paths
    world = world_of([0], 0.0)
    demand = torch.tensor([[3.0, 0.0], [9.0, 0.0]], dtype=torch.float64).reshape(2, 2, 1, 1)
    level = torch.full((1, 1, 1), 5.0, dtype=torch.float64, requires_grad=True)
    tally = CostTally()
    rollout(world, BaseStock(level), Scenario(demand), world.empty_state(2), tally)
    (slope,) = torch.autograd.grad(tally.mean(), level)
    assert slope.item() == (1 - 4 + 1 + 1) / 4


def test_windows_no_longer_than_the_lead_time_carry_no_gradient() -> None:
    # an order pays off when it arrives: cut off before that, it has no part in the cost
    world, scenario = world_of([2], 1.0), scenario_of(3, 1)
    level = torch.full((1, 1, 1), 20.0, dtype=torch.float64, requires_grad=True)
    full = world.state_with(torch.full((PATHS, 1, 1), 3.0))
    for window, learns in ((1, False), (2, False), (3, True)):
        tally = CostTally()
        rollout(world, BaseStock(level), scenario.window(0, window), full, tally)
        assert tally.mean().requires_grad == learns
