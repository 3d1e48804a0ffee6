"""DQN finds known action values, each of its parts does what its equation says."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from gymnasium.spaces import Box
from torch import Tensor, nn

from restock.errors import ConfigurationError, TrainingError
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena, Transitions
from restock.learning.off_policy import any_action, follow
from restock.learning.replay import Batch, Priority
from restock.learning.run import LogRow, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.value_methods import dqn
from restock.learning.value_methods.dqn import DQNConfig, DQNLearner, QNetwork, dqn_target
from restock.seeds import Seeds

NAN = float("nan")

QUICK = DQNConfig(
    updates=15,
    validate_every=15,
    environments=4,
    rounds=20,
    minibatch=32,
    warm_up=64,
    capacity=2000,
    learning_rate=1e-2,
    target_every=10,
    hidden=(16, 16),
    discount=0.9,
    exploration=Exploration(start=1.0, end=0.2),
    scales_observations=False,
    scales_rewards=False,
    validation_episodes=1,
)


def values(run: TrainingRun[QNetwork], *seen: float) -> Tensor:
    with torch.no_grad():
        return run.policy.values(torch.tensor(seen).unsqueeze(-1))


class Fixed(nn.Module):
    """Values that are what they are, one row a state."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        super().__init__()
        self.table = torch.tensor(rows)

    def forward(self, features: Tensor) -> Tensor:
        return self.table[features[:, 0].long()]


def batch_of(*led_to: float, reward: float = 1.0, discount: float = 0.5) -> Batch:
    count, seen = len(led_to), torch.tensor(led_to).unsqueeze(-1)
    paid, index = torch.full((count,), reward), torch.arange(count)
    kept = torch.full((count,), discount)
    return Batch(seen, index * 0, paid, seen, kept == 0, kept, torch.ones(count), index)


# the policy likes action 0 in state 0 and action 1 in state 1; the target network says otherwise
POLICY, TARGET = Fixed((9.0, 2.0), (1.0, 3.0)), Fixed((4.0, 6.0), (8.0, 5.0))


@pytest.mark.parametrize(("double", "best"), [(False, [6.0, 8.0]), (True, [4.0, 5.0])])
def test_the_target_is_the_reward_and_the_chosen_value(*, double: bool, best: list[float]) -> None:
    policy = QNetwork(ObservationScale(Box(0, 9, (1,)), learns=False), 2, (), torch.Generator())
    policy.net = nn.Sequential(POLICY)
    found = dqn_target(batch_of(0.0, 1.0), policy, TARGET, double=double)
    assert found.tolist() == [1 + value / 2 for value in best]
    over = dqn_target(batch_of(0.0, 1.0, discount=0.0), policy, TARGET, double=double)
    assert over.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dueling", [True, False])
@pytest.mark.parametrize("scales", [True, False])
def test_the_values_of_arms_are_their_rewards(*, dueling: bool, scales: bool) -> None:
    config = replace(
        QUICK, dueling=dueling, scales_rewards=scales, learning_rate=0.05, anneals=True
    )
    learner = DQNLearner(Arena("toy/Bandit-v0"), config, Seeds(1))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    found = learner.policy.values(torch.zeros(1, 1))[0] / learner.reward_gain
    torch.testing.assert_close(found.detach(), torch.tensor([1.0, 3.0, 2.0]), atol=0.2, rtol=0)
    assert learner.policy.act(torch.zeros(1, 1)).item() == 1
    # arms drawn alike have rewards of variance 2/3; a greedier policy earns 3 more often
    assert learner.reward_gain == (pytest.approx(1.5**0.5, rel=0.2) if scales else 1.0)


def test_rewards_with_the_wrong_sign_choose_the_worst_arm() -> None:
    # the negative control of the test above
    learner = DQNLearner(Arena("toy/Bandit-v0"), QUICK, Seeds(1))
    learner.replay.add = _flipped(learner.replay.add)  # type: ignore[method-assign,assignment]
    learner.begin(0)
    for number in range(QUICK.updates):
        learner.update(number)
    assert learner.policy.act(torch.zeros(1, 1)).item() == 0


def _flipped(add: Callable[[Transitions], None]) -> Callable[[Transitions], None]:
    return lambda moved: add(moved._replace(reward=-moved.reward))


@pytest.mark.parametrize("steps", [1, 3])
def test_a_reward_of_one_for_ever_is_worth_ten(steps: int) -> None:
    config = replace(
        QUICK, steps=steps, updates=50, target_every=5, learning_rate=0.05, anneals=True
    )
    run = _trained(Arena("toy/Steady-v0", {"periods": 5}), config)
    assert values(run, 0.0).flatten().tolist() == pytest.approx([10.0, 10.0], rel=0.02)


def _trained(arena: Arena, config: DQNConfig) -> TrainingRun[QNetwork]:
    """Return a run whose policy is the last, not the best: all are as good in a steady world."""
    learner = DQNLearner(arena, config, Seeds(1))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return TrainingRun(learner.policy, 0.0, 0, config.updates, 0.0)


@pytest.mark.parametrize("forgets", [False, True])
def test_nothing_comes_after_an_episode_that_is_over(*, forgets: bool) -> None:
    config = replace(QUICK, updates=40, validate_every=40, scales_observations=True)
    learner = DQNLearner(
        Arena("toy/Steady-v0", {"periods": 3, "ends": True, "shows_clock": True}), config, Seeds(1)
    )
    if forgets:
        add = learner.replay.add
        learner.replay.add = lambda moved: add(  # type: ignore[method-assign]
            moved._replace(terminated=moved.terminated & False)
        )
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    found = learner.policy.values(torch.tensor([[0.0], [1.0], [2.0]])).mean(-1)
    exact = torch.tensor([1 + 0.9 + 0.81, 1 + 0.9, 1.0])
    error = float((found.detach() - exact).abs().max())
    # without the mask the last value would feed on one that nothing ever corrects
    assert error > 0.5 if forgets else error < 0.1


# the corridor: four steps to the right at 0.1 each, and 1 at its end
EXACT = [0.9]
for _ in range(3):
    EXACT.insert(0, 0.9 * EXACT[0] - 0.1)

PARTS: dict[str, dict[str, Any]] = {
    "plain": {"double": False, "dueling": False},
    "double": {"double": True, "dueling": False},
    "dueling": {"double": False, "dueling": True},
    "priority": {"priority": Priority()},
    "polyak": {"target_rate": 0.05, "target_every": 1},
    "squares": {"huber_threshold": float("inf")},
}


@pytest.mark.parametrize("part", PARTS)
def test_the_values_of_a_corridor_are_the_exact_ones(part: str) -> None:
    config = replace(QUICK, updates=30, validate_every=10, anneals=True, **PARTS[part])
    run = _trained(Arena("toy/Corridor-v0"), config)
    found = run.policy.values(torch.arange(4))[:, 1].tolist()
    assert found == pytest.approx(EXACT, abs=0.05)
    assert run.policy.act(torch.arange(4)).tolist() == [1, 1, 1, 1]


def test_three_rewards_a_target_find_the_end_of_the_corridor() -> None:
    run = dqn.fit(Arena("toy/Corridor-v0"), replace(QUICK, steps=3, validate_every=5), Seeds(1))
    assert -run.best_validation_cost == pytest.approx(1 - 0.4)


def test_without_a_future_nobody_walks_the_corridor() -> None:
    # the negative control: with γ = 0 all that counts is the next step
    run = _trained(Arena("toy/Corridor-v0"), replace(QUICK, discount=0.0))
    found = run.policy.values(torch.arange(4))[:, 1].tolist()
    assert found == pytest.approx([-0.1, -0.1, -0.1, 0.9], abs=0.05)


def test_the_target_network_is_a_copy_every_so_many_steps() -> None:
    config = replace(QUICK, target_every=3, rounds=1)
    learner = DQNLearner(Arena("toy/Corridor-v0"), config, Seeds(1))
    learner.begin(0)
    same = []
    for number in range(7):
        learner.update(number)
        pairs = zip(learner.target.parameters(), learner.policy.net.parameters(), strict=True)
        same.append(all(torch.equal(one, other) for one, other in pairs))
    assert same == [False, False, True, False, False, True, False]


def test_a_target_that_follows_goes_a_share_of_the_way() -> None:
    target, source = [torch.tensor([0.0, 4.0])], [torch.tensor([8.0, 4.0])]
    follow(target, source, 0.25)
    follow(target, source, 0.25)
    assert target[0].tolist() == [3.5, 4.0]


def test_a_step_is_drawn_again_as_its_error_says() -> None:
    config = replace(QUICK, priority=Priority(exponent=1.0, least=0.01))
    learner = DQNLearner(Arena("toy/Corridor-v0"), config, Seeds(1))
    learner.begin(0)
    learner.play(16, None)
    batch = learner.minibatch(0.0)
    learner.learn(batch, 0.0)
    # the last layer starts at 0: all values are 0, and an error is the reward
    assert learner.replay.tree is not None
    kept = learner.replay.tree.leaves[batch.index].float()
    torch.testing.assert_close(kept, batch.reward.abs() + 0.01)


def test_errors_beyond_the_threshold_count_linearly() -> None:
    losses = []
    for threshold in (1.0, 2.0, float("inf")):
        config = replace(QUICK, huber_threshold=threshold)
        learner = DQNLearner(Arena("toy/Corridor-v0"), config, Seeds(1))
        told = learner.learn(
            batch_of(0.0, reward=3.0)._replace(
                observation=torch.tensor([0]), next_observation=torch.tensor([0])
            ),
            0.0,
        )
        losses.append(told.loss)
        assert told.value_loss == 9.0
    # δ = 3:  1·(3 − ½),  2·(3 − 1),  ½·9
    assert losses == pytest.approx([2.5, 4.0, 4.5])


def test_a_weight_of_zero_teaches_nothing() -> None:
    learner = DQNLearner(Arena("toy/Corridor-v0"), QUICK, Seeds(1))
    before = copy.deepcopy(learner.policy.state_dict())
    learner.begin(0)
    learner.play(16, None)
    batch = learner.minibatch(0.0)
    learner.learn(batch._replace(weight=torch.zeros(32)), 0.0)
    after = learner.policy.state_dict()
    assert all(torch.equal(each, before[name]) for name, each in after.items())
    learner.learn(batch, 0.0)
    assert any(not torch.equal(each, before[name]) for name, each in after.items())


def test_warm_up_plays_at_random_before_anything_is_learned() -> None:
    learner = DQNLearner(Arena("toy/Steady-v0"), replace(QUICK, rounds=1), Seeds(1))
    learner.begin(0)
    told = learner.update(0)
    assert (told.steps, len(learner.replay), learner.gradient_steps) == (68, 68, 1)
    assert learner.update(1).steps == 4
    # 16 steps of warm-up, ε = 1 after it: both actions are seen
    assert set(learner.replay.action[:68].tolist()) == {0, 1}


def test_random_actions_fill_a_box() -> None:
    drawn = any_action(Arena("toy/Quadratic-v0"), 4000, Seeds(1).torch("actions"))
    assert drawn.shape == (4000, 1)
    assert 0 <= float(drawn.min()) < 0.05
    assert 9.95 < float(drawn.max()) <= 10
    assert float(drawn.mean()) == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize("priority", [None, Priority()])
def test_a_run_that_was_interrupted_ends_the_same(
    tmp_path: Path, priority: Priority | None
) -> None:
    config = replace(
        QUICK,
        updates=6,
        validate_every=2,
        rounds=5,
        steps=2,
        priority=priority,
        scales_observations=True,
        scales_rewards=True,
    )
    arena = Arena("toy/Steady-v0", {"shows_clock": True})
    whole = dqn.fit(arena, config, Seeds(1))

    def stop(row: LogRow) -> None:
        if row.update == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dqn.fit(arena, config, Seeds(1), folder=tmp_path, listeners=[stop])
    resumed = dqn.fit(arena, config, Seeds(1), folder=tmp_path)
    assert [replace(row, seconds=0) for row in resumed.log] == [
        replace(row, seconds=0) for row in whole.log
    ]
    for name, weight in whole.policy.state_dict().items():
        assert torch.equal(weight, resumed.policy.state_dict()[name])
    other = dqn.fit(arena, config, Seeds(2))
    assert other.log[-1].loss != whole.log[-1].loss


def test_a_reward_that_is_no_number_stops_and_is_written_down(tmp_path: Path) -> None:
    config = replace(QUICK, validate_every=1, rounds=5)
    arena = Arena("toy/Steady-v0", {"good_steps": 40})
    with pytest.raises(TrainingError, match="sums to nan"):
        dqn.fit(arena, config, Seeds(1), folder=tmp_path)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert bool(batch["reward"].isnan().any())
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert all(bool(each.isfinite().all()) for each in kept["policy"].values())


def test_continuous_actions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="DQN needs discrete actions"):
        dqn.fit(Arena("toy/Quadratic-v0"), QUICK, Seeds(1))


def test_a_network_for_other_actions_is_refused() -> None:
    scale = ObservationScale(Box(-1, 1, (1,)))
    policy = QNetwork(scale, 5, (4,), torch.Generator())
    with pytest.raises(ConfigurationError, match=r"needs a QNetwork .* for other spaces"):
        dqn.fit(Arena("toy/Bandit-v0"), QUICK, Seeds(1), policy=policy)


def test_a_replay_that_memory_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="GiB may be taken"):
        dqn.fit(Arena("toy/Bandit-v0"), replace(QUICK, capacity=10**14), Seeds(1))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("huber_threshold", NAN),
        ("target_rate", 0.0),
        ("target_rate", 1.5),
        ("discount", NAN),
        ("minibatch", 0),
        ("capacity", 65),
        ("gradient_clip", NAN),
        ("hidden", (0,)),
        ("steps", 0),
    ],
)
def test_a_setting_out_of_range_is_refused(
    setting: str,
    value: Any,  # noqa: ANN401
) -> None:
    with pytest.raises(ConfigurationError, match=f"`{setting}`"):
        replace(QUICK, **{setting: value})
