"""Two sources: six systems, the optimum and the best of four rules, exact and simulated."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

from restock.evaluation import StudySettings
from restock.optimality.dual_sourcing import (
    DualSourcing,
    best_capped_dual_index,
    best_dual_index,
    best_single_index,
    best_tailored_base_surge,
    solve,
)
from restock.policies import (
    CappedDualIndex,
    DualIndex,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
)
from restock.problem import Instance, Lane, Location, Product
from restock.simulation import Policy, World

from .figure import Computed, Figure
from .simulating import Runs, counted_demand, levels

__all__ = ["figures"]

SOURCE = "exact solver for Gijsbrechts et al., M&SOM 24:1349–1368, 2022, section 6.2 [C]"
PAPER = "Gijsbrechts et al., M&SOM 24:1349–1368, 2022 [T]"
UNIFORM = np.full(5, 0.2)
REGULAR_COST, HOLDING_COST, SHORTAGE_COST = 100.0, 5.0, 495.0
# enough for what was ordered while the first stock was built up
WARM_UP = 100
# (regular lead time, expedited cost): the optimum, then each rule's levels and its cost
PRINTED = {
    (2, 105): {
        "optimum": ("216.76980",),
        "capped dual index": ("4", "7", "2", "216.78241"),
        "dual index": ("4", "7", "217.02206"),
        "single index": ("5", "6", "218.00000"),
        "tailored base surge": ("4", "1", "216.90305"),
        "A3C, gap %": ("0.52",),
    },
    (2, 110): {
        "optimum": ("219.73333",),
        "capped dual index": ("4", "8", "2", "219.79941"),
        "dual index": ("4", "8", "220.12531"),
        "single index": ("6", "8", "222.00000"),
        "tailored base surge": ("4", "1", "221.90305"),
        "A3C, gap %": ("0.80",),
    },
    (3, 105): {
        "optimum": ("216.87672",),
        "capped dual index": ("4", "9", "1", "216.87831"),
        "dual index": ("4", "8", "217.45818"),
        "single index": ("6", "7", "219.00000"),
        "tailored base surge": ("4", "1", "216.90305"),
        "A3C, gap %": ("0.82",),
    },
    (3, 110): {
        "optimum": ("220.34105",),
        "capped dual index": ("4", "10", "2", "220.46566"),
        "dual index": ("4", "9", "221.13530"),
        "single index": ("6", "7", "225.00000"),
        "tailored base surge": ("4", "1", "221.90305"),
        "A3C, gap %": ("0.51",),
    },
    (4, 105): {
        "optimum": ("216.89305",),
        "capped dual index": ("4", "11", "1", "216.89309"),
        "dual index": ("4", "8", "217.67441"),
        "single index": ("4", "4", "220.00000"),
        "tailored base surge": ("4", "1", "216.90305"),
        "A3C, gap %": ("1.85",),
    },
    (4, 110): {
        "optimum": ("220.61223",),
        "capped dual index": ("4", "11", "2", "220.86382"),
        "dual index": ("4", "11", "221.68510"),
        "single index": ("7", "8", "226.00000"),
        "tailored base surge": ("4", "1", "221.90305"),
        "A3C, gap %": ("1.33",),
    },
}
LEVELS = {
    "optimum": (),
    "capped dual index": ("z_e", "z_r", "cap"),
    "dual index": ("z_e", "z_r"),
    "single index": ("z_e", "z_r"),
    "tailored base surge": ("z_e", "q"),
}
SEARCHES: dict[str, Callable[[DualSourcing], tuple[float, ...]]] = {
    "capped dual index": best_capped_dual_index,
    "dual index": best_dual_index,
    "single index": best_single_index,
    "tailored base surge": best_tailored_base_surge,
}
POLICIES: dict[str, Callable[..., Policy]] = {
    "capped dual index": CappedDualIndex,
    "dual index": DualIndex,
    "single index": SingleIndex,
    "tailored base surge": TailoredBaseSurge,
}
TRAINED = "The gap of the paper's learned policy (A3C), which is not trained again here."


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List every cell of the table: costs, levels in brackets, and simulated costs."""
    runs = Runs.of(settings)
    for (lead_time, expedited_cost), cells in PRINTED.items():
        for rule, printed in cells.items():
            name = f"l_r={lead_time} c_e={expedited_cost}, {rule}"
            if rule not in LEVELS:
                yield Figure("two-sources", PAPER, name, printed[-1], reason=TRAINED)
                continue
            best = partial(_best, lead_time, expedited_cost, rule)
            for place, level in enumerate(LEVELS[rule]):
                answer = partial(_part, best, place)
                yield Figure("two-sources", SOURCE, f"{name}, {level}", printed[place], answer)
            cost = partial(_part, best, -1)
            yield Figure("two-sources", SOURCE, f"{name}, cost", printed[-1], cost)
            if LEVELS[rule]:
                name = f"{name}, cost, simulated"
                simulated = partial(_simulated, runs, lead_time, expedited_cost, rule)
                yield Figure("two-sources", SOURCE, name, printed[-1], simulated)


def _part(best: "partial[tuple[float, ...]]", place: int) -> float:
    return best()[place]


@cache
def _best(lead_time: int, expedited_cost: int, rule: str) -> tuple[float, ...]:
    """Return the best levels of a rule and their cost; only the cost for the optimum."""
    problem = DualSourcing(
        UNIFORM, lead_time, REGULAR_COST, float(expedited_cost), HOLDING_COST, SHORTAGE_COST
    )
    if rule == "optimum":
        return (solve(problem).cost,)
    return SEARCHES[rule](problem)


def _simulated(runs: Runs, lead_time: int, expedited_cost: int, rule: str) -> Computed:
    world = World.from_instance(_instance(lead_time, float(expedited_cost)))
    sources = world.network.lanes
    lanes = TwoLanes(sources.index(("fast", "shop")), sources.index(("slow", "shop")))
    *best, cost = _best(lead_time, expedited_cost, rule)
    policy = POLICIES[rule](lanes, *(levels(level) for level in best))
    generator = runs.generator(f"two sources {lead_time} {expedited_cost}")
    scenario = counted_demand(UNIFORM, runs.paths, WARM_UP + runs.periods, generator)
    return runs.average(world, policy, scenario, cost)


def _instance(lead_time: int, expedited_cost: float) -> Instance:
    """Return the system with purchases as costs of the lanes."""
    product = Product(
        id="a", holding_cost=HOLDING_COST, shortage_cost=SHORTAGE_COST, lost_share=0.0
    )

    def lane(origin: str, periods: int, unit_cost: float) -> Lane:
        return Lane(
            product_id="a",
            origin=origin,
            destination="shop",
            lead_time_periods=periods,
            unit_cost=unit_cost,
        )

    return Instance(
        name="two sources",
        products=(product,),
        locations=(
            Location(id="fast", holds_stock=False),
            Location(id="slow", holds_stock=False),
            Location(id="shop"),
        ),
        lanes=(lane("fast", 0, expedited_cost), lane("slow", lead_time, REGULAR_COST)),
    )
