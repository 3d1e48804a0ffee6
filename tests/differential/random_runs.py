"""What happens in a random instance, and what is wished: tables by path, period and place."""

import math
from dataclasses import dataclass

import numpy as np
from random_instances import Switches, build_instance

from restock.problem import Instance, Lane

Table = np.ndarray
PATHS = 2


@dataclass(frozen=True)
class Run:
    """An instance with everything that comes from outside on B paths, and everything wished.

    Tables are ``[B, T, P, …]`` with lanes E in the order of ``lanes`` (origin, destination),
    places L, demand points D, regions R and candidates of substitution K; ``on_hand`` is
    ``[B, P, L]``. A table that a run does without is ``None``.
    """

    on: Switches
    instance: Instance
    places: tuple[str, ...]
    points: tuple[str, ...]
    lanes: tuple[tuple[str, str], ...]
    on_hand: Table
    demand: Table
    target: Table
    cap: Table | None
    batch: Table | None
    lead_time: Table | None
    lane_open: Table | None
    expected: Table | None
    lane_weight: Table | None
    score: Table | None
    share: Table | None
    price: Table | None
    proposal: Table | None
    first_period: int


def build_run(on: Switches) -> Run:
    """Return the run that the switches and their seed describe."""
    instance = build_instance(on)
    random = np.random.default_rng([on.seed, 7])
    places = tuple(place.id for place in instance.locations if place.holds_stock)
    points = tuple(region.id for region in instance.regions) or places
    lanes = tuple(sorted({(lane.origin, lane.destination) for lane in instance.lanes}))
    when = (PATHS, on.periods, on.products)
    on_lane, in_region = (*when, len(lanes)), (*when, len(points), len(places))
    # who sells much from a place seldom runs out; regions and centres need room
    scale = 1 + on.locations / 2 if on.regions or on.transfers else 1
    candidates = max(_candidates(instance), default=0)
    prices = [product.list_price for product in instance.products]
    return Run(
        on,
        instance,
        places,
        points,
        lanes,
        on_hand=_units(on, random, (PATHS, on.products, len(places)), 15),
        demand=_units(on, random, (*when, len(points)), 8) * _is(random, (*when, len(points)), 0.9),
        target=_units(on, random, on_lane, 20 * scale, wished=True),
        cap=np.where(_is(random, on_lane, 0.5), _units(on, random, on_lane, 15), math.inf)
        if on.caps_and_batches
        else None,
        batch=_units(on, random, on_lane, 8, wished=True) * _is(random, on_lane, 0.4)
        if on.caps_and_batches
        else None,
        lead_time=_lead_times(random, instance, lanes, when),
        lane_open=_open_lanes(random, instance, lanes, when),
        expected=random.integers(0, 7, (1, *when[1:], len(places))) / 1.0
        if on.expected_demand and not on.regions
        else None,
        lane_weight=random.integers(0, 4, on_lane) / 2 if on.lane_weights else None,
        score=random.integers(0, 4, in_region) / 1.0 if on.scores and on.regions else None,
        share=random.random(in_region) * _is(random, in_region, 0.6)
        if on.shares and on.regions
        else None,
        price=np.array(prices)[:, None] + _eighths(on, random.normal(0, 1.5, (*when, 1)))
        if on.price_rules or on.answer
        else None,
        proposal=random.random((*when, candidates)) if on.proposals and candidates else None,
        first_period=int(random.integers(0, 6)),
    )


def _is(random: np.random.Generator, shape: tuple[int, ...], chance: float) -> Table:
    return random.random(shape) < chance


def _units(
    on: Switches,
    random: np.random.Generator,
    shape: tuple[int, ...],
    most: float,
    *,
    wished: bool = False,
) -> Table:
    """Return whole units, quarters where sums are exact, or any number of units.

    Wishes are any number wherever something is divided: rounding must not decide whether half a
    unit is an order.
    """
    if on.is_exact:
        return random.integers(0, int(4 * most), shape) / 4
    if on.is_whole and not wished:
        return random.integers(0, int(most), shape) / 1.0
    return random.random(shape) * most


def _eighths(on: Switches, values: Table) -> Table:
    return np.round(8 * values) / 8 if on.is_exact else values


def _candidates(instance: Instance) -> list[int]:
    """Return how many substitutes each product has."""
    named = [row.product_id for row in instance.substitutes]
    return [named.count(product.id) for product in instance.products]


def _cells(instance: Instance, lanes: tuple[tuple[str, str], ...]) -> list[tuple[int, int, Lane]]:
    rows = {product.id: n for n, product in enumerate(instance.products)}
    return [
        (rows[lane.product_id], lanes.index((lane.origin, lane.destination)), lane)
        for lane in instance.lanes
    ]


def _lead_times(
    random: np.random.Generator,
    instance: Instance,
    lanes: tuple[tuple[str, str], ...],
    when: tuple[int, int, int],
) -> Table | None:
    """Draw the lead time of each day's order; where orders do not cross they wait."""
    if all(lane.lead_time_distribution is None for lane in instance.lanes):
        return None
    table = np.full((*when, len(lanes)), min(lane.lead_time_periods for lane in instance.lanes))
    for row, column, lane in _cells(instance, lanes):
        law = lane.lead_time_distribution
        for path in range(when[0]):
            before = 0
            for period in range(when[1]):
                drawn = lane.lead_time_periods if law is None else random.choice(law.periods)
                if law is not None and not law.orders_cross:
                    drawn = before = max(drawn, before - 1)
                table[path, period, row, column] = drawn
    return table


def _open_lanes(
    random: np.random.Generator,
    instance: Instance,
    lanes: tuple[tuple[str, str], ...],
    when: tuple[int, int, int],
) -> Table | None:
    """Draw on which days a lane takes no orders."""
    if all(lane.outage is None for lane in instance.lanes):
        return None
    table = np.ones((*when, len(lanes)))
    for row, column, lane in _cells(instance, lanes):
        if lane.outage is not None:
            table[:, :, row, column] = random.random(when[:2]) < 0.7
    return table
