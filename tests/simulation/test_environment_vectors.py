"""Vector environments: equal to single ones, right when episodes end, and worth what books say."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import restock.environments
from restock.errors import ConfigurationError
from restock.simulation.environments import (
    PARTS,
    InventoryEnv,
    InventoryVectorEnv,
    field_named,
    setup_for,
)
from restock.simulation.environments.playing import Episodes

each_id = pytest.mark.parametrize("name", restock.environments.IDS)


def vector(name: str, num_envs: int, **settings: object) -> InventoryVectorEnv:
    envs = gymnasium.make_vec(
        name, num_envs=num_envs, vectorization_mode="vector_entry_point", **dict[str, Any](settings)
    )
    assert isinstance(envs, InventoryVectorEnv)
    return envs


@pytest.mark.filterwarnings("error")
@each_id
def test_a_vector_of_one_is_the_single_environment(name: str) -> None:
    """Compared with Gymnasium's own vector of single ones, through three episodes' ends."""
    one = vector(name, 1, periods=6)
    many = SyncVectorEnv([lambda: gymnasium.make(name, periods=6).unwrapped])
    one.action_space.seed(1)
    seen, _ = one.reset(seed=5)
    expected, _ = many.reset(seed=5)
    assert np.array_equal(seen, expected)
    ends = 0
    for _ in range(20):
        action = one.action_space.sample()
        (seen, *numbers, info), (expected, *others, told) = one.step(action), many.step(action)
        assert np.array_equal(seen, expected)
        assert all(np.array_equal(a, b) for a, b in zip(numbers, others, strict=True))
        assert info.keys() == told.keys()
        assert all(np.array_equal(info[key], told[key]) for key in info)
        assert seen in one.observation_space
        ends += int(numbers[1][0] or numbers[2][0])
    assert ends >= 2


@pytest.mark.parametrize("name", ["Clearance", "LostSales", "Perishables"])
def test_same_step_mode_is_that_of_gymnasium(name: str) -> None:
    settings = {"opening_stock": 6.0} if name == "Clearance" else {"periods": 4}
    mode = AutoresetMode.SAME_STEP
    one = vector(f"restock/{name}-v0", 1, autoreset_mode=mode, **settings)
    many = SyncVectorEnv([lambda: InventoryEnv(name, **settings)], autoreset_mode=mode)
    assert one.metadata["autoreset_mode"] is many.metadata["autoreset_mode"]
    one.action_space.seed(2)
    assert np.array_equal(one.reset(seed=5)[0], many.reset(seed=5)[0])
    ends = 0
    for _ in range(12):
        action = one.action_space.sample()
        (seen, *numbers, info), (expected, *others, told) = one.step(action), many.step(action)
        assert np.array_equal(seen, expected)
        assert all(np.array_equal(a, b) for a, b in zip(numbers, others, strict=True))
        if "final_obs" in told:
            ends += 1
            assert np.array_equal(info["final_obs"][0], told["final_obs"][0])
            assert info["_final_obs"].all()
            assert info["_final_info"].all()
            final, expected_final = info["final_info"], told["final_info"]
            assert final.keys() == expected_final.keys()
            assert all(np.array_equal(final[key], expected_final[key]) for key in final)
            assert not any(info[f"_{part}"].any() for part in PARTS)
    assert ends >= 2


def alone(problem: str, actions: np.ndarray, seed: int, **settings: object) -> list[np.ndarray]:
    """Return the observations of episodes that are never begun anew, and their ends last."""
    episodes = Episodes(setup_for(problem, settings), actions.shape[1])
    seeded = int(gymnasium.utils.seeding.np_random(seed)[0].integers(2**63))
    episodes.begin(np.ones(actions.shape[1], dtype=np.bool_), seeded)
    seen, ended = [], []
    for action in actions:
        episodes.play(torch.from_numpy(action))
        seen.append(episodes.observation())
        ended.append(np.logical_or(*episodes.ended()))
    return [np.stack(seen), np.stack(ended)]


def test_an_episode_that_ends_early_begins_anew_while_the_others_go_on() -> None:
    # a season of 10 days with 30 units at low prices is sold out on different days
    settings: dict[str, Any] = {"periods": 10, "opening_stock": 30.0}
    envs = InventoryVectorEnv("Clearance", num_envs=40, **settings)
    actions = np.random.default_rng(1).uniform(-1, 0, (30, 40, 1)).astype(np.float32)
    expected, ended = alone("Clearance", actions[:10], 3, **settings)
    first_end = ended.argmax(0)
    assert len(set(first_end.tolist())) > 3
    envs.reset(seed=3)
    for day, action in enumerate(actions):
        seen, rewards, terminations, truncations, info = envs.step(action)
        assert not truncations.any()
        going = day <= first_end
        if day < 10:
            assert np.array_equal(seen[going], expected[day][going])
            assert np.array_equal(terminations[going], (day == first_end)[going])
        begun = day == first_end + 1
        if begun.any():
            # the step after the end: a full shelf, a whole season, and nothing earned
            assert (seen[begun] == [1.0, 1.0]).all()
            assert not rewards[begun].any()
            assert not terminations[begun].any()
            assert not info["_profit"][begun].any()
            assert not info["profit"][begun].any()
        assert info["_profit"][~begun].all() or day > first_end.min() + 1
    assert (rewards > 0).any()


def test_rows_that_begin_anew_get_fresh_demand_and_whole_memories() -> None:
    envs = InventoryVectorEnv("Inventory", num_envs=3, autoreset_mode="Disabled")
    envs.action_space.seed(1)
    first, _ = envs.reset(seed=1)
    for _ in range(5):
        before, *_ = envs.step(envs.action_space.sample())
    demand = envs.episodes.scenario.demand.clone()
    mask = np.array([False, True, False])
    seen, _ = envs.reset(options={"reset_mask": mask})
    assert np.array_equal(seen[~mask], before[~mask])
    begun = [
        field_named(envs.observation_fields, name).where
        for name in ("stock", "pipeline", "satisfaction", "orders_received", "price")
    ]
    for where in begun:
        assert np.array_equal(seen[1, where], first[1, where])
    after = envs.episodes.scenario.demand
    assert torch.equal(after[[0, 2]], demand[[0, 2]])
    assert not torch.equal(after[1], demand[1])
    # clocks differ now: each row is asked what its own day asks
    envs.step(envs.action_space.sample())
    assert envs.episodes.clock.tolist() == [6, 1, 6]
    forecast = field_named(envs.observation_fields, "forecast").where
    signals = envs.episodes.scenario.signals
    assert signals is not None
    seen, *_ = envs.step(envs.action_space.sample())
    for row, day in enumerate((7, 2, 7)):
        usual = envs.setup.mean.sum(-1)
        expected = (signals[row, day] / usual[:, None]).T.flatten()
        assert seen[row, forecast] == pytest.approx(expected.numpy(), rel=1e-6)


def test_disabled_autoreset_wants_to_be_reset() -> None:
    envs = InventoryVectorEnv("LostSales", 2, autoreset_mode=AutoresetMode.DISABLED, periods=1)
    still = np.zeros((2, 1), dtype=np.float32)
    with pytest.raises(ResetNeeded):
        envs.step(still)
    envs.reset(seed=1)
    assert envs.step(still)[3].all()
    with pytest.raises(ConfigurationError, match="2 episodes have ended and autoreset is disabled"):
        envs.step(still)
    envs.reset(options={"reset_mask": np.ones(2, dtype=np.bool_)})
    envs.step(still)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_gymnasiums_statistics_see_whole_episodes(mode: AutoresetMode) -> None:
    envs = RecordEpisodeStatistics(
        InventoryVectorEnv("LostSales", 5, autoreset_mode=mode, periods=8)
    )
    envs.action_space.seed(1)
    envs.reset(seed=1)
    for _ in range(30):
        envs.step(envs.action_space.sample())
    assert set(envs.length_queue) == {8}
    assert len(envs.return_queue) == 15


def test_the_same_seed_gives_the_same_batch_and_rows_differ() -> None:
    batches = []
    for seed in (1, 1, 2):
        envs = InventoryVectorEnv("LostSales", 4)
        envs.action_space.seed(1)
        envs.reset(seed=seed)
        batches.append([envs.step(envs.action_space.sample())[4]["demand"] for _ in range(10)])
    assert np.array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], batches[2])
    assert len({tuple(row) for row in np.stack(batches[0]).T}) == 4


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (
            np.zeros((3, 1)),
            r"actions must be numbers of shape \(2, 1\); got float64 of shape \(3, 1\)",
        ),
        (np.array([[0.0], [7.0]]), r"must lie in \[-1, 1\]; got 7.0 at place 0"),
        (np.array([[np.nan], [0.0]]), r"must lie in \[-1, 1\]; got nan at place 0"),
    ],
)
def test_wrong_actions_are_refused(actions: np.ndarray, message: str) -> None:
    envs = InventoryVectorEnv("LostSales", 2)
    envs.reset(seed=1)
    with pytest.raises(ConfigurationError, match=message):
        envs.step(actions)


def test_the_action_of_a_row_that_begins_anew_does_not_matter() -> None:
    envs = InventoryVectorEnv("Clearance", 2, autoreset_mode="Disabled", periods=3)
    envs.autoreset_mode = AutoresetMode.NEXT_STEP
    envs.reset(seed=1)
    envs.step(np.zeros((2, 1)))
    envs.reset(options={"reset_mask": np.array([False, True])})
    envs.step(np.zeros((2, 1)))
    assert envs.step(np.zeros((2, 1)))[2].tolist() == [True, False]
    with pytest.raises(ConfigurationError, match="got nan"):
        envs.step(np.array([[0.0], [np.nan]]))
    seen, rewards, *_ = envs.step(np.array([[np.nan], [0.0]]))
    assert seen[0].tolist() == [1, 1]
    assert rewards[0] == 0 < rewards[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_envs": 0}, "`num_envs` must be an integer ≥ 1; got 0"),
        ({"autoreset_mode": "Sometimes"}, "`autoreset_mode` must be one of NextStep, SameStep"),
        ({"period": 3}, "'period' is no setting of 'LostSales'. Did you mean 'periods'"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        InventoryVectorEnv("LostSales", **settings)


def test_a_first_reset_begins_everybody() -> None:
    envs = InventoryVectorEnv("LostSales", 2)
    with pytest.raises(ConfigurationError, match="the first reset must begin all"):
        envs.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ConfigurationError, match="`reset_mask` must be 2 truth values"):
        envs.reset(options={"reset_mask": np.array([1, 0])})


def test_a_vector_draws_a_picture_of_each_environment() -> None:
    envs = InventoryVectorEnv("LostSales", 3, render_mode="rgb_array")
    envs.reset(seed=1)
    envs.step(np.zeros((3, 1)))
    pictures = envs.render()
    assert pictures is not None
    assert [picture.shape for picture in pictures] == [pictures[0].shape] * 3  # type: ignore[union-attr]
    assert InventoryVectorEnv("LostSales", 3).render() is None


# (problem, settings, levels or (level, batch) in units, cost per period that the source prints)
BOOKS = [
    pytest.param("DualSourcing", {}, (4, 7), 217.02206, id="dual index, README table"),
    pytest.param("FixedCost", {}, (49, 39), 42.698, id="(s, S) = (10, 49), Zheng & Federgruen"),
    pytest.param("Backorders", {}, (29.585,), 6.28, id="base stock, Alvo et al."),
]


def average_cost(problem: str, settings: dict[str, Any], levels: Sequence[float]) -> np.ndarray:
    """Return each environment's cost per period after a warm-up, at constant levels."""
    envs = InventoryVectorEnv(problem, 400, periods=400, **settings)
    controls = envs.setup.controls
    assert controls.most is not None
    most = controls.most.flatten().tolist()
    if controls.most_batch is not None:
        most += controls.most_batch.flatten().tolist()
    action = 2 * np.array(levels) / np.array(most) - 1
    actions = np.tile(action.astype(np.float32), (400, 1))
    envs.reset(seed=1)
    told = [envs.step(actions)[4] for _ in range(400)]
    total = [info["purchases"] + info["cost"] for info in told[100:]]
    mean: np.ndarray = np.mean(total, axis=0)
    return mean


@pytest.mark.parametrize(("problem", "settings", "levels", "printed"), BOOKS)
def test_a_textbook_rule_costs_what_the_book_says(
    problem: str, settings: dict[str, Any], levels: Sequence[float], printed: float
) -> None:
    costs = average_cost(problem, settings, levels)
    error = costs.std(ddof=1) / np.sqrt(len(costs))
    assert abs(costs.mean() - printed) < 3 * error + 0.002 * printed
    # another level costs measurably more
    worse = average_cost(problem, settings, [0.8 * levels[0], *levels[1:]])
    assert worse.mean() > printed + 5 * error
