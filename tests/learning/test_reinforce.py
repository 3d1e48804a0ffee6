"""REINFORCE's gradient is the exact one on average, and following it finds known optima."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restock.errors import CheckpointError, ConfigurationError, TrainingError
from restock.learning.actors import CategoricalActor
from restock.learning.interaction import Arena
from restock.learning.policy_methods import reinforce
from restock.learning.policy_methods.reinforce import (
    ReinforceConfig,
    ReinforceLearner,
    score_loss,
)
from restock.learning.rollouts import collect_episodes
from restock.learning.run import LogRow, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.seeds import Seeds

QUICK = ReinforceConfig(
    updates=60, validate_every=60, environments=16, learning_rate=0.02, validation_episodes=1
)

# a softmax bandit: arms pay 1 and 3 and are drawn with these scores
PAID = torch.tensor([1.0, 3.0])
SCORES = torch.tensor([0.3, -0.2])
SAMPLES, BATCH = 600, 25


def bandit_actor() -> CategoricalActor:
    space = Arena("toy/Bandit-v0").observation_space
    actor = CategoricalActor(ObservationScale(space), 2, (), Seeds(0).torch("actor"))
    last = list(actor.net.parameters())[-1]
    last.data.copy_(SCORES)
    return actor


def sampled_gradients(baseline: Tensor) -> Tensor:
    """Return ∇J by each of many batches; ``baseline`` is per arm, so that a wrong one may look."""
    actor, chance = bandit_actor(), Seeds(1).torch("arms")
    scores = list(actor.net.parameters())[-1]
    features, true = torch.zeros(BATCH, 1), torch.ones(1, BATCH, dtype=torch.bool)
    found = []
    for _ in range(SAMPLES):
        arm = actor.draw(features, chance)
        logs, _ = actor.judge(features, arm)
        loss = score_loss(logs.unsqueeze(0), (PAID - baseline)[arm].unsqueeze(0), true)
        (gradient,) = torch.autograd.grad(-loss, scores)
        found.append(gradient)
    return torch.stack(found)


def exact_gradient() -> Tensor:
    # ∂J/∂z_i = π_i (r_i − J), J = Σ π r
    chance = SCORES.softmax(0)
    return chance * (PAID - (chance * PAID).sum())


def standard_errors_away(gradients: Tensor) -> float:
    error = gradients.std(0) / SAMPLES**0.5
    return float(((gradients.mean(0) - exact_gradient()).abs() / error.clamp_min(1e-9)).max())


def test_the_gradient_is_the_exact_one_on_average() -> None:
    assert standard_errors_away(sampled_gradients(torch.zeros(2))) < 4


def test_a_baseline_leaves_the_mean_and_takes_variance_away() -> None:
    mean_reward = (SCORES.softmax(0) * PAID).sum()
    plain, less = sampled_gradients(torch.zeros(2)), sampled_gradients(mean_reward.expand(2))
    assert standard_errors_away(less) < 4
    assert float(less.var(0).sum()) < 0.5 * float(plain.var(0).sum())


def test_a_baseline_that_looks_at_the_action_would_be_wrong() -> None:
    # it takes the whole reward away, and the gradient with it
    assert standard_errors_away(sampled_gradients(PAID - 1)) > 10


@pytest.mark.parametrize("baseline", ["value", "none"])
def test_it_finds_the_best_arm(baseline: str) -> None:
    arena = Arena("toy/Bandit-v0", {"rewards": (1.0, 3.0, 2.0)})
    run = reinforce.fit(arena, replace(QUICK, baseline=baseline), Seeds(3))
    assert run.best_validation_cost == -3
    assert run.log[-1].episode_return is not None
    assert run.log[-1].episode_return > 2.7


def final_action(sign: float) -> float:
    learner = ReinforceLearner(Arena("toy/Quadratic-v0", {"sign": sign}), QUICK, Seeds(3))
    learner.begin(0)
    for number in range(QUICK.updates):
        learner.update(number)
    return float(learner.policy.act(torch.zeros(1, 1)))


def test_it_finds_the_best_of_a_continuum_of_actions() -> None:
    assert final_action(1.0) == pytest.approx(7.0, abs=0.4)


def test_with_the_sign_of_the_reward_flipped_it_runs_away_from_it() -> None:
    assert abs(final_action(-1.0) - 7.0) > 3


def lesson_of(config: ReinforceConfig, **settings: object) -> tuple[Tensor, Tensor, Tensor]:
    learner = ReinforceLearner(Arena("toy/Steady-v0", settings), config, Seeds(1))
    learner.begin(0)
    rollout = collect_episodes(learner.interaction, learner.policy, 7, learner.acting)
    lesson = learner.lesson(rollout, decay=1.0)
    return lesson.advantage[:, 0], lesson.value[:, 0], rollout.played


BARE = replace(QUICK, baseline="none", scales_rewards=False, environments=2, discount=0.5)


def test_a_step_is_worth_what_came_after_it() -> None:
    # 1;  1 + 1/2;  1 + 1/2 + 1/4, from the last step back
    worth, _, played = lesson_of(BARE, periods=3, ends=True)
    assert worth.tolist() == [1.75, 1.5, 1.0]
    assert played.all()


def test_an_episode_cut_off_goes_on_as_the_baseline_says() -> None:
    with_value = replace(BARE, baseline="value")
    worth, value, _ = lesson_of(with_value, periods=3, ends=False)
    expected = 1 + 0.5 * value[0]  # the observation is the same everywhere, and so is V
    assert float(worth[2] + value[2]) == pytest.approx(float(expected))
    over, value, _ = lesson_of(with_value, periods=3, ends=True)
    assert float(over[2] + value[2]) == pytest.approx(1.0)


def test_steps_after_an_episodes_end_do_not_count() -> None:
    logs, worth = torch.full((2, 1), -1.0), torch.ones(2, 1)
    played = torch.tensor([[True], [False]])
    assert float(score_loss(logs, worth, played)) == 1.0


def train(folder: Path | None, interrupt_after: int | None = None, **settings: object) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = replace(QUICK, updates=8, validate_every=2, environments=4)
    arena = Arena("toy/Steady-v0", {"shows_clock": True, **settings})
    return reinforce.fit(arena, config, Seeds(1), folder=folder, listeners=[interrupt])


def results(run: TrainingRun[Any]) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize("interrupt_after", [1, 3, 6])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after)
    assert results(train(tmp_path)) == results(train(None))


def test_a_resumed_run_that_forgot_its_critic_would_not_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    for weight in tree["learner"]["critic"].values():
        weight.zero_()
    torch.save(tree, tmp_path / "checkpoint.pt")
    assert results(train(tmp_path)) != results(train(None))


def test_a_reward_that_is_no_number_stops_training_with_its_batch_on_file(tmp_path: Path) -> None:
    # an episode has 5 steps: each environment has 20 good ones, and the fifth update fails
    with pytest.raises(TrainingError, match=r"sums to nan at update 5; .*offending-batch"):
        train(tmp_path, good_steps=20)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert batch["reward"].isnan().any()
    assert batch["observation"].isfinite().all()
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["numbers"][0] == 4
    assert all(weight.isfinite().all() for weight in saved["policy"].values())


def test_a_checkpoint_of_another_arena_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(CheckpointError, match=r"arena was .*'periods': 4"):
        train(tmp_path, periods=4)


WRONG: dict[str, dict[str, Any]] = {
    "baseline": {"baseline": "mean"},
    "longest": {"longest": 0},
    "entropy_weight": {"entropy_weight": float("nan")},
    "discount": {"discount": float("nan")},
    "learning_rate": {"learning_rate": float("nan")},
    "gradient_clip": {"gradient_clip": float("nan")},
    "environments": {"environments": 0},
    "hidden": {"hidden": (8, 0)},
    "initial_deviation": {"initial_deviation": 0.0},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must be .*; got ") as error:
        ReinforceConfig(**WRONG[name])
    assert "\n" not in str(error.value)
