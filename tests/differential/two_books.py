"""The same run booked twice, and where the two books differ."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from hypothesis import assume
from random_runs import Run
from torch import Tensor
from twins import answers, memories

from restock.simulation import (
    Decision,
    Flows,
    Observation,
    Scenario,
    State,
    World,
    step,
)
from restock.simulation.ledger import Happening, LedgerDay, Wish, Wishes, keep_ledger

DUST_UNITS = 1e-9
"""What rounding leaves."""

Book = dict[str, dict[Any, float]]
"""Numbers of one period on one path by column and key."""


def world_of(run: Run) -> World:
    """Assemble the batched world of a run."""
    response, _ = answers(run)
    satisfaction, _ = memories(run)
    return World.from_instance(
        run.instance, torch.float64, price_response=response, satisfaction=satisfaction
    )


class ReadWishes:
    """Wishes for what the run's tables say in the period that the signal ``period`` tells."""

    def __init__(self, run: Run, world: World) -> None:
        self.run = run
        # a shop with a supplier for each product has one lane for all: tests/laws has it
        assume(set(world.network.lanes) <= set(run.lanes))
        self.columns = [run.lanes.index(pair) for pair in world.network.lanes]

    def decide(self, observation: Observation) -> Decision:
        run, period = self.run, int(observation.signal("period")[0, 0, 0])

        def on_lanes(table: np.ndarray | None) -> Tensor | None:
            return None if table is None else torch.from_numpy(table[:, period][..., self.columns])

        def other(table: np.ndarray | None) -> Tensor | None:
            return None if table is None else torch.from_numpy(table[:, period])

        target = on_lanes(run.target)
        assert target is not None
        return Decision(
            target,
            on_lanes(run.cap),
            on_lanes(run.batch),
            on_lanes(run.lane_weight),
            other(run.share),
            other(run.score),
            other(run.price),
            other(run.proposal),
        )


def scenario_of(run: Run, world: World) -> Scenario:
    """Return what comes from outside, with the period and expected demand as signals."""
    assume(set(world.network.lanes) <= set(run.lanes))
    columns = [run.lanes.index(pair) for pair in world.network.lanes]
    _, periods, products, _ = run.demand.shape
    clock = np.broadcast_to(np.arange(periods)[None, :, None, None], (1, periods, products, 1))
    signals = clock.astype(np.float64)
    names: tuple[str, ...] = ("period",)
    if run.expected is not None:
        total = run.expected.sum(-1, keepdims=True)
        signals = np.concatenate([signals, total, run.expected], axis=-1)
        names = ("period", "scale", *(f"scale@{place}" for place in run.places))
    return Scenario(
        torch.from_numpy(run.demand),
        torch.from_numpy(signals),
        names,
        None if run.lead_time is None else torch.from_numpy(run.lead_time[..., columns]),
        None if run.lane_open is None else torch.from_numpy(run.lane_open[..., columns]),
        run.first_period,
    )


Step = Callable[[World, ReadWishes, State, Scenario, int], tuple[State, Flows]]


def book_batched(run: Run, world: World, take: Step = step) -> list[list[Book]]:
    """Return the batched simulator's books, ``[B][T]``."""
    scenario = scenario_of(run, world)
    world.check(scenario)
    wishes = ReadWishes(run, world)
    state = world.state_with(torch.from_numpy(run.on_hand))
    paths: list[list[Book]] = [[] for _ in range(len(run.demand))]
    for period in range(scenario.periods):
        before = state
        state, flows = take(world, wishes, before, scenario, period)
        columns = _columns(run, world, before, state, flows)
        for path, days in enumerate(paths):
            days.append({name: _on_path(table, path) for name, table in columns.items()})
    return paths


def _on_path(table: tuple[list[Any], np.ndarray], path: int) -> dict[Any, float]:
    keys, values = table
    return dict(zip(keys, values[path if len(values) > 1 else 0].ravel().tolist(), strict=True))


def _columns(
    run: Run, world: World, before: State, after: State, flows: Flows
) -> dict[str, tuple[list[Any], np.ndarray]]:
    """Return each column of the ledger that this world has, as keys and ``[B, keys]``."""
    products = [product.id for product in run.instance.products]
    at_place = list(itertools.product(products, run.places))
    at_point = list(itertools.product(products, run.points))
    on_lane = [(p, *pair) for p in products for pair in world.network.lanes]
    served, extras = flows.served, flows.extras
    told: dict[str, tuple[list[Any], Tensor | None]] = {
        "sold": (at_place, served.sold),
        "on_hand": (at_place, after.on_hand),
        "ordered": (on_lane, flows.order),
        "on_order": (on_lane, after.on_order),
        "demand": (at_point, flows.demand),
        "lost": (at_point, served.lost),
        "short": (at_point, served.short),
        "backlog": (at_point, after.backlog),
        "holding_cost": (at_place, flows.holding_cost),
        "shortage_cost": (at_point, flows.shortage_cost),
        "fixed_cost": (on_lane, flows.fixed_cost),
        "purchases": (on_lane, world.economics.purchase_cost * flows.order),
        "revenue": (
            products,
            flows.revenue(world.economics.list_price).expand(len(run.demand), -1, -1),
        ),
        "cost": (products, flows.cost),
        "received": (at_place, _received(world, before, after, flows)),
        "came_back": (at_place, _came_back(before)),
    }
    if extras is not None:
        told |= {
            "returned": (at_place, extras.returned),
            "expired": (at_place, extras.expired),
            "waste_cost": (at_place, extras.waste_cost),
            "lane_cost": (on_lane, extras.lane_cost),
            "substituted": (at_point, extras.substituted),
            "saved": (at_point, extras.saved),
            "late": (at_point, extras.late),
            "delay": (at_point, extras.delay),
            "shipping_cost": (products, extras.shipping_cost),
            "refund": (products, extras.refund),
            "price": (products, extras.price),
            "satisfaction": (list(run.points), extras.satisfaction),
            "customers": (list(run.points), extras.customers),
            "split_share": (list(run.points), extras.split_share),
            "transit_periods": (list(run.points), extras.transit_periods),
        }
        if extras.parcels:
            routes = list(itertools.product(products, run.points, run.places))
            shipped = torch.stack([each.shipped for each in extras.parcels])
            told["parcels"] = (routes, shipped.sum(0))
    return {
        name: (keys, values.flatten(1).numpy())
        for name, (keys, values) in told.items()
        if values is not None
    }


def _came_back(before: State) -> Tensor | None:
    returning = before.memory.returning if before.memory else ()
    return returning[0] if returning else None


def _received(world: World, before: State, after: State, flows: Flows) -> Tensor:
    """Return what must have come in on lanes: stock after, plus what went, less stock before."""
    gone = after.on_hand + flows.served.sold - before.on_hand
    for each, origin in enumerate(world.network.origin):
        if origin >= 0:
            gone = gone.clone()
            gone[..., origin] += flows.order[..., each]
    if flows.extras is not None and flows.extras.expired is not None:
        gone = gone + flows.extras.expired
    back = _came_back(before)
    return gone if back is None else gone - back


def book_plainly(run: Run, path: int, **changed: Any) -> list[LedgerDay]:  # noqa: ANN401 - as given
    """Keep the plain ledger of one path."""
    _, answer = answers(run)
    _, goodwill = memories(run)
    products = [product.id for product in run.instance.products]
    carried = {(lane.product_id, lane.origin, lane.destination) for lane in run.instance.lanes}
    lane_cells = [
        ((p, *pair), (n, e))
        for n, p in enumerate(products)
        for e, pair in enumerate(run.lanes)
        if (p, *pair) in carried
    ]

    def on_lanes(table: np.ndarray, period: int) -> dict[Any, Any]:
        row = table[path if len(table) > 1 else 0, period]
        return {key: row[cell].item() for key, cell in lane_cells}

    def by(table: np.ndarray, period: int, *axes: tuple[str, ...]) -> dict[Any, float]:
        row = table[path if len(table) > 1 else 0, period].ravel().tolist()
        return dict(zip(itertools.product(products, *axes), row, strict=True))

    def happening(period: int) -> Happening:
        drawn = {} if run.lead_time is None else on_lanes(run.lead_time, period)
        opened = {} if run.lane_open is None else on_lanes(run.lane_open, period)
        return Happening(
            demand=by(run.demand, period, run.points),
            lead_times=drawn,
            closed={key for key, is_open in opened.items() if not is_open},
            expected=None if run.expected is None else by(run.expected, period, run.places),
        )

    def rule(clock: int, _: Mapping[Any, float]) -> Wishes:
        period = clock - run.first_period
        targets = on_lanes(run.target, period)
        caps = {} if run.cap is None else on_lanes(run.cap, period)
        batches = {} if run.batch is None else on_lanes(run.batch, period)
        routes = (run.points, run.places)
        return Wishes(
            lanes={
                key: Wish(target, caps.get(key, math.inf), batches.get(key, 0.0))
                for key, target in targets.items()
            },
            prices={}
            if run.price is None
            else {p: run.price[path, period, n, 0].item() for n, p in enumerate(products)},
            weights=None if run.lane_weight is None else on_lanes(run.lane_weight, period),
            shares=None if run.share is None else by(run.share, period, *routes),
            scores=None if run.score is None else by(run.score, period, *routes),
            proposals={} if run.proposal is None else _proposals(run, path, period),
        )

    stock = dict(
        zip(
            itertools.product(products, run.places), run.on_hand[path].ravel().tolist(), strict=True
        )
    )
    told = {
        "on_hand": stock,
        "answer": answer,
        "goodwill": goodwill,
        "first_period": run.first_period,
    }
    happenings = [happening(period) for period in range(run.on.periods)]
    return keep_ledger(run.instance, happenings, rule, **(told | changed))


def _proposals(run: Run, path: int, period: int) -> dict[tuple[str, str], float]:
    """Return the proposals by product and substitute: a product's candidates in their order."""
    assert run.proposal is not None
    found = {}
    for n, product in enumerate(run.instance.products):
        rows = [row for row in run.instance.substitutes if row.product_id == product.id]
        for k, row in enumerate(rows):
            found[product.id, row.substitute_id] = float(run.proposal[path, period, n, k])
    return found


def mismatches(run: Run, batched: list[list[Book]]) -> list[str]:
    """Return every entry in which the two books differ.

    What a column of the ledger does not hold (a lane that a product lacks, a pair out of reach)
    has to be 0 in the batched one; what the batched world does not have, 0 in the ledger.
    """
    found = []
    for path, days in enumerate(batched):
        for period, (day, page) in enumerate(zip(days, book_plainly(run, path), strict=True)):
            for name, got, booked, key in _entries(day, page):
                if _is_dust(name, key, day, page):
                    continue
                near = math.isclose(got, booked, rel_tol=1e-9, abs_tol=1e-9)
                if not (got == booked if run.on.is_exact else near):
                    found.append(f"{name}[{path}, {period}, {key}]: {got}, ledger {booked}")
    return found


def _entries(day: Book, page: LedgerDay) -> list[tuple[str, float, float, Any]]:
    told = {name: getattr(page, name) for name in LedgerDay.__slots__}
    told["cost"] = {product: page.cost(product) for product in page.price}
    # columns that only some worlds have begin at something else than 0
    absent = {"price", "satisfaction", "customers"} - set(day)
    return [
        (name, day.get(name, {}).get(key, 0.0), column.get(key, 0.0), key)
        for name, column in told.items()
        if name not in absent
        for key in {**column, **day.get(name, {})}
    ]


def _is_dust(name: str, key: Any, day: Book, page: LedgerDay) -> bool:  # noqa: ANN401 - any key
    """Whether an entry says how far units travelled that are rounding alone.

    A shelf that is exactly empty may be so but for the last digit.
    """
    return name == "transit_periods" and all(
        sum(units for route, units in parcels.items() if route[1] == key) < DUST_UNITS
        for parcels in (day.get("parcels", {}), page.parcels)
    )
