"""Stable-Baselines3 in our arenas: what its vector sees, what a run of it leaves behind."""

import math
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from restock.errors import ConfigurationError
from restock.learning import LogRow, StableBaselinesConfig
from restock.learning.interaction import Arena
from restock.learning.stable_baselines import fit
from restock.policies.environment_policy import EnvironmentPolicy
from restock.seeds import Seeds
from restock.simulation import average_cost
from restock.simulation.environments import setup_for

pytest.importorskip("stable_baselines3", reason="needs the extra `compare`")

from restock.learning.stable_baselines_side import ArenaVecEnv, build

WORLD = Arena("restock/LostSales-v0", {"periods": 5})


def test_a_cut_off_episode_shows_its_last_observation_and_begins_anew_in_the_same_step() -> None:
    vector, twin = ArenaVecEnv(WORLD, 3), WORLD.vector(3)
    vector.seed(4)
    np.testing.assert_array_equal(vector.reset(), twin.reset(seed=4)[0])
    total = np.zeros(3)
    for period in range(5):
        actions = np.full((3, 1), -0.1 * period, dtype=np.float32)
        seen, rewards, ended, infos = vector.step(actions)
        shown, worth, _, cut, told = twin.step(actions)
        total += worth
        np.testing.assert_array_equal(np.asarray(seen), shown)
        np.testing.assert_allclose(rewards, worth, rtol=1e-6)
        assert ended.tolist() == cut.tolist() == [period == 4] * 3
    for place in range(3):
        np.testing.assert_array_equal(
            infos[place]["terminal_observation"], told["final_obs"][place]
        )
        assert infos[place]["TimeLimit.truncated"] is True
        assert infos[place]["episode"] == {"r": pytest.approx(total[place]), "l": 5}
        # what it saw last is not what the next episode begins with
        assert not np.array_equal(infos[place]["terminal_observation"], np.asarray(seen)[place])


def test_the_end_of_the_problem_is_not_a_cut() -> None:
    season = ArenaVecEnv(Arena("restock/Clearance-v0", {"periods": 3}), 2)
    season.seed(1)
    season.reset()
    for _ in range(3):
        _, _, ended, infos = season.step(np.zeros((2, 1), dtype=np.float32))
    assert ended.all()
    assert [info["TimeLimit.truncated"] for info in infos] == [False, False]


def test_an_environment_of_a_batch_takes_no_attributes() -> None:
    vector = ArenaVecEnv(WORLD, 2)
    assert vector.get_attr("num_envs") == [2, 2]
    assert vector.get_attr("num_envs", indices=[1]) == [2]
    with pytest.raises(ConfigurationError, match="`gravity` = 3 cannot be set"):
        vector.set_attr("gravity", 3)


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("PPO", {"n_steps": 64, "batch_size": 64, "n_epochs": 4, "learning_rate": 3e-3}),
        ("SAC", {"learning_starts": 50, "learning_rate": 3e-3}),
    ],
)
def test_it_finds_the_best_action_of_a_quadratic_world(
    algorithm: str, settings: dict[str, object]
) -> None:
    heard: list[LogRow] = []
    steps = 4096 if algorithm == "PPO" else 600
    config = StableBaselinesConfig(
        algorithm=algorithm, steps=steps, environments=4, validations=2, settings=settings
    )
    run = fit(Arena("toy/Quadratic-v0", {"best": 3.0}), config, Seeds(1), listeners=[heard.append])
    assert run.policy.act(torch.zeros(3, 1)).numpy() == pytest.approx(3.0, abs=0.5)
    assert run.log == heard
    assert run.steps >= steps
    assert run.updates > 0
    assert run.seconds > 0
    validated = [row.validation_cost for row in run.log if row.validation_cost is not None]
    assert run.best_validation_cost <= min(validated)
    learned = [row for row in run.log if math.isfinite(row.loss)]
    assert learned
    assert all(row.learning_rate == pytest.approx(3e-3) for row in learned)
    # negative control: where the best is the worst, it goes elsewhere
    turned = Arena("toy/Quadratic-v0", {"best": 3.0, "sign": -1.0})
    away = fit(turned, config, Seeds(1)).policy.act(torch.zeros(3, 1))
    assert abs(float(away[0, 0]) - 3.0) > 2.0


def test_the_same_seed_gives_the_same_policy() -> None:
    config = StableBaselinesConfig(algorithm="A2C", steps=100, validations=1)
    weights = [
        torch.cat(
            [
                w.flatten()
                for w in fit(
                    Arena("toy/Quadratic-v0", {"best": 3.0}), config, Seeds(seed)
                ).policy.parameters()
            ]
        )
        for seed in (3, 3, 4)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_observations_are_normalised_as_in_training() -> None:
    config = StableBaselinesConfig(
        algorithm="PPO",
        steps=256,
        environments=8,
        scales_observations=True,
        scales_rewards=True,
        validations=1,
        validation_episodes=4,
        settings={"n_steps": 16, "batch_size": 64},
    )
    policy = fit(WORLD, config, Seeds(1)).policy
    rows = torch.tensor([[1.0, 0.5, 2.0, 1.5]])
    scaled = ((rows - policy.mean) / policy.deviation).clamp(-10, 10).float().numpy()
    wanted, _ = policy.net.predict(scaled, deterministic=True)
    np.testing.assert_array_equal(policy.act(rows).numpy(), wanted)
    assert policy.mean.shape == (4,)


def test_its_policy_enters_a_table_of_average_costs() -> None:
    config = StableBaselinesConfig(algorithm="DQN", steps=64, validations=1, validation_episodes=2)
    discrete = Arena("restock/LostSalesDiscrete-v0")
    setup = setup_for("LostSales", {"discrete": True})
    policy = EnvironmentPolicy(setup, fit(discrete, config, Seeds(1)).policy.act)
    scenario = setup.source.sample(4, 30, torch.Generator().manual_seed(1))
    costs = average_cost(setup.world, policy, scenario, warm_up=10)
    assert costs.shape == (4, 1)
    assert bool((costs > 0).all())


def test_noise_is_played_by_who_knows_it_and_settings_stay_as_they_were() -> None:
    settings = {"policy_kwargs": {"net_arch": [8]}, "learning_starts": 8, "batch_size": 8}
    told = StableBaselinesConfig(
        algorithm="TD3", steps=32, environments=4, noise=0.3, validations=1, settings=settings
    )
    model, envs = build(WORLD, told, 1)
    envs.close()
    assert model.action_noise is not None
    assert "0.3" in repr(model.action_noise)
    a2c = StableBaselinesConfig(algorithm="A2C", settings={"policy_kwargs": {"log_std_init": 0.0}})
    build(WORLD, a2c, 1)[1].close()
    assert a2c.settings == {"policy_kwargs": {"log_std_init": 0.0}}
    with pytest.raises(ConfigurationError, match=r"`noise` .* got 0.1 for PPO"):
        StableBaselinesConfig(algorithm="PPO", noise=0.1)


def test_what_it_cannot_serve_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="DQN needs discrete actions"):
        fit(WORLD, StableBaselinesConfig(algorithm="DQN"), Seeds(1))
    with pytest.raises(ConfigurationError, match="TD3 needs continuous actions"):
        fit(
            Arena("restock/LostSalesDiscrete-v0"),
            StableBaselinesConfig(algorithm="TD3"),
            Seeds(1),
        )
    with pytest.raises(ConfigurationError, match=r"'n_step' is no setting .* mean 'n_steps'"):
        fit(WORLD, StableBaselinesConfig(algorithm="PPO", settings={"n_step": 3}), Seeds(1))
    with pytest.raises(ConfigurationError, match=r"'PP0' is unknown\. Did you mean 'PPO'"):
        StableBaselinesConfig(algorithm="PP0")
    with pytest.raises(ConfigurationError, match="`steps` must be an integer ≥ 1; got 0"):
        StableBaselinesConfig(algorithm="PPO", steps=0)


def test_where_the_package_is_missing_the_message_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "restock.learning.stable_baselines.find_spec",
        lambda name: None if name == "stable_baselines3" else find_spec(name),
    )
    with pytest.raises(ConfigurationError, match=r"pip install 'restock\[compare\]'"):
        fit(WORLD, StableBaselinesConfig(algorithm="PPO"), Seeds(1))
