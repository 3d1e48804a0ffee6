"""The batched simulator books, event by event, what the plain ledger books.

Quantities are multiples of a quarter and runs are short, so that every sum is exact in double
precision and the two are compared with ``==``.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import Instance, Lane, Location, Product
from restock.simulation import (
    Decision,
    LedgerDay,
    Observation,
    Scenario,
    Wish,
    World,
    keep_ledger,
    step,
)

PLACES = (Location(id="s", holds_stock=False), Location(id="w"))
quarters = st.integers(0, 12).map(lambda n: n / 4)


@dataclass(frozen=True)
class Case:
    """A random instance with wishes for every period, ``[T, P]``, and demand, ``[B, T, P]``."""

    instance: Instance
    demand: np.ndarray
    level: np.ndarray
    cap: np.ndarray
    batch: np.ndarray
    on_hand: np.ndarray


class ReadWishes:
    """Wishes for what the signals ``level``, ``cap`` and ``batch`` say."""

    def decide(self, observation: Observation) -> Decision:
        names = ("level", "cap", "batch")
        return Decision(*(observation.signal(name) for name in names))


@st.composite
def lane_terms(draw: st.DrawFn) -> dict[str, Any]:
    pack = draw(st.sampled_from([0, 1, 1, 3, 6]))
    minimum = draw(st.sampled_from([0, 0, 2, 7]))
    smallest = max(-(-minimum // pack), 1) * pack if pack else max(minimum, 1)
    limits = [math.inf, float(smallest), smallest + 2.25, 3.0 * smallest]
    return {
        "lead_time_periods": draw(st.integers(0, 6)),
        "fixed_order_cost": draw(st.sampled_from([0.0, 0.0, 2.5])),
        "minimum_units": minimum,
        "case_pack_units": pack,
        "capacity_units": draw(st.sampled_from(limits)),
    }


@st.composite
def instance_terms(draw: st.DrawFn) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Draw one to four products and their lanes as plain terms."""
    # worlds of lost sales, of backorders, and of something in between
    shares = draw(st.sampled_from([[1.0], [0.0], [0.0, 0.25, 0.5, 0.75, 1.0]]))
    product_terms = st.fixed_dictionaries(
        {
            "holding_cost": quarters,
            "shortage_cost": quarters,
            "lost_share": st.sampled_from(shares),
        }
    )
    return draw(st.lists(st.tuples(product_terms, lane_terms()), min_size=1, max_size=4))


def instance_of(terms: list[tuple[dict[str, Any], dict[str, Any]]]) -> Instance:
    products = tuple(Product(id=f"p{n}", **product) for n, (product, _) in enumerate(terms))
    lanes = tuple(
        Lane(product_id=f"p{n}", origin="s", destination="w", **lane)
        for n, (_, lane) in enumerate(terms)
    )
    return Instance(name="x", products=products, locations=PLACES, lanes=lanes)


def case_of(instance: Instance, paths: int, periods: int, seed: int) -> Case:
    """Draw wishes, demand and opening stock in quarters of a unit."""
    random = np.random.default_rng(seed)
    products = len(instance.products)
    cap = random.integers(0, 60, (periods, products)) / 4
    batch = random.integers(0, 40, (periods, products)) / 4
    return Case(
        instance,
        demand=random.integers(0, 40, (paths, periods, products)) / 4,
        level=random.integers(0, 160, (periods, products)) / 4,
        cap=np.where(random.random(cap.shape) < 0.5, cap, math.inf),
        batch=np.where(random.random(batch.shape) < 0.5, batch, 0.0),
        on_hand=random.integers(0, 60, (paths, products)) / 4,
    )


def book_batched(case: Case, world: World) -> dict[str, np.ndarray]:
    """Return every column of the ledger as ``[B, T, P]``, from the batched simulator."""
    signals = torch.from_numpy(np.stack([case.level, case.cap, case.batch], axis=-1)).unsqueeze(0)
    demand = torch.from_numpy(case.demand).unsqueeze(-1)
    scenario = Scenario(demand, signals, ("level", "cap", "batch"))
    state = world.state_with(torch.from_numpy(case.on_hand).unsqueeze(-1))
    rows: list[dict[str, Tensor]] = []
    for period in range(scenario.periods):
        before = state.on_hand
        state, flows = step(world, ReadWishes(), state, scenario, period)
        nothing = torch.zeros_like(before)
        rows.append(
            {
                "received": state.on_hand + flows.served.sold - before,
                "ordered": flows.order,
                "demand": flows.demand,
                "sold": flows.served.sold,
                "lost": flows.served.lost,
                "on_hand": state.on_hand,
                "on_order": state.on_order,
                "backlog": nothing if state.backlog is None else state.backlog,
                "holding_cost": flows.holding_cost,
                "shortage_cost": flows.shortage_cost,
                "fixed_cost": nothing if flows.fixed_cost is None else flows.fixed_cost,
            }
        )
    return {
        name: torch.stack([row[name].squeeze(-1) for row in rows], dim=1).numpy()
        for name in rows[0]
    }


def book_plainly(case: Case, path: int, place: int) -> list[LedgerDay]:
    return keep_ledger(
        case.instance.products[place],
        case.instance.lanes[place],
        case.demand[path, :, place].tolist(),
        lambda period, _: Wish(
            float(case.level[period, place]),
            float(case.cap[period, place]),
            float(case.batch[period, place]),
        ),
        on_hand=float(case.on_hand[path, place]),
    )


def mismatches(case: Case, world: World) -> list[str]:
    """Return every entry in which the two books differ."""
    batched = book_batched(case, world)
    paths, periods, products = case.demand.shape
    found = []
    for path in range(paths):
        for place in range(products):
            days = book_plainly(case, path, place)
            assert len(days) == periods
            for period, day in enumerate(days):
                for name, column in batched.items():
                    got, booked = column[path, period, place], getattr(day, name)
                    if got != booked:
                        found.append(f"{name}[{path}, {period}, {place}]: {got}, ledger {booked}")
    return found


@given(instance_terms(), st.integers(1, 3), st.integers(1, 12), st.integers(0, 2**32))
@settings(max_examples=300)
def test_the_simulator_books_what_the_ledger_books(
    terms: list[tuple[dict[str, Any], dict[str, Any]]], paths: int, periods: int, seed: int
) -> None:
    case = case_of(instance_of(terms), paths, periods, seed)
    world = World.from_instance(case.instance, dtype=torch.float64)
    assert mismatches(case, world) == []


def plain_case() -> Case:
    tea = Product(id="tea", holding_cost=1, shortage_cost=4)
    instance = Instance.single_location([tea], 2)
    ones = np.ones((8, 1))
    demand, level = 3 * ones[None], 9 * ones
    return Case(instance, demand, level, level, 0 * ones, on_hand=np.zeros((1, 1)))


def test_a_world_with_another_lead_time_does_not_match_the_ledger() -> None:
    case = plain_case()
    right = World.from_instance(case.instance, dtype=torch.float64)
    assert mismatches(case, right) == []
    late = right.with_lead_times(torch.tensor([[[3]]]))
    assert mismatches(case, late)[0].startswith("received[0, 2, 0]: 0.0, ledger 9.0")


def test_a_world_that_keeps_waiting_customers_does_not_match_the_ledger_of_lost_sales() -> None:
    case = plain_case()
    patient = [replace(product, lost_share=0.0) for product in case.instance.products]
    other = World.from_instance(Instance.single_location(patient, 2), dtype=torch.float64)
    assert any(entry.startswith("backlog") for entry in mismatches(case, other))


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=30)
def test_lead_times_that_differ_by_path_match_the_ledger_of_each_path(
    seed: int, share: float
) -> None:
    tea = Product(id="tea", holding_cost=1, shortage_cost=4, lost_share=share)
    case = case_of(Instance.single_location([tea], 0), paths=4, periods=10, seed=seed)
    leads = np.random.default_rng(seed).integers(0, 5, 4)
    lead_time = torch.from_numpy(leads).reshape(4, 1, 1)
    world = World.from_instance(case.instance, dtype=torch.float64).with_lead_times(lead_time)
    batched = book_batched(case, world)
    for path, lead in enumerate(leads.tolist()):
        slow = replace(case, instance=Instance.single_location([tea], lead))
        for name, column in batched.items():
            booked = [getattr(day, name) for day in book_plainly(slow, path, 0)]
            assert column[path, :, 0].tolist() == booked, name
