"""The actor climbs the critic by the exact slope, and both find known answers."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from gymnasium.spaces import Box

from restock.errors import ConfigurationError, TrainingError
from restock.learning.action_critics import ActionCritics
from restock.learning.interaction import Arena
from restock.learning.policy_methods import ddpg
from restock.learning.policy_methods.ddpg import DDPGConfig, DDPGLearner
from restock.learning.replay import Batch
from restock.learning.run import LogRow, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.squashed_actors import DeterministicActor
from restock.seeds import Seeds

QUICK = DDPGConfig(
    updates=16,
    validate_every=16,
    environments=16,
    rounds=8,
    gradient_steps=4,
    minibatch=64,
    warm_up=64,
    target_rate=0.05,
    learning_rate=1e-2,
    actor_learning_rate=3e-3,
    validation_episodes=1,
    hidden=(16,),
    scales_rewards=False,
    noise=0.3,
)
NOWHERE = torch.zeros(1, 1)


def steady_box(**settings: Any) -> gymnasium.Env[Any, Any]:  # noqa: ANN401
    """Return the world that pays 1 whatever is done, with a number to be done."""
    world = gymnasium.make("toy/Steady-v0", **settings).unwrapped
    world.action_space = Box(0, 10, (1,))
    return world


@pytest.fixture(scope="module", autouse=True)
def _steady_box(_toys: None) -> None:
    gymnasium.register("toy/DDPGSteady-v0", entry_point=steady_box, disable_env_checker=True)


def learned(
    arena: Arena,
    config: DDPGConfig = QUICK,
    change: Callable[[Batch], Batch] = lambda batch: batch,
) -> DDPGLearner:
    """Return a learner after its updates, with minibatches changed."""
    learner = DDPGLearner(arena, config, Seeds(2))
    drawn = learner.minibatch
    learner.minibatch = lambda progress: change(drawn(progress))  # type: ignore[method-assign]
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


def worth(learner: DDPGLearner) -> float:
    """Return what the critic says of what was seen and of the middle action."""
    features = learner.policy.features(NOWHERE)
    with torch.no_grad():
        return float(learner.judges.critics(features, NOWHERE))


# ---- the critics


def test_critics_in_one_product_say_what_each_would_say_alone() -> None:
    critics = ActionCritics(3, 4, 2, (8, 8), Seeds(1).torch("critics"))
    features, action = torch.randn(5, 4), torch.randn(5, 2)
    together = critics(features, action)
    for number in range(3):
        flow = torch.cat((features, action), -1)
        for place, (weight, bias) in enumerate(zip(critics.weights, critics.biases, strict=True)):
            flow = flow @ weight[number] + bias[number]
            flow = flow if place == 2 else flow.relu()
        torch.testing.assert_close(together[number], flow.squeeze(-1))
    # the negative control: they are not three times the same one
    assert not torch.allclose(together[0], together[1])


def test_fixed_critics_say_the_same_and_learn_nothing() -> None:
    critics = ActionCritics(2, 4, 2, (8,), Seeds(1).torch("critics"))
    features, action = torch.randn(5, 4), torch.randn(5, 2, requires_grad=True)
    fixed = critics.fixed(features, action, 2)
    torch.testing.assert_close(fixed, critics(features, action))
    (slope,) = torch.autograd.grad(fixed.sum(), action, retain_graph=True)
    assert slope.abs().min() > 0
    with pytest.raises(RuntimeError, match="to not have been used in the graph"):
        torch.autograd.grad(fixed.sum(), list(critics.parameters()))


# ---- the gradient


def quadratic(slope: float) -> Callable[..., torch.Tensor]:
    """Return Q(s, u) = −slope·(u − s/4)²."""
    return lambda features, action, _: -slope * (action - features / 4).square().T


def slope_of_actor(sign: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the followed and the exact gradient of J for u = tanh(w·s + b)."""
    arena = Arena("toy/Quadratic-v0")
    learner = DDPGLearner(arena, replace(QUICK, hidden=(), scales_observations=False), Seeds(1))
    weight, bias = learner.policy.net.parameters()
    with torch.no_grad():
        weight.fill_(0.5)
        bias.fill_(-0.3)
    learner.judges.critics.fixed = quadratic(sign)  # type: ignore[method-assign]
    seen = torch.tensor([[-1.0], [0.5], [2.0]])
    slopes = torch.autograd.grad(learner.actor_loss(seen), [weight, bias])
    done = torch.tanh(0.5 * seen - 0.3)
    # dQ/du · du/dx = 2(s/4 − u)·(1 − u²), x = w·s + b
    chain = 2 * (seen / 4 - done) * (1 - done.square())
    exact = torch.cat([(chain * seen).mean().reshape(1), chain.mean().reshape(1)])
    return -torch.cat([slope.flatten() for slope in slopes]), exact


def test_the_actor_follows_the_exact_gradient_of_a_quadratic_world() -> None:
    followed, exact = slope_of_actor()
    torch.testing.assert_close(followed, exact)


def test_with_the_critic_upside_down_it_follows_the_opposite() -> None:
    followed, exact = slope_of_actor(sign=-1.0)
    torch.testing.assert_close(followed, -exact)


# ---- known answers


def test_it_finds_the_best_number() -> None:
    number = learned(Arena("toy/Quadratic-v0")).policy.act(NOWHERE)
    assert float(number) == pytest.approx(7.0, abs=0.3)


def test_with_the_sign_of_the_reward_flipped_it_goes_to_an_end_of_the_box() -> None:
    number = float(learned(Arena("toy/Quadratic-v0", {"sign": -1.0})).policy.act(NOWHERE))
    assert min(number, 10 - number) < 0.3


VALUED = replace(QUICK, updates=10, discount=0.5, target_rate=0.5, minibatch=16)


@pytest.mark.parametrize(("ends", "value"), [(False, 2.0), (True, 1.0)])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_critic_is_bootstrapped_at_a_cut_and_not_at_an_end(
    ends: bool,  # noqa: FBT001
    value: float,
    steps: int,
) -> None:
    # one period an episode: 1/(1 − 0.5) where it was cut, 1 where it was over
    world = Arena("toy/DDPGSteady-v0", {"periods": 1, "ends": ends})
    assert worth(learned(world, replace(VALUED, steps=steps))) == pytest.approx(value, rel=0.05)


def test_without_the_mask_of_ends_the_critic_would_be_wrong() -> None:
    world = Arena("toy/DDPGSteady-v0", {"periods": 1, "ends": True})
    unmasked = learned(world, VALUED, lambda batch: batch._replace(discount=torch.full((16,), 0.5)))
    assert worth(unmasked) == pytest.approx(2.0, rel=0.05)


# ---- playing


def test_noise_is_in_half_widths_and_clipped_to_the_box() -> None:
    learner = DDPGLearner(Arena("toy/Quadratic-v0"), replace(QUICK, noise=0.1), Seeds(1))
    with torch.no_grad():
        done = learner.explore(torch.zeros(20_000, 1), 0.0)
        wild = DDPGLearner(Arena("toy/Quadratic-v0"), replace(QUICK, noise=9.0), Seeds(1))
        clipped = wild.explore(torch.zeros(1000, 1), 0.0)
    # the middle of [0, 10] and a tenth of 5
    assert float(done.mean()) == pytest.approx(5.0, abs=0.1)
    assert float(done.std()) == pytest.approx(0.5, rel=0.03)
    assert (float(clipped.min()), float(clipped.max())) == (0.0, 10.0)
    assert learner.exploration(0.5) == 0.1


def test_actions_go_to_the_box_and_back() -> None:
    space = Box(torch.tensor([0.0, -4.0]).numpy(), torch.tensor([10.0, -2.0]).numpy())
    actor = DeterministicActor(ObservationScale(space), space, (4,), Seeds(1).torch("actor"))
    inside = torch.tensor([[-1.0, 1.0], [0.5, 0.0]])
    outside = actor.to_environment(inside)
    assert outside.tolist() == [[0.0, -2.0], [7.5, -3.0]]
    torch.testing.assert_close(actor.from_environment(outside), inside)


def test_steps_fall_to_nothing_by_a_cosine_if_asked() -> None:
    config = replace(QUICK, anneals=True, actor_learning_rate=1e-3)
    assert [round(config.actor_step_size(share), 9) for share in (0.0, 0.5, 1.0)] == [1e-3, 5e-4, 0]
    assert replace(config, anneals=False).actor_step_size(1.0) == pytest.approx(1e-3)


def test_training_goes_on_from_a_given_policy() -> None:
    arena = Arena("toy/Quadratic-v0")
    first = learned(arena).policy
    still = replace(QUICK, updates=1, rounds=1, actor_learning_rate=1e-9)
    run = ddpg.fit(arena, still, Seeds(5), policy=first)
    assert run.policy is first
    assert run.best_validation_cost < 0.01


# ---- resuming and stopping


def train(
    folder: Path | None,
    interrupt_after: int | None = None,
    name: str = "toy/DDPGSteady-v0",
    **settings: object,
) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = replace(
        QUICK, updates=6, validate_every=2, environments=4, rounds=4, warm_up=8, capacity=32
    )
    return ddpg.fit(Arena(name, settings), config, Seeds(1), folder=folder, listeners=[interrupt])


def results(run: TrainingRun[Any]) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize(
    ("name", "interrupt_after"),
    [("toy/Quadratic-v0", 1), ("restock/LostSales-v0", 4)],
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, name: str, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after, name)
    assert results(train(tmp_path, name=name)) == results(train(None, name=name))


@pytest.mark.parametrize("part", ["slow", "replay", "judges"])
def test_a_resumed_run_that_forgot_a_part_would_not_be_the_same(tmp_path: Path, part: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    tensors = {
        "slow": tree["learner"]["slow"],
        "replay": {"reward": tree["learner"]["replay"]["reward"]},
        "judges": tree["learner"]["judges"]["slow"],
    }
    for tensor in tensors[part].values():
        tensor.zero_()
    torch.save(tree, tmp_path / "checkpoint.pt")
    assert results(train(tmp_path)) != results(train(None))


def test_a_reward_that_is_no_number_stops_training_with_its_batch_on_file(tmp_path: Path) -> None:
    # 2 steps of warm-up and 4 an update, in environments that have 14 good ones: the fourth update
    # meets the 15th step
    with pytest.raises(TrainingError, match=r"sums to nan at update 4; .*offending-batch"):
        train(tmp_path, good_steps=14)
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert batch["reward"].isnan().any()
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["numbers"][0] == 2
    assert all(weight.isfinite().all() for weight in saved["policy"].values())


def test_weights_that_are_no_numbers_are_noticed_before_any_other_is_touched() -> None:
    learner = learned(Arena("toy/Quadratic-v0"), replace(QUICK, updates=1))
    before = [weight.clone() for weight in learner.policy.parameters()]
    next(iter(learner.judges.critics.parameters())).data.fill_(math.nan)
    with pytest.raises(ArithmeticError, match="loss is nan"):
        learner.update(1)
    for kept, weight in zip(before, learner.policy.parameters(), strict=True):
        torch.testing.assert_close(kept, weight, rtol=0, atol=0)


# ---- what is refused


def test_a_memory_beyond_the_machines_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"needs .* GiB; .* Lower `capacity` to \d+"):
        ddpg.fit(Arena("toy/Quadratic-v0"), replace(QUICK, capacity=10**13), Seeds(1))


def test_discrete_actions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="DDPG needs continuous actions"):
        ddpg.fit(Arena("toy/Bandit-v0"), QUICK, Seeds(1))


def test_a_policy_of_another_box_is_refused() -> None:
    scale = ObservationScale(Box(-1, 1, (1,)))
    wider = DeterministicActor(scale, Box(0, 20, (1,)), (4,), Seeds(1).torch("actor"))
    with pytest.raises(ConfigurationError, match="needs a DeterministicActor"):
        ddpg.fit(Arena("toy/Quadratic-v0"), QUICK, Seeds(1), policy=wider)


WRONG: dict[str, dict[str, Any]] = {
    "noise": {"noise": float("nan")},
    "actor_learning_rate": {"actor_learning_rate": 0.0},
    "target_rate": {"target_rate": 1.5},
    "minibatch": {"minibatch": 0},
    "capacity": {"capacity": 100, "warm_up": 100},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must .*; got ") as error:
        DDPGConfig(**WRONG[name])
    assert "\n" not in str(error.value)
