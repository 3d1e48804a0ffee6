"""The critic learns what is known, cuts are bootstrapped and ends are not, the actor follows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError, TrainingError
from restock.learning.actors import Critic
from restock.learning.interaction import Arena, Interaction, Transitions
from restock.learning.policy_methods import actor_critic
from restock.learning.policy_methods.actor_critic import ActorCriticConfig, ActorCriticLearner
from restock.learning.rollouts import collect, critic_values
from restock.learning.run import LogRow, TrainingRun
from restock.seeds import Seeds

QUICK = ActorCriticConfig(
    updates=100,
    validate_every=100,
    learning_rate=0.015,
    validation_episodes=1,
    hidden=(16,),
    critic_steps=2,
)
STEADY = replace(QUICK, updates=60, discount=0.9, scales_rewards=False, critic_steps=20)


def learned(arena: Arena, config: ActorCriticConfig) -> ActorCriticLearner:
    learner = ActorCriticLearner(arena, config, Seeds(2))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


def value(learner: ActorCriticLearner) -> float:
    with torch.no_grad():
        return float(learner.critic(learner.policy.features(torch.zeros(1, 1))))


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_reward_of_one_for_ever_is_worth_ten(decay: float) -> None:
    # 1 / (1 − 0.9), though each episode is cut after five steps
    learner = learned(Arena("toy/Steady-v0"), replace(STEADY, decay=decay))
    assert value(learner) == pytest.approx(10.0, rel=0.03)


def test_an_episode_that_ends_by_itself_is_worth_what_it_paid() -> None:
    # the negative control: without the bootstrap the same rewards are worth far less;
    # with one step an episode, 1
    assert value(learned(Arena("toy/Steady-v0", {"ends": True}), STEADY)) < 4.2
    one_step = Arena("toy/Steady-v0", {"ends": True, "periods": 1})
    assert value(learned(one_step, STEADY)) == pytest.approx(1.0, rel=0.03)


def test_without_the_mask_of_ends_the_critic_would_be_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stepped = Interaction.step

    def forgetful(self: Interaction, action: Tensor) -> Transitions:
        moved = stepped(self, action)
        return moved._replace(terminated=moved.truncated, truncated=moved.terminated)

    monkeypatch.setattr(Interaction, "step", forgetful)
    one_step = Arena("toy/Steady-v0", {"ends": True, "periods": 1})
    assert value(learned(one_step, STEADY)) > 8


class Clock(Critic):
    """A critic that says what it sees."""

    def __init__(self) -> None:
        super().__init__(1, (), Seeds(0).torch("clock"))

    def forward(self, features: Tensor) -> Tensor:
        return features.squeeze(-1)


def test_what_an_ended_episode_saw_last_is_judged_and_not_the_next_ones_beginning() -> None:
    config = replace(QUICK, environments=2, horizon=4, scales_observations=False)
    arena = Arena("toy/Steady-v0", {"shows_clock": True, "periods": 3})
    learner = ActorCriticLearner(arena, config, Seeds(1))
    learner.begin(0)
    rollout = collect(learner.interaction, learner.policy, 4, learner.acting)
    features = learner.policy.features(rollout.observation)
    values, following = critic_values(rollout, features, learner.policy, Clock())
    assert values[:, 0].tolist() == [0, 1, 2, 0]
    assert following[:, 0].tolist() == [1, 2, 3, 1]
    assert rollout.ended[:, 0].tolist() == [False, False, True, False]
    assert not rollout.terminated.any()


def test_a_rollout_goes_on_where_the_last_one_stopped() -> None:
    config = replace(QUICK, environments=2, horizon=2)
    arena = Arena("toy/Steady-v0", {"shows_clock": True, "periods": 9})
    learner = ActorCriticLearner(arena, config, Seeds(1))
    learner.begin(0)
    seen = []
    for number in range(2):
        learner.update(number)
        seen += learner.evidence()["observation"][:, 0, 0].tolist()
    assert seen == [0, 1, 2, 3]


def test_it_finds_the_best_arm_and_the_best_number() -> None:
    arm = learned(Arena("toy/Bandit-v0"), QUICK).policy.act(torch.zeros(1, 1))
    assert arm.tolist() == [1]
    number = learned(Arena("toy/Quadratic-v0"), QUICK).policy.act(torch.zeros(1, 1))
    assert float(number) == pytest.approx(7.0, abs=0.3)


def test_with_the_sign_of_the_reward_flipped_it_finds_the_worst() -> None:
    worst = Arena("toy/Bandit-v0", {"rewards": (-1.0, -3.0, -2.0)})
    assert learned(worst, QUICK).policy.act(torch.zeros(1, 1)).tolist() == [0]
    flipped = Arena("toy/Quadratic-v0", {"sign": -1.0})
    assert abs(float(learned(flipped, QUICK).policy.act(torch.zeros(1, 1))) - 7.0) > 3


def test_states_that_are_counted_are_told_apart() -> None:
    config = replace(QUICK, discount=0.95)
    run = actor_critic.fit(Arena("toy/Corridor-v0"), config, Seeds(1))
    # four steps to the right: 1 − 4 × 0.1
    assert run.best_validation_cost == pytest.approx(-0.6)


def test_entropy_that_is_paid_for_keeps_the_policy_undecided() -> None:
    paid = learned(Arena("toy/Bandit-v0"), replace(QUICK, entropy_weight=10.0))
    unpaid = learned(Arena("toy/Bandit-v0"), QUICK)
    entropies = []
    for learner in (paid, unpaid):
        _, entropy = learner.policy.judge(torch.zeros(1, 1), torch.zeros(1, dtype=torch.long))
        entropies.append(float(entropy.detach()))
    # ln 3 = 1.0986 at most
    assert entropies[0] > 1.0
    assert entropies[1] < 0.5


def train(folder: Path | None, interrupt_after: int | None = None, **settings: object) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = replace(QUICK, updates=8, validate_every=2, environments=4, horizon=7)
    arena = Arena("toy/Steady-v0", {"shows_clock": True, **settings})
    return actor_critic.fit(arena, config, Seeds(1), folder=folder, listeners=[interrupt])


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


@pytest.mark.parametrize("part", ["reward_scale", "acting"])
def test_a_resumed_run_that_forgot_a_part_would_not_be_the_same(tmp_path: Path, part: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    forgotten = {
        "reward_scale": {"moments": [0.0, 0.0, 0.0]},
        "acting": torch.Generator().manual_seed(0).get_state(),
    }
    tree["learner"][part] = forgotten[part]
    torch.save(tree, tmp_path / "checkpoint.pt")
    assert results(train(tmp_path)) != results(train(None))


def test_a_reward_that_is_no_number_stops_training_with_its_batch_on_file(tmp_path: Path) -> None:
    # 7 steps an update: the fifth meets the 30th step
    with pytest.raises(TrainingError, match=r"sums to nan at update 5; .*offending-batch"):
        train(tmp_path, good_steps=30)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert batch["reward"].isnan().any()
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["numbers"][0] == 4
    assert all(weight.isfinite().all() for weight in saved["policy"].values())


def test_actions_that_cannot_be_served_are_refused() -> None:
    many = Arena("restock/DualSourcingDiscrete-v0")
    with pytest.raises(ConfigurationError, match="actor–critic needs continuous actions"):
        ActorCriticLearner(many, QUICK, Seeds(1))


def test_a_policy_of_another_kind_is_refused() -> None:
    other = ActorCriticLearner(Arena("toy/Quadratic-v0"), QUICK, Seeds(1)).policy
    with pytest.raises(ConfigurationError, match=r"needs a CategoricalActor .* a GaussianActor"):
        ActorCriticLearner(Arena("toy/Bandit-v0"), QUICK, Seeds(1), other)


WRONG: dict[str, dict[str, Any]] = {
    "horizon": {"horizon": 0},
    "critic_steps": {"critic_steps": 0},
    "decay": {"decay": float("nan")},
    "value_weight": {"value_weight": -1.0},
    "entropy_weight": {"entropy_weight": float("inf")},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must be .*; got ") as error:
        ActorCriticConfig(**WRONG[name])
    assert "\n" not in str(error.value)
