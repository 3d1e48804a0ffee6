"""Policy improvement by rollouts: known answers, a negative control, resume, what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from restock.demand.processes import Poisson
from restock.errors import CheckpointError, ConfigurationError
from restock.learning import ImprovementConfig, LogRow, TrainingRun, improvement
from restock.learning.model_aware.candidate_costs import CandidateCosts
from restock.optimality import poisson_pmf
from restock.optimality.lost_sales import LostSales, evaluate, solve
from restock.policies import BaseStock, NeuralDeparture, NeuralDepartureConfig, Tabulated
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Scenario,
    SellingSeason,
    SteadyDemand,
    World,
    average_cost,
)
from restock.simulation.period import decide

MEAN = 2.0
SOURCE = SteadyDemand(Poisson(torch.tensor([MEAN])))
CONFIG = ImprovementConfig(
    updates=3,
    patience=3,
    states=1500,
    futures=32,
    horizon=16,
    wandering=0.2,
    warm_up=15,
    epochs=60,
    batch=256,
    learning_rate=5e-3,
    validation_paths=512,
    validation_periods=150,
    validation_warm_up=20,
)


def world_of(lead_time: int = 2) -> World:
    plain = Instance.single_location(
        [Product(id="a", holding_cost=1.0, shortage_cost=4.0)], lead_time
    )
    lanes = tuple(replace(lane, case_pack_units=1) for lane in plain.lanes)
    return World.from_instance(replace(plain, lanes=lanes))


def network(level: float = 8.0) -> NeuralDeparture:
    config = NeuralDepartureConfig(scale=MEAN, limit=2.0, pipeline_slots=1, hidden=(16, 16))
    anchor = BaseStock(torch.full((1, 1, 1), level))
    return NeuralDeparture(anchor, config, Seeds(0).torch("network"))


def gap_percent(policy: NeuralDeparture, world: World) -> float:
    problem = LostSales(poisson_pmf(MEAN), 2, 1.0, 4.0)

    def orders(states: np.ndarray) -> np.ndarray:
        units = torch.from_numpy(states.astype(np.float32))[:, None]
        seen = Observation(
            units[..., :1], units[..., 1:], (units[..., 1:],), world.arrivals.lead_time
        )
        with torch.no_grad():
            return decide(world, seen, policy.decide(seen))[:, 0, 0].long().numpy()

    return 100 * (evaluate(problem, orders).cost / solve(problem).cost - 1)


def improve(folder: Path | None = None, **changes: object) -> TrainingRun[NeuralDeparture]:
    config = replace(CONFIG, **changes)  # type: ignore[arg-type]
    return improvement.fit(network(), world_of(), SOURCE, config, Seeds(1), folder=folder)


def test_it_comes_close_to_the_exact_optimum_from_a_bad_level() -> None:
    assert gap_percent(network(), world_of()) > 4
    assert gap_percent(improve().policy, world_of()) < 0.5


def test_rollouts_that_end_before_an_order_arrives_teach_nothing() -> None:
    assert gap_percent(improve(horizon=1).policy, world_of()) > 4


def test_an_interrupted_run_goes_on_to_the_same_result_bit_for_bit(tmp_path: Path) -> None:
    whole = improve(states=300, epochs=2)

    def interrupt(row: LogRow) -> None:
        if row.update == 2:
            raise KeyboardInterrupt

    config = replace(CONFIG, states=300, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        improvement.fit(
            network(), world_of(), SOURCE, config, Seeds(1), folder=tmp_path, listeners=[interrupt]
        )
    resumed = improve(tmp_path, states=300, epochs=2)
    assert [replace(row, seconds=0) for row in resumed.log] == [
        replace(row, seconds=0) for row in whole.log
    ]
    for name, values in whole.policy.state_dict().items():
        assert torch.equal(values, resumed.policy.state_dict()[name]), name


def lesson(less: float, more: float, *, has_less: bool = True) -> CandidateCosts:
    one = torch.ones(1, 1, 1)
    return CandidateCosts(
        5 * one,
        less * one,
        more * one,
        has_less & (one > 0),
        one > 0,
        torch.zeros(1, 1, 1, 1),
    )


@pytest.mark.parametrize(("wish", "cost"), [(5.0, 0.0), (4.0, 3.0), (6.0, 1.0), (5.25, -0.125)])
def test_the_distilled_cost_goes_through_the_candidates(wish: float, cost: float) -> None:
    assert lesson(3.0, 1.0).cost(torch.full((1, 1, 1), wish)).item() == pytest.approx(cost)


def test_a_wish_far_away_is_pulled_back_and_one_below_nothing_is_not() -> None:
    far = torch.full((1, 1, 1), 20.0)
    assert lesson(3.0, -5.0).cost(far).item() > lesson(3.0, -5.0).cost(far - 5).item()
    below = torch.full((1, 1, 1), -20.0)
    edge = lesson(0.0, 2.0, has_less=False)
    assert edge.cost(below).item() == edge.cost(below - 5).item()


def test_a_table_decides_as_its_policy_does_and_grows_where_it_must() -> None:
    policy, world = network(), world_of()
    with torch.no_grad():
        for values in policy.parameters():
            values.add_(0.3 * torch.randn(values.shape, generator=torch.Generator().manual_seed(1)))
    scenario = SOURCE.sample(64, 60, Seeds(2).torch("demand"))
    table = Tabulated(policy)
    looked_up = average_cost(world, table, scenario, 5)
    assert torch.equal(looked_up, average_cost(world, policy, scenario, 5))
    assert table.entries > 30
    other = average_cost(world, Tabulated(network()), scenario, 5)
    assert not torch.equal(looked_up, other)


def test_a_table_serves_one_product_in_whole_units_and_steady_signals_only() -> None:
    world, scenario = world_of(), SOURCE.sample(4, 6, torch.Generator())
    assert Tabulated.serves(world, scenario)
    assert not Tabulated.serves(world, replace(scenario, demand=scenario.demand + 0.5))
    assert scenario.signals is not None
    moving = scenario.signals * torch.arange(1.0, 7.0).reshape(1, 6, 1, 1)
    assert not Tabulated.serves(world, replace(scenario, signals=moving))


def test_a_fresh_departure_is_its_anchor_and_a_trained_one_is_bounded() -> None:
    policy, stock = network(), torch.tensor([[[3.0]], [[60.0]]])
    seen = Observation(stock, 0 * stock, (0 * stock,), torch.full((1, 1, 1), 2))
    assert policy.decide(seen).target.flatten().tolist() == [8.0, 8.0]
    with torch.no_grad():
        policy.body[-1].bias.fill_(100.0)
    assert policy.decide(seen).target.flatten().tolist() == [12.0, 12.0]


class Drifting:
    """Demand whose signals differ from path to path."""

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        scenario = SOURCE.sample(paths, periods, generator)
        return Scenario(scenario.demand, scenario.demand.clone(), ("scale",))


def test_futures_of_different_pasts_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="futures of one and the same past"):
        improvement.fit(network(), world_of(), Drifting(), CONFIG, Seeds(0))


class Batching(torch.nn.Module):
    """A policy with a least batch."""

    def __init__(self) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(8.0))

    def decide(self, observation: Observation) -> Decision:
        one = torch.ones_like(observation.on_order)
        return Decision(self.level * one, batch=2 * one)


def test_least_batches_and_modules_that_do_not_decide_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="batch"):
        improvement.fit(Batching(), world_of(), SOURCE, CONFIG, Seeds(0))
    with pytest.raises(ConfigurationError, match="must have `decide"):
        improvement.fit(torch.nn.Linear(1, 1), world_of(), SOURCE, CONFIG, Seeds(0))


@pytest.mark.parametrize(
    ("name", "value"), [("states", 0), ("futures", 0), ("wandering", 2.0), ("horizon", 0)]
)
def test_bad_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        replace(CONFIG, **{name: value})


def test_products_that_share_a_limit_are_not_improved_one_by_one() -> None:
    products = [Product(id=name, holding_cost=1.0, unit_cost=1.0) for name in "ab"]
    plain = Instance.single_location(products, 2)
    world = World.from_instance(replace(plain, budget_per_period=9.0))
    with pytest.raises(ConfigurationError, match=r"this world has shared limits.*`lagrange`"):
        improvement.fit(network(), world, SOURCE, CONFIG, Seeds(1))


def test_signals_that_change_from_day_to_day_are_refused() -> None:
    season = SellingSeason(SOURCE, 40)
    with pytest.raises(ConfigurationError, match="from path to path or day to day"):
        improvement.fit(network(), world_of(), season, CONFIG, Seeds(1))


def test_a_table_is_not_for_parts_of_units_and_gives_way_where_it_would_not_fit() -> None:
    drawn = SOURCE.sample(1, 4, torch.Generator().manual_seed(0))
    world = world_of()
    assert Tabulated.serves(world, drawn)
    shared = Instance.single_location([Product(id="a", lost_share=0.5)], 2)
    assert not Tabulated.serves(World.from_instance(shared), drawn)
    table = Tabulated(BaseStock(torch.full((1, 1, 1), 5.0)))
    huge = Observation(
        torch.full((1, 1, 1), 2e7), torch.zeros(1, 1, 1), (), world.arrivals.lead_time
    )
    assert table.decide(huge).target.item() == 5.0
    assert table.entries <= 1


def test_a_checkpoint_of_another_anchor_is_refused(tmp_path: Path) -> None:
    quick = {"updates": 1, "states": 64, "futures": 2, "epochs": 1}
    improve(tmp_path, **quick)
    config = replace(CONFIG, **quick)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="policy was"):
        improvement.fit(network(level=9.0), world_of(), SOURCE, config, Seeds(1), folder=tmp_path)
