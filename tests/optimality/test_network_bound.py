"""The network's hindsight bound is exact, proven by prices, and below every plan."""

from dataclasses import dataclass, replace
from itertools import product as every
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog as solver

from restock.errors import InstanceError, OptimalityError
from restock.optimality import SupplyTerms, linear_program, perfect_information_bound
from restock.optimality.linear_program import dual_bound, solve_linear
from restock.optimality.network_bound import Hindsight, NetworkBound, network_bound
from restock.optimality.network_bound.path_data import path_data
from restock.optimality.network_bound.program import PathProgram
from restock.optimality.network_bound.terms import NetworkTerms
from restock.problem import (
    Instance,
    Lane,
    LeadTimeDistribution,
    Location,
    Product,
    Region,
    Shipping,
    StockTerms,
    Substitute,
)

SUPPLIER = Location(id="supplier", holds_stock=False)


def lane(origin: str, destination: str, lead_time: int, **terms: Any) -> Lane:  # noqa: ANN401
    given = {"product_id": "A", "case_pack_units": 0, **terms}
    return Lane(origin=origin, destination=destination, lead_time_periods=lead_time, **given)


def shop(lead_time: int = 0, *, product: Product | None = None, **terms: Any) -> Instance:  # noqa: ANN401
    """One location supplied from outside; holding 1, shortage 10 unless told otherwise."""
    return Instance(
        name="shop",
        products=(product or Product(id="A", holding_cost=1, shortage_cost=10),),
        locations=(SUPPLIER, Location(id="shop")),
        lanes=(lane("supplier", "shop", lead_time, **terms),),
    )


def asking(*rows: list[float]) -> np.ndarray:
    """Return demand [1, T, P, 1] of one demand point; a row a product."""
    return np.array(rows, dtype=np.float64).T[None, :, :, None]


def least(instance: Instance, demand: np.ndarray, **more: Any) -> float:  # noqa: ANN401
    return float(network_bound(instance, Hindsight(demand=demand, **more)).cost[0])


@dataclass(frozen=True)
class Ledger:
    """A second opinion: the period's events in plain arithmetic, one product, no regions."""

    instance: Instance
    demand: np.ndarray  # [T, L]
    initial_stock: np.ndarray  # [L]
    lead_times: np.ndarray  # [N, T]

    def run(self, wishes: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost, fixed costs left out, and what was shipped [N, T]."""
        (item,), lanes = self.instance.products, self.instance.lanes
        places = [place.id for place in self.instance.locations if place.holds_stock]
        holding = {terms.location: terms.holding_cost for terms in self.instance.stock_terms}
        n_periods = len(self.demand)
        stock, waiting, cost = self.initial_stock.astype(float).copy(), np.zeros(len(places)), 0.0
        due = np.zeros((n_periods + 10, len(places)))
        shipped = np.zeros(wishes.shape)
        for t in range(n_periods):
            stock += due[t]
            # lanes are listed from upstream to downstream, so that lead time 0 passes goods on
            for n, each in enumerate(lanes):
                into = places.index(each.destination)
                units = wishes[n, t]
                if t % each.order_cycle_periods not in each.order_offsets:
                    units = 0.0
                units = min(units, each.capacity_units)
                if each.origin in places:
                    units = min(units, stock[places.index(each.origin)])
                    stock[places.index(each.origin)] -= units
                shipped[n, t] = units
                cost += each.unit_cost * units
                if self.lead_times[n, t] == 0:
                    stock[into] += units
                else:
                    due[t + self.lead_times[n, t], into] += units
            sold = np.minimum(stock, self.demand[t] + waiting)
            unmet = self.demand[t] + waiting - sold
            stock -= sold
            waiting = unmet * (1 - item.lost_share)
            due[t + item.return_delay_periods] += item.return_share * sold
            cost += item.shortage_cost * float(unmet.sum())
            cost += sum(
                units * holding.get(name, item.holding_cost)
                for name, units in zip(places, stock, strict=True)
            )
        return cost, shipped


def random_ledger(rng: np.random.Generator) -> Ledger:
    """Two warehouses and two stores, of which one can be served by either."""
    n_periods = int(rng.integers(3, 8))
    item = Product(
        id="A",
        holding_cost=rng.uniform(0.1, 2),
        shortage_cost=rng.uniform(1, 9),
        lost_share=float(rng.integers(0, 2)),
        return_share=rng.choice([0.0, 0.4]),
        return_delay_periods=int(rng.integers(1, 3)),
    )
    pairs = [("supplier", "east"), ("supplier", "west"), ("east", "west")]
    pairs += [("east", "north"), ("west", "north"), ("west", "south")]
    lanes = tuple(
        lane(
            *pair,
            int(rng.integers(0, 3)),
            unit_cost=rng.uniform(0, 1),
            capacity_units=rng.choice([3.0, np.inf]),
            order_cycle_periods=2,
            order_offsets=(1,) if rng.random() < 0.3 else (0, 1),
        )
        for pair in pairs
    )
    instance = Instance(
        name="random",
        products=(item,),
        locations=(SUPPLIER, *(Location(id=i) for i in ("east", "west", "north", "south"))),
        lanes=lanes,
        stock_terms=(StockTerms(product_id="A", location="east", holding_cost=0.05),),
    )
    lead_times = np.array([[each.lead_time_periods] * n_periods for each in lanes])
    if rng.random() < 0.5:
        lead_times = rng.integers(0, 3, lead_times.shape)
    return Ledger(
        instance=instance,
        demand=rng.integers(0, 5, (n_periods, 4)).astype(float),
        initial_stock=rng.integers(0, 5, 4).astype(float),
        lead_times=lead_times,
    )


def hindsight_of(ledger: Ledger) -> Hindsight:
    lanes = tuple((each.origin, each.destination) for each in ledger.instance.lanes)
    return Hindsight(
        demand=ledger.demand[None, :, None, :],
        initial_stock=ledger.initial_stock[None, None],
        lead_time=ledger.lead_times.T[None, :, None, :],
        lanes=lanes,
    )


@pytest.mark.parametrize("seed", range(25))
def test_no_plan_of_a_random_network_costs_less_than_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = random_ledger(rng)
    bound = network_bound(ledger.instance, hindsight_of(ledger))
    costs = [ledger.run(rng.integers(0, 6, ledger.lead_times.shape))[0] for _ in range(40)]
    assert bound.cost[0] <= min(costs) + 1e-6
    # not for lack of costs
    assert bound.cost[0] > 0


@pytest.mark.parametrize("seed", range(25))
def test_with_its_orders_fixed_the_program_costs_what_the_ledger_books(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = random_ledger(rng)
    cost, shipped = ledger.run(rng.uniform(0, 6, ledger.lead_times.shape))
    told = hindsight_of(ledger)
    terms = NetworkTerms.of(ledger.instance, told.lanes)
    part = path_data(ledger.instance, terms, told, 0, np.array([0]))
    model = PathProgram(ledger.instance, terms, part, whole=False)
    rows = model._builder.equations.add(shipped)
    model._builder.equations.put(rows, model.order)
    program = model.program()
    # the plan orders more than is ever worth having: widen the box, but open no closed lane
    booked = solve_linear(replace(program, most=program.most * 100)).attained
    assert booked == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_with_one_location_the_bound_is_the_closed_form(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lead_time, n_periods = int(rng.integers(0, 4)), 8
    demand = rng.integers(0, 6, (2, n_periods, 1)).astype(float)
    holding, shortage = rng.uniform(0, 2), rng.uniform(0, 6)
    pipeline = rng.integers(0, 4, (1, lead_time + 1, 1)).astype(float)
    start = float(rng.integers(0, 9))
    known = perfect_information_bound(
        demand,
        SupplyTerms(lead_time=lead_time, holding_cost=holding, shortage_cost=shortage),
        initial_stock=start,
        pipeline=pipeline,
    )
    item = Product(id="A", holding_cost=holding, shortage_cost=shortage)
    told = Hindsight(
        demand=demand[..., None],
        initial_stock=start,
        pipeline=pipeline[..., None],
        lanes=(("supplier", "shop"),),
    )
    found = network_bound(shop(lead_time, product=item), told)
    assert found.cost == pytest.approx(known.cost[:, 0], abs=1e-7)
    late = network_bound(shop(lead_time + 1, product=item), told)
    assert (late.cost >= found.cost - 1e-9).all()


def test_a_lead_time_one_period_longer_costs_one_period_s_demand() -> None:
    # nothing to be had in the first L periods: 10 each of 2 units, then 2 + 3
    assert least(shop(1), asking([2.0, 3.0, 1.0])) == pytest.approx(20)
    assert least(shop(2), asking([2.0, 3.0, 1.0])) == pytest.approx(50)


def test_a_warehouse_keeps_stock_where_holding_is_cheap() -> None:
    # 4 units in the warehouse, wanted in the store in period 3, lane takes 1: they wait in the
    # warehouse in periods 0 and 1 at 0.5 each (ship in 2), 4 · 2 · 0.5
    item = Product(id="A", holding_cost=2, shortage_cost=10)
    stores = Instance.warehouse_and_stores(
        item,
        1,
        {"store": 1},
        stock_terms=(StockTerms(product_id="A", location="warehouse", holding_cost=0.5),),
    )
    demand = np.zeros((1, 4, 1, 2))
    demand[0, 3, 0, 1] = 4
    stock = np.array([4.0, 0.0])[None, None]
    assert least(stores, demand, initial_stock=stock) == pytest.approx(4)
    # in the store itself they wait in periods 0, 1, 2 at 2
    assert least(stores, demand, initial_stock=stock[..., ::-1]) == pytest.approx(24)


def test_regions_are_served_from_where_it_is_cheapest_while_stock_lasts() -> None:
    places = (SUPPLIER, Location(id="near"), Location(id="far"))
    instance = Instance(
        name="two",
        products=(Product(id="A", holding_cost=0, shortage_cost=10),),
        locations=places,
        lanes=(lane("supplier", "near", 5), lane("supplier", "far", 5)),
        regions=(Region(id="town"), Region(id="hills")),
        shipping=(
            Shipping(region="town", location="near", cost_per_unit=1),
            Shipping(region="town", location="far", cost_per_unit=3),
            Shipping(region="hills", location="near", cost_per_unit=2, cost_per_shipment=7),
        ),
    )
    demand = np.array([4.0, 3.0])[None, None, None]
    stock = np.array([5.0, 3.0])[None, None]
    # hills can have near only: 3 · 2; town then 2 from near at 1 and 2 from far at 3
    assert least(instance, demand, initial_stock=stock) == pytest.approx(6 + 2 + 6)
    # 7 for a shipment to the hills is still less than 3 lost at 10
    whole = network_bound(instance, Hindsight(demand=demand, initial_stock=stock), integer=True)
    assert whole.cost[0] == pytest.approx(21)
    assert whole.relaxed[0] == pytest.approx(14)


def two_products(**limits: Any) -> Instance:  # noqa: ANN401
    """Two products at one place, shortage 10 and 4; unit costs 2 and 1, volumes 1 and 3."""
    place = {name: limits.pop(name) for name in list(limits) if name != "budget_per_period"}
    return Instance(
        name="two",
        products=(
            Product(id="A", unit_cost=2, holding_cost=1, shortage_cost=10, volume=1),
            Product(id="B", unit_cost=1, holding_cost=1, shortage_cost=4, volume=3),
        ),
        locations=(SUPPLIER, Location(id="shop", **place)),
        lanes=tuple(lane("supplier", "shop", 0, product_id=each) for each in "AB"),
        **limits,
    )


def test_a_budget_is_spent_where_money_saves_most() -> None:
    demand = asking([3.0, 0.0], [5.0, 0.0])
    # a unit of money saves 5 with A and 4 with B: 6 for A's three, 2 of B; 3 of B are lost
    assert least(two_products(budget_per_period=8.0), demand) == pytest.approx(12)
    # 4 today buys two of A and nothing yesterday helps: 10 + 5 · 4
    assert least(two_products(budget_per_period=4.0), demand) == pytest.approx(30)


def test_room_and_hands_are_shared_by_what_they_save() -> None:
    demand = asking([3.0], [3.0])
    # 4 units may enter: three of A, one of B; two of B lost
    assert least(two_products(inbound_capacity_units=4.0), demand) == pytest.approx(8)
    # volume 6: three of A, one of B
    assert least(two_products(storage_capacity=6.0), demand) == pytest.approx(8)
    # what was there at the start may exceed the capacity: nothing of A can be ordered, B is sold
    start = np.array([[0.0], [3.0]])[None]
    assert least(two_products(storage_capacity=6.0), demand, initial_stock=start) == pytest.approx(
        30
    )


def test_room_is_taken_by_what_is_kept_and_by_what_came_back() -> None:
    # room for 3 in all; B's 1 unit (volume 3) is kept to period 1, so that no A fits in before:
    # 3 of A lost in period 0, then B is sold and A ordered a period too late for it
    instance = two_products(storage_capacity=3.0)
    demand = asking([3.0, 3.0], [0.0, 1.0])
    start = np.array([[0.0], [1.0]])[None]
    assert least(instance, demand, initial_stock=start) == pytest.approx(30 + 1 + 30)


def test_returns_are_let_in_whatever_the_room() -> None:
    # room for 4: 4 are sold in period 0, 2 come back in 2. Who orders 4 in period 1 has 6 in 3, all
    # that are wanted: 4 held in period 1, 6 in 2. A bound that kept returns out would lose 2 for 20
    item = Product(
        id="A", holding_cost=1, shortage_cost=10, return_share=0.5, return_delay_periods=2
    )
    instance = replace(
        shop(product=item), locations=(SUPPLIER, Location(id="shop", storage_capacity=4.0))
    )
    assert 2 <= least(instance, asking([4.0, 0.0, 0.0, 6.0])) <= 10


def test_products_that_nothing_ties_cost_the_same_together_and_apart() -> None:
    rng = np.random.default_rng(5)
    demand = rng.integers(0, 6, (3, 6, 2, 1)).astype(float)
    stock = rng.integers(0, 4, (3, 2, 1)).astype(float)
    told = Hindsight(demand=demand, initial_stock=stock)
    apart = network_bound(two_products(), told)
    together = network_bound(two_products(budget_per_period=1e6), told)
    assert apart.by_product is not None
    assert apart.by_product.sum(axis=1) == pytest.approx(together.cost)
    assert together.by_product is None
    tight = network_bound(two_products(budget_per_period=5.0), told)
    assert (tight.cost > together.cost + 1e-6).all()


def test_lanes_close_on_their_days_and_have_an_end() -> None:
    demand = asking([2.0, 2.0, 2.0])
    # orders in periods 1, 3, …: period 0 is lost (20), period 2 is held from 1 (2)
    odd = shop(order_cycle_periods=2, order_offsets=(1,))
    assert least(odd, demand) == pytest.approx(22)
    # the same lane seen one period later is open in 0 and 2
    assert least(odd, demand, first_period=1) == pytest.approx(2)
    # at most 1 a period: 3 of 6 units are lost
    assert least(shop(capacity_units=1.0), demand) == pytest.approx(30)
    closed = np.array([1.0, 1.0, 0.0])[None, :, None, None]
    told = {"lane_open": closed, "lanes": (("supplier", "shop"),)}
    assert least(shop(), demand, **told) == pytest.approx(2)


def test_what_comes_back_serves_again() -> None:
    item = Product(
        id="A", holding_cost=1, shortage_cost=10, return_share=0.5, return_delay_periods=2
    )
    # 4 sold in period 0, 2 of them are back in period 2; no order arrives in time
    demand = asking([4.0, 0.0, 3.0])
    told = Hindsight(demand=demand, initial_stock=4.0)
    assert network_bound(shop(9, product=item), told).cost[0] == pytest.approx(10)


def test_who_waits_costs_every_period_and_a_share_of_them_leaves() -> None:
    waits = Product(id="A", holding_cost=1, shortage_cost=10, lost_share=0.0)
    # 2 units wait through periods 0 and 1 and are served in 2
    assert least(shop(2, product=waits), asking([2.0, 0.0, 0.0])) == pytest.approx(40)
    half = replace(waits, lost_share=0.5)
    # 2 short in period 0, one stays and waits in 1: 20 + 10
    assert least(shop(2, product=half), asking([2.0, 0.0, 0.0])) == pytest.approx(30)
    started = {"backlog": 3.0}
    assert least(shop(1, product=waits), asking([0.0, 0.0]), **started) == pytest.approx(30)


def test_substitutes_save_at_most_their_share() -> None:
    one = two_products()
    swap = Substitute(product_id="A", substitute_id="B", spontaneous_share=0.1, accepted_share=0.5)
    late = tuple(replace(each, lead_time_periods=5) for each in one.lanes)
    instance = replace(one, lanes=late, substitutes=(swap,))
    demand = asking([4.0], [0.0])
    start = np.array([[0.0], [3.0]])[None]
    # four of A are lost; two take B: 2 · 10 lost, one of B held
    assert least(instance, demand, initial_stock=start) == pytest.approx(21)
    refused = replace(instance, substitutes=())
    assert least(refused, demand, initial_stock=start) == pytest.approx(43)


def test_perishables_may_be_thrown_away_at_their_price() -> None:
    item = Product(id="A", holding_cost=3, shortage_cost=10, shelf_life_periods=2, waste_cost=4)
    # 5 units that nobody wants: thrown away at 4 each rather than held for two periods at 3
    assert least(shop(product=item), asking([0.0, 0.0]), initial_stock=5.0) == pytest.approx(20)


def test_an_uncertain_lead_time_is_bounded_by_the_best_that_can_happen() -> None:
    chances = LeadTimeDistribution(periods=(1, 3), probabilities=(0.5, 0.5))
    instance = shop(1, lead_time_distribution=chances)
    demand = asking([1.0, 2.0, 3.0, 4.0])
    free = least(instance, demand)
    assert free == pytest.approx(10)  # as with lead time 1
    lanes = (("supplier", "shop"),)
    rng = np.random.default_rng(2)
    for _ in range(10):
        drawn = rng.choice([1, 3], (1, 4, 1, 1))
        assert least(instance, demand, lead_time=drawn, lanes=lanes) >= free - 1e-9
    slow = np.full((1, 4, 1, 1), 3)
    assert least(instance, demand, lead_time=slow, lanes=lanes) == pytest.approx(60)


@pytest.mark.parametrize("seed", range(6))
def test_the_integer_bound_is_the_best_of_all_order_plans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = {"case_pack_units": 2, "minimum_units": 3, "fixed_order_cost": rng.uniform(0, 6)}
    item = Product(id="A", holding_cost=rng.uniform(0.2, 2), shortage_cost=rng.uniform(2, 6))
    instance = Instance(
        name="packs",
        products=(item,),
        locations=(SUPPLIER, Location(id="back"), Location(id="front")),
        lanes=(lane("supplier", "back", 0, **terms), lane("back", "front", 1)),
    )
    demand = np.zeros((3, 2))
    demand[:, 1] = rng.integers(0, 5, 3)
    demand[:, 0] = rng.integers(0, 2, 3)
    ledger = Ledger(instance, demand, np.zeros(2), np.array([[0] * 3, [1] * 3]))
    best = np.inf
    for bought in every((0, 4, 6, 8, 10, 12), (0, 4, 6, 8), (0, 4)):
        for sent in every(range(5), range(5)):
            wishes = np.array([bought, (*sent, 0)], dtype=float)
            cost, shipped = ledger.run(wishes)
            best = min(best, cost + terms["fixed_order_cost"] * int((shipped[0] > 0).sum()))
    told = Hindsight(demand=demand[None, :, None, :])
    found = network_bound(instance, told, integer=True)
    assert found.cost[0] == pytest.approx(best, abs=1e-6)
    assert found.attained[0] == pytest.approx(best, abs=1e-6)
    assert found.relaxed[0] <= found.cost[0] + 1e-9
    # each of the three terms must have counted somewhere
    free = replace(instance, lanes=(lane("supplier", "back", 0), instance.lanes[1]))
    assert network_bound(free, told).cost[0] < best


def test_an_order_may_have_to_fill_a_pack_further_down() -> None:
    # 1 unit is wanted in front, where goods come by fives: 5 are bought in one order for 3, and 4
    # of them are left at 0.1
    item = Product(id="A", holding_cost=0.1, shortage_cost=100)
    instance = Instance(
        name="packs",
        products=(item,),
        locations=(SUPPLIER, Location(id="back"), Location(id="front")),
        lanes=(
            lane("supplier", "back", 0, case_pack_units=1, fixed_order_cost=3.0),
            lane("back", "front", 0, case_pack_units=5),
        ),
    )
    demand = np.array([0.0, 1.0])[None, None, None]
    whole = network_bound(instance, Hindsight(demand=demand), integer=True)
    assert whole.cost[0] == pytest.approx(3.4)


@pytest.fixture(scope="module")
def proven() -> NetworkBound:
    rng = np.random.default_rng(11)
    ledger = random_ledger(rng)
    return network_bound(ledger.instance, hindsight_of(ledger), keep_certificates=True)


def test_the_prices_prove_the_bound_again(proven: NetworkBound) -> None:
    (certificate,) = proven.certificates
    assert certificate.proven() == proven.cost[0]
    assert certificate.proven() == pytest.approx(proven.attained[0])


def test_no_prices_at_all_prove_more_than_the_best_plan_costs(proven: NetworkBound) -> None:
    (certificate,) = proven.certificates
    program, solution = certificate.program, certificate.solution
    rng = np.random.default_rng(0)
    lower = []
    for size in (1e-3, 0.1, 1.0, 10.0):
        moved = solution.equation_prices + size * rng.normal(size=program.equal_to.size)
        paid = solution.limit_prices + size * rng.normal(size=program.at_most.size)
        lower.append(dual_bound(program, moved, paid))
    assert max(lower) < proven.attained[0]
    assert lower == sorted(lower, reverse=True)


def test_a_solver_that_lies_about_its_prices_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(*arguments: object, **options: object) -> object:
        answer = solver(*arguments, **options)
        answer.eqlin.marginals[:] = 0
        return answer

    monkeypatch.setattr(linear_program, "linprog", liar)
    with pytest.raises(OptimalityError, match="prove 0"):
        least(shop(1), asking([2.0, 3.0]))


def test_the_value_of_a_unit_is_what_one_more_saves() -> None:
    item = Product(id="A", holding_cost=1, shortage_cost=10)
    demand = asking([0.0, 3.0, 0.0])
    bound = network_bound(shop(9, product=item), Hindsight(demand=demand, initial_stock=1.0))
    # in period 0 it is held once and serves; in period 1 it serves; in period 2 it is too late
    assert bound.unit_value[0, 0, 0].tolist() == pytest.approx([9, 10, -1])
    more = least(shop(9, product=item), demand, initial_stock=2.0)
    assert bound.cost[0] - more == pytest.approx(9)


def test_wrong_axes_and_numbers_are_refused() -> None:
    with pytest.raises(InstanceError, match=r"\(P, D\) = \(1, 1\)"):
        network_bound(shop(), Hindsight(demand=np.zeros((1, 2, 2, 1))))
    with pytest.raises(InstanceError, match="`demand` must be finite"):
        Hindsight(demand=np.full((1, 2, 1, 1), np.nan))
    with pytest.raises(InstanceError, match="`lanes` must name the 1 lanes"):
        Hindsight(demand=np.zeros((1, 2, 1, 1)), pipeline=np.zeros((1, 1, 1, 1)))
    with pytest.raises(InstanceError, match="every lane"):
        network_bound(
            shop(),
            Hindsight(
                demand=np.zeros((1, 2, 1, 1)),
                pipeline=np.zeros((1, 1, 1, 1)),
                lanes=(("nowhere", "shop"),),
            ),
        )
