"""Levels and quantities from any body: bounded, honest about the world, differentiable."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.policies import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural import HistoryConfig, NeuralConfig, NeuralQuantity
from restock.problem import Instance, Product
from restock.simulation import CostTally, Observation, Scenario, SteadyDemand, World, rollout
from restock.simulation.history_signals import HistorySignals

HISTORIES = {
    "mlp": HistoryConfig(kind="mlp", periods=6),
    "cnn": HistoryConfig(kind="cnn", periods=6, widths=(3,)),
    "lstm": HistoryConfig(kind="lstm", periods=6, widths=(3,)),
}
each_kind = pytest.mark.parametrize("kind", HISTORIES)


def awake(module: nn.Module, size: float = 0.2) -> nn.Module:
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for values in module.parameters():
            noise = torch.randn(values.shape, generator=generator, dtype=values.dtype)
            values.add_(size * noise)
    return module


def levels(history: HistoryConfig | None = None, **settings: object) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(
        pipeline_slots=1,
        history=history,
        hidden=(6,),
        **settings,  # type: ignore[arg-type]
    )
    return NeuralOrderUpTo(config, torch.tensor(3.0), torch.tensor(2.0), torch.Generator())


def scenario(paths: int = 8, periods: int = 10) -> Scenario:
    demand = SteadyDemand(Poisson(torch.tensor([5.0, 2.0])))
    return HistorySignals(demand, 6).sample(paths, periods, torch.Generator().manual_seed(0))


def world(dtype: torch.dtype = torch.float32) -> World:
    shop = [Product(id=name, shortage_cost=4.0, lost_share=1.0) for name in "ab"]
    return World.from_instance(Instance.single_location(shop, 2), dtype=dtype)


def seen(locations: int = 1, lanes: int = 1) -> Observation:
    told = scenario()
    stock = torch.full((8, 2, locations), 2.0)
    return Observation(
        on_hand=stock,
        on_order=torch.zeros(8, 2, lanes),
        pipeline=(torch.ones(8, 2, lanes),),
        lead_time=torch.full((1, 2, lanes), 2),
        signals=told.signals_at(7),
        signal_names=told.signal_names,
    )


@each_kind
def test_a_fresh_network_is_its_anchor_whatever_body_it_has(kind: str) -> None:
    wish = levels(HISTORIES[kind]).decide(seen())
    assert wish.cap is not None
    assert wish.target[0].flatten().tolist() == [15.0, 6.0]
    assert wish.cap[0].flatten().tolist() == [10.0, 4.0]


@each_kind
def test_what_was_asked_lately_matters_to_a_body_with_a_history(kind: str) -> None:
    policy, now = awake(levels(HISTORIES[kind])), seen()
    assert isinstance(policy, NeuralOrderUpTo)
    assert now.signals is not None
    busier = now.signals.clone()
    busier[..., 1:] += 3
    other = replace(now, signals=busier)
    assert not torch.allclose(policy.decide(now).target, policy.decide(other).target)
    blind = awake(levels())
    assert isinstance(blind, NeuralOrderUpTo)
    assert torch.equal(blind.decide(now).target, blind.decide(other).target)


def cost(policy: nn.Module, paths: Scenario) -> Tensor:
    tally = CostTally()
    place = world(torch.float64)
    rollout(place, policy, paths, place.empty_state(paths.paths), tally)  # type: ignore[arg-type]
    return tally.mean()


@each_kind
@pytest.mark.parametrize("makes", ["levels", "quantities"])
def test_the_gradient_of_cost_is_the_finite_difference(kind: str, makes: str) -> None:
    policy: nn.Module = levels(HISTORIES[kind])
    if makes == "quantities":
        config = NeuralConfig(pipeline_slots=1, history=HISTORIES[kind], hidden=(6,))
        policy = NeuralQuantity(config, torch.tensor(0.9), torch.Generator())
    policy = awake(policy.double(), 0.1)
    paths = scenario()
    assert paths.signals is not None
    paths = replace(paths, demand=paths.demand.double() + 0.3, signals=paths.signals.double())
    cost(policy, paths).backward()
    weight = next(values for values in policy.parameters() if values.abs().max() > 0)
    assert weight.grad is not None
    place = tuple(int(i) for i in torch.unravel_index(weight.grad.abs().argmax(), weight.shape))
    slope, step = weight.grad[place].item(), 1e-6
    costs = []
    with torch.no_grad():
        for move in (step, -2 * step):
            weight[place] += move
            costs.append(cost(policy, paths).item())
    assert slope != 0
    assert slope == pytest.approx((costs[0] - costs[1]) / (2 * step), rel=1e-4)


def test_a_limit_bounds_the_departure_of_any_weights() -> None:
    wild = awake(levels(limit=0.7), 50.0)
    free = awake(levels(), 50.0)
    assert isinstance(wild, NeuralOrderUpTo)
    assert isinstance(free, NeuralOrderUpTo)
    ratio = wild.decide(seen()).target / torch.tensor([15.0, 6.0]).reshape(1, 2, 1)
    assert bool((ratio.log().abs() <= 0.7 + 1e-5).all())
    assert free.departure(seen()).abs().max().item() > 0.7


@pytest.mark.parametrize(("locations", "lanes"), [(2, 2), (1, 2)])
def test_a_network_of_locations_or_several_lanes_is_refused(locations: int, lanes: int) -> None:
    message = f"got {locations} locations and {lanes} lanes. Take `GraphLevels`"
    with pytest.raises(ConfigurationError, match=message):
        levels().decide(seen(locations, lanes))


def test_what_a_world_does_not_show_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'demand-9' is not observed.*HistorySignals"):
        levels(HistoryConfig(kind="mlp", periods=9)).decide(seen())
    with pytest.raises(ConfigurationError, match="nobody waits in this world"):
        levels(owes=True).decide(seen())


def test_what_is_owed_is_read_where_it_is_asked_for() -> None:
    policy = awake(levels(owes=True))
    assert isinstance(policy, NeuralOrderUpTo)
    wishes = [
        policy.decide(replace(seen(), backlog=torch.full((8, 2, 1), owed))).target
        for owed in (0.0, 9.0)
    ]
    assert not torch.allclose(*wishes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0.0}, "`limit` must be > 0; got 0.0"),
        ({"limit": float("nan")}, "`limit` must be > 0; got nan"),
        ({"anchor_signals": ()}, "`anchor_signals` must name at least one"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        levels(**settings)  # type: ignore[arg-type]
