"""Perishables: sixteen systems, value iteration and the best base stock, exact and simulated."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from restock.evaluation import StudySettings
from restock.optimality.perishables import (
    BestLevel,
    DiscountedCost,
    Perishable,
    PerishableCosts,
    best_base_stock,
    evaluate,
    rounded_gamma_pmf,
    solve,
)
from restock.policies import BaseStock
from restock.problem import Instance, Product
from restock.simulation import World

from .figure import Computed, Figure
from .simulating import Runs, counted_demand, levels

__all__ = ["figures"]

SOURCE = "De Moor et al. 2022 in Farrington et al., Ann. OR 349:1609, 2025, Table 3 [T]"
# shelf life: the returns of value iteration and of the best base stock, in the order of CASES
PRINTED = {
    2: [
        ("-1553", "-1565"),
        ("-1457", "-1474"),
        ("-1571", "-1581"),
        ("-1463", "-1485"),
        ("-1551", "-1590"),
        ("-1461", "-1495"),
        ("-1569", "-1606"),
        ("-1469", "-1504"),
    ],
    3: [
        ("-1490", "-1500"),
        ("-1424", "-1435"),
        ("-1498", "-1512"),
        ("-1425", "-1436"),
        ("-1513", "-1533"),
        ("-1435", "-1456"),
        ("-1526", "-1544"),
        ("-1437", "-1457"),
    ],
}
CASES = [
    (issuing, lead_time, waste)
    for lead_time in (1, 2)
    for waste in (7, 10)
    for issuing in ("LIFO", "FIFO")
]
UNIT_COST, HOLDING_COST, SHORTAGE_COST, LARGEST_ORDER = 3.0, 1.0, 5.0, 10
WARM_UP, PERIODS, DISCOUNT = 100, 365, 0.99
# not in our source: how many runs a printed mean is of
ASSUMED_RUNS = 10_000


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List both returns of each system, and the second once more simulated."""
    runs = Runs.of(settings)
    for shelf_life in settings.parameters["shelf_lives"]:
        for case, (optimal, base) in zip(CASES, PRINTED[shelf_life], strict=True):
            issuing, lead_time, waste = case
            system = (shelf_life, *case)
            name = f"shelf life {shelf_life} {issuing} L={lead_time} waste {waste}"
            best = partial(_optimum, *system)
            yield Figure("perishables", SOURCE, f"{name}, value iteration", optimal, best)
            name = f"{name}, best base stock"
            yield Figure("perishables", SOURCE, name, base, partial(_base_stock, *system))
            simulated = partial(_simulated, runs, *system)
            yield Figure("perishables", SOURCE, f"{name}, simulated", base, simulated)


def _problem(shelf_life: int, issuing: str, lead_time: int, waste: int) -> Perishable:
    return Perishable(
        rounded_gamma_pmf(4, 0.5),
        lead_time,
        shelf_life,
        PerishableCosts(
            unit=UNIT_COST, holding=HOLDING_COST, shortage=SHORTAGE_COST, waste=float(waste)
        ),
        largest_order=LARGEST_ORDER,
        fifo_share=float(issuing == "FIFO"),
        discount=DISCOUNT,
    )


def _optimum(*system: int | str) -> Computed:
    problem = _problem(*system)  # type: ignore[arg-type]
    return _returned(evaluate(problem, solve(problem).orders, WARM_UP, PERIODS))


@cache
def _best_level(*system: int | str) -> BestLevel:
    return best_base_stock(_problem(*system), WARM_UP, PERIODS)  # type: ignore[arg-type]


def _base_stock(*system: int | str) -> Computed:
    return _returned(_best_level(*system).cost)


def _returned(cost: DiscountedCost) -> Computed:
    """Return minus the cost, and what the source's mean of finitely many runs may be off by."""
    return Computed(-cost.cost, allowance=_source_error(cost))


def _source_error(cost: DiscountedCost) -> float:
    return 3 * cost.standard_deviation / math.sqrt(ASSUMED_RUNS)


def _simulated(runs: Runs, shelf_life: int, issuing: str, lead_time: int, waste: int) -> Computed:
    level, cost = _best_level(shelf_life, issuing, lead_time, waste)
    product = Product(
        id="a",
        holding_cost=HOLDING_COST,
        shortage_cost=SHORTAGE_COST,
        shelf_life_periods=shelf_life,
        waste_cost=float(waste),
        fifo_share=float(issuing == "FIFO"),
    )
    plain = Instance.single_location([product], lead_time)
    bought = {
        "unit_cost": UNIT_COST,
        "capacity_units": float(LARGEST_ORDER),
        "case_pack_units": 1,
    }
    lanes = tuple(replace(lane, **bought) for lane in plain.lanes)  # type: ignore[arg-type]
    world = World.from_instance(replace(plain, lanes=lanes))
    generator = runs.generator(f"perishables {shelf_life} {issuing} {lead_time} {waste}")
    pmf = rounded_gamma_pmf(4, 0.5)
    scenario = counted_demand(pmf, runs.paths, WARM_UP + PERIODS, generator)
    ours = runs.discounted(world, BaseStock(levels(level)), scenario, WARM_UP, DISCOUNT)
    return ours._replace(exact=-cost.cost, allowance=_source_error(cost))
