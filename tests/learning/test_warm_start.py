"""A network learns to decide as its teacher does, whoever that is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from restock.demand.processes import Poisson
from restock.errors import CheckpointError, ConfigurationError
from restock.learning import LogRow, TrainingRun
from restock.learning.model_aware import warm_start
from restock.learning.model_aware.warm_start import WarmStartConfig
from restock.policies import BaseStock, CappedBaseStock, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural.bodies import mlp
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Policy,
    SteadyDemand,
    World,
    average_cost,
)

SOURCE = SteadyDemand(Poisson(torch.tensor([5.0])))
PRODUCT = Product(id="a", holding_cost=1.0, shortage_cost=9.0)
WORLD = World.from_instance(Instance.single_location([PRODUCT], 1))
SETTINGS: dict[str, Any] = {
    "updates": 100,
    "chains": 64,
    "learning_rate": 0.03,
    "teacher_updates": 30,
    "validation_paths": 64,
    "validation_periods": 20,
    "validation_warm_up": 20,
}


def capped(level: float, cap: float) -> CappedBaseStock:
    return CappedBaseStock(torch.full((1, 1, 1), level), torch.full((1, 1, 1), cap))


def network(anchor: float = 2.0) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=0, hidden=(8,))
    generator = Seeds(0).torch("network")
    return NeuralOrderUpTo(config, torch.tensor(anchor), torch.tensor(20.0), generator)


class Quantity(nn.Module):
    """A network of no rule: the quantity it orders is what comes out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(2, 1, (16,), Seeds(0).torch("quantity"))

    def decide(self, observation: Observation) -> Decision:
        stock = torch.cat([observation.on_hand, observation.on_order], -1) / 5
        return Decision(observation.lane_position + 5 * self.body(stock))


def cost(policy: Policy) -> float:
    scenario = SOURCE.sample(512, 60, Seeds(5).torch("test"))
    return average_cost(WORLD, policy, scenario, 20).mean().item()


def taught(
    policy: nn.Module,
    teacher: Policy,
    folder: Path | None = None,
    interrupt_after: int = 0,
    **settings: Any,  # noqa: ANN401
) -> TrainingRun[nn.Module]:
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    config = WarmStartConfig(**{**SETTINGS, **settings})
    return warm_start.fit(
        policy,
        WORLD,
        SOURCE,
        config,
        Seeds(0),
        teacher=teacher,
        folder=folder,
        listeners=[interrupt],
    )


@pytest.mark.parametrize("kind", [network, Quantity])
def test_any_network_comes_to_cost_what_its_teacher_costs(kind: Any) -> None:  # noqa: ANN401
    teacher, policy = capped(13.0, 7.0), kind()
    before = cost(policy)
    run = taught(policy, teacher)
    assert abs(cost(policy) / cost(teacher) - 1) <= 0.02
    assert abs(before / cost(teacher) - 1) >= 0.1
    assert run.best_validation_cost < 0.02 * run.log[0].loss


def test_it_imitates_a_bad_teacher_as_well() -> None:
    # the cost of training is the distance to the teacher, not money
    good, bad = capped(13.0, 7.0), capped(8.0, 7.0)
    policy = network(anchor=2.6)
    taught(policy, bad)
    assert cost(bad) > 1.5 * cost(good)
    assert abs(cost(policy) / cost(bad) - 1) <= 0.03


def test_where_the_teacher_orders_nothing_only_an_order_is_an_error() -> None:
    teacher = BaseStock(torch.zeros(1, 1, 1))
    policy = network(anchor=0.0)
    run = taught(policy, teacher, updates=3)
    assert [row.loss for row in run.log] == [0.0] * 3
    assert taught(network(anchor=1.0), teacher, updates=3).log[0].loss > 0


def test_the_teacher_leads_fewer_and_fewer_paths() -> None:
    run = taught(network(), capped(13.0, 7.0), updates=5, teacher_updates=4)
    assert [row.exploration for row in run.log] == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_a_wish_is_what_the_level_lacks_up_to_the_cap() -> None:
    seen = Observation(
        on_hand=torch.full((1, 1, 1), 2.0),
        on_order=torch.full((1, 1, 1), 1.0),
        pipeline=(),
        lead_time=torch.ones(1, 1, 1, dtype=torch.long),
    )
    assert capped(10.0, 4.0).decide(seen).wished_order(seen).item() == 4.0
    assert capped(5.0, 4.0).decide(seen).wished_order(seen).item() == 2.0
    assert BaseStock(torch.ones(1, 1, 1)).decide(seen).wished_order(seen).item() == -2.0


@pytest.mark.parametrize("interrupt_after", [3, 7])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    small: dict[str, Any] = {"updates": 12, "chains": 8, "validate_every": 4, "teacher_updates": 6}
    teacher = capped(13.0, 7.0)
    with pytest.raises(KeyboardInterrupt):
        taught(network(), teacher, tmp_path, interrupt_after, **small)
    again = taught(network(), teacher, tmp_path, **small)
    whole = taught(network(), teacher, **small)
    assert [replace(row, seconds=0.0) for row in again.log] == [
        replace(row, seconds=0.0) for row in whole.log
    ]
    with pytest.raises(CheckpointError, match="teacher was CappedBaseStock"):
        taught(network(), capped(12.0, 7.0), tmp_path, **small)


def test_a_policy_without_a_gradient_cannot_imitate() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def decide(self, observation: Observation) -> Decision:
            return Decision(torch.full_like(observation.on_hand, 5.0))

    with pytest.raises(ConfigurationError, match="carry no gradient, so that it cannot imitate"):
        taught(Fixed(), capped(13.0, 7.0), updates=1)


def test_who_decides_prices_is_not_taught_by_who_does_not() -> None:
    class Pricing(Quantity):
        def decide(self, observation: Observation) -> Decision:
            return replace(super().decide(observation), price=torch.ones(1, 1, 1))

    with pytest.raises(ConfigurationError, match="decides prices and the other does not"):
        taught(Pricing(), capped(13.0, 7.0), updates=1)


@pytest.mark.parametrize("settings", [{"window": 0}, {"teacher_updates": -1}], ids=str)
def test_settings_outside_their_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError, match=f"`{name}` must .*; got {value}"):
        WarmStartConfig(**settings)
