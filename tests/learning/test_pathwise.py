"""The pathwise trainer on problems whose answer is known, and on a wrong gradient."""

import math
from dataclasses import dataclass

import pytest
import torch
from jaxtyping import Float
from scipy.stats import poisson
from torch import Tensor

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.learning import LogRow, PathwiseConfig, TrainingRun, pathwise
from restock.policies import BaseStock, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Scenario,
    ScenarioSource,
    SteadyDemand,
    World,
    average_cost,
)

MEAN = 5.0
SOURCE = SteadyDemand(Poisson(torch.tensor([MEAN])))
BRIEF = PathwiseConfig(
    updates=120,
    chains=256,
    window=8,
    learning_rate=0.05,
    validate_every=20,
    validation_paths=256,
    validation_periods=60,
    validation_warm_up=10,
)


def world_of(lead: int, share: float, h: float = 1.0, p: float = 9.0) -> World:
    product = Product(id="a", holding_cost=h, shortage_cost=p, lost_share=share)
    return World.from_instance(Instance.single_location([product], lead))


def network(
    anchor_periods: float, kind: type[NeuralOrderUpTo] = NeuralOrderUpTo
) -> NeuralOrderUpTo:
    """Return a policy whose departure is linear in its features and whose cap never binds."""
    config = NeuralOrderUpToConfig(pipeline_slots=0, hidden=())
    generator = Seeds(0).torch("network")
    return kind(config, torch.tensor(anchor_periods), torch.tensor(20.0), generator)


def newsvendor_cost(level: int, mean: float, h: float, p: float) -> float:
    """Return h E(S − D)⁺ + p E(D − S)⁺ for Poisson D, from its mass function."""
    return sum(
        float(poisson.pmf(d, mean)) * (h * max(level - d, 0) + p * max(d - level, 0))
        for d in range(200)
    )


def mean_level(policy: NeuralOrderUpTo, world: World) -> float:
    """Return the average level that the policy wishes for where it finds itself."""
    levels: list[float] = []

    class Watching:
        def decide(self, observation: Observation) -> Decision:
            decision = policy.decide(observation)
            levels.append(decision.target.mean().item())
            return decision

    scenario = SOURCE.sample(256, 30, Seeds(9).torch("watch"))
    average_cost(world, Watching(), scenario, 10)
    return sum(levels[10:]) / len(levels[10:])


# With L = 0 and lost sales stock after ordering is always S; with L = 1 and backorders the cost
# of S is the newsvendor's for two periods of demand. Both optima are quantiles at p/(p + h) = 0.9
PROBLEMS = [
    pytest.param(0, 1.0, MEAN, 8, id="lost sales, L=0: S* = 8"),
    pytest.param(1, 0.0, 2 * MEAN, 14, id="backorders, L=1: S* = 14"),
]


@pytest.mark.parametrize(("lead", "share", "mean", "best"), PROBLEMS)
def test_the_learned_level_is_the_newsvendors(
    lead: int, share: float, mean: float, best: int
) -> None:
    assert int(poisson.ppf(0.9, mean)) == best
    world, policy = world_of(lead, share), network(anchor_periods=1.0 + lead)
    pathwise.fit(policy, world, SOURCE, BRIEF, Seeds(0))
    assert abs(mean_level(policy, world) - best) <= 0.5
    optimum = newsvendor_cost(best, mean, 1.0, 9.0)
    scenario = SOURCE.sample(4096, 60, Seeds(5).torch("test"))
    cost = average_cost(world, policy, scenario, 10).mean().item()
    assert cost <= 1.02 * optimum
    # the known answer is the simulator's too
    exact = average_cost(world, BaseStock(torch.tensor([[[float(best)]]])), scenario, 10)
    assert abs(exact.mean().item() / optimum - 1) <= 0.02


class WrongSign(NeuralOrderUpTo):
    """Decides like its parent but hands on the gradient with the opposite sign."""

    def compose(self, observation: Observation, departure: Float[Tensor, "B P 2"]) -> Decision:
        decision = super().compose(observation, departure)
        level = decision.target
        return Decision(2 * level.detach() - level, decision.cap)


def test_a_gradient_of_the_wrong_sign_does_not_find_it() -> None:
    world, policy = world_of(0, 1.0), network(1.0, WrongSign)
    run = pathwise.fit(policy, world, SOURCE, BRIEF, Seeds(0))
    optimum = newsvendor_cost(8, MEAN, 1.0, 9.0)
    assert abs(mean_level(policy, world) - 8) > 2
    assert run.best_validation_cost > 1.5 * optimum
    assert run.log[-1].loss > run.log[0].loss


def test_where_nothing_costs_anything_no_weight_moves() -> None:
    world, policy = world_of(1, 1.0, h=0.0, p=0.0), network(2.0)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    run = pathwise.fit(policy, world, SOURCE, BRIEF, Seeds(0))
    assert {row.gradient_norm for row in run.log} == {0.0}
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())


@dataclass(frozen=True)
class Always:
    """Demand that is the same every period."""

    units: float

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        del generator
        scale = torch.full((1, periods, 1, 1), MEAN)
        return Scenario(torch.full((paths, periods, 1, 1), self.units), scale, ("scale",))


def one_update(source: ScenarioSource, **settings: float) -> TrainingRun:
    config = PathwiseConfig(
        **{"updates": 1, "chains": 4, "window": 1, "learning_rate": 0.01, **settings}
    )
    return pathwise.fit(network(0.8), world_of(0, 1.0), source, config, Seeds(0))


def test_the_first_gradient_by_hand() -> None:
    # S = 5 × 0.8 = 4, D = 5: cost 9 (5 − 4) = 9, one unit of cost. dcost/dS = −9, dS/du = S = 4,
    # so −36 / 9 = −4 at the level's bias; all features are log 1 = 0 and the cap does not bind
    row = one_update(Always(5.0)).log[0]
    assert row.loss == 1.0
    assert row.gradient_norm == pytest.approx(4.0, rel=1e-6)


def test_the_departure_penalty_is_the_mean_square_of_the_departure() -> None:
    # Adam's first step is the step size whatever the gradient: u₁ = 0.01 after it. The second
    # window has cost 9 (5 − 4 e^0.01) / 9 and penalty 2 × (0.01² + 0) / 2
    rows = one_update(Always(5.0), updates=2, learning_rate=0.01, departure_penalty=2.0).log
    step = 0.01
    cost = 5 - 4 * math.exp(step)
    assert rows[1].loss == pytest.approx(cost + 2.0 * step**2 / 2, rel=1e-5)


def test_a_gradient_is_clipped_before_the_step_and_logged_as_it_was() -> None:
    # Adam divides by |g| + 1e-8: clipped to 1e-12, the first step is a ten-thousandth
    for clip, step in ((1.0, 0.01), (1e-12, 0.01 * 1e-4)):
        run = one_update(Always(5.0), gradient_clip=clip)
        assert run.policy.body[-1].bias[0].item() == pytest.approx(step, rel=1e-3)
        assert run.log[0].gradient_norm == pytest.approx(4.0, rel=1e-6)


def test_the_step_size_falls_to_zero_by_a_cosine() -> None:
    rows = one_update(Always(5.0), updates=4).log
    expected = [0.005 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]
    assert [row.learning_rate for row in rows] == pytest.approx(expected)


def test_training_stops_when_patience_ends_and_keeps_the_best() -> None:
    # the wrong sign makes every validation worse than the start, which is measured first
    config = PathwiseConfig(
        updates=100, chains=64, window=4, learning_rate=0.05, validate_every=5, patience=2
    )
    run = pathwise.fit(network(1.0, WrongSign), world_of(0, 1.0), SOURCE, config, Seeds(0))
    costs = [row.validation_cost for row in run.log if row.validation_cost is not None]
    assert len(costs) == 2
    assert run.updates == 10
    assert run.best_update == 0
    assert run.best_validation_cost < min(costs)
    validation = SOURCE.sample(1024, 250, Seeds(0).torch("validation"))
    again = average_cost(world_of(0, 1.0), run.policy, validation, 50).mean().item()
    assert again == run.best_validation_cost


def test_listeners_hear_every_update_in_order() -> None:
    heard: list[LogRow] = []
    config = PathwiseConfig(updates=7, chains=8, window=2, validate_every=3)
    run = pathwise.fit(
        network(1.0), world_of(0, 1.0), SOURCE, config, Seeds(0), listeners=[heard.append]
    )
    assert heard == run.log
    assert [row.update for row in heard] == list(range(1, 8))
    # every third update and the last
    assert [row.update for row in heard if row.validation_cost is not None] == [3, 6, 7]


def test_chains_go_on_from_window_to_window() -> None:
    # S = 15, D = 5, L = 2 from empty shelves. 15 arrive in period 2, so the first window costs
    # 45 + 45 + 10; then orders of 5 follow and stock falls to 5, 0, 0: the second costs 5
    config = PathwiseConfig(updates=2, chains=4, window=3, learning_rate=1e-7)
    rows = pathwise.fit(network(3.0), world_of(2, 1.0), Always(5.0), config, Seeds(0)).log
    assert rows[0].loss == 1.0
    assert rows[1].loss == pytest.approx(5 / 100, rel=1e-3)


def test_a_window_that_ends_before_the_first_order_arrives_is_refused() -> None:
    config = PathwiseConfig(window=3)
    with pytest.raises(ConfigurationError, match="`window` must be above the longest lead time, 3"):
        pathwise.fit(network(3.0), world_of(3, 1.0), SOURCE, config, Seeds(0))


def test_the_same_seed_learns_the_same_bit_for_bit_and_another_seed_another() -> None:
    config = PathwiseConfig(updates=12, chains=64, window=4, validate_every=4)
    runs = [
        pathwise.fit(network(2.0), world_of(1, 1.0), SOURCE, config, Seeds(seed))
        for seed in (3, 3, 4)
    ]
    weights = [run.policy.body[-1].bias for run in runs]
    assert torch.equal(weights[0], weights[1])
    assert [row.loss for row in runs[0].log] == [row.loss for row in runs[1].log]
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    "settings",
    [
        {"updates": 0},
        {"chains": 0},
        {"window": -1},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"departure_penalty": -1.0},
        {"departure_penalty": math.nan},
        {"gradient_clip": 0.0},
        {"gradient_clip": math.nan},
        {"validation_warm_up": -1},
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused_by_name(settings: dict[str, float]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError, match=f"`{name}` must .*; got {value}"):
        PathwiseConfig(**settings)
