"""TD3's three changes, each by hand, and what they find together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from restock.errors import ConfigurationError
from restock.learning.interaction import Arena
from restock.learning.policy_methods import td3
from restock.learning.policy_methods.ddpg import DDPGLearner
from restock.learning.policy_methods.td3 import TD3Config, TD3Learner, smallest, smoothed
from restock.learning.run import LogRow, TrainingRun
from restock.seeds import Seeds

QUICK = TD3Config(
    updates=12,
    validate_every=12,
    environments=16,
    rounds=8,
    gradient_steps=4,
    minibatch=64,
    warm_up=64,
    target_rate=0.05,
    learning_rate=5e-3,
    actor_learning_rate=1e-2,
    validation_episodes=1,
    hidden=(16,),
    scales_rewards=False,
    noise=0.3,
)
NOWHERE = torch.zeros(1, 1)


@pytest.fixture(name="arena")
def quadratic_arena() -> Arena:
    return Arena("toy/Quadratic-v0")


def learned(arena: Arena, config: TD3Config = QUICK) -> TD3Learner:
    learner = TD3Learner(arena, config, Seeds(2))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


def saying(learner: DDPGLearner, *values: float) -> None:
    """Make the slow critics say these values, whatever they are shown."""
    slow = learner.judges.slow
    for weight in slow.parameters():
        weight.zero_()
    slow.biases[-1].copy_(torch.tensor(values).reshape(-1, 1, 1))


# ---- 1: twin critics


def test_the_target_takes_the_smaller_of_two_critics_at_each_row() -> None:
    values = torch.tensor([[1.0, 5.0, -3.0], [2.0, 4.0, -4.0]])
    assert smallest(values).tolist() == [1.0, 4.0, -4.0]


def test_the_target_is_that_of_the_paper(arena: Arena) -> None:
    learner = TD3Learner(arena, replace(QUICK, discount=0.9), Seeds(1))
    learner.begin(0)
    learner.play(4, None)
    saying(learner, 5.0, 2.0)
    batch = learner.minibatch(0.0)
    # an episode of one step: the reward is all, and else r + 0.9 × min(5, 2)
    torch.testing.assert_close(learner.target(batch), batch.reward)
    going = batch._replace(discount=torch.full((64,), 0.9))
    torch.testing.assert_close(learner.target(going), batch.reward + 1.8)


def test_one_critic_alone_would_believe_the_first(arena: Arena) -> None:
    # the negative control of the test above: the same target by DDPG, r + 0.9 × 5
    learner = DDPGLearner(arena, replace(QUICK, discount=0.9), Seeds(1), critics=2)
    learner.begin(0)
    learner.play(4, None)
    saying(learner, 5.0, 2.0)
    batch = learner.minibatch(0.0)._replace(discount=torch.full((64,), 0.9))
    torch.testing.assert_close(learner.target(batch), batch.reward + 4.5)


def test_the_smaller_of_two_is_below_each_where_both_err_by_chance() -> None:
    # two independent errors N(0, 1): E min = −1/√π = −0.564, and E of either is 0
    errors = torch.empty(2, 200_000).normal_(generator=Seeds(1).torch("errors"))
    assert float(smallest(errors).mean()) == pytest.approx(-0.564, abs=0.01)
    assert float(errors[0].mean()) == pytest.approx(0.0, abs=0.01)


# ---- 2: smoothed targets


def test_the_blur_is_normal_within_its_limit_and_stays_in_the_box() -> None:
    generator = Seeds(1).torch("blur")
    blur = smoothed(torch.zeros(100_000, 1), 0.2, 0.5, generator)
    assert float(blur.std()) == pytest.approx(0.2, rel=0.03)
    assert 0.49 < float(blur.max()) <= 0.5
    edge = smoothed(torch.full((1000, 1), 0.9), 0.2, 0.5, generator)
    assert float(edge.max()) == 1.0
    assert float(edge.min()) == pytest.approx(0.9 - 0.5)


def test_the_same_observation_is_followed_by_different_actions(arena: Arena) -> None:
    learner = TD3Learner(arena, QUICK, Seeds(1))
    plain = DDPGLearner(arena, QUICK, Seeds(1))
    features = torch.zeros(100, 1)
    assert len(set(learner.next_action(features).flatten().tolist())) > 90
    assert len(set(plain.next_action(features).flatten().tolist())) == 1


# ---- 3: a delayed actor


def test_actor_and_copies_move_once_in_d_steps_of_the_critics(arena: Arena) -> None:
    learner = TD3Learner(arena, replace(QUICK, actor_every=3), Seeds(1))
    learner.begin(0)
    learner.play(4, None)
    moved = []
    for step in range(6):
        learner.gradient_steps = step
        parts = (learner.judges.critics, learner.policy.net, learner.slow.net, learner.judges.slow)
        before = [[weight.clone() for weight in part.parameters()] for part in parts]
        learner.learn(learner.minibatch(0.0), 0.0)
        moved.append(
            [
                any(
                    not torch.equal(old, new)
                    for old, new in zip(olds, part.parameters(), strict=True)
                )
                for olds, part in zip(before, parts, strict=True)
            ]
        )
    still, all_move = [True, False, False, False], [True, True, True, True]
    assert moved == [still, still, all_move] * 2


# ---- known answers


def test_it_finds_the_best_number(arena: Arena) -> None:
    assert float(learned(arena).policy.act(NOWHERE)) == pytest.approx(7.0, abs=0.3)


def test_with_the_sign_of_the_reward_flipped_it_goes_to_an_end_of_the_box() -> None:
    number = float(learned(Arena("toy/Quadratic-v0", {"sign": -1.0})).policy.act(NOWHERE))
    assert min(number, 10 - number) < 0.3


def test_the_critics_learn_what_the_best_action_pays(arena: Arena) -> None:
    learner = learned(arena, replace(QUICK, updates=16, noise=1.0))
    features = learner.policy.features(NOWHERE)
    with torch.no_grad():
        best = learner.judges.critics(features, torch.tensor([[0.4]]))  # 5 + 0.4 × 5 = 7
        low = learner.judges.critics(features, torch.tensor([[-0.6]]))  # 2: −(2 − 7)²/10
    assert best.flatten().tolist() == pytest.approx([0.0, 0.0], abs=0.2)
    assert low.flatten().tolist() == pytest.approx([-2.5, -2.5], abs=0.4)


# ---- resuming, and what is refused


def train(folder: Path | None, interrupt_after: int | None = None) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    # 3 gradient steps an update: a checkpoint falls between two moves of the actor
    config = replace(
        QUICK, updates=6, validate_every=3, environments=4, rounds=3, gradient_steps=1, warm_up=8
    )
    return td3.fit(
        Arena("restock/LostSales-v0"), config, Seeds(1), folder=folder, listeners=[interrupt]
    )


def results(run: TrainingRun[Any]) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize("interrupt_after", [2, 4])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after)
    assert results(train(tmp_path)) == results(train(None))


def test_a_resumed_run_that_forgot_whose_turn_it_is_would_not_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert tree["learner"]["gradient_steps"] == 9
    tree["learner"]["gradient_steps"] = 8
    torch.save(tree, tmp_path / "checkpoint.pt")
    assert results(train(tmp_path)) != results(train(None))


def test_discrete_actions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="TD3 needs continuous actions"):
        td3.fit(Arena("toy/Bandit-v0"), QUICK, Seeds(1))


WRONG: dict[str, dict[str, Any]] = {
    "target_noise": {"target_noise": float("nan")},
    "target_noise_limit": {"target_noise_limit": 0.0},
    "actor_every": {"actor_every": 0},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must .*; got ") as error:
        TD3Config(**WRONG[name])
    assert "\n" not in str(error.value)
