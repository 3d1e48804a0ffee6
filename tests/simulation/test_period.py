"""The period by hand: arrivals, orders, service, costs, tallies and scenarios."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError, InstanceError
from restock.policies import BaseStock, ConstantOrder
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import (
    BusinessTally,
    CostTally,
    Observation,
    Scenario,
    Trace,
    World,
    average_cost,
    rollout,
)

TEA = Product(
    id="tea", list_price=10.0, unit_cost=6.0, holding_cost=1.0, shortage_cost=4.0, lost_share=1.0
)


def world_of(lead: int = 1, share: float = 1.0, fixed: float = 0.0) -> World:
    places = (Location(id="s", holds_stock=False), Location(id="w"))
    lane = Lane(
        product_id="tea",
        origin="s",
        destination="w",
        lead_time_periods=lead,
        case_pack_units=0,
        fixed_order_cost=fixed,
    )
    product = replace(TEA, lost_share=share)
    return World.from_instance(
        Instance(name="w", products=(product,), locations=places, lanes=(lane,))
    )


def path(*demand: float) -> Scenario:
    return Scenario(torch.tensor(demand, dtype=torch.float32).reshape(1, -1, 1, 1))


def level(units: float) -> BaseStock:
    return BaseStock(torch.tensor([[[units]]]))


def run(world: World, scenario: Scenario, units: float) -> Trace:
    trace = Trace()
    rollout(world, level(units), scenario, world.empty_state(scenario.paths), trace)
    return trace


def row(trace: Trace, name: str) -> list[float]:
    values: list[float] = trace.series(name).flatten().tolist()
    return values


def test_an_order_arrives_a_lead_time_later_before_that_periods_demand() -> None:
    # L = 2, S = 5: 5 are ordered in period 0 and sold from in period 2
    trace = run(world_of(lead=2), path(1, 1, 1, 1), 5.0)
    assert row(trace, "order") == [5, 0, 0, 1]
    assert row(trace, "sold") == [0, 0, 1, 1]
    assert row(trace, "lost") == [1, 1, 0, 0]


def test_a_lead_time_of_zero_serves_the_same_period() -> None:
    # position after ordering is always 5; 5 − 3 = 2 are left, then 3 are ordered
    trace = run(world_of(lead=0), path(3, 7), 5.0)
    assert row(trace, "order") == [5, 3]
    assert row(trace, "sold") == [3, 5]
    assert row(trace, "left") == [2, 0]


def test_lost_sales_pay_once_and_backorders_while_they_wait() -> None:
    # L = 1, S = 2, demand 3 then 0: lost sales 3 × 4 then holding 2; backorders 12, then the
    # order of period 1 is not there yet: 2 of 3 are served, 1 waits
    assert row(run(world_of(share=1.0), path(3, 0), 2.0), "cost") == [12, 2]
    patient = run(world_of(share=0.0), path(3, 0), 2.0)
    assert row(patient, "cost") == [12, 4]
    assert row(patient, "backlog") == [3, 1]


def test_a_share_of_unmet_demand_is_lost_and_the_rest_waits() -> None:
    # nothing on hand, demand 8: 2 are lost, 6 wait, and all 8 are charged
    trace = run(world_of(share=0.25), path(8), 0.0)
    assert (row(trace, "lost"), row(trace, "backlog")) == ([2], [6])
    assert row(trace, "shortage_cost") == [4 * 8]


def test_a_fixed_cost_is_charged_per_order_whatever_its_size() -> None:
    trace = run(world_of(lead=0, fixed=7.0), path(0, 3, 0), 5.0)
    assert row(trace, "order") == [5, 0, 3]
    assert row(trace, "fixed_cost") == [7, 0, 7]
    assert row(trace, "cost") == [5 + 7, 2, 5 + 7]


def test_a_flow_that_the_world_does_not_have_is_refused_with_a_suggestion() -> None:
    trace = run(world_of(), path(1), 1.0)
    with pytest.raises(ConfigurationError, match=r"'odrer' is not kept .* mean 'order'"):
        trace.series("odrer")


def test_the_business_tally_sums_units_counts_and_money() -> None:
    # L = 0, S = 5, demand 3, 7, 0: orders 5, 3, 5; sold 3, 5, 0; lost 2; left 2, 0, 5
    tally = BusinessTally()
    world = world_of(lead=0, fixed=7.0)
    rollout(world, level(5.0), path(3, 7, 0), world.empty_state(1), tally)
    assert {name: total.item() for name, total in tally.sums.items()} == {
        "demand": 10,
        "sold": 8,
        "lost": 2,
        "short": 2,
        "ordered": 13,
        "orders": 3,
        "periods_served_in_full": 2,
        "stock": 7,
        "revenue": 80,
        "purchases": 78,
        "holding": 7,
        "shortage": 8,
        "fixed": 21,
    }


def test_the_cost_tally_averages_over_products_paths_and_periods() -> None:
    # path 1 costs 5, 5 (nothing sold), path 2 costs 4, 4
    tally = CostTally()
    world = world_of(lead=0)
    demand = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).reshape(2, 2, 1, 1)
    rollout(world, level(5.0), Scenario(demand), world.empty_state(2), tally)
    assert tally.mean().item() == (5 + 5 + 4 + 4) / 4
    assert CostTally().mean().item() == 0.0


def test_average_cost_leaves_the_warm_up_out() -> None:
    # L = 1, S = 5: 12 in period 0 (empty shelf), then 5 − 3 = 2 of stock in period 1
    world = world_of(lead=1)
    assert average_cost(world, level(5.0), path(3, 3), 0).tolist() == [[(12 + 2) / 2]]
    assert average_cost(world, level(5.0), path(3, 3), 1).tolist() == [[2]]


@pytest.mark.parametrize("warm_up", [-1, 2, 3])
def test_average_cost_refuses_a_warm_up_that_leaves_no_period(warm_up: int) -> None:
    with pytest.raises(ConfigurationError, match=f"`warm_up` must .* 2 periods; got {warm_up}"):
        average_cost(world_of(), level(5.0), path(3, 3), warm_up)


def test_opening_stock_is_sold_before_anything_arrives() -> None:
    world = world_of(lead=3)
    trace = Trace()
    rollout(world, level(0.0), path(1, 1, 1), world.state_with(torch.full((1, 1, 1), 2.0)), trace)
    assert row(trace, "sold") == [1, 1, 0]


class Lookout:
    """Orders 2 units a period and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def decide(self, observation: Observation):  # noqa: ANN201
        self.seen.append(observation)
        return ConstantOrder(torch.tensor([[[2.0]]])).decide(observation)


def test_the_policy_sees_stock_after_arrivals_and_what_is_due_from_tomorrow_on() -> None:
    # L = 3, 2 units a period, no demand: before its fourth order it has 2 on hand, 4 on order
    lookout, world = Lookout(), world_of(lead=3)
    rollout(world, lookout, path(0, 0, 0, 0), world.empty_state(1))
    last = lookout.seen[3]
    assert (last.on_hand.item(), last.on_order.item()) == (2, 4)
    assert last.pipeline_stack(4).flatten().tolist() == [2, 2, 0, 0]
    assert last.inventory_position.item() == 6
    assert lookout.seen[0].pipeline == (None, None)


def test_the_position_counts_what_is_owed() -> None:
    lookout, world = Lookout(), world_of(lead=1, share=0.0)
    rollout(world, lookout, path(3, 0), world.empty_state(1))
    # 2 arrived, 3 are owed
    assert lookout.seen[1].inventory_position.item() == 2 - 3


def test_an_unknown_signal_is_refused_with_a_suggestion() -> None:
    demand = torch.zeros(1, 1, 1, 1)
    lookout, world = Lookout(), world_of()
    scenario = Scenario(demand, torch.ones(1, 1, 1, 1), ("scale",))
    rollout(world, lookout, scenario, world.empty_state(1))
    assert lookout.seen[0].signal("scale").tolist() == [[[1.0]]]
    with pytest.raises(ConfigurationError, match=r"'scal' is not observed .* mean 'scale'"):
        lookout.seen[0].signal("scal")


def test_windows_and_slices_of_a_scenario_are_views_of_it() -> None:
    demand = torch.arange(24.0).reshape(2, 4, 3, 1)
    signals = torch.arange(12.0).reshape(1, 4, 3, 1)
    scenario = Scenario(demand, signals, ("day",))
    part = scenario.window(1, 3).path_slice(1, 2)
    assert (part.paths, part.periods) == (1, 2)
    assert torch.equal(part.demand, demand[1:2, 1:3])
    # one row of signals serves all paths
    seen = part.signals_at(0)
    assert seen is not None
    assert torch.equal(seen, signals[:, 1])
    assert part.demand.data_ptr() == demand[1, 1].data_ptr()


def test_lead_times_below_zero_are_refused() -> None:
    with pytest.raises(InstanceError, match="`lead_time` must be ≥ 0 periods; got -1"):
        world_of().with_lead_times(torch.tensor([[[2]], [[-1]]]))


def shop(locations: tuple[Location, ...], lanes: tuple[Lane, ...]) -> Instance:
    return Instance(name="shop", products=(TEA,), locations=locations, lanes=lanes)


def test_products_keep_their_order_when_lanes_come_in_another() -> None:
    products = (replace(TEA, id="a"), replace(TEA, id="b"))
    whole = Instance.single_location(products, {"a": 1, "b": 4})
    turned = replace(whole, lanes=whole.lanes[::-1])
    lead: Tensor = World.from_instance(turned).arrivals.lead_time
    assert lead.flatten().tolist() == [1, 4]
