"""Prices of shared limits on a problem whose price is known by hand."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from restock.errors import ConfigurationError
from restock.learning import LogRow, PathwiseConfig, TrainingRun, pathwise
from restock.learning.model_aware import lagrange
from restock.learning.model_aware.lagrange import PRICE_SIGNAL, LagrangeConfig, ResourcePriced
from restock.learning.model_aware.resources import Resources, measure_use
from restock.policies import (
    BaseStock,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    load_policy,
    save_policy,
)
from restock.policies.neural.network_levels import NetworkLevels
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Decision, Observation, Scenario, SteadyDemand, World

SETTINGS: dict[str, Any] = {
    "updates": 120,
    "chains": 128,
    "warm_up": 3,
    "window": 4,
    "learning_rate": 0.05,
    "validate_every": 20,
    "validation_paths": 128,
    "validation_periods": 40,
    "validation_warm_up": 5,
}


class _Uniform:
    """Demand of two products, evenly between 0 and 10 units."""

    mean = torch.tensor([5.0, 5.0])

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> torch.Tensor:
        return 10 * torch.rand(paths, periods, 2, 1, generator=generator)


SOURCE = SteadyDemand(_Uniform())

# Lead time 0, lost sales: after ordering there are S_i units, volume v_i each, in a room of V = 15.
# The newsvendor's S_i = 10 (p_i − λ v_i) / (p_i + h): S_a = 9 − λ and S_b = 2 (4 − 2λ) = 8 − 4λ.
# S_a + 2 S_b = 25 − 9λ = 15 gives λ = 10/9, S_a = 71/9, S_b = 32/9
PRICE, LEVELS = 10 / 9, (71 / 9, 32 / 9)
PRODUCTS = [
    Product(id="a", holding_cost=1.0, shortage_cost=9.0, volume=1.0, unit_cost=2.0),
    Product(id="b", holding_cost=1.0, shortage_cost=4.0, volume=2.0, unit_cost=3.0),
]


def instance_of(lead: int = 0, **limits: Any) -> Instance:  # noqa: ANN401
    plain = Instance.single_location(PRODUCTS, lead)
    places = tuple(
        replace(place, **limits) if place.holds_stock else place for place in plain.locations
    )
    return replace(plain, locations=places)


WORLD = World.from_instance(instance_of(storage_capacity=15.0))


def levels() -> NetworkLevels:
    return NetworkLevels(torch.tensor([[6.0], [6.0]]))


def test_the_price_and_the_levels_are_those_of_the_newsvendors_with_one_room() -> None:
    policy = levels()
    run = lagrange.fit(policy, WORLD, SOURCE, LagrangeConfig(**SETTINGS), Seeds(0))
    assert run.policy.prices.item() == pytest.approx(PRICE, rel=0.05)
    assert policy.levels.flatten().tolist() == pytest.approx(LEVELS, rel=0.03)
    use = lagrange.resource_use(run.policy, WORLD, _paths(), 5)
    assert use.names == ("storage@shop",)
    assert use.is_kept
    assert use.mean.item() == pytest.approx(15.0, rel=0.01)
    assert use.price is not None
    assert use.price.item() == run.policy.prices.item()


def test_without_a_price_the_room_is_exceeded() -> None:
    # S_a = 9 and S_b = 8 would need 25
    policy, open_world = levels(), World.from_instance(instance_of())
    pathwise.fit(policy, open_world, SOURCE, PathwiseConfig(**SETTINGS), Seeds(0))
    use = measure_use(policy, WORLD, _paths(), 5)
    assert not use.is_kept
    assert use.mean.item() == pytest.approx(25.0, rel=0.05)
    assert use.share_over.item() == 1.0


def test_a_limit_that_does_not_bind_has_no_price() -> None:
    world = World.from_instance(instance_of(storage_capacity=40.0))
    run = lagrange.fit(levels(), world, SOURCE, LagrangeConfig(**SETTINGS), Seeds(0))
    assert run.policy.prices.item() == 0.0


def _paths() -> Scenario:
    return SOURCE.sample(64, 30, Seeds(7).torch("paths"))


class _Shared(nn.Module):
    """One rule for both products, which tells them apart by their price alone."""

    def __init__(self) -> None:
        super().__init__()
        self.log_level = nn.Parameter(torch.tensor([8.0]).log())
        self.answer = nn.Parameter(torch.zeros(1))

    def decide(self, observation: Observation) -> Decision:
        price = observation.signal(PRICE_SIGNAL)
        return Decision(torch.exp(self.log_level + self.answer * price))


def test_a_shared_rule_sees_the_price_and_answers_it() -> None:
    policy = _Shared()
    run = lagrange.fit(policy, WORLD, SOURCE, LagrangeConfig(**SETTINGS), Seeds(0))
    use = lagrange.resource_use(run.policy, WORLD, _paths(), 5)
    assert use.mean.item() == pytest.approx(15.0, rel=0.02)
    assert policy.answer.item() < -0.1
    # b takes twice the room and is worth less: a share of 2λ/5 of its costs, to λ/10 of a's
    dearer = lagrange.ResourcePriced(policy, WORLD)
    dearer.prices.copy_(2 * run.policy.prices)
    less = lagrange.resource_use(dearer, WORLD, _paths(), 5)
    assert less.mean.item() < 0.95 * use.mean.item()


def test_the_price_is_shown_as_a_share_of_what_a_unit_costs() -> None:
    seen: list[torch.Tensor] = []

    class Reading(_Shared):
        def decide(self, observation: Observation) -> Decision:
            seen.append(observation.signal(PRICE_SIGNAL))
            return super().decide(observation)

    priced = ResourcePriced(Reading(), WORLD)
    priced.prices.fill_(2.0)
    lagrange.resource_use(priced, WORLD, _paths(), 5)
    # 2 × 1 / (9 + 1) and 2 × 2 / (4 + 1)
    assert seen[0][0].flatten().tolist() == pytest.approx([0.2, 0.8])


def test_use_is_metered_in_the_unit_of_each_limit() -> None:
    limited = replace(
        instance_of(1, storage_capacity=100.0, inbound_capacity_units=50.0), budget_per_period=40.0
    )
    world = World.from_instance(limited)
    level = torch.tensor([[[6.0], [4.0]]])
    scenario = Scenario(torch.ones(1, 1, 2, 1))
    use = measure_use(BaseStock(level), world, scenario, 0)
    # from empty shelves 6 and 4 units are ordered: 2 × 6 + 3 × 4 money, 10 units, 6 + 2 × 4 volume
    found = dict(zip(use.names, use.mean.tolist(), strict=True))
    assert found == {"budget": 24.0, "inbound@shop": 10.0, "storage@shop": 14.0}
    assert dict(zip(use.names, use.limit.tolist(), strict=True)) == {
        "budget": 40.0,
        "inbound@shop": 50.0,
        "storage@shop": 100.0,
    }


def learned(folder: Path | None, interrupt_after: int = 0) -> TrainingRun[ResourcePriced]:
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    small = {"updates": 12, "chains": 8, "validate_every": 4}
    config = LagrangeConfig(**{**SETTINGS, **small})
    return lagrange.fit(
        levels(), WORLD, SOURCE, config, Seeds(1), folder=folder, listeners=[interrupt]
    )


@pytest.mark.parametrize("interrupt_after", [3, 7])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        learned(tmp_path, interrupt_after)
    again, whole = learned(tmp_path), learned(None)
    assert [replace(row, seconds=0.0) for row in again.log] == [
        replace(row, seconds=0.0) for row in whole.log
    ]
    weights = whole.policy.state_dict()
    assert all(
        torch.equal(value, weights[name]) for name, value in again.policy.state_dict().items()
    )
    assert weights["prices"].item() > 0


def test_a_world_whose_products_share_nothing_is_refused() -> None:
    world = World.from_instance(instance_of())
    with pytest.raises(ConfigurationError, match=r"nothing ties the products .* together"):
        Resources(world)


@pytest.mark.parametrize(
    "settings",
    [
        {"price_rate": 0.0},
        {"price_rate": math.nan},
        {"price_damping": -1.0},
        {"price_damping": math.nan},
        {"excess_weight": 0.0},
        {"window": 0},
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError, match=f"`{name}` must .*; got {value}"):
        LagrangeConfig(**settings)


def test_a_policy_with_its_prices_is_saved_and_read(tmp_path: Path) -> None:
    network = NeuralOrderUpTo(
        NeuralOrderUpToConfig(pipeline_slots=0, signals=(PRICE_SIGNAL,), hidden=(4,)),
        torch.tensor(3.0),
        torch.tensor(2.0),
        torch.Generator(),
    )
    policy = lagrange.ResourcePriced(network, WORLD)
    policy.prices.fill_(0.7)
    products = list(WORLD.product_ids)
    file = save_policy([policy], products, tmp_path / "policy.pt")
    [same] = load_policy(file, products, world=WORLD).members
    assert isinstance(same, ResourcePriced)
    assert torch.equal(same.prices, policy.prices)
    assert len(policy.state_dict()) == 1 + len(network.state_dict())
