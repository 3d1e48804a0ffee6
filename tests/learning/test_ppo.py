"""PPO's objective is the one of the paper, by hand, and climbing it finds known optima."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from restock.errors import ConfigurationError, TrainingError
from restock.learning.interaction import Arena
from restock.learning.policy_methods import ppo
from restock.learning.policy_methods.ppo import (
    PPOConfig,
    PPOLearner,
    clipped_objective,
    clipped_value_loss,
    divergence,
)
from restock.learning.rollouts import collect
from restock.learning.run import LogRow, TrainingRun
from restock.seeds import Seeds

QUICK = PPOConfig(
    updates=12,
    validate_every=12,
    environments=16,
    horizon=8,
    minibatch=32,
    learning_rate=5e-3,
    validation_episodes=1,
    hidden=(16,),
)

# ρ, A → min(ρA, clip(ρ, 0.8, 1.2)·A) and its derivative with respect to ρ
BY_HAND = [
    (1.0, 2.0, 2.0, 2.0),  # at the old policy: the plain policy gradient
    (1.1, 2.0, 2.2, 2.0),  # near
    (1.5, 2.0, 2.4, 0.0),  # a good action, already probable enough: nothing to gain
    (0.5, 2.0, 1.0, 2.0),  # a good action made improbable: all of it is felt
    (1.5, -2.0, -3.0, -2.0),  # a bad action made probable: all of it is felt
    (0.5, -2.0, -1.6, 0.0),  # a bad action, already improbable enough
]


@pytest.mark.parametrize(("ratio", "advantage", "objective", "slope"), BY_HAND)
def test_the_clipped_objective_is_that_of_the_paper(
    ratio: float, advantage: float, objective: float, slope: float
) -> None:
    given = torch.tensor([ratio], requires_grad=True)
    found = clipped_objective(given, torch.tensor([advantage]), 0.2)
    (gradient,) = torch.autograd.grad(found, given)
    assert found.item() == pytest.approx(objective)
    assert gradient.item() == pytest.approx(slope)


def test_without_the_clip_a_ratio_far_away_would_still_pay() -> None:
    # the negative control: the third row above, its clip opened
    given = torch.tensor([1.5], requires_grad=True)
    found = clipped_objective(given, torch.tensor([2.0]), 1e9)
    (gradient,) = torch.autograd.grad(found, given)
    assert (found.item(), gradient.item()) == (3.0, 2.0)


def test_the_value_clip_takes_the_greater_error() -> None:
    value, old = torch.tensor([2.0, 2.0]), torch.tensor([1.0, 1.0])
    # near = 1.1.  target 3: max(1, 1.9²) = 3.61;  target 0: max(4, 1.1²) = 4
    found = clipped_value_loss(value, old, torch.tensor([3.0, 0.0]), 0.1)
    assert float(found) == pytest.approx((3.61 + 4) / 2)
    off = clipped_value_loss(value, old, torch.tensor([3.0, 0.0]), math.inf)
    assert float(off) == pytest.approx((1 + 4) / 2)


def test_the_divergence_is_that_of_two_coins_on_average() -> None:
    old, new = torch.tensor([0.5, 0.5]), torch.tensor([0.8, 0.2])
    sides = torch.multinomial(old, 200_000, replacement=True, generator=Seeds(1).torch("coin"))
    estimate = divergence((new / old).log()[sides])
    exact = float((old * (old / new).log()).sum())  # KL(old ‖ new) = 0.2231
    assert estimate == pytest.approx(exact, rel=0.02)


def test_the_first_step_follows_the_plain_policy_gradient() -> None:
    learner = PPOLearner(Arena("toy/Bandit-v0"), QUICK, Seeds(1))
    learner.begin(0)
    rollout = collect(learner.interaction, learner.policy, 8, learner.acting)
    lesson = learner.lesson(rollout, decay=0.95).flat()
    logs, _ = learner.policy.judge(lesson.features, lesson.action)
    weights = list(learner.policy.parameters())
    ratio = (logs - logs.detach()).exp()
    clipped = torch.autograd.grad(
        clipped_objective(ratio, lesson.advantage, 0.2), weights, retain_graph=True
    )
    plain = torch.autograd.grad((logs * lesson.advantage).mean(), weights)
    for one, other in zip(clipped, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_each_epoch_sees_each_step_once() -> None:
    config = replace(QUICK, epochs=3, minibatch=50)
    learner = PPOLearner(Arena("toy/Steady-v0", {"shows_clock": True}), config, Seeds(1))
    learner.begin(0)
    rollout = collect(learner.interaction, learner.policy, 8, learner.acting)
    lesson = learner.lesson(rollout, decay=0.95).flat()
    numbered = lesson._replace(value=torch.arange(128.0))
    parts = list(learner._minibatches(numbered, lesson.value))
    assert [len(part.value) for part, _ in parts] == [50, 50, 28] * 3
    for epoch in range(3):
        seen = torch.cat([part.value for part, _ in parts[3 * epoch : 3 * epoch + 3]])
        assert seen.sort().values.tolist() == list(range(128))
        assert seen.tolist() != list(range(128))


def steps_taken(learner: PPOLearner) -> int:
    state = learner.optimizer.state[next(iter(learner.policy.parameters()))]
    return int(state["step"])


def test_epochs_stop_once_the_policy_has_gone_too_far() -> None:
    counts = []
    for limit in (math.inf, 1e-3):
        config = replace(QUICK, divergence_limit=limit, learning_rate=0.05)
        learner = PPOLearner(Arena("toy/Bandit-v0"), config, Seeds(1))
        learner.begin(0)
        learner.update(0)
        counts.append(steps_taken(learner))
    # 128 steps in 4 minibatches, 10 epochs
    assert counts[0] == 40
    assert 1 <= counts[1] < 20


def learned(arena: Arena, config: PPOConfig = QUICK) -> PPOLearner:
    learner = PPOLearner(arena, config, Seeds(2))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


def test_it_finds_the_best_arm_and_the_best_number() -> None:
    arm = learned(Arena("toy/Bandit-v0")).policy.act(torch.zeros(1, 1))
    assert arm.tolist() == [1]
    number = learned(Arena("toy/Quadratic-v0")).policy.act(torch.zeros(1, 1))
    assert float(number) == pytest.approx(7.0, abs=0.3)


def test_with_the_sign_of_the_reward_flipped_it_finds_the_worst() -> None:
    worst = Arena("toy/Bandit-v0", {"rewards": (-1.0, -3.0, -2.0)})
    assert learned(worst).policy.act(torch.zeros(1, 1)).tolist() == [0]
    flipped = Arena("toy/Quadratic-v0", {"sign": -1.0})
    assert abs(float(learned(flipped).policy.act(torch.zeros(1, 1))) - 7.0) > 3


@pytest.mark.parametrize(("ends", "worth"), [(False, 10.0), (True, 1.0)])
def test_the_critic_is_bootstrapped_at_a_cut_and_not_at_an_end(ends: bool, worth: float) -> None:  # noqa: FBT001
    config = replace(QUICK, updates=45, discount=0.9, scales_rewards=False, learning_rate=0.02)
    learner = learned(Arena("toy/Steady-v0", {"periods": 1, "ends": ends}), config)
    with torch.no_grad():
        value = float(learner.critic(learner.policy.features(torch.zeros(1, 1))))
    assert value == pytest.approx(worth, rel=0.05)


def test_states_that_are_counted_are_told_apart() -> None:
    run = ppo.fit(Arena("toy/Corridor-v0"), replace(QUICK, discount=0.95), Seeds(1))
    # four steps to the right: 1 − 4 × 0.1
    assert run.best_validation_cost == pytest.approx(-0.6)


def test_training_goes_on_from_a_given_policy() -> None:
    arena = Arena("toy/Quadratic-v0")
    first = learned(arena).policy
    weights = [weight.clone() for weight in first.parameters()]
    still = replace(QUICK, updates=1, validate_every=1, learning_rate=1e-9)
    run = ppo.fit(arena, still, Seeds(5), policy=first)
    assert run.policy is first
    assert run.best_validation_cost < 0.01
    for before, after in zip(weights, run.policy.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-6, rtol=0)


def test_many_episodes_of_our_world_are_learned_in_one_batch() -> None:
    config = PPOConfig(
        updates=8, validate_every=8, environments=64, horizon=32, validation_episodes=256
    )
    run = ppo.fit(Arena("restock/LostSales-v0"), config, Seeds(1))
    first = PPOLearner(Arena("restock/LostSales-v0"), config, Seeds(1)).validate()
    assert run.steps == 8 * 64 * 32
    assert run.best_validation_cost < 0.97 * first


def train(
    folder: Path | None,
    interrupt_after: int | None = None,
    name: str = "toy/Steady-v0",
    **settings: object,
) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = replace(QUICK, updates=6, validate_every=2, environments=4, epochs=2, minibatch=16)
    return ppo.fit(Arena(name, settings), config, Seeds(1), folder=folder, listeners=[interrupt])


def results(run: TrainingRun[Any]) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize(
    ("name", "interrupt_after"),
    [("toy/Corridor-v0", 1), ("toy/Corridor-v0", 4), ("restock/JointPricing-v0", 3)],
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, name: str, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after, name)
    assert results(train(tmp_path, name=name)) == results(train(None, name=name))


def test_a_resumed_run_that_forgot_its_optimizer_would_not_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    tree["learner"]["optimizer"]["state"] = {}
    torch.save(tree, tmp_path / "checkpoint.pt")
    assert results(train(tmp_path)) != results(train(None))


def test_a_reward_that_is_no_number_stops_training_with_its_batch_on_file(tmp_path: Path) -> None:
    # 8 steps an update: the fourth meets the 26th step
    with pytest.raises(TrainingError, match=r"sums to nan at update 4; .*offending-batch"):
        train(tmp_path, good_steps=25)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert batch["reward"].isnan().any()
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["numbers"][0] == 2
    assert all(weight.isfinite().all() for weight in saved["policy"].values())


def test_weights_that_are_no_numbers_are_noticed_before_the_environment_is_asked() -> None:
    learner = PPOLearner(Arena("toy/Quadratic-v0"), QUICK, Seeds(1))
    next(iter(learner.policy.net.parameters())).data.fill_(math.nan)
    learner.begin(0)
    with pytest.raises(ArithmeticError, match="sum to nan"):
        learner.update(0)


WRONG: dict[str, dict[str, Any]] = {
    "horizon": {"horizon": 0},
    "epochs": {"epochs": 0},
    "minibatch": {"minibatch": 0},
    "clip": {"clip": float("nan")},
    "decay": {"decay": 1.1},
    "value_weight": {"value_weight": float("nan")},
    "value_clip": {"value_clip": 0.0},
    "divergence_limit": {"divergence_limit": float("nan")},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must be .*; got ") as error:
        PPOConfig(**WRONG[name])
    assert "\n" not in str(error.value)
