"""What does not matter makes no difference: batching, order, the future, where a run is cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.simulation import Decision, Network, Observation, Policy, Scenario, rollout

if TYPE_CHECKING:
    from tests.laws.conftest import RandomWorld, Run

    RandomWorlds = Callable[..., st.SearchStrategy[RandomWorld]]

AXES = {
    "order": "PE",
    "lane_cost": "PE",
    "sold": "PL",
    "left": "PL",
    "expired": "PL",
    "returned": "PL",
    "demand": "PD",
    "lost": "PD",
    "short": "PD",
    "late": "PD",
    "saved": "PD",
    "substituted": "PD",
    "satisfaction": "1D",
    "customers": "1D",
    "price": "P1",
    "cost": "P1",
}


def close(found: Tensor, expected: Tensor, name: str) -> None:
    torch.testing.assert_close(
        found, expected, rtol=1e-9, atol=1e-9, msg=lambda text: f"{name}: {text}"
    )


def series_of(run: Run) -> dict[str, Tensor]:
    """Return all flows by name, ``[T, B, ·, ·]``."""

    def named(day: int) -> dict[str, Tensor]:
        moved = run.flows[day]
        found = {"order": moved.order, "demand": moved.demand, "cost": moved.cost}
        found |= {name: getattr(moved.served, name) for name in ("sold", "left", "lost", "short")}
        if moved.extras is not None:
            known = moved.extras._asdict()
            found |= {name: known[name] for name in AXES if known.get(name) is not None}
        return found

    days = [named(day) for day in range(run.periods)]
    return {name: torch.stack([day[name] for day in days]) for name in days[0]}


def must_be_alike(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, values in found.items():
        close(values, expected[name], name)


def tensors_of(record: object, name: str = "") -> dict[str, Tensor]:
    """Return every tensor within a state, an observation or a decision, by name."""
    if isinstance(record, Tensor):
        return {name: record}
    found: dict[str, Tensor] = {}
    if isinstance(record, tuple):
        for place, part in enumerate(record):
            found |= tensors_of(part, f"{name}[{place}]")
    elif is_dataclass(record) and not isinstance(record, Network):
        for each in fields(record):
            found |= tensors_of(getattr(record, each.name), f"{name}.{each.name}")
    return found


class Watched:
    """A policy of which is kept all that it saw and wished."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.days: list[dict[str, Tensor]] = []

    def decide(self, observation: Observation) -> Decision:
        decision = self.policy.decide(observation)
        self.days.append(tensors_of(observation, "seen") | tensors_of(decision, "wished"))
        return decision


@given(data=st.data())
@settings(max_examples=20)
def test_parallel_paths_are_single_runs(random_worlds: RandomWorlds, data: st.DataObject) -> None:
    case = data.draw(random_worlds())
    together = series_of(case.run())
    for path in range(case.paths):
        alone = case.run(
            scenario=case.scenario.path_slice(path, path + 1),
            opening=case.world.state_with(case.opening.on_hand[[path]]),
        )
        must_be_alike(
            series_of(alone), {name: values[:, [path]] for name, values in together.items()}
        )


@given(data=st.data())
@settings(max_examples=20)
def test_products_in_another_order_fare_the_same(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    case = data.draw(random_worlds())
    moved = replace(case, products=tuple(data.draw(st.permutations(case.products))))
    must_be_alike(reordered(case, moved), series_of(moved.run()))


@given(data=st.data())
@settings(max_examples=20)
def test_places_and_regions_in_another_order_fare_the_same(
    random_worlds: RandomWorlds, data: st.DataObject
) -> None:
    # a source's single units that do not divide go by the order of the lanes: goods are divisible
    case = data.draw(random_worlds(never=["packs"]))
    places, regions = (data.draw(st.permutations(each)) for each in (case.places, case.regions))
    moved = replace(case, places=tuple(places), regions=tuple(regions))
    must_be_alike(reordered(case, moved), series_of(moved.run()))


def reordered(case: RandomWorld, moved: RandomWorld) -> dict[str, Tensor]:
    """Return the flows of a world on the axes of the same world in another order."""

    def places(old: Sequence[object], new: Sequence[object]) -> Tensor:
        return torch.tensor([old.index(each) for each in new])

    index = {
        "P": places(case.products, moved.products),
        "L": places(case.places, moved.places),
        "D": places(case.points, moved.points),
        "E": places(case.world.network.lanes, moved.world.network.lanes),
        "1": torch.zeros(1, dtype=torch.long),
    }
    return {
        name: values[:, :, index[AXES[name][0]]][..., index[AXES[name][1]]]
        for name, values in series_of(case.run()).items()
    }


@given(data=st.data(), cut=st.integers(1, 6))
@settings(max_examples=20)
def test_a_rollout_cut_in_two_is_the_rollout(
    random_worlds: RandomWorlds, data: st.DataObject, cut: int
) -> None:
    case = data.draw(random_worlds())
    whole = case.run().states[-1]
    first = case.scenario.window(0, cut)
    middle = rollout(case.world, case.planner, first, case.opening).detach()
    second = case.scenario.window(cut, case.periods)
    parts = tensors_of(rollout(case.world, case.planner, second, middle))
    assert parts.keys() == tensors_of(whole).keys()
    for name, values in tensors_of(whole).items():
        assert torch.equal(parts[name], values), name


@given(data=st.data(), day=st.integers(0, 6))
@settings(max_examples=20)
def test_what_is_still_to_come_changes_no_decision(
    random_worlds: RandomWorlds, data: st.DataObject, day: int
) -> None:
    case = data.draw(random_worlds())
    before, after = Watched(case.planner), Watched(case.planner)
    one = case.run(before)
    other = case.run(after, scenario=changed_from(case.scenario, day))
    for past in range(day + 1):
        assert before.days[past].keys() == after.days[past].keys()
        for name, values in before.days[past].items():
            assert torch.equal(after.days[past][name], values), name
        assert torch.equal(one.flows[past].order, other.flows[past].order)
    assert not torch.equal(one.flows[day].demand, other.flows[day].demand)


def changed_from(scenario: Scenario, day: int) -> Scenario:
    """Return another future: demand from ``day`` on, supply from the day after on."""
    demand = scenario.demand.clone()
    demand[:, day:] += 3
    lead_time, lane_open = scenario.lead_time, scenario.lane_open
    if lead_time is not None:
        lead_time = torch.cat([lead_time[:, : day + 1], lead_time[:, day + 1 :].flip(1)], dim=1)
    if lane_open is not None:
        lane_open = torch.cat([lane_open[:, : day + 1], 1 - lane_open[:, day + 1 :]], dim=1)
    return replace(scenario, demand=demand, lead_time=lead_time, lane_open=lane_open)


@given(data=st.data(), day=st.integers(0, 5))
@settings(max_examples=10)
def test_demand_that_left_a_trace_is_seen_the_day_after(
    random_worlds: RandomWorlds, data: st.DataObject, day: int
) -> None:
    case = data.draw(random_worlds(always=["waiting"]))
    assume(any(each.lost_share < 1 for each in case.instance.products))
    before, after = Watched(case.planner), Watched(case.planner)
    case.run(before)
    case.run(after, scenario=changed_from(case.scenario, day))
    was, saw = before.days[day + 1], after.days[day + 1]
    assert not all(torch.equal(saw[name], values) for name, values in was.items())
