"""Stock, orders, money, demand and customers are conserved in random networks of every feature.

What a period should have moved is reckoned from the instance, by the words of the design; of the
simulator only states and flows are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import Lane
from restock.simulation import (
    BusinessTally,
    CustomerTally,
    Decision,
    Flows,
    Observation,
    Policy,
)

if TYPE_CHECKING:
    from tests.laws.conftest import RandomWorld, Run

    RandomWorlds = Callable[..., st.SearchStrategy[RandomWorld]]

HAIR = 1e-7
LONGEST = 4
NOTHING = torch.zeros(1, 1, 1, dtype=torch.float64)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected.expand(found.shape), rtol=1e-9, atol=1e-9)


def lanes_of(case: RandomWorld) -> Iterator[tuple[int, int, Lane]]:
    """Return each lane with the numbers of its product and of its place on the axis E."""
    column = {pair: n for n, pair in enumerate(case.world.network.lanes)}
    for lane in case.instance.lanes:
        pair = (lane.origin, lane.destination)
        yield case.products.index(lane.product_id), column[pair], lane


def at_ends(case: RandomWorld, units: Tensor) -> tuple[Tensor, Tensor]:
    """Sum lane units ``[B, P, E]`` where they arrive and where they leave, ``[B, P, L]``."""
    arrive = units.new_zeros(*units.shape[:2], len(case.places))
    leave = arrive.clone()
    for number, (origin, destination) in enumerate(case.world.network.lanes):
        arrive[..., case.places.index(destination)] += units[..., number]
        if origin in case.places:
            leave[..., case.places.index(origin)] += units[..., number]
    return arrive, leave


def number_of(case: RandomWorld, name: str) -> Tensor:
    """Return a number of each product, ``[P, 1]``."""
    numbers = [[float(getattr(each, name))] for each in case.instance.products]
    return torch.tensor(numbers, dtype=torch.float64)


def extra(moved: Flows, name: str) -> Tensor:
    """Return a flow of an optional feature, 0 where it is off."""
    found = None if moved.extras is None else getattr(moved.extras, name)
    return NOTHING if found is None else found


def waiting(run: Run, day: int) -> Tensor:
    """Return who waits before a period, ``[B, P, D]``."""
    owed = run.states[day].backlog
    return NOTHING if owed is None else owed


def due_units(case: RandomWorld, run: Run) -> Tensor:
    """Return what arrives on each day ``[T + LONGEST, B, P, E]`` by the lead times of its order."""
    orders = torch.stack([moved.order for moved in run.flows])
    due = orders.new_zeros(run.periods + LONGEST, *orders.shape[1:])
    for product, number, lane in lanes_of(case):
        for path in range(case.paths):
            for day in range(run.periods):
                arrival = day + case.lead_time_of(lane, path, day)
                due[arrival, path, product, number] += orders[day, path, product, number]
    return due


def returned_units(case: RandomWorld, run: Run, day: int) -> Tensor:
    """Return what customers bring back on a day, ``[B, P, L]``."""
    back = torch.zeros_like(run.states[0].on_hand)
    for number, product in enumerate(case.instance.products):
        sale = day - product.return_delay_periods
        if sale >= 0:
            back[:, number] = product.return_share * run.flows[sale].served.sold[:, number]
    return back


class Watched:
    """A policy of which is kept what it saw and wished."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.days: list[tuple[Observation, Decision]] = []

    def decide(self, observation: Observation) -> Decision:
        self.days.append((observation, self.policy.decide(observation)))
        return self.days[-1][1]


def stock_is_conserved(case: RandomWorld, run: Run) -> None:
    """Every unit is sold, sent on, expired or still there."""
    due = due_units(case, run)
    for day, moved in enumerate(run.flows):
        came, _ = at_ends(case, due[day])
        _, sent = at_ends(case, moved.order)
        came = came + returned_units(case, run, day)
        gone = sent + moved.served.sold + extra(moved, "expired")
        before, after = run.states[day], run.states[day + 1]
        close(after.on_hand, before.on_hand + came - gone)
        close(moved.served.left, after.on_hand)
        assert bool((after.on_hand >= -HAIR).all())


def orders_are_conserved(case: RandomWorld, run: Run) -> None:
    """Every order is under way until its lead time is over, and then it is there."""
    due = due_units(case, run)
    ordered = torch.stack([moved.order for moved in run.flows])
    for day, state in enumerate(run.states[1:]):
        arrived = due[: day + 1].sum(0)
        close(state.on_order, ordered[: day + 1].sum(0) - arrived)
        slots = [slot for slot in state.pipeline if slot is not None]
        close(sum(slots, torch.zeros_like(state.on_order)), state.on_order)
    # after the last day nothing is added: slot k is what is due k + 1 days later
    for ahead, slot in enumerate(run.states[-1].pipeline):
        coming = due[run.periods + ahead]
        close(torch.zeros_like(coming) if slot is None else slot, coming)


def ages_are_kept(case: RandomWorld, run: Run) -> None:
    """Nothing is older than its life, and what does not perish stays."""
    fresh = [state.on_hand for state in run.states[:1]]
    due = due_units(case, run)
    for day, (moved, state) in enumerate(zip(run.flows, run.states[1:], strict=True)):
        came, _ = at_ends(case, due[day])
        fresh.append(came + returned_units(case, run, day))
        assert state.memory is not None
        assert state.memory.ages is not None
        close(state.memory.ages.on_hand.sum(-1), state.on_hand)
        for number, product in enumerate(case.instance.products):
            life = product.shelf_life_periods
            expired = extra(moved, "expired")[:, number]
            if life == 0:
                close(expired, torch.zeros_like(expired))
                continue
            # a unit may be sold in its first `life` periods here: what is left after today came
            # within the last life − 1 (transfers may have been under way for longer)
            recent = fresh[max(day + 3 - life, 1) :] + (fresh[:1] if day + 1 < life else [])
            most = sum((each[:, number] for each in recent), torch.zeros_like(expired))
            assert bool((state.on_hand[:, number] <= most + HAIR).all())
            # and no class holds more life than is left
            assert bool((state.memory.ages.on_hand[:, number, :, life:] == 0).all())


def demand_is_conserved(case: RandomWorld, run: Run) -> None:
    """All demand is served, takes a substitute, is lost or waits."""
    for day, moved in enumerate(run.flows):
        served, before, after = moved.served, waiting(run, day), waiting(run, day + 1)
        own, elsewhere = own_sales(case, moved), extra(moved, "saved")
        close(moved.demand + before, own + elsewhere + served.lost + after)
        # customers who took a substitute are as many as the substitutes that they took
        close(elsewhere.sum(-2), extra(moved, "substituted").sum(-2))
        # who waits is served before who comes, and of these a share of the unserved leaves
        unserved = moved.demand - (own - before).clamp_min(0)
        if "packs" not in case.on:  # half a unit that waits is not served before a whole new one
            close(served.lost + elsewhere, number_of(case, "lost_share") * unserved)
        close(served.short, served.lost + after)
        assert bool((torch.stack([own, served.lost]) >= -HAIR).all())


def own_sales(case: RandomWorld, moved: Flows) -> Tensor:
    """Return what was sold to those who asked for this very product, ``[B, P, D]``."""
    if case.regions:
        assert moved.extras is not None
        return moved.extras.parcels[0].shipped.sum(-1)
    return moved.served.sold - extra(moved, "substituted")


def nobody_goes_without(case: RandomWorld, run: Run) -> None:
    """Nobody is short while a place that serves him has stock."""
    for moved in run.flows:
        left = moved.served.left + extra(moved, "expired")
        if not case.regions:
            assert float((left * moved.served.short).abs().max()) <= HAIR
        for way in case.instance.shipping:
            there = left[..., case.places.index(way.location)]
            missing = moved.served.short[..., case.regions.index(way.region)]
            assert float((there * missing).abs().max()) <= HAIR


def parcels_carry_sales(case: RandomWorld, run: Run) -> None:
    """Parcels carry what is sold, and go only where somebody ships."""
    ways = torch.zeros(len(case.regions), len(case.places), dtype=torch.bool)
    late = torch.zeros(ways.shape, dtype=torch.float64)
    promise = {each.id: each.promise_periods for each in case.instance.regions}
    for way in case.instance.shipping:
        at = case.regions.index(way.region), case.places.index(way.location)
        ways[at] = True
        late[at] = float(way.transit_periods > promise[way.region])
    for moved in run.flows:
        assert moved.extras is not None
        shipped = sum((each.shipped for each in moved.extras.parcels), NOTHING.unsqueeze(0))
        assert bool((shipped >= -HAIR).all())
        assert bool((shipped[..., ~ways] == 0).all())
        close(shipped.sum(-2), moved.served.sold)
        close(extra(moved, "late"), (shipped * late).sum(-1))


def costs_are_charged(case: RandomWorld, run: Run) -> None:
    """Charge for each period what the terms say of what moved."""
    holding, shortage = charged_at(case)
    for day, moved in enumerate(run.flows):
        missed = moved.served.lost + waiting(run, day + 1)
        cost = (holding * run.states[day + 1].on_hand).sum(-1) + (shortage * missed).sum(-1)
        cost = cost + (number_of(case, "waste_cost") * extra(moved, "expired")).sum(-1)
        for product, number, lane in lanes_of(case):
            units = moved.order[:, product, number]
            cost[:, product] += lane.unit_cost * units + lane.fixed_order_cost * (units > 0)
        for way in case.instance.shipping:
            assert moved.extras is not None
            at = case.regions.index(way.region), case.places.index(way.location)
            units = sum((each.shipped[..., *at] for each in moved.extras.parcels), NOTHING[..., 0])
            cost = cost + way.cost_per_unit * units + way.cost_per_shipment * (units > 1e-6)
        close(moved.cost.squeeze(-1), cost)


def charged_at(case: RandomWorld) -> tuple[Tensor, Tensor]:
    """Return holding cost ``[P, L]`` and shortage cost ``[P, D]`` per unit."""
    holding = number_of(case, "holding_cost").repeat(1, len(case.places))
    shortage = number_of(case, "shortage_cost").repeat(1, len(case.points))
    for terms in case.instance.stock_terms:
        at = case.products.index(terms.product_id), case.places.index(terms.location)
        if terms.holding_cost is not None:
            holding[at] = terms.holding_cost
        if terms.shortage_cost is not None:
            shortage[at] = terms.shortage_cost
    return holding, shortage


def measures_add_up(case: RandomWorld, run: Run) -> None:
    """Add up what moved, and get what a shop is measured by."""
    tally, customers = BusinessTally(), CustomerTally()
    for moved in run.flows:
        tally.add(case.world, moved)
        customers.add(case.world, moved)
    sums = tally.sums
    revenue = purchases = cost = torch.zeros(case.paths, len(case.products), dtype=torch.float64)
    list_price = number_of(case, "list_price")
    share = number_of(case, "return_share")
    for moved in run.flows:
        price = list_price if "prices" not in case.on else extra(moved, "price")
        # what comes back is refunded at the price of its sale
        revenue = revenue + (price * (1 - share) * moved.served.sold).sum(-1)
        for product, number, lane in lanes_of(case):
            if lane.origin not in case.places:
                paid = case.instance.products[product].unit_cost * moved.order[:, product, number]
                purchases = purchases.index_add(1, torch.tensor([product]), paid.unsqueeze(-1))
        cost = cost + moved.cost.squeeze(-1)
    close(sums["revenue"], revenue)
    close(sums["purchases"], purchases)
    parts = ("holding", "shortage", "fixed", "lane_cost", "waste_cost", "shipping_cost")
    close(sum((sums[part] for part in parts if part in sums), torch.zeros_like(cost)), cost)
    for name in ("demand", "short"):
        close(sums[name].sum(-1), customers.sums[name].sum(-1))


@given(data=st.data())
@settings(max_examples=30)
def test_orders_keep_the_rules_of_their_lanes_and_are_no_more_than_was_wished(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds())
    watched = Watched(case.planner)
    run = case.run(watched)
    mine = torch.zeros_like(run.flows[0].order, dtype=torch.bool)
    for product, number, lane in lanes_of(case):
        mine[:, product, number] = True
        pack = lane.case_pack_units
        for day, (seen, wish) in enumerate(watched.days):
            units = run.flows[day].order[:, product, number]
            wished = (wish.target - seen.lane_position)[:, product, number].clamp_min(0)
            if wish.cap is not None:
                wished = torch.minimum(wished, wish.cap[:, product, number])
            most = wished + pack if pack else wished
            most = torch.where(wished > 0, most.clamp_min(lane.smallest_order_units), 0)
            assert bool((units <= most + HAIR).all())
            assert bool(((units == 0) | (units >= lane.minimum_units - HAIR)).all())
            assert bool((units <= lane.capacity_units).all())
            if pack:
                close(units / pack, (units / pack).round())
            for path in range(case.paths):
                assert case.takes_orders(lane, path, day) or units[path] == 0
    for moved in run.flows:
        assert bool((moved.order >= 0).all())
        assert bool((moved.order[~mine] == 0).all())


@given(data=st.data())
@settings(max_examples=30)
def test_orders_fit_into_the_budget_the_inbound_capacity_and_the_room(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds(always=["budget", "inbound", "storage"]))
    watched = Watched(case.planner)
    run = case.run(watched)
    place = {each.id: each for each in case.instance.locations}
    volume = number_of(case, "volume")
    for (seen, _), moved in zip(watched.days, run.flows, strict=True):
        spent = torch.zeros(case.paths, dtype=torch.float64)
        for product, number, lane in lanes_of(case):
            if lane.origin not in case.places:
                price = case.instance.products[product].unit_cost + lane.unit_cost
                spent += price * moved.order[:, product, number]
        assert bool((spent <= case.instance.budget_per_period + HAIR).all())
        entered, _ = at_ends(case, moved.order)
        under_way, _ = at_ends(case, seen.on_order)
        for n, name in enumerate(case.places):
            assert bool(
                (entered[..., n].sum(-1) <= place[name].inbound_capacity_units + HAIR).all()
            )
            taken = (volume * (seen.on_hand + under_way))[..., n].sum(-1)
            filled = taken + (volume * entered)[..., n].sum(-1)
            # what came back is let in, but nothing is ordered on top of it
            room = taken.clamp_min(place[name].storage_capacity)
            assert bool((filled <= room + HAIR).all())


@given(data=st.data())
@settings(max_examples=20)
def test_customers_are_those_who_stay_and_those_who_come(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds(always=["satisfaction"], never=["prices"]))
    run = case.run()
    assert case.satisfaction is not None
    for day, moved in enumerate(run.flows):
        before, after = (run.states[at].memory for at in (day, day + 1))
        assert before is not None
        assert after is not None
        old, new = before.customers, after.customers
        assert old is not None
        assert new is not None
        # retention 0.6 + 0.38 s and newcomers 0.1, goodwill (s / 0.8)^0.7
        close(new.number, old.number * (0.6 + 0.38 * new.satisfaction) + 0.1)
        asked = case.scenario.demand[:, day] * old.number * (old.satisfaction / 0.8) ** 0.7
        close(moved.demand, asked)
        assert bool((new.satisfaction >= 0).all())
        assert bool((new.satisfaction <= 1).all())
        # the best experience counts 1, the worst 0, and 0.3 of it enters the memory; where nobody
        # asked nothing was experienced
        nobody = moved.demand.sum(-2, keepdim=True) == 0
        close(new.satisfaction[nobody], old.satisfaction[nobody])
        moves = new.satisfaction - old.satisfaction
        assert bool((moves <= 0.3 * (1 - old.satisfaction) + HAIR).all())
        assert bool((moves >= -0.3 * old.satisfaction - HAIR).all())


@given(data=st.data())
@settings(max_examples=20)
def test_prices_move_only_as_their_rules_allow(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds(always=["prices"]))
    run = case.run()
    prices = torch.stack([extra(moved, "price")[..., 0] for moved in run.flows])
    for number, product in enumerate(case.instance.products):
        asked, rules = prices[:, :, number], product.price_rules
        if rules is None:
            close(asked, torch.full_like(asked, product.list_price))
            continue
        assert all(rules.admits(price) for price in asked.flatten().tolist())
        first = torch.full_like(asked[:1], product.list_price)
        steps = torch.diff(torch.cat([first, asked]), dim=0)
        assert bool((steps.abs() <= rules.largest_step + HAIR).all())
        for path in range(case.paths):
            changes = steps[:, path].nonzero().flatten().diff()
            assert bool((changes >= rules.least_periods_between_changes).all())


@given(data=st.data())
@settings(max_examples=30)
def test_stock_and_orders_are_conserved(random_worlds: RandomWorlds, data: st.DataObject) -> None:
    case = data.draw(random_worlds())
    run = case.run()
    stock_is_conserved(case, run)
    orders_are_conserved(case, run)
    if any(each.shelf_life_periods for each in case.instance.products):
        ages_are_kept(case, run)


@given(data=st.data())
@settings(max_examples=30)
def test_demand_is_conserved(random_worlds: RandomWorlds, data: st.DataObject) -> None:
    case = data.draw(random_worlds())
    run = case.run()
    demand_is_conserved(case, run)
    if "packs" not in case.on:  # who waits for half a unit may wait for ever
        nobody_goes_without(case, run)
    if case.regions:
        parcels_carry_sales(case, run)


@given(data=st.data())
@settings(max_examples=30)
def test_money_is_conserved(random_worlds: RandomWorlds, data: st.DataObject) -> None:
    # half of the worlds send two kinds of parcels on the same way
    both = random_worlds(always=["regions", "substitutes"])
    case = data.draw(random_worlds() | both)
    run = case.run()
    costs_are_charged(case, run)
    measures_add_up(case, run)
