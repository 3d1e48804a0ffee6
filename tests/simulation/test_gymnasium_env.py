"""The Gymnasium environment: the interface's own checks, and the batched simulator's numbers."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import (
    Decision,
    Observation,
    RestockEnv,
    SteadyDemand,
    Trace,
    World,
    rollout,
)

ENV_ID = "restock-test/RestockEnv-v0"
SOURCE = SteadyDemand(Poisson(torch.tensor([5.0])))


def world_of(lead: int = 3, share: float = 1.0, pack: int = 1) -> World:
    places = (Location(id="s", holds_stock=False), Location(id="w"))
    tea = Product(id="tea", holding_cost=1.0, shortage_cost=4.0, lost_share=share)
    lane = Lane(
        product_id="tea",
        origin="s",
        destination="w",
        lead_time_periods=lead,
        case_pack_units=pack,
        fixed_order_cost=2.0,
    )
    return World.from_instance(Instance(name="w", products=(tea,), locations=places, lanes=(lane,)))


def env_of(world: World, periods: int = 50) -> RestockEnv:
    return RestockEnv(world, SOURCE, max_order_units=16.0, periods=periods, signals=("scale",))


@pytest.fixture
def registered() -> Iterator[str]:
    gymnasium.register(ENV_ID, entry_point=RestockEnv)
    yield ENV_ID
    del gymnasium.registry[ENV_ID]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("lead", [0, 1, 4])
def test_gymnasiums_own_checker_finds_nothing_to_warn_about(
    registered: str, share: float, lead: int
) -> None:
    env = gymnasium.make(
        registered, world=world_of(lead, share), source=SOURCE, max_order_units=16.0
    )
    check_env(env.unwrapped)


class Replay:
    """Orders a recorded list of quantities."""

    def __init__(self, quantities: list[float]) -> None:
        self.coming = iter(quantities)

    def decide(self, observation: Observation) -> Decision:
        return Decision(observation.inventory_position + next(self.coming))


@pytest.mark.parametrize("pack", [1, 6])
@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("lead", [0, 1, 3])
def test_an_episode_has_the_numbers_of_the_batched_simulator(
    lead: int, share: float, pack: int
) -> None:
    world = world_of(lead, share, pack)
    env = env_of(world)
    env.reset(seed=7)
    env.action_space.seed(7)
    steps = []
    truncated = False
    while not truncated:
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert not terminated
        assert reward == -info["cost"]
        steps.append(info)
    assert len(steps) == 50
    trace = Trace()
    policy = Replay([step["order"] for step in steps])
    rollout(world, policy, env.scenario.window(0, 50), world.empty_state(1), trace)
    for name in ("cost", "order", "demand", "sold", "lost"):
        assert [step[name] for step in steps] == trace.series(name).flatten().tolist()


def test_the_observation_is_stock_backlog_coming_receipts_and_signals() -> None:
    # L = 3, backorders, empty shelf: 16 are ordered and due in 3 periods, today's demand waits
    env = env_of(world_of(lead=3, share=0.0))
    first, _ = env.reset(seed=3)
    assert first.tolist() == [0, 0, 0, 0, 5]
    second, _, _, _, info = env.step(np.array([1.0], dtype=np.float32))
    assert second.tolist() == [0, info["demand"], 0, 16, 5]
    third, *_ = env.step(np.array([0.0], dtype=np.float32))
    assert third.tolist()[2:] == [16, 0, 5]
    assert env.observation_space.shape == (5,)
    # in a world of lost sales nothing is owed and nothing of it is shown
    assert env_of(world_of(lead=3)).observation_space.shape == (4,)


def test_the_same_seed_gives_the_same_demand_and_another_seed_another() -> None:
    env = env_of(world_of())
    paths = []
    for seed in (1, 1, 2):
        env.reset(seed=seed)
        paths.append(env.scenario.demand)
    assert torch.equal(paths[0], paths[1])
    assert not torch.equal(paths[0], paths[2])


def test_an_episode_that_is_over_must_be_reset() -> None:
    env = env_of(world_of(), periods=1)
    with pytest.raises(ResetNeeded):
        env.step(np.array([0.5], dtype=np.float32))
    env.reset(seed=0)
    assert env.step(np.array([0.5], dtype=np.float32))[3]
    with pytest.raises(ResetNeeded):
        env.step(np.array([0.5], dtype=np.float32))


@pytest.mark.parametrize("action", [-0.1, 1.5, float("nan")])
def test_an_action_outside_its_range_is_refused(action: float) -> None:
    env = env_of(world_of())
    env.reset(seed=0)
    with pytest.raises(ConfigurationError, match=r"an action must lie in \[0, 1\]"):
        env.step(np.array([action], dtype=np.float32))


@pytest.mark.parametrize("most", [0.0, -1.0, float("nan"), float("inf")])
def test_a_largest_order_that_is_no_number_is_refused(most: float) -> None:
    with pytest.raises(ConfigurationError, match="`max_order_units` must be > 0 and finite"):
        RestockEnv(world_of(), SOURCE, max_order_units=most)


def test_a_world_of_two_products_and_an_empty_episode_are_refused() -> None:
    products = (Product(id="a"), Product(id="b"))
    world = World.from_instance(Instance.single_location(products, 1))
    with pytest.raises(ConfigurationError, match="orders one product; the world has 2"):
        RestockEnv(world, SOURCE, max_order_units=9.0)
    with pytest.raises(ConfigurationError, match="`periods` must be an integer ≥ 1; got 0"):
        RestockEnv(world_of(), SOURCE, max_order_units=9.0, periods=0)
