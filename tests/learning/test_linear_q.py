"""Linear Q moves by its gradient and finds values that are linear in its features."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError, TrainingError
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena
from restock.learning.run import LogRow
from restock.learning.value_methods import linear_q
from restock.learning.value_methods.action_values import ActionValues
from restock.learning.value_methods.features import (
    FEATURES,
    PolynomialFeatures,
    RadialFeatures,
    StateFeatures,
    features_of,
)
from restock.learning.value_methods.linear_q import (
    JointLinearQ,
    LinearQ,
    LinearQConfig,
    linear_for,
)
from restock.learning.value_methods.q_learning import QLearner
from restock.learning.value_methods.sarsa import SarsaConfig, SarsaLearner
from restock.learning.value_methods.temporal_difference import TDLearner
from restock.seeds import Seeds

CONFIG = LinearQConfig(
    updates=20,
    validate_every=20,
    environments=16,
    windows=25,
    learning_rate=0.3,
    exploration=Exploration(start=0.5, end=0.5),
    validation_episodes=2,
    features="state",
    sampled_steps=320,
)
CLOCK = torch.arange(5.0).unsqueeze(-1)


def played_out(learner: TDLearner) -> ActionValues:
    """Return the values at the end of training, the best or not."""
    learner.begin(0)
    for number in range(learner.settings.updates):
        learner.update(number)
    learner.interaction.close()
    return learner.policy


def learned(config: LinearQConfig, arena: Arena) -> ActionValues:
    seeds = Seeds(0)
    return played_out(QLearner(arena, config, seeds, linear_for(arena, config, seeds)))


def semi_gradient(
    policy: LinearQ | JointLinearQ, seen: Tensor, action: Tensor, target: Tensor
) -> list[Tensor]:
    """Return the gradient of −½ mean δ² by automatic differentiation, targets held fixed."""
    parts = [policy.weight.requires_grad_(), policy.bias.requires_grad_()]
    value = policy.values(seen).gather(-1, action.unsqueeze(-1)).squeeze(-1)
    loss = -0.5 * (target - value).square().mean()
    found = torch.autograd.grad(loss, parts)
    policy.weight, policy.bias = policy.weight.detach(), policy.bias.detach()
    return list(found)


def values_of(kind: str, *, normalises: bool) -> LinearQ | JointLinearQ:
    if kind == "joint":
        both = PolynomialFeatures(torch.zeros(4), torch.ones(4), 2)
        meaning = torch.tensor([[0.0, 1.0], [1.0, 0.5], [2.0, 0.0]])
        return JointLinearQ(both, meaning, normalises=normalises)
    return LinearQ(PolynomialFeatures(torch.zeros(2), torch.ones(2), 2), 3, normalises=normalises)


@pytest.mark.parametrize("kind", ["by action", "joint"])
def test_weights_move_along_the_gradient(kind: str) -> None:
    chance = Seeds(0).torch("batch")
    seen = torch.randn((6, 2), generator=chance, dtype=torch.float64)
    target = torch.randn(6, generator=chance, dtype=torch.float64)
    action = torch.tensor([0, 2, 0, 0, 2, 0])
    policy = values_of(kind, normalises=False)
    gradient = semi_gradient(policy, seen, action, target)
    alpha = 1e-7  # so small that 1 − (1 − α)ⁿ is n α
    norm = policy.move(seen, action, target, alpha)
    moved = [part / alpha / 6 for part in (policy.weight, policy.bias)]
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(moved, gradient, strict=True))
    assert norm == pytest.approx(sum(float(part.square().sum()) for part in gradient) ** 0.5)
    # the control: with the error turned round the weights go the other way
    other = values_of(kind, normalises=False)
    other.move(seen, action, -target, alpha)
    assert not torch.allclose(other.weight, policy.weight, atol=1e-9)


@pytest.mark.parametrize("kind", ["by action", "joint"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_normalised_step_removes_its_share_of_the_error(kind: str, times: int) -> None:
    policy = values_of(kind, normalises=True)
    seen = torch.tensor([[7.0, -3.0]], dtype=torch.float64)
    action, error = torch.tensor([1]), torch.tensor([8.0], dtype=torch.float64)
    policy.move(seen.repeat(times, 1), action.repeat(times), error.repeat(times), 0.25)
    # as after `times` steps that leave 3/4 of the error each
    assert float(policy.values(seen)[0, 1]) == pytest.approx(8 * (1 - 0.75**times))
    plain = values_of(kind, normalises=False)
    plain.move(seen, action, error, 0.25)
    assert float(plain.values(seen)[0, 1]) > 100


LONGER: dict[str, dict[str, Any]] = {
    "one step": {},
    "three steps": {"steps": 3, "window": 5, "windows": 5},
    "λ-returns": {"decay": 0.8, "window": 5, "windows": 5},
}


@pytest.mark.parametrize("name", LONGER)
def test_values_that_are_linear_in_the_clock_are_found(name: str) -> None:
    # reward 1 a step and five steps in all, no discount: with t steps gone 5 − t are left
    config = replace(CONFIG, discount=1.0, **LONGER[name])
    arena = Arena("toy/Steady-v0", {"ends": True, "shows_clock": True})
    found = learned(config, arena).values(CLOCK)
    left = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
    assert torch.allclose(found, left.unsqueeze(-1).expand(5, 2), atol=0.05)


def test_values_that_are_not_linear_need_features_that_bend() -> None:
    # discounted by ½: 2 (1 − ½^(5 − t)), no straight line
    arena = Arena("toy/Steady-v0", {"ends": True, "shows_clock": True})
    left = 2 * (1 - 0.5 ** (5 - CLOCK))
    config = replace(CONFIG, discount=0.5)
    for features, bends in (("radial", True), ("polynomial", True), ("state", False)):
        found = learned(replace(config, features=features, degree=3, centres=5), arena)
        miss = float((found.values(CLOCK) - left).abs().max())
        assert (miss < 0.15) is bends, f"{features} misses by {miss}"


def test_a_constant_world_is_worth_ten() -> None:
    config = replace(CONFIG, discount=0.9, anneals=False)
    found = learned(config, Arena("toy/Steady-v0")).values(torch.zeros(1, 1))
    assert torch.allclose(found, torch.full((1, 2), 10.0, dtype=torch.float64), atol=1e-4)
    # the control: where the cut is an end, nothing comes after it
    ends = learned(config, Arena("toy/Steady-v0", {"ends": True})).values(torch.zeros(1, 1))
    assert float(ends.max()) < 6


def test_features_of_state_and_action_find_the_best_of_many_arms() -> None:
    # arm k of 0 … 8 pays −(k/8 − 5/8)² · 10: a parabola in the action, best at 5
    paid = tuple(-10 * (arm / 8 - 5 / 8) ** 2 for arm in range(9))
    arena = Arena("toy/Bandit-v0", {"rewards": paid})
    config = replace(
        CONFIG, joint=True, features="polynomial", exploration=Exploration(start=1.0, end=1.0)
    )
    found = learned(replace(config, updates=40, windows=20), arena)
    values = found.values(torch.zeros(1, 1)).flatten()
    assert torch.allclose(values, torch.tensor(paid, dtype=torch.float64), atol=0.1)
    assert found.act(torch.zeros(1, 1)).tolist() == [5]
    # the control: a straight line is best at one of its ends
    line = learned(replace(config, features="state"), arena)
    assert line.act(torch.zeros(1, 1)).tolist() in ([0], [8])


def test_sarsa_learns_linear_values_too() -> None:
    arena = Arena("toy/Steady-v0", {"ends": True, "shows_clock": True})
    config = SarsaConfig(updates=20, environments=16, windows=25, discount=1.0, learning_rate=0.3)
    values = linear_for(arena, CONFIG, Seeds(0))
    found = played_out(SarsaLearner(arena, config, Seeds(0), values)).values(CLOCK)
    assert torch.allclose(found[:, 0], torch.arange(5.0, 0, -1).double(), atol=0.05)


RUNS_AWAY = replace(CONFIG, updates=200, validate_every=2, windows=10, anneals=False)


def runaway(*, ends: bool) -> tuple[Arena, LinearQ]:
    """Return a world where a state of feature 1 leads to one of feature 2, and its values.

    Sutton and Barto, §11.1: Q(1) = w, Q(2) = 2w, only the first is ever moved, and 2γ > 1.
    """
    features = StateFeatures(torch.tensor([-1.0]), torch.ones(1))
    arena = Arena("toy/Steady-v0", {"periods": 1, "shows_clock": True, "ends": ends})
    return arena, LinearQ(features, 2, normalises=False)


def test_values_that_run_away_stop_training_and_leave_the_checkpoint_whole(
    tmp_path: Path,
) -> None:
    arena, policy = runaway(ends=False)
    config = replace(RUNS_AWAY, patience=100)
    with pytest.raises(TrainingError, match=r"it must be finite. Lower `learning_rate`"):
        linear_q.fit(arena, config, Seeds(0), policy=policy, folder=tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert bool(saved["policy"]["weight"].isfinite().all())
    assert "next_values" in torch.load(tmp_path / "offending-batch.pt", weights_only=True)


def test_the_same_values_stay_where_episodes_end_for_good() -> None:
    # the control: with nothing after it, Q(1) is the reward, 1
    arena, policy = runaway(ends=True)
    found = played_out(QLearner(arena, replace(RUNS_AWAY, updates=10), Seeds(0), policy))
    assert torch.allclose(found.values(torch.zeros(1, 1)), torch.ones(1, 2).double(), atol=1e-6)


def test_an_interrupted_run_goes_on_to_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    def interrupt(row: LogRow) -> None:
        if row.update == 5:
            raise KeyboardInterrupt

    arena, config = Arena("CartPole-v1"), replace(CONFIG, updates=6, validate_every=3)
    config = replace(config, features="radial", centres=20, decay=0.9, window=5, windows=2)
    whole = linear_q.fit(arena, config, Seeds(2))
    with pytest.raises(KeyboardInterrupt):
        linear_q.fit(arena, config, Seeds(2), folder=tmp_path, listeners=[interrupt])
    resumed = linear_q.fit(arena, config, Seeds(2), folder=tmp_path)
    for name, value in whole.policy.state_dict().items():
        assert torch.equal(resumed.policy.state_dict()[name], value), name
    assert whole.policy.state_dict()["weight"].any()


def test_radial_features_lie_where_play_went_and_reach_to_the_next() -> None:
    # 0, 1, …, 9 in units of their standard deviation √8.25: neighbours are 1/√8.25 apart
    sample = torch.arange(10.0).repeat(3).unsqueeze(-1)
    features = features_of("radial", sample, Seeds(0).torch("centres"), centres=50)
    assert isinstance(features, RadialFeatures)
    assert features.width == 10
    assert float(features.reach) == pytest.approx(1.5 / 8.25**0.5)
    at_four = features(torch.tensor([[4.0]])).flatten()
    places = (features.centres * features.spread + features.centre).flatten()
    by_hand = torch.exp(-((places - 4) ** 2) / (2 * 1.5**2))
    assert torch.allclose(at_four, by_hand, atol=1e-12)


def test_a_number_that_never_changes_is_not_blown_up() -> None:
    sample = torch.tensor([[5.0, 1.0], [5.0, 3.0]])
    features = features_of("state", sample, Seeds(0).torch("centres"))
    assert features(torch.tensor([[6.0, 3.0]])).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("arena", "message"),
    [
        (Arena("CliffWalking-v1"), "Take tabular Q-learning"),
        (Arena("restock/LostSales-v0"), "linear Q needs discrete actions"),
    ],
)
def test_spaces_that_it_cannot_serve_are_refused(arena: Arena, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        linear_q.fit(arena, CONFIG, Seeds(0))


def test_settings_out_of_range_are_refused() -> None:
    for change, message in (
        ({"features": "fourier"}, f"one of {', '.join(FEATURES)}; got 'fourier'"),
        ({"degree": 0}, "`degree`"),
        ({"centres": 0}, "`centres`"),
        ({"learning_rate": float("nan")}, "`learning_rate`"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            replace(CONFIG, **change)
    with pytest.raises(ConfigurationError, match="has 376739 terms; at most 20000"):
        PolynomialFeatures(torch.zeros(22), torch.ones(22), 6)


def test_a_whole_step_goes_all_the_way_and_leaves_untried_actions_alone() -> None:
    policy = LinearQ(PolynomialFeatures(torch.zeros(1), torch.ones(1), 1), 2)
    seen, error = torch.tensor([[1.0]]), torch.tensor([2.0], dtype=torch.float64)
    policy.move(seen, torch.tensor([1]), error, 1.0)
    assert bool(policy.weight.isfinite().all())
    assert policy.values(seen[0]).tolist() == pytest.approx([0.0, 2.0])
