"""Hindsight as a teacher: the newsvendor's quantile, and the mean that is too little."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import poisson

from restock.demand.price_response import ConstantElasticity
from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.learning import LogRow, TrainingRun
from restock.learning.model_aware import hindsight
from restock.learning.model_aware.hindsight import HindsightConfig, pinball
from restock.learning.model_aware.hindsight_orders import HindsightOrders
from restock.policies.neural.network_levels import NetworkLevels
from restock.problem import Instance, Product, StockTerms
from restock.seeds import Seeds
from restock.simulation import Scenario, SteadyDemand, World

MEAN = 5.0
SOURCE = SteadyDemand(Poisson(torch.tensor([MEAN])))
BRIEF: dict[str, Any] = {
    "updates": 6,
    "chains": 64,
    "warm_up": 5,
    "epochs": 20,
    "learning_rate": 0.05,
    "validation_paths": 64,
    "validation_periods": 30,
    "validation_warm_up": 10,
}


def instance_of(lead: int, lost_share: float = 0.0, n_products: int = 1) -> Instance:
    products = [
        Product(id=f"a{n}", holding_cost=1.0, shortage_cost=9.0, lost_share=lost_share)
        for n in range(n_products)
    ]
    return Instance.single_location(products, lead)


def learned(
    settings: dict[str, Any], folder: Path | None = None, interrupt_after: int = 0
) -> TrainingRun[NetworkLevels]:
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    instance = instance_of(1)
    return hindsight.fit(
        NetworkLevels(torch.tensor([[8.0]])),
        World.from_instance(instance),
        SOURCE,
        HindsightConfig(**{**BRIEF, **settings}),
        Seeds(0),
        instance=instance,
        folder=folder,
        listeners=[interrupt],
    )


def test_at_the_critical_ratio_hindsights_orders_teach_the_newsvendors_level() -> None:
    # backorders, L = 1: the optimum is the 0.9-quantile of two periods of demand
    assert int(poisson.ppf(0.9, 2 * MEAN)) == 14
    run = learned({})
    assert abs(run.policy.levels.item() - 14) <= 0.7


def test_at_the_median_they_teach_too_little() -> None:
    # the bias of hindsight: its own orders need no safety stock
    assert int(poisson.ppf(0.5, 2 * MEAN)) == 10
    run, right = learned({"quantile": 0.5}), learned({})
    assert abs(run.policy.levels.item() - 10) <= 0.7
    assert run.best_validation_cost > 1.3 * right.best_validation_cost


def test_hindsight_orders_what_demand_of_the_lead_time_lacks() -> None:
    # two products, L = 2, on hand 4 and 1, nothing on the way. Lost sales: of the first, 4 serve 3,
    # 1 is left, period 1 asks 1 of it, so all 5 of period 2 are missing; of the second all 6 are
    instance = instance_of(2, 1.0, 2)
    world = World.from_instance(instance)
    asked = torch.tensor([[3.0, 2.0], [1.0, 4.0], [5.0, 6.0], [7.0, 7.0], [0.0, 0.0]])
    future = Scenario(asked.view(1, 5, 2, 1).repeat(3, 1, 1, 1))
    state = world.state_with(torch.tensor([[[4.0], [1.0]]]).repeat(3, 1, 1))
    first = HindsightOrders(instance, world).first(state, future)
    assert first.tolist() == [[[5.0], [6.0]]] * 3


def test_with_backorders_it_makes_up_for_who_waits() -> None:
    # L = 1, on hand 1, on the way 2: demand 4 then 5 asks 9 within two periods, 3 are there
    instance = instance_of(1)
    world = World.from_instance(instance)
    state = replace(
        world.state_with(torch.ones(1, 1, 1)),
        on_order=torch.full((1, 1, 1), 2.0),
        pipeline=(torch.full((1, 1, 1), 2.0), *world.empty_state(1).pipeline[1:]),
    )
    future = Scenario(torch.tensor([4.0, 5.0, 6.0]).view(1, 3, 1, 1))
    assert HindsightOrders(instance, world).first(state, future).item() == pytest.approx(6.0)


def test_paths_are_solved_side_by_side_as_they_are_one_by_one() -> None:
    instance = Instance.serial(Product(id="A", shortage_cost=9.0), (2, 1), (1.0, 2.0))
    world = World.from_instance(instance)
    places = world.network.locations
    asked = torch.zeros(5, 8, 1, 2)
    asked[..., places.index("stage 2")] = SOURCE.sample(5, 8, Seeds(3).torch("x")).demand[..., 0]
    future = Scenario(asked)
    orders = HindsightOrders(instance, world)
    together = orders.first(world.empty_state(5), future)
    alone = [orders.first(world.empty_state(1), future.path_slice(n, n + 1)) for n in range(5)]
    assert torch.allclose(together, torch.cat(alone))
    assert together.shape == (5, 1, 2)
    assert bool((together > 0).any())


def test_a_shared_budget_is_kept_by_hindsight() -> None:
    plain = instance_of(0, 1.0, 2)
    products = tuple(replace(product, unit_cost=1.0) for product in plain.products)
    instance = replace(plain, products=products, budget_per_period=6.0)
    world = World.from_instance(instance)
    future = Scenario(torch.full((2, 4, 2, 1), 5.0))
    first = HindsightOrders(instance, world).first(world.empty_state(2), future)
    assert first.sum((1, 2)).tolist() == pytest.approx([6.0, 6.0])


def test_the_pinball_loss_by_hand() -> None:
    order = torch.tensor([5.0, 5.0, 0.0, 0.0, 5.0]).view(-1, 1, 1)
    wish = torch.tensor([3.0, 7.0, 2.0, -2.0, -1.0]).view(-1, 1, 1)
    # 0.9 × 2, 0.1 × 2, 0.1 × 2, 0, and 0.9 × 6 for an order where none was wished
    expected = (1.8 + 0.2 + 0.2 + 0.0 + 5.4) / 5
    assert pinball(order, wish, 0.9).item() == pytest.approx(expected)


@pytest.mark.parametrize("interrupt_after", [1, 3])
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, interrupt_after: int
) -> None:
    small = {"updates": 4, "chains": 8, "epochs": 3}
    with pytest.raises(KeyboardInterrupt):
        learned(small, tmp_path, interrupt_after)
    again, whole = learned(small, tmp_path), learned(small)
    assert [replace(row, seconds=0.0) for row in again.log] == [
        replace(row, seconds=0.0) for row in whole.log
    ]
    assert torch.equal(again.policy.levels, whole.policy.levels)


def test_an_instance_of_another_world_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`instance` must be the one that the world was"):
        HindsightOrders(instance_of(1, n_products=2), World.from_instance(instance_of(1)))


def test_a_world_whose_demand_answers_prices_is_refused() -> None:
    product = Product(id="a0", list_price=10.0, holding_cost=1.0, shortage_cost=9.0)
    instance = Instance.single_location([product], 1)
    response = ConstantElasticity(torch.tensor([10.0]), torch.tensor([-2.0]))
    world = World.from_instance(instance, price_response=response)
    with pytest.raises(ConfigurationError, match="only where demand is given"):
        HindsightOrders(instance, world)


def test_costs_of_a_place_give_it_its_own_quantile() -> None:
    instance = replace(
        instance_of(1),
        stock_terms=(StockTerms(product_id="a0", location="shop", holding_cost=3.0),),
    )
    config = HindsightConfig(**{**BRIEF, "chains": 4})
    learner = hindsight.HindsightLearner(
        NetworkLevels(torch.tensor([[8.0]])),
        World.from_instance(instance),
        instance,
        SOURCE,
        config,
        Seeds(0),
    )
    assert isinstance(learner.quantile, torch.Tensor)
    assert learner.quantile.flatten().tolist() == pytest.approx([9 / 12])


@pytest.mark.parametrize(
    "settings",
    [{"quantile": 1.0}, {"quantile": math.nan}, {"epochs": 0}, {"horizon": 0}, {"spacing": 0}],
    ids=str,
)
def test_settings_outside_their_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError, match=f"`{name}` must .*; got {value}"):
        HindsightConfig(**settings)


def test_a_horizon_within_which_nothing_arrives_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`horizon` must be above the longest lead time"):
        learned({"horizon": 1})
