"""Serial systems with backorders: sixteen of four stages, and Example 6.1 of Snyder & Shen."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import torch
from scipy.stats import norm

from restock.demand.processes import Normal as NormalDemand
from restock.demand.processes import Poisson
from restock.evaluation import StudySettings
from restock.optimality import (
    EchelonBaseStock,
    GridDemand,
    Normal,
    SerialSystem,
    clark_scarf,
    counted,
    normal_on_grid,
    poisson_pmf,
)
from restock.policies import EchelonBaseStock as EchelonPolicy
from restock.problem import Instance, Product
from restock.simulation import ScenarioSource, SteadyDemand, World

from .backorders import SIMULATED_BY_THE_SOURCE
from .figure import Computed, Figure
from .simulating import Runs, levels

__all__ = ["figures"]

ALVO = "Alvo et al., arXiv 2306.11246v3 [P]"
BOOK = "Snyder & Shen, 2nd ed., Example 6.1 [P]"
STOCKPYL = "stockpyl, Example 6.1 with Poisson demand"
SHORTAGE_COSTS = (4.0, 9.0, 19.0, 39.0)
# lead time of the store: cost for each shortage cost
PRINTED = {
    1: ("6.89", "8.36", "9.59", "10.68"),
    2: ("7.59", "9.25", "10.65", "11.89"),
    3: ("8.20", "10.02", "11.57", "12.94"),
    4: ("8.75", "10.72", "12.40", "13.88"),
}
FOUR_STAGES = (0.1, 0.2, 0.5, 1.0)
# Example 6.1: stages from the outside supplier down
LEAD_TIMES, HOLDING_COSTS, SHORTAGE_COST = (2, 1, 1), (2.0, 4.0, 7.0), 37.12
COARSER = (
    "The book rounds demand and stock to a coarser grid: ours gives 47.621, 47.654 and 47.659 with"
    " 4, 10 and 20 points a standard deviation, and 47.6601 with 100 or more."
)
CUT = (
    "stockpyl puts each lead time's demand above its Φ(4) quantile on that quantile, which"
    " understates rare shortages. With that cut we get its cost to every digit (the row above)."
)


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List the figures of the section "Serial system, four stages"."""
    runs = Runs.of(settings)
    for lead_time, costs in PRINTED.items():
        for shortage_cost, printed in zip(SHORTAGE_COSTS, costs, strict=True):
            case = (lead_time, shortage_cost)
            name = f"four stages L={lead_time} p={shortage_cost:g}, echelon base stock"
            allowance = SIMULATED_BY_THE_SOURCE * float(printed)
            exact = partial(_four_stages_cost, *case)
            simulated = partial(_four_stages_simulated, runs, *case)
            yield Figure("serial", ALVO, name, printed, exact, allowance)
            yield Figure("serial", ALVO, f"{name}, simulated", printed, simulated, allowance)
    yield from _example(runs)


def _example(runs: Runs) -> Iterator[Figure]:
    for stage, (book, whole) in enumerate(
        zip(("22.71", "12.02", "6.49"), ("26", "15", "9"), strict=True)
    ):
        name = f"echelon level of stage {3 - stage}"
        yield Figure("serial", BOOK, f"Normal(5, 1), {name}", book, partial(_level, "n", stage))
        yield Figure("serial", STOCKPYL, f"Poisson(5), {name}", whole, partial(_level, "p", stage))
    name = "Normal(5, 1), cost"
    yield Figure("serial", BOOK, name, "47.65", partial(_cost, "n"), reason=COARSER)
    simulated = partial(_example_simulated, runs, "n")
    yield Figure("serial", BOOK, f"{name}, simulated", "47.65", simulated, reason=COARSER)
    yield Figure("serial", STOCKPYL, "Poisson(5), cost with its cut", "72.0435433", _cut_cost)
    name, printed = "Poisson(5), cost", "72.0435433"
    yield Figure("serial", STOCKPYL, name, printed, partial(_cost, "p"), reason=CUT)
    simulated = partial(_example_simulated, runs, "p")
    yield Figure("serial", STOCKPYL, f"{name}, simulated", printed, simulated, reason=CUT)


@cache
def _four_stages(lead_time: int, shortage_cost: float) -> EchelonBaseStock:
    return clark_scarf(
        SerialSystem.periodic(
            normal_on_grid(Normal(5, 2), clipped=True),
            lead_times=(2, 4, 3, lead_time),
            holding_costs=FOUR_STAGES,
            shortage_cost=shortage_cost,
        )
    )


def _four_stages_cost(lead_time: int, shortage_cost: float) -> float:
    return _four_stages(lead_time, shortage_cost).cost_on_hand


def _four_stages_simulated(runs: Runs, lead_time: int, shortage_cost: float) -> Computed:
    sold = torch.tensor([0.0, 0.0, 0.0, 1.0])
    return _simulated(
        runs,
        _four_stages(lead_time, shortage_cost),
        Instance.serial(_product(shortage_cost), (2, 4, 3, lead_time), FOUR_STAGES),
        SteadyDemand(NormalDemand(5 * sold, 2 * sold), _stages(4)),
        f"four stages {lead_time} {shortage_cost}",
    )


def _system(demand: str) -> SerialSystem:
    grid = normal_on_grid(Normal(5, 1)) if demand == "n" else counted(poisson_pmf(5))
    return SerialSystem.continuous(
        grid, lead_times=LEAD_TIMES, holding_costs=HOLDING_COSTS, shortage_cost=SHORTAGE_COST
    )


@cache
def _best(demand: str) -> EchelonBaseStock:
    return clark_scarf(_system(demand))


def _level(demand: str, stage: int) -> float:
    return _best(demand).levels[stage]


def _cost(demand: str) -> float:
    return _best(demand).cost


def _cut_cost() -> float:
    stages = []
    for stage in _system("p").stages:
        cut: GridDemand = stage.lead_time_demand.lumped(float(norm.cdf(4)))
        stages.append(replace(stage, lead_time_demand=cut, units_in_transit=cut.mean))
    return clark_scarf(SerialSystem(tuple(stages), SHORTAGE_COST)).cost


def _example_simulated(runs: Runs, demand: str) -> Computed:
    """Simulate the continuous system: the store faces the demand of one period, lead time 0.

    The book charges units in transit, which average the same whatever the levels; they are added.
    """
    best = _best(demand)
    sold = torch.tensor([0.0, 0.0, 1.0])
    process = NormalDemand(5 * sold, sold) if demand == "n" else Poisson(5 * sold)
    lead_times = (*LEAD_TIMES[:-1], LEAD_TIMES[-1] - 1)
    on_hand = _simulated(
        runs,
        best,
        Instance.serial(_product(SHORTAGE_COST), lead_times, HOLDING_COSTS),
        SteadyDemand(process, _stages(3)),
        f"example 6.1 {demand}",
    )
    in_transit = best.cost - best.cost_on_hand
    return on_hand._replace(value=on_hand.value + in_transit, exact=best.cost)


def _simulated(
    runs: Runs, best: EchelonBaseStock, instance: Instance, source: ScenarioSource, name: str
) -> Computed:
    # after all lead times and one more period the start is forgotten
    warm_up = sum(lane.lead_time_periods for lane in instance.lanes) + 2
    scenario = source.sample(runs.paths, warm_up + runs.periods, runs.generator(name))
    policy = EchelonPolicy(levels(*best.levels))
    return runs.average(World.from_instance(instance), policy, scenario, best.cost_on_hand)


def _product(shortage_cost: float) -> Product:
    return Product(id="a", shortage_cost=shortage_cost, lost_share=0.0)


def _stages(number: int) -> tuple[str, ...]:
    return tuple(f"stage {n + 1}" for n in range(number))
