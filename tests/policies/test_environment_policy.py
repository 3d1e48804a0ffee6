"""A policy of an environment books the same cost in a rollout as in its environment."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies.environment_policy import EnvironmentPolicy
from restock.simulation import CostTally, LossTally, rollout
from restock.simulation.environments import CONFIGS, InventoryVectorEnv, setup_for

PATHS = 7
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("LostSales", {}),
    ("LostSales", {"discrete": True}),
    ("LostSales", {"action": "quantity", "starts_empty": True}),
    ("Backorders", {}),
    ("FixedCost", {}),
    ("DualSourcing", {}),
    ("DualSourcing", {"discrete": True}),
    ("Serial", {}),
    ("OneWarehouse", {}),
    ("Perishables", {}),
    ("JointPricing", {}),
]
Act = Callable[[Tensor], Tensor]


def _some_act(envs: InventoryVectorEnv) -> Act:
    """Return a policy that is no constant: each action is another function of what is seen."""
    space = envs.single_action_space
    (size,) = envs.single_observation_space.shape or (0,)
    draw = torch.Generator().manual_seed(8)
    if isinstance(space, gymnasium.spaces.Box):
        weight = torch.randn(size, space.shape[0], generator=draw)
        return lambda rows: torch.tanh(rows @ weight / size)
    counts = torch.as_tensor(np.atleast_1d(getattr(space, "nvec", getattr(space, "n", 0))))
    weight = torch.rand(size, len(counts), generator=draw)
    shape = space.shape or ()

    def act(rows: Tensor) -> Tensor:
        return ((10 * rows @ weight).long() % (counts // 2)).reshape(len(rows), *shape)

    return act


def _episode(envs: InventoryVectorEnv, act: Act, part: str) -> np.ndarray:
    """Play one episode in each environment and return a part of its infos, summed."""
    rows, _ = envs.reset(seed=5)
    total = np.zeros(PATHS)
    for _ in range(envs.setup.periods):
        rows, *_, infos = envs.step(act(torch.from_numpy(rows)).numpy())
        total += infos[part]
    return total


@pytest.mark.parametrize(("problem", "settings"), SETTINGS)
def test_an_episode_and_a_rollout_on_its_demand_book_the_same_cost(
    problem: str, settings: dict[str, Any]
) -> None:
    envs = InventoryVectorEnv(problem, PATHS, **settings)
    setup, act = envs.setup, _some_act(envs)
    policy = EnvironmentPolicy(setup, act)
    played = _episode(envs, act, "cost")
    scenario = envs.episodes.scenario.window(0, setup.periods)
    tally = CostTally()
    state = setup.world.empty_state(PATHS)
    if setup.opening is not None:
        state = setup.world.state_with(setup.opening.expand(PATHS, -1, -1))
    rollout(setup.world, policy, scenario, state, tally)
    assert tally.total is not None
    booked = tally.total.sum((1, 2)).numpy()
    np.testing.assert_allclose(booked, played, rtol=1e-5)
    assert played.min() > 0
    # negative control: another policy does not book that cost
    other = CostTally()
    opposite = EnvironmentPolicy(setup, lambda rows: torch.zeros_like(act(rows)))
    rollout(setup.world, opposite, scenario, state, other)
    assert other.total is not None
    assert not np.allclose(other.total.sum((1, 2)).numpy(), played, rtol=1e-2)


def test_prices_are_decided_too() -> None:
    envs = InventoryVectorEnv("JointPricing", PATHS)
    act = _some_act(envs)
    rewards = _episode(envs, act, "profit") - _episode(envs, act, "inventory_cost")
    tally = LossTally()
    setup = envs.setup
    assert setup.opening is not None
    state = setup.world.state_with(setup.opening.expand(PATHS, -1, -1))
    scenario = envs.episodes.scenario.window(0, setup.periods)
    rollout(setup.world, EnvironmentPolicy(setup, act), scenario, state, tally)
    assert tally.total is not None
    np.testing.assert_allclose(-tally.total.sum((1, 2)).numpy(), rewards, rtol=1e-4)


def test_an_array_is_an_action_too() -> None:
    setup = setup_for("LostSales", {})
    seen = InventoryVectorEnv(setup, 2)
    seen.reset(seed=1)
    tensors = EnvironmentPolicy(setup, lambda rows: torch.full((len(rows), 1), 0.25))
    arrays = EnvironmentPolicy(setup, lambda rows: np.full((len(rows), 1), 0.25))
    observation = seen.episodes.seen
    assert torch.equal(tensors.decide(observation).target, arrays.decide(observation).target)


def test_an_action_outside_its_space_is_refused() -> None:
    setup = setup_for("LostSales", {})
    envs = InventoryVectorEnv(setup, 2)
    envs.reset(seed=1)
    policy = EnvironmentPolicy(setup, lambda rows: torch.full((len(rows), 1), 1.5))
    with pytest.raises(ConfigurationError, match=r"must lie in \[-1, 1\]; got 1.5"):
        policy.decide(envs.episodes.seen)


def test_what_no_policy_observes_is_refused_until_it_is_left_out() -> None:
    shop = setup_for("Inventory", {})
    with pytest.raises(ConfigurationError, match="shows 'orders_received'"):
        EnvironmentPolicy(shop, lambda rows: rows)
    shows = tuple(name for name in shop.shows if name != "orders_received")
    assert EnvironmentPolicy(replace(shop, shows=shows), lambda rows: rows).setup.shows == shows


def test_the_environments_that_show_it_are_known() -> None:
    shown = {name for name in CONFIGS if "orders_received" in setup_for(name, {}).shows}
    assert shown == {"Inventory"}
