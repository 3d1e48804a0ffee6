"""Backorders, one product: the best base stock under clipped normal demand, 24 systems."""

from collections.abc import Iterator
from functools import cache

import torch

from restock.demand.processes import Normal as NormalDemand
from restock.evaluation import StudySettings
from restock.optimality import EchelonBaseStock, Normal, SerialSystem, clark_scarf, normal_on_grid
from restock.policies import BaseStock
from restock.problem import Instance, Product
from restock.simulation import SteadyDemand, World

from .figure import Computed, Figure
from .simulating import Runs, levels

__all__ = ["SIMULATED_BY_THE_SOURCE", "figures"]

SOURCE = "Alvo et al., arXiv 2306.11246v3 [P]"
# of the cost: the source simulated its figures
SIMULATED_BY_THE_SOURCE = 0.002
SHORTAGE_COSTS = (4.0, 9.0, 19.0, 39.0)
# lead time: cost for each shortage cost
PRINTED = {
    1: ("3.17", "3.97", "4.67", "5.29"),
    4: ("5.01", "6.28", "7.38", "8.37"),
    7: ("6.33", "7.94", "9.33", "10.58"),
    10: ("7.43", "9.31", "10.96", "12.42"),
    15: ("8.95", "11.23", "13.21", "14.97"),
    20: ("10.26", "12.88", "15.13", "17.14"),
}


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List the 24 costs, each computed exactly and simulated."""
    runs = Runs.of(settings)
    for lead_time, costs in PRINTED.items():
        for shortage_cost, printed in zip(SHORTAGE_COSTS, costs, strict=True):
            case = (lead_time, shortage_cost)
            name = f"Normal(5, 1.6) L={lead_time} p={shortage_cost:g}, best base stock"
            allowance = SIMULATED_BY_THE_SOURCE * float(printed)
            yield Figure(
                "backorders",
                SOURCE,
                name,
                printed,
                lambda case=case: _best(*case).cost_on_hand,  # type: ignore[misc]
                allowance,
            )
            yield Figure(
                "backorders",
                SOURCE,
                f"{name}, simulated",
                printed,
                lambda case=case: _simulated(runs, *case),  # type: ignore[misc]
                allowance,
            )


@cache
def _best(lead_time: int, shortage_cost: float) -> EchelonBaseStock:
    """Return the best level: a serial system of one stage."""
    return clark_scarf(
        SerialSystem.periodic(
            normal_on_grid(Normal(5, 1.6), clipped=True),
            lead_times=(lead_time,),
            holding_costs=(1.0,),
            shortage_cost=shortage_cost,
        )
    )


def _simulated(runs: Runs, lead_time: int, shortage_cost: float) -> Computed:
    best = _best(lead_time, shortage_cost)
    product = Product(id="a", holding_cost=1.0, shortage_cost=shortage_cost, lost_share=0.0)
    world = World.from_instance(Instance.single_location([product], lead_time))
    source = SteadyDemand(NormalDemand(torch.tensor([5.0]), torch.tensor([1.6])))
    generator = runs.generator(f"backorders {lead_time} {shortage_cost}")
    # after L + 1 periods the start is forgotten
    scenario = source.sample(runs.paths, lead_time + 1 + runs.periods, generator)
    return runs.average(world, BaseStock(levels(*best.levels)), scenario, best.cost_on_hand)
