"""Allocators: what each prefers, what a unit of stock is worth, and that foresight pays."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import ConfigurationError, InstanceError, OptimalityError
from restock.policies import BaseStock
from restock.policies.allocation import (
    Allocated,
    Allocation,
    Allocator,
    Cheapest,
    DualPrice,
    DualPriceConfig,
    LearnedAllocation,
    LearnedAllocationConfig,
    LeastCover,
    Nearest,
    TransportationPlan,
    transportation_plan,
)
from restock.policies.allocation.transportation import _certified
from restock.simulation import Observation
from restock.simulation.fulfilment import Fulfilment, RegionServed

seeds = st.integers(0, 2**32)


def terms_of(
    cost: list[list[float]],
    transit: list[list[float]] | None = None,
    reach: list[list[bool]] | None = None,
) -> Fulfilment:
    per_unit = torch.tensor(cost)
    return Fulfilment(
        per_unit,
        torch.zeros_like(per_unit),
        torch.ones_like(per_unit) if transit is None else torch.tensor(transit),
        torch.full(per_unit.shape[:1], torch.inf),
        torch.ones(1, *per_unit.shape, dtype=torch.bool)
        if reach is None
        else torch.tensor([reach]),
    )


def seen(on_hand: Tensor) -> Observation:
    lead_time = torch.ones(1, *on_hand.shape[1:], dtype=torch.long)
    return Observation(on_hand, torch.zeros_like(on_hand), (), lead_time)


def serve(terms: Fulfilment, allocator: Allocator, stock: Tensor, demand: Tensor) -> RegionServed:
    score, share = allocator.allocate(seen(stock))
    return terms.serve(stock, demand, score=score, share=share)


def first_choices(terms: Fulfilment, allocator: Allocator, stock: Tensor) -> list[int]:
    """Return the location that serves one unit of each region when stock is ample for it."""
    served = serve(terms, allocator, stock, torch.ones(1, 1, terms.cost_per_unit.shape[0]))
    return served.shipped[0, 0].argmax(-1).tolist()


def test_each_allocator_prefers_what_its_name_says() -> None:
    # region 0: location 0 is cheap and far, 1 near and dear, 2 neither but full
    terms = terms_of([[1.0, 3.0, 2.0]], [[4.0, 1.0, 2.0]])
    stock = torch.tensor([[[10.0, 20.0, 60.0]]])
    rate = torch.tensor([[[1.0, 1.0, 2.0]]])
    assert first_choices(terms, Cheapest(terms), stock) == [0]
    assert first_choices(terms, Nearest(terms), stock) == [1]
    assert first_choices(terms, LeastCover(rate), stock) == [2]
    # cover, not stock: at 7 units a period location 2 lasts 8.6 periods, location 1 lasts 20
    busy = torch.tensor([[[1.0, 1.0, 7.0]]])
    assert first_choices(terms, LeastCover(busy), stock) == [1]


def test_of_equally_near_locations_the_cheaper_serves() -> None:
    terms = terms_of([[3.0, 2.0, 1.0]], [[1.0, 1.0, 2.0]])
    assert first_choices(terms, Nearest(terms), torch.full((1, 1, 3), 9.0)) == [1]


def test_a_location_without_demand_of_its_own_is_asked_first_unless_it_is_empty() -> None:
    terms = terms_of([[1.0, 1.0]])
    rate = torch.tensor([[[1.0, 0.0]]])
    assert first_choices(terms, LeastCover(rate), torch.tensor([[[50.0, 5.0]]])) == [1]
    assert first_choices(terms, LeastCover(rate), torch.tensor([[[50.0, 0.0]]])) == [0]


def plan_of(
    stock: list[float], demand: list[float], cost: list[list[float]], penalty: float
) -> TransportationPlan:
    return transportation_plan(
        np.array([stock]),
        np.array([demand]),
        np.array([cost]),
        np.full((1, len(demand)), penalty),
        np.ones((1, len(demand), len(stock)), dtype=bool),
    )


def test_a_plan_and_its_duals_by_hand() -> None:
    # location 0 has 5 units, 1 has 10; regions want 8 and 4, at costs 1, 3 and 2, 7. Serving
    # region 1 from location 0 saves 5 a unit, region 0 only 2: so 4 units to region 1, the fifth
    # to region 0, and 7 from location 1: 4·2 + 1·1 + 7·3 = 30. One more unit at location 0 would
    # take a unit of region 0 over and save 3 − 1 = 2; location 1 has 3 to spare, worth nothing. One
    # more unit of demand costs 3 in region 0; in region 1 it costs 2 and the unit's value, 2 + 2
    plan = plan_of([5.0, 10.0], [8.0, 4.0], [[1.0, 3.0], [2.0, 7.0]], 20.0)
    assert plan.shipped.tolist() == [[[1.0, 7.0], [4.0, 0.0]]]
    assert plan.cost.tolist() == [30.0]
    assert plan.stock_value.tolist() == [[2.0, 0.0]]
    assert plan.demand_cost.tolist() == [[3.0, 4.0]]


def test_stock_that_is_short_everywhere_is_worth_what_it_saves_in_shortage() -> None:
    # 3 units for 10 wanted at shortage cost 20: a unit more saves 20 − 4
    plan = plan_of([3.0], [10.0], [[4.0]], 20.0)
    assert plan.unserved.tolist() == [[7.0]]
    assert plan.stock_value.tolist() == [[16.0]]
    assert plan.cost.tolist() == [3 * 4.0 + 7 * 20.0]


def test_nobody_is_served_at_more_than_going_without_costs() -> None:
    plan = plan_of([9.0], [2.0], [[5.0]], 4.0)
    assert plan.shipped.tolist() == [[[0.0]]]
    assert plan.cost.tolist() == [8.0]


@given(seeds)
@settings(max_examples=25)
def test_a_unit_of_stock_more_saves_what_the_dual_says_or_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stock, demand = rng.integers(0, 9, (1, 3)) * 1.0, rng.integers(0, 9, (1, 4)) * 1.0
    cost, penalty = rng.uniform(0, 5, (1, 4, 3)), rng.uniform(4, 9, (1, 4))
    reach = np.ones((1, 4, 3), dtype=bool)
    plan = transportation_plan(stock, demand, cost, penalty, reach)
    for place in range(3):
        for step in (1.0, -1.0):
            if stock[0, place] + step < 0:
                continue
            other = stock.copy()
            other[0, place] += step
            moved = transportation_plan(other, demand, cost, penalty, reach).cost[0]
            # the optimum is convex in stock, and −λ is a subgradient
            assert moved >= plan.cost[0] - step * plan.stock_value[0, place] - 1e-6


def test_many_blocks_are_solved_as_each_alone() -> None:
    rng = np.random.default_rng(3)
    stock, demand = rng.uniform(0, 9, (45, 3)), rng.uniform(0, 9, (45, 4))
    cost, reach = rng.uniform(0, 5, (1, 4, 3)), rng.random((45, 4, 3)) < 0.8
    penalty = np.full((1, 4), 6.0)
    together = transportation_plan(stock, demand, cost, penalty, reach)
    assert (together.shipped[~reach] == 0).all()
    for n in (0, 19, 20, 44):
        one = slice(n, n + 1)
        alone = transportation_plan(stock[one], demand[one], cost, penalty, reach[one])
        assert together.cost[n] == pytest.approx(alone.cost[0])


def test_numbers_that_cannot_be_are_refused() -> None:
    with pytest.raises(InstanceError, match=r"`stock` must be finite and ≥ 0; got \[-1.0\]"):
        plan_of([-1.0], [1.0], [[1.0]], 2.0)
    with pytest.raises(InstanceError, match=r"`unit_cost` must be finite.*nan"):
        plan_of([1.0], [1.0], [[float("nan")]], 2.0)


def test_a_dual_that_proves_nothing_is_refused() -> None:
    plan = plan_of([5.0, 10.0], [8.0, 4.0], [[1.0, 3.0], [2.0, 7.0]], 20.0)
    wrong = TransportationPlan(
        shipped=plan.shipped,
        unserved=plan.unserved,
        cost=plan.cost,
        stock_value=plan.stock_value + 1.0,
        demand_cost=plan.demand_cost,
    )
    stock, demand = np.array([[5.0, 10.0]]), np.array([[8.0, 4.0]])
    cost, penalty = np.array([[[1.0, 3.0], [2.0, 7.0]]]), np.full((1, 2), 20.0)
    useful = np.ones((1, 2, 2), dtype=bool)
    _certified(plan, stock, demand, cost, penalty, useful)
    with pytest.raises(OptimalityError, match="do not prove the plan optimal"):
        _certified(wrong, stock, demand, cost, penalty, useful)


# Region 0 can be served from location 0 (cost 1) or 1 (cost 2), region 1 from 0 (1) or 1 (10).
# Region 0's ten orders come today, region 1's ten tomorrow; each location has ten units.
COSTS = [[1.0, 2.0], [1.0, 10.0]]


def two_days(terms: Fulfilment, allocator: Allocator) -> float:
    stock, total = torch.full((1, 1, 2), 10.0), 0.0
    for day in range(2):
        demand = torch.zeros(1, 1, 2)
        demand[..., day] = 10.0
        served = serve(terms, allocator, stock, demand)
        assert served.lost.sum() == 0
        total += served.shipping_cost.item()
        stock = served.left
    return total


def planned(terms: Fulfilment, horizon: float = 2.0) -> DualPrice:
    rate = torch.full((1, 1, 2), 5.0)
    config = DualPriceConfig(horizon_periods=horizon)
    return DualPrice(terms, rate, torch.full((1, 1, 2), 50.0), config)


def test_a_price_on_stock_beats_the_cheapest_by_the_computed_difference() -> None:
    # cheapest: region 0 empties location 0 (10·1), region 1 is left with location 1 (10·10): 110.
    # dual: stock at 0 is worth at least the 1 that region 0 saves there, so region 0 goes to 1
    # (10·2) and region 1 finds location 0 full (10·1): 30, which is the optimum in hindsight
    terms = terms_of(COSTS)
    start = torch.full((1, 1, 2), 10.0)
    dual = planned(terms).solve(start)
    assert dual.stock_value is not None
    assert 1.0 <= dual.stock_value[0, 0, 0].item() <= 9.0
    assert two_days(terms, Cheapest(terms)) == 110.0
    assert two_days(terms, dual) == 30.0
    assert planned(terms).plan(start).cost.tolist() == [30.0]
    # negative control: a plan that looks one day ahead, at 5 + 5 units, sees stock for everybody
    # at location 0, gives it no price above 0 that matters, and ends where the cheapest does
    assert two_days(terms, planned(terms, 1.0).solve(torch.full((1, 1, 2), 11.0))) == 110.0


def test_before_the_first_plan_the_cheapest_serves_and_solving_leaves_the_old_one_alone() -> None:
    terms = terms_of(COSTS)
    fresh = planned(terms)
    assert two_days(terms, fresh) == two_days(terms, Cheapest(terms))
    solved = fresh.solve(torch.full((1, 1, 2), 10.0))
    assert fresh.stock_value is None
    assert solved.stock_value is not None


@given(seeds)
@settings(max_examples=20, derandomize=True)
def test_no_allocator_beats_the_plan_that_knows_demand(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    regions, places, days = 4, 3, 6
    cost = (5 * torch.rand(regions, places, generator=generator)).tolist()
    terms = terms_of(cost, (1 + torch.rand(regions, places, generator=generator) * 5).tolist())
    stock = torch.floor(40 * torch.rand(1, 2, places, generator=generator))
    demand = torch.poisson(torch.full((days, 1, 2, regions), 4.0), generator=generator)
    penalty = torch.full((1, 1, regions), 8.0)
    knowing = DualPrice(
        terms, demand.mean(0), penalty, DualPriceConfig(horizon_periods=float(days))
    )
    least = knowing.plan(stock).cost.sum()
    rate = torch.ones(1, 1, places)
    for allocator in (
        Cheapest(terms),
        Nearest(terms),
        LeastCover(rate),
        knowing.solve(stock),
        LearnedAllocation(terms, rate, generator),
    ):
        now, total = stock, 0.0
        for day in range(days):
            served = serve(terms, allocator, now, demand[day])
            total += served.shipping_cost.sum().item() + (8.0 * served.lost).sum().item()
            now = served.left
        assert total >= least * (1 - 1e-4) - 1e-3


def test_a_plan_is_due_every_so_many_periods() -> None:
    allocator = planned(terms_of(COSTS))
    assert [period for period in range(20) if allocator.is_due(period)] == [0, 7, 14]


@pytest.mark.parametrize("change", [{"horizon_periods": float("nan")}, {"every_periods": 0}])
def test_a_plan_without_a_future_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"`{next(iter(change))}` must be finite and ≥ 1"):
        DualPriceConfig(**change)  # type: ignore[arg-type]


def test_a_fresh_learned_allocation_is_soft_cheapest_first() -> None:
    # costs 1 and 3, mean 2: with temperature 0.5 the odds are exp((1.5 − 0.5) / 0.5) = e² to 1
    terms = terms_of([[1.0, 3.0]])
    config = LearnedAllocationConfig(temperature=0.5)
    generator = torch.Generator().manual_seed(0)
    learned = LearnedAllocation(terms, torch.ones(1, 1, 2), generator, config)
    share = learned.allocate(seen(torch.tensor([[[4.0, 7.0]]]))).share
    assert share is not None
    first = np.exp(2.0) / (1 + np.exp(2.0))
    torch.testing.assert_close(share[0, 0, 0], torch.tensor([first, 1 - first]).float())


def test_nothing_is_shared_out_of_reach() -> None:
    terms = terms_of([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], reach=[[False, True, True], [False] * 3])
    generator = torch.Generator().manual_seed(0)
    learned = LearnedAllocation(terms, torch.ones(1, 1, 3), generator)
    share = learned.allocate(seen(torch.ones(2, 1, 3))).share
    assert share is not None
    assert (share[:, :, 0, 0] == 0).all()
    torch.testing.assert_close(share[:, :, 0].sum(-1), torch.ones(2, 1))
    assert (share[:, :, 1] == 0).all()


def test_a_learned_allocation_learns_to_spare_scarce_stock() -> None:
    # gradients of two days' cost reach the network through shares and stock: from close to the
    # cheapest's 110 it finds its way under 50 (the optimum is 30)
    terms = terms_of(COSTS)
    generator = torch.Generator().manual_seed(1)
    learned = LearnedAllocation(terms, torch.full((1, 1, 2), 5.0), generator)
    before = two_days(terms, learned)
    optimizer = torch.optim.Adam(learned.parameters(), lr=0.05)
    for _ in range(60):
        stock, cost = torch.full((1, 1, 2), 10.0), torch.zeros(())
        for day in range(2):
            demand = torch.zeros(1, 1, 2)
            demand[..., day] = 10.0
            served = serve(terms, learned, stock, demand)
            cost = cost + served.shipping_cost.sum()
            stock = served.left
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    with torch.no_grad():
        assert two_days(terms, learned) < 50 < before


def test_a_policy_with_an_allocator_wishes_what_both_wish() -> None:
    terms = terms_of(COSTS)
    generator = torch.Generator().manual_seed(0)
    learned = LearnedAllocation(terms, torch.ones(1, 1, 2), generator)
    both = Allocated(BaseStock(torch.full((1, 1, 2), 7.0)), learned)
    decision = both.decide(seen(torch.ones(1, 1, 2)))
    assert decision.target.tolist() == [[[7.0, 7.0]]]
    assert decision.region_share is not None
    assert decision.region_score is None
    assert len(list(both.parameters())) == len(list(learned.parameters())) > 0
    ranked = Allocated(BaseStock(torch.full((1, 1, 2), 7.0)), Cheapest(terms))
    assert ranked.decide(seen(torch.ones(1, 1, 2))).region_score is not None
    assert list(ranked.parameters()) == []


def test_settings_of_a_learned_allocation_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="`temperature` must be finite and > 0; got nan"):
        LearnedAllocationConfig(temperature=float("nan"))
    with pytest.raises(ConfigurationError, match="`hidden` widths"):
        LearnedAllocationConfig(hidden=(0,))


def test_every_allocator_is_one() -> None:
    terms = terms_of(COSTS)
    allocators: list[Allocator] = [Cheapest(terms), Nearest(terms), planned(terms)]
    for allocator in allocators:
        assert isinstance(allocator, Allocator)
        assert isinstance(allocator.allocate(seen(torch.ones(1, 1, 2))), Allocation)
