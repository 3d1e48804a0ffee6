"""SAC's densities are exact, its temperature lands where it must, and it finds known answers."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from gymnasium.spaces import Box
from torch.distributions import Independent, Normal, TanhTransform, TransformedDistribution

from restock.errors import ConfigurationError, TrainingError
from restock.learning.interaction import Arena
from restock.learning.policy_methods import sac
from restock.learning.policy_methods.sac import SACConfig, SACLearner, Temperature
from restock.learning.replay import Batch
from restock.learning.run import LogRow, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.squashed_actors import SquashedGaussianActor
from restock.seeds import Seeds

QUICK = SACConfig(
    updates=12,
    validate_every=12,
    environments=16,
    rounds=8,
    gradient_steps=3,
    minibatch=64,
    warm_up=64,
    target_rate=0.05,
    learning_rate=5e-3,
    actor_learning_rate=1e-2,
    temperature_learning_rate=1e-2,
    validation_episodes=1,
    hidden=(16,),
    scales_rewards=False,
)
NOWHERE = torch.zeros(1, 1)


def steady_box(**settings: Any) -> gymnasium.Env[Any, Any]:  # noqa: ANN401
    """Return the world that pays 1 whatever is done, with a number to be done."""
    world = gymnasium.make("toy/Steady-v0", **settings).unwrapped
    world.action_space = Box(0, 10, (1,))
    return world


@pytest.fixture(scope="module", autouse=True)
def _steady_box(_toys: None) -> None:
    gymnasium.register("toy/SACSteady-v0", entry_point=steady_box, disable_env_checker=True)


def actor_of(actions: int = 1, shift: tuple[float, float] = (0.0, 0.0)) -> SquashedGaussianActor:
    """Return an actor with this mean and log σ, about."""
    space = Box(-3, 5, (actions,))
    scale = ObservationScale(Box(-1, 1, (3,)), learns=False)
    actor = SquashedGaussianActor(scale, space, (8,), Seeds(1).torch("actor"))
    with torch.no_grad():
        bias_of(actor).view(2, actions).add_(torch.tensor(shift).unsqueeze(-1))
    return actor


def bias_of(actor: SquashedGaussianActor) -> torch.Tensor:
    """Return the last layer's bias: the means' first, then those of log σ."""
    return list(actor.net.parameters())[-1]


def learned(
    arena: Arena,
    config: SACConfig = QUICK,
    change: Callable[[Batch], Batch] = lambda batch: batch,
) -> SACLearner:
    """Return a learner after its updates, with minibatches changed."""
    learner = SACLearner(arena, config, Seeds(2))
    drawn = learner.minibatch
    learner.minibatch = lambda progress: change(drawn(progress))  # type: ignore[method-assign]
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    return learner


# ---- densities


def test_log_probabilities_are_those_of_a_transformed_normal_distribution() -> None:
    actor = actor_of(2, (0.3, -0.5))
    features = torch.randn(64, 3, generator=Seeds(1).torch("features"))
    drawn = actor.draw(features, Seeds(1).torch("draw"))
    mean, log_deviation = actor.normal(features)
    normal: Any = Normal(mean, log_deviation.exp())
    exact: Any = Independent(TransformedDistribution(normal, [TanhTransform()]), 1)
    torch.testing.assert_close(
        drawn.log_probability, exact.log_prob(drawn.action), atol=1e-4, rtol=1e-4
    )
    # the negative control: the density of x is not that of tanh x
    plain = normal.log_prob(torch.atanh(drawn.action)).sum(-1)
    assert not torch.allclose(drawn.log_probability, plain, atol=0.1)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.8, -1.0), (-1.5, 0.5)])
def test_the_density_integrates_to_one(shift: tuple[float, float]) -> None:
    edge = 1 - 1e-6
    grid = torch.linspace(-edge, edge, 200_001).unsqueeze(-1)
    with torch.no_grad():
        density = actor_of(1, shift).log_probability(torch.zeros(len(grid), 3), grid).exp()
    assert float(torch.trapezoid(density, grid.squeeze(-1))) == pytest.approx(1.0, abs=2e-3)


def test_log_probabilities_are_finite_where_tanh_is_saturated() -> None:
    drawn = actor_of(1, (30.0, -2.0)).draw(torch.zeros(5, 3), Seeds(1).torch("draw"))
    assert drawn.action.eq(1.0).all()
    # −2 (log 2 − x) + log N with x about 30, σ = e⁻²: about 2·30 − 2 ln 2 + 2 − 0.92 − ε²/2
    assert drawn.log_probability.sub(60).abs().max() < 5
    # the negative control: written as it stands in the paper it is infinite
    assert torch.log(1 - drawn.action.square()).isinf().all()


def test_draws_carry_the_slope_of_the_density() -> None:
    actor = actor_of(2)
    features = torch.randn(4, 3, generator=Seeds(1).torch("features"))
    drawn = actor.draw(features, Seeds(1).torch("draw"))
    (slopes,) = torch.autograd.grad(drawn.log_probability.sum(), bias_of(actor))

    def total(shift: float) -> float:
        with torch.no_grad():
            bias_of(actor)[3] += shift
            value = float(actor.draw(features, Seeds(1).torch("draw")).log_probability.sum())
            bias_of(actor)[3] -= shift
        return value

    assert float(slopes[3]) == pytest.approx((total(0.01) - total(-0.01)) / 0.02, rel=0.01)


def test_the_best_action_is_the_squashed_mean_in_the_units_of_the_box() -> None:
    # tanh 0.5 = 0.4621 of a half-width of 4 around 1
    actor = actor_of(1, (0.5, 0.0))
    assert float(actor.act(torch.zeros(1, 3))) == pytest.approx(1 + 4 * 0.4621, abs=0.02)


# ---- the losses


def test_the_soft_target_is_that_of_the_paper() -> None:
    learner = SACLearner(Arena("toy/Quadratic-v0"), QUICK, Seeds(1))
    learner.begin(0)
    learner.play(4, None)
    slow = learner.judges.slow
    for weight in slow.parameters():
        weight.zero_()
    slow.biases[-1].copy_(torch.tensor([5.0, 2.0]).reshape(2, 1, 1))
    batch = learner.minibatch(0.0)
    torch.testing.assert_close(learner.target(batch, 0.3), batch.reward)
    going = batch._replace(discount=torch.full((64,), 0.9))
    state = learner.drawing.get_state()
    target = learner.target(going, 0.3)
    learner.drawing.set_state(state)
    drawn = learner.policy.draw(learner.policy.features(batch.next_observation), learner.drawing)
    torch.testing.assert_close(target, batch.reward + 0.9 * (2 - 0.3 * drawn.log_probability))
    # the negative control: without the entropy it is another
    assert not torch.allclose(target, batch.reward + 1.8)


def test_temperature_rises_below_the_entropy_asked_for_and_falls_above() -> None:
    temperature = Temperature(0.1, entropy=-1.0, learning_rate=0.01)
    temperature.step(torch.tensor([1.5, 2.5]))  # an entropy of −2
    assert temperature.value == pytest.approx(0.1 * math.exp(0.01), rel=1e-4)
    lower = Temperature(0.1, entropy=-1.0, learning_rate=0.01)
    lower.step(torch.tensor([0.5, -0.5]))  # of 0
    assert lower.value == pytest.approx(0.1 * math.exp(-0.01), rel=1e-4)


# ---- known answers

SOFT = replace(
    QUICK,
    updates=25,
    temperature_learning_rate=0.03,
    environments=32,
    actor_learning_rate=5e-3,
)


@pytest.mark.parametrize("entropy", [-1.0, -2.0])
def test_temperature_drives_the_entropy_to_what_is_asked_for(entropy: float) -> None:
    learner = learned(Arena("toy/Quadratic-v0"), replace(SOFT, entropy=entropy))
    drawn = learner.policy.draw(torch.zeros(4000, 1), Seeds(3).torch("draw"))
    assert -drawn.log_probability.mean().item() == pytest.approx(entropy, abs=0.25)


def test_with_a_fixed_temperature_the_entropy_is_another() -> None:
    # the negative control: −(a − 7)²/10 is −2.5 (u − 0.4)², so that π ∝ exp(Q/α) is normal with
    # variance α/5 but for the ends of the Box: at α = 0.1 an entropy of ½ ln(2πe·0.02) = −0.54
    config = replace(SOFT, temperature_learning_rate=1e-9, temperature=0.1, entropy=-2.0)
    learner = learned(Arena("toy/Quadratic-v0"), config)
    drawn = learner.policy.draw(torch.zeros(4000, 1), Seeds(3).torch("draw"))
    assert -drawn.log_probability.mean().item() == pytest.approx(-0.54, abs=0.15)


def test_it_finds_the_best_number() -> None:
    number = learned(Arena("toy/Quadratic-v0")).policy.act(NOWHERE)
    assert float(number) == pytest.approx(7.0, abs=0.4)


def test_with_the_sign_of_the_reward_flipped_it_goes_away_from_it() -> None:
    number = float(learned(Arena("toy/Quadratic-v0", {"sign": -1.0})).policy.act(NOWHERE))
    assert number < 2


# with next to no temperature a soft value is a value
VALUED = replace(
    QUICK,
    updates=10,
    learning_rate=1e-2,
    discount=0.5,
    target_rate=0.5,
    minibatch=16,
    temperature=1e-6,
    temperature_learning_rate=1e-9,
)


@pytest.mark.parametrize(("ends", "value"), [(False, 2.0), (True, 1.0)])
def test_the_critics_are_bootstrapped_at_a_cut_and_not_at_an_end(
    ends: bool,  # noqa: FBT001
    value: float,
) -> None:
    # one period an episode: 1/(1 − 0.5) where it was cut, 1 where it was over
    learner = learned(Arena("toy/SACSteady-v0", {"periods": 1, "ends": ends}), VALUED)
    with torch.no_grad():
        values = learner.judges.critics(learner.policy.features(NOWHERE), NOWHERE)
    assert values.flatten().tolist() == pytest.approx([value, value], rel=0.05)


def test_without_the_mask_of_ends_the_critics_would_be_wrong() -> None:
    def unmask(batch: Batch) -> Batch:
        return batch._replace(discount=torch.full((16,), 0.5))

    learner = learned(Arena("toy/SACSteady-v0", {"periods": 1, "ends": True}), VALUED, unmask)
    with torch.no_grad():
        values = learner.judges.critics(learner.policy.features(NOWHERE), NOWHERE)
    assert values.flatten().tolist() == pytest.approx([2.0, 2.0], rel=0.05)


# ---- resuming and stopping


def train(
    folder: Path | None,
    interrupt_after: int | None = None,
    name: str = "toy/SACSteady-v0",
    **settings: object,
) -> Any:  # noqa: ANN401
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = replace(
        QUICK, updates=6, validate_every=2, environments=4, rounds=4, warm_up=8, capacity=32
    )
    return sac.fit(Arena(name, settings), config, Seeds(1), folder=folder, listeners=[interrupt])


def results(run: TrainingRun[Any]) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize(
    ("name", "interrupt_after"), [("toy/Quadratic-v0", 1), ("restock/LostSales-v0", 3)]
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, name: str, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after, name)
    assert results(train(tmp_path, name=name)) == results(train(None, name=name))


def test_a_resumed_run_that_forgot_its_temperature_would_not_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 4)
    tree = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    tree["learner"]["temperature"]["logarithm"].zero_()
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


# ---- what is refused


def test_discrete_actions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="SAC needs continuous actions"):
        sac.fit(Arena("toy/Bandit-v0"), QUICK, Seeds(1))


def test_a_memory_beyond_the_machines_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"needs .* GiB; .* Lower `capacity` to \d+"):
        sac.fit(Arena("toy/Quadratic-v0"), replace(QUICK, capacity=10**13), Seeds(1))


WRONG: dict[str, dict[str, Any]] = {
    "actor_learning_rate": {"actor_learning_rate": float("nan")},
    "temperature": {"temperature": 0.0},
    "temperature_learning_rate": {"temperature_learning_rate": float("inf")},
    "entropy": {"entropy": 0.7},
}


@pytest.mark.parametrize("name", [*WRONG])
def test_a_setting_outside_its_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"`{name}` must .*; got ") as error:
        SACConfig(**WRONG[name])
    assert "\n" not in str(error.value)
