"""NAF finds the peak of known action values, and its quadratic is the one of the paper."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from torch import Tensor

from restock.errors import ConfigurationError, TrainingError
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena
from restock.learning.replay import Priority
from restock.learning.run import LogRow
from restock.learning.scaling import ObservationScale
from restock.learning.value_methods import naf
from restock.learning.value_methods.naf import NAFConfig, NAFLearner, NAFNetwork, QuadraticNet
from restock.seeds import Seeds

QUICK = NAFConfig(
    updates=20,
    validate_every=20,
    environments=8,
    rounds=20,
    minibatch=64,
    warm_up=256,
    capacity=4000,
    learning_rate=1e-2,
    target_rate=0.05,
    anneals=True,
    hidden=(16, 16),
    discount=0.9,
    exploration=Exploration(start=0.5, end=0.1),
    scales_observations=False,
    scales_rewards=False,
    validation_episodes=4,
)


class Drift(gymnasium.Env[np.ndarray, np.ndarray]):
    """A place x in [−1, 1]²; a in [−1, 1]² leads to x + a and pays 1 − pull·|x + a|².

    Cut off after 4 steps. The best action is a = −x, and then each step pays 1 for ever.
    """

    def __init__(self, pull: float = 1.0, *, good_steps: int = 10**9) -> None:
        self.pull, self.good_steps, self.clock = pull, good_steps, 0
        self.observation_space = Box(-9, 9, (2,), np.float32)
        self.action_space = Box(-1, 1, (2,), np.float32)
        self.place = np.zeros(2, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.place = self.np_random.uniform(-0.8, 0.8, 2).astype(np.float32)
        self.clock = 0
        return self.place.copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.clock += 1
        self.good_steps -= 1
        self.place = np.clip(self.place + action, -1, 1).astype(np.float32)
        reward = 1 - self.pull * float((self.place**2).sum())
        reward = reward if self.good_steps >= 0 else float("nan")
        return self.place.copy(), reward, False, self.clock >= 4, {}


@pytest.fixture(scope="module", autouse=True)
def _drift() -> None:
    worlds: dict[str, Any] = {"toy/Drift-v0": Drift}
    for name, world in worlds.items():
        gymnasium.register(name, entry_point=world, disable_env_checker=True)


def trained(arena: Arena, config: NAFConfig) -> NAFLearner:
    learner = NAFLearner(arena, config, Seeds(1))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


def test_the_quadratic_is_the_one_of_the_paper() -> None:
    net = QuadraticNet(4, 3, (8,), Seeds(1).torch("net"))
    with torch.no_grad():
        net.net[-1].weight.normal_(0, 0.5, generator=Seeds(2).torch("net"))  # type: ignore[operator]
    q = net(torch.randn(5, 4, generator=Seeds(3).torch("features")))
    action = torch.randn(5, 3, generator=Seeds(4).torch("action"))
    for row in range(5):
        apart, factor = (action - q.best)[row], q.factor[row]
        exact = q.value[row] - 0.5 * apart @ (factor @ factor.T) @ apart
        torch.testing.assert_close(q.at(action)[row], exact)
    assert torch.equal(q.factor, q.factor.tril())
    assert bool((q.factor.diagonal(dim1=1, dim2=2) > 0).all())
    assert bool((q.factor.tril(-1).flatten(1) != 0).sum(-1).eq(3).all())
    assert bool((q.at(q.best) == q.value).all())
    assert bool((q.at(action) < q.value).all())


def test_the_best_action_of_a_bandit_is_found_with_its_value() -> None:
    learner = trained(Arena("toy/Quadratic-v0"), QUICK)
    seen = torch.zeros(1, 1)
    assert learner.policy.act(seen).item() == pytest.approx(7.0, abs=0.1)
    q = learner.policy.quadratic(seen)
    assert q.value.item() == pytest.approx(0.0, abs=0.05)
    # −(a − 7)²/10 with a = 5 + 5u is −½ P (u − 0.4)², P = 5
    assert q.factor.square().item() == pytest.approx(5.0, rel=0.1)


def test_a_bandit_with_the_wrong_sign_has_no_peak_there() -> None:
    # the negative control: the worst action is 7, the best one 0
    learner = trained(Arena("toy/Quadratic-v0", {"sign": -1.0}), QUICK)
    assert learner.policy.act(torch.zeros(1, 1)).item() < 5.0


def places() -> Tensor:
    return torch.tensor([[0.0, 0.0], [0.5, -0.5], [-0.6, 0.2]])


@pytest.mark.parametrize("settings", [{}, {"steps": 2}, {"priority": Priority()}])
def test_the_way_home_is_found_and_worth_ten(settings: dict[str, Any]) -> None:
    config = replace(QUICK, updates=40, validate_every=40, **settings)
    learner = trained(Arena("toy/Drift-v0"), config)
    torch.testing.assert_close(learner.policy.act(places()), -places(), atol=0.1, rtol=0)
    # two rewards before a value hold what noise did to the second: 0.1²·2 and more, early on
    atol = 0.3 if config.steps == 1 else 1.0
    found = learner.policy.quadratic(places()).value.detach()
    torch.testing.assert_close(found, torch.full((3,), 10.0), atol=atol, rtol=0)


def test_a_place_that_pulls_away_is_left() -> None:
    # the negative control of the test above
    config = replace(QUICK, updates=40, validate_every=40)
    learner = trained(Arena("toy/Drift-v0", {"pull": -1.0}), config)
    apart = learner.policy.act(places()) + places()
    assert float(apart.abs().max()) > 0.5


def test_without_a_discount_only_the_next_step_counts() -> None:
    learner = trained(Arena("toy/Drift-v0"), replace(QUICK, discount=0.0))
    found = learner.policy.quadratic(places()).value.detach()
    torch.testing.assert_close(found, torch.ones(3), atol=0.1, rtol=0)


def test_exploration_is_noise_around_the_best_action_within_the_box() -> None:
    learner = NAFLearner(Arena("toy/Quadratic-v0"), QUICK, Seeds(1))
    noise = learner.explore(torch.zeros(20_000, 1), 0.5)
    # a fresh μ is the middle, 5; σ fell from 0.5 to 0.1 half-widths of 5
    assert float(noise.mean()) == pytest.approx(5.0, abs=0.02)
    assert float(noise.std()) == pytest.approx(0.5, rel=0.03)
    wild = learner.explore(torch.zeros(20_000, 1), 0.0)
    assert (float(wild.min()), float(wild.max())) == (0.0, 10.0)


def test_units_go_forth_and_back() -> None:
    space = Box(np.array([0.0, -2.0], np.float32), np.array([10.0, 2.0], np.float32))
    policy = NAFNetwork(ObservationScale(Box(-1, 1, (1,))), space, (4,), torch.Generator())
    half_widths = torch.tensor([[-1.0, 0.5], [0.2, -0.2]])
    units = policy.to_environment(half_widths)
    assert units[0].tolist() == [0.0, 1.0]
    torch.testing.assert_close(policy.from_environment(units), half_widths)


def test_a_run_that_was_interrupted_ends_the_same(tmp_path: Path) -> None:
    config = replace(
        QUICK, updates=6, validate_every=2, rounds=4, steps=2, scales_observations=True
    )
    arena = Arena("toy/Drift-v0")
    whole = naf.fit(arena, config, Seeds(1))

    def stop(row: LogRow) -> None:
        if row.update == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        naf.fit(arena, config, Seeds(1), folder=tmp_path, listeners=[stop])
    resumed = naf.fit(arena, config, Seeds(1), folder=tmp_path)
    assert [replace(row, seconds=0) for row in resumed.log] == [
        replace(row, seconds=0) for row in whole.log
    ]
    for name, weight in whole.policy.state_dict().items():
        assert torch.equal(weight, resumed.policy.state_dict()[name])


def test_a_reward_that_is_no_number_stops_and_is_written_down(tmp_path: Path) -> None:
    arena = Arena("toy/Drift-v0", {"good_steps": 45})
    config = replace(QUICK, validate_every=1, rounds=4)
    with pytest.raises(TrainingError, match="sums to nan"):
        naf.fit(arena, config, Seeds(1), folder=tmp_path)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert bool(batch["reward"].isnan().any())


def test_discrete_actions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="NAF needs continuous actions"):
        naf.fit(Arena("toy/Bandit-v0"), QUICK, Seeds(1))


def test_a_network_for_other_actions_is_refused() -> None:
    scale = ObservationScale(Box(-1, 1, (1,)))
    policy = NAFNetwork(scale, Box(-1, 1, (2,)), (4,), torch.Generator())
    with pytest.raises(ConfigurationError, match=r"needs a NAFNetwork .* for other spaces"):
        naf.fit(Arena("toy/Quadratic-v0"), QUICK, Seeds(1), policy=policy)


@pytest.mark.parametrize("value", [float("nan"), 0.0, -1.0])
def test_a_threshold_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match="`huber_threshold` must be > 0"):
        replace(QUICK, huber_threshold=value)
