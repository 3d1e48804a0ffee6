"""The loop that all share, with a learner that does as it is told."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError, TrainingError
from restock.learning import (
    ActorCriticConfig,
    Arena,
    DDPGConfig,
    DQNConfig,
    Grid,
    LinearQConfig,
    LoopConfig,
    PPOConfig,
    QLearningConfig,
    ReinforceConfig,
    SACConfig,
    SarsaConfig,
    TD3Config,
    TrainingRun,
    Update,
    actor_critic,
    ddpg,
    dqn,
    linear_q,
    naf,
    ppo,
    q_learning,
    reinforce,
    sac,
    sarsa,
    td3,
    train,
)
from restock.learning.arena_learner import ArenaConfig
from restock.learning.deciding import deciding
from restock.learning.value_methods.naf import NAFConfig
from restock.seeds import Seeds


class Told:
    """Its weight is what the last update set it to; its cost is what the weight costs."""

    def __init__(self, weights: Sequence[float], costs: dict[float, float]) -> None:
        self.policy = nn.Linear(1, 1, bias=False)
        self.policy.weight.data.fill_(0.0)
        self.weights, self.costs = weights, {0.0: 9.0} | costs
        self.began_with: list[float] = []

    def update(self, number: int) -> Update:
        self.began_with.append(self.policy.weight.item())
        self.policy.weight.data.fill_(self.weights[number])
        return Update(loss=1.0, gradient_norm=1.0, learning_rate=0.1, steps=1)

    def validate(self) -> float:
        return self.costs[round(self.policy.weight.item(), 3)]

    def begin(self, update: int) -> None:
        del update

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        del tree

    def evidence(self) -> dict[str, Tensor]:
        return {"seen": torch.ones(1)}


def run(told: Told, folder: Path | None = None, **changes: Any) -> TrainingRun[nn.Linear]:  # noqa: ANN401
    settings: dict[str, Any] = {"updates": len(told.weights), "validate_every": 1} | changes
    return train(told, LoopConfig(**settings), {"settings": "these"}, folder=folder)


COSTS = {1.0: 5.0, 2.0: 7.0, 3.0: 4.0}


def test_the_best_policy_is_kept_and_training_goes_on_from_the_last_one() -> None:
    told = Told([1.0, 2.0, 2.0], COSTS)
    found = run(told)
    assert (found.policy.weight.item(), found.best_update, found.best_validation_cost) == (1, 1, 5)
    assert told.began_with == [0.0, 1.0, 2.0]


def test_who_goes_back_takes_the_worse_back_and_goes_on_from_the_best() -> None:
    told = Told([1.0, 2.0, 3.0], COSTS)
    found = run(told, goes_back=True)
    assert told.began_with == [0.0, 1.0, 1.0]
    assert found.best_update == 3


def test_who_goes_back_does_so_when_resumed_too(tmp_path: Path) -> None:
    run(Told([1.0, 2.0], COSTS), tmp_path, goes_back=True)
    told = Told([1.0, 2.0, 3.0], COSTS)
    run(told, tmp_path, updates=3, goes_back=True)
    assert told.began_with == [1.0]


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    told = Told([1.0, math.nan, 3.0], COSTS)
    with pytest.raises(TrainingError, match=r"`weight` sum to nan .* checkpoint is kept in"):
        run(told, tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["numbers"][0] == 1
    assert saved["policy"]["weight"].item() == 1.0
    assert told.policy.weight.item() == 1.0
    assert (tmp_path / "offending-batch.pt").exists()


def test_a_validation_that_is_no_number_stops_training() -> None:
    told = Told([1.0, 2.0], COSTS | {2.0: math.nan})
    with pytest.raises(TrainingError, match=r"validation cost is nan .* nothing was kept"):
        run(told)
    assert told.policy.weight.item() == 1.0


def test_before_the_first_checkpoint_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint was written yet"):
        run(Told([math.nan], COSTS), tmp_path)


@pytest.mark.parametrize("value", [True, 0])
def test_a_count_is_a_whole_number_and_nothing_else(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(ConfigurationError, match="`updates` must be an integer"):
        LoopConfig(updates=value)


@pytest.mark.parametrize("hidden", [(0,), (64, True)])
def test_widths_are_a_tuple_of_whole_numbers(hidden: Any) -> None:  # noqa: ANN401
    for config in (PPOConfig, DQNConfig):
        with pytest.raises(ConfigurationError, match="`hidden` must be a tuple"):
            config(hidden=hidden)


SHORT = {"updates": 2, "validate_every": 1, "validation_episodes": 2, "environments": 2}
REPLAY = SHORT | {"warm_up": 4, "rounds": 5, "minibatch": 4, "hidden": (4,)}
BANDIT, QUADRATIC = "toy/Bandit-v0", "toy/Quadratic-v0"
GRID = {"grid": Grid(low=(-1.0,), high=(1.0,), points=(1,))}
METHODS: dict[str, tuple[Any, ArenaConfig, str]] = {
    "q_learning": (q_learning, QLearningConfig(**SHORT, **GRID), BANDIT),
    "sarsa": (sarsa, SarsaConfig(**SHORT, **GRID), BANDIT),
    "linear_q": (linear_q, LinearQConfig(**SHORT), BANDIT),
    "dqn": (dqn, DQNConfig(**REPLAY), BANDIT),
    "naf": (naf, NAFConfig(**REPLAY), QUADRATIC),
    "reinforce": (reinforce, ReinforceConfig(**SHORT), BANDIT),
    "actor_critic": (actor_critic, ActorCriticConfig(**SHORT), QUADRATIC),
    "ppo": (ppo, PPOConfig(**SHORT), QUADRATIC),
    "ddpg": (ddpg, DDPGConfig(**REPLAY), QUADRATIC),
    "td3": (td3, TD3Config(**REPLAY), QUADRATIC),
    "sac": (sac, SACConfig(**REPLAY), QUADRATIC),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_judged_by_the_figure_that_it_is_given(method: str) -> None:
    module, config, arena = METHODS[method]
    costs = iter([3.0, 1.0, 2.0])
    found = module.fit(Arena(arena), config, Seeds(1), evaluate=lambda _: next(costs))
    assert [row.validation_cost for row in found.log] == [1.0, 2.0]
    assert (found.best_update, found.best_validation_cost) == (1, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_a_policy_of_its_own_and_refuses_another(method: str) -> None:
    module, config, arena = METHODS[method]
    policy = module.fit(Arena(arena), config, Seeds(1)).policy
    assert module.fit(Arena(arena), config, Seeds(2), policy=policy).policy is policy
    is_value = method in ("q_learning", "sarsa")
    other = {**SHORT, "grid": Grid(low=(-1.0,), high=(1.0,), points=(3,))} if is_value else {}
    wrong = replace(config, **other) if is_value else config
    elsewhere = Arena(BANDIT)
    if arena == BANDIT and not is_value:
        elsewhere = Arena(BANDIT, {"rewards": (1.0, 2.0)})
    if arena == QUADRATIC:
        elsewhere = Arena("restock/LostSales-v0")
    with pytest.raises(ConfigurationError, match="another kind or for other spaces"):
        module.fit(elsewhere, wrong, Seeds(2), policy=policy)


def test_episodes_that_are_never_played_to_their_end_are_warned_of() -> None:
    config = PPOConfig(**SHORT, horizon=3)
    with pytest.warns(UserWarning, match=r"no episode has ended .* Raise `validate_every`"):
        ppo.fit(Arena("toy/Steady-v0", {"periods": 5}), config, Seeds(1))


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="`folder` must be a directory"):
        run(Told([1.0], COSTS), tmp_path / "runs")


def test_a_rule_without_weights_is_not_trained() -> None:
    with pytest.raises(ConfigurationError, match=r"Identity has none\. Take a network"):
        deciding(nn.Identity())
