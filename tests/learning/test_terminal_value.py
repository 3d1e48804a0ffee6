"""Short windows on problems whose answer is known, with and without a terminal value."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import poisson
from torch import nn

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError, TrainingError
from restock.learning import LogRow, PathwiseConfig, TrainingRun, pathwise, train
from restock.learning.model_aware import terminal_value
from restock.learning.model_aware.state_value import StateValue
from restock.learning.model_aware.terminal_value import TerminalValueConfig, TerminalValueLearner
from restock.policies.neural.network_levels import NetworkLevels
from restock.problem import Instance, Lane, Location, Product
from restock.seeds import Seeds
from restock.simulation import Decision, Observation, Scenario, SteadyDemand, World
from restock.simulation.period import observe

MEAN, HOLDING, SHORTAGE, UNIT_COST = 5.0, 1.0, 9.0, 5.0
SOURCE = SteadyDemand(Poisson(torch.tensor([MEAN])))
SETTINGS: dict[str, Any] = {
    "updates": 120,
    "chains": 256,
    "window": 1,
    "learning_rate": 0.03,
    "validate_every": 40,
    "validation_paths": 256,
    "validation_periods": 40,
    "validation_warm_up": 10,
}


def world_of(lead: int, lost_share: float) -> World:
    """Return a world in which each unit is paid for when it is ordered, as a cost of its lane."""
    product = Product(id="a", holding_cost=HOLDING, shortage_cost=SHORTAGE, lost_share=lost_share)
    lane = Lane(
        product_id="a",
        origin="supplier",
        destination="shop",
        lead_time_periods=lead,
        case_pack_units=0,
        unit_cost=UNIT_COST,
    )
    places = (Location(id="supplier", holds_stock=False), Location(id="shop"))
    return World.from_instance(
        Instance(name="paid", products=(product,), locations=places, lanes=(lane,))
    )


def levels(units: float) -> NetworkLevels:
    return NetworkLevels(torch.tensor([[units]]))


# With L = 0 and lost sales a unit costs c = 5 now and, left over, saves c next period. The best
# level is the newsvendor's at (p − c) / (p − c + h) = 4/5; without that saving, (p − c) / (p + h) =
# 2/5
BEST, SHORT_SIGHTED = int(poisson.ppf(0.8, MEAN)), int(poisson.ppf(0.4, MEAN))


def test_with_a_terminal_value_a_window_of_one_period_finds_the_optimum() -> None:
    assert BEST == 7
    world, policy = world_of(0, 1.0), levels(5.0)
    learner = TerminalValueLearner(policy, world, SOURCE, TerminalValueConfig(**SETTINGS), Seeds(0))
    run = train(learner, learner.config, {})
    assert abs(policy.levels.item() - BEST) <= 0.3
    # the relative value is v(x) = −c x below the level: what is there need not be bought
    stock = torch.tensor([0.0, 1, 2, 3, 4, 5]).view(-1, 1, 1)
    seen = observe(world, world.state_with(stock), learner.validation, 0)
    value = learner.critic(learner.critic.features(seen)).squeeze(-1) * learner.cost_unit
    assert (value[-1] - value[0]).item() / 5 == pytest.approx(-UNIT_COST, rel=0.12)
    assert run.log[-1].value_loss is not None


def test_without_a_terminal_value_the_same_window_orders_too_little() -> None:
    assert SHORT_SIGHTED == 4
    policy = levels(5.0)
    run = pathwise.fit(policy, world_of(0, 1.0), SOURCE, PathwiseConfig(**SETTINGS), Seeds(0))
    # the best on held-out paths is the start; where the gradient leads is worse
    assert run.best_update == 0
    assert run.log[-1].validation_cost is not None
    assert run.log[-1].validation_cost > 1.01 * run.best_validation_cost


def test_a_window_as_short_as_the_lead_time_learns_the_level_of_the_whole_lead_time() -> None:
    # backorders, L = 2: all demand is bought in the end, so c does not matter, and the optimum is
    # the newsvendor's for three periods of demand at 0.9. A window of 2 sees no order arrive
    best = int(poisson.ppf(0.9, 3 * MEAN))
    policy = levels(3 * MEAN)
    config = TerminalValueConfig(
        **{**SETTINGS, "window": 2, "updates": 200, "chains": 512, "critic_only": 40}
    )
    run = terminal_value.fit(policy, world_of(2, 0.0), SOURCE, config, Seeds(0))
    assert abs(policy.levels.item() - best) <= 1.5
    first = run.log[config.validate_every - 1].validation_cost
    assert first is not None
    assert run.best_validation_cost < 0.97 * first


def test_the_critic_of_a_world_where_nothing_changes_says_nothing() -> None:
    # demand is always 5 and the level 8: every period costs the same, so that v = 0 everywhere
    config = TerminalValueConfig(**{**SETTINGS, "updates": 30, "critic_only": 30, "window": 4})
    source = SteadyDemand(_Always(MEAN))
    learner = TerminalValueLearner(levels(8.0), world_of(0, 1.0), source, config, Seeds(0))
    run = train(learner, config, {})
    assert run.log[-1].value_loss == pytest.approx(0.0, abs=1e-6)
    assert run.log[-1].gradient_norm == 0.0


class _Always:
    """Demand that is the same every period."""

    def __init__(self, units: float) -> None:
        self.mean = torch.tensor([units])

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> torch.Tensor:
        del generator
        return self.mean.expand(paths, periods, 1).unsqueeze(-1).clone()


def test_a_fresh_critic_leaves_the_plain_window_as_it_is() -> None:
    config = TerminalValueConfig(**{**SETTINGS, "updates": 1, "critic_only": 0, "warm_up": 0})
    with_value = terminal_value.fit(levels(5.0), world_of(0, 1.0), SOURCE, config, Seeds(0))
    plain = pathwise.fit(
        levels(5.0),
        world_of(0, 1.0),
        SOURCE,
        PathwiseConfig(**{**SETTINGS, "updates": 1}),
        Seeds(0),
    )
    # other paths, but the same gradient: the value and its slope are 0 at first
    ratio = with_value.log[0].gradient_norm / plain.log[0].gradient_norm
    assert ratio == pytest.approx(1.0, rel=0.2)


def resumed(folder: Path | None, interrupt_after: int = 0) -> TrainingRun[NetworkLevels]:
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    small = {"updates": 12, "chains": 16, "window": 3, "validate_every": 4, "critic_only": 2}
    config = TerminalValueConfig(**{**SETTINGS, **small})
    return terminal_value.fit(
        levels(9.0),
        world_of(2, 0.5),
        SOURCE,
        config,
        Seeds(1),
        folder=folder,
        listeners=[interrupt],
    )


@pytest.mark.parametrize("interrupt_after", [3, 7])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        resumed(tmp_path, interrupt_after)
    again, whole = resumed(tmp_path), resumed(None)
    assert [replace(row, seconds=0.0) for row in again.log] == [
        replace(row, seconds=0.0) for row in whole.log
    ]
    assert torch.equal(again.policy.levels, whole.policy.levels)


class _Spoilt:
    """A source whose demand stops being a number after some calls."""

    def __init__(self, good_calls: int) -> None:
        self.calls_left = good_calls

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        scenario = SOURCE.sample(paths, periods, generator)
        self.calls_left -= 1
        if self.calls_left < 0:
            scenario.demand.fill_(math.nan)
        return scenario


def test_a_loss_that_is_no_number_stops_training_before_a_weight_moves(tmp_path: Path) -> None:
    # calls: validation, warm-up, fingerprint, then an episode of 4 windows each
    config = TerminalValueConfig(**{**SETTINGS, "chains": 16})
    policy = levels(5.0)
    with pytest.raises(TrainingError, match="at update 5; it must be finite"):
        terminal_value.fit(policy, world_of(0, 1.0), _Spoilt(4), config, Seeds(0), folder=tmp_path)
    assert policy.levels.isfinite().all()
    assert (tmp_path / "offending-batch.pt").exists()


class _Fixed(nn.Module):
    """A module without a gradient."""

    def decide(self, observation: Observation) -> Decision:
        return Decision(torch.full_like(observation.on_hand, 5.0))


def test_decisions_without_a_gradient_are_refused() -> None:
    policy = _Fixed()
    policy.weight = nn.Parameter(torch.ones(()))
    config = TerminalValueConfig(**{**SETTINGS, "chains": 8})
    with pytest.raises(
        ConfigurationError, match=r"not differentiable\. Train it with a model-free"
    ):
        terminal_value.fit(policy, world_of(0, 1.0), SOURCE, config, Seeds(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"window": 0},
        {"discount": 1.1},
        {"discount": math.nan},
        {"decay": -0.1},
        {"target_rate": 0.0},
        {"critic_steps": 0},
        {"critic_learning_rate": math.nan},
        {"critic_only": -1},
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError, match=f"`{name}` must .*; got {value}"):
        TerminalValueConfig(**settings)


def test_the_critic_reads_what_waits_and_what_is_remembered() -> None:
    product = Product(id="a", shelf_life_periods=3, lost_share=0.5)
    world = World.from_instance(Instance.single_location([product], 2))
    scenario = SOURCE.sample(4, 3, Seeds(0).torch("x"))
    critic = StateValue(world, scenario, (), Seeds(0).torch("critic"))
    seen = observe(world, world.state_with(torch.ones(4, 1, 1)), scenario, 0)
    # on hand, position, two slots of pipeline, backlog, three ages; critical ratio; one signal
    assert critic.features(seen).shape == (4, 1, 2 + world.arrivals.slots - 1 + 1 + 3 + 1 + 1)
