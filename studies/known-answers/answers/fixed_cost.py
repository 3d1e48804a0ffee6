"""A fixed cost per order with backorders: the best (s, S), exact and, for some, simulated."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import torch

from restock.demand.processes import Poisson
from restock.evaluation import StudySettings
from restock.optimality import Backorders, ReorderUpTo, optimal_s_s, poisson_pmf
from restock.policies import ReorderPoint
from restock.problem import Instance, Product
from restock.simulation import SteadyDemand, World

from .figure import Computed, Figure
from .simulating import Runs, levels

__all__ = ["figures"]

ZHENG = "Zheng & Federgruen, Operations Research 39:654–665, 1991 [P]"
BOOK = "Snyder & Shen, 2nd ed., Example 4.7 [P]"
# mean demand, shortage cost, cost of an order: s, S and cost
PRINTED = {
    (15, 9, 64): ("10", "49", "42.698"),
    (20, 9, 64): ("14", "62", "49.173"),
    (25, 9, 64): ("19", "56", "54.262"),
    (30, 9, 64): ("23", "66", "57.819"),
    (35, 9, 64): ("28", "77", "61.215"),
    (40, 9, 64): ("33", "87", "64.512"),
    (45, 9, 64): ("37", "97", "67.776"),
    (50, 9, 64): ("42", "108", "70.975"),
    (55, 9, 64): ("47", "118", "74.149"),
    (60, 9, 64): ("52", "129", "77.306"),
    (65, 9, 64): ("56", "75", "78.518"),
    (70, 9, 64): ("62", "81", "79.037"),
    (75, 9, 64): ("67", "86", "79.554"),
    (6, 4, 5): ("4", "10", "8.034111561"),
}
SIMULATED_MEANS = (6, 15, 40, 75)
# With mean 40 nearly every cycle lasts two periods: all paths start in step, and of 100 periods
# later enough was left of it to be 3.8 standard errors off.
WARM_UP = 600


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List s, S and the cost of each system."""
    runs = Runs.of(settings)
    for case, printed in PRINTED.items():
        source = BOOK if case == (6, 4, 5) else ZHENG
        mean, _, fixed = case
        name = f"Poisson({mean}) K={fixed}"
        for figure, value in zip(("reorder_point", "order_up_to", "cost"), printed, strict=True):
            ours = partial(_part, figure, *case)
            yield Figure("fixed-cost", source, f"{name}, {figure}", value, ours)
        if mean in SIMULATED_MEANS:
            simulated = partial(_simulated, runs, *case)
            yield Figure("fixed-cost", source, f"{name}, cost, simulated", printed[2], simulated)


@cache
def _best(mean: int, shortage_cost: int, fixed_order_cost: int) -> ReorderUpTo:
    return optimal_s_s(Backorders(poisson_pmf(mean), 0, 1, shortage_cost, fixed_order_cost))


def _part(figure: str, *case: int) -> float:
    return float(getattr(_best(*case), figure))


def _simulated(runs: Runs, mean: int, shortage_cost: int, fixed_order_cost: int) -> Computed:
    best = _best(mean, shortage_cost, fixed_order_cost)
    product = Product(id="a", holding_cost=1.0, shortage_cost=float(shortage_cost), lost_share=0.0)
    plain = Instance.single_location([product], 0)
    lanes = tuple(replace(lane, fixed_order_cost=float(fixed_order_cost)) for lane in plain.lanes)
    world = World.from_instance(replace(plain, lanes=lanes))
    source = SteadyDemand(Poisson(torch.tensor([float(mean)])))
    generator = runs.generator(f"fixed cost {mean}")
    scenario = source.sample(runs.paths, WARM_UP + runs.periods, generator)
    policy = ReorderPoint(levels(best.reorder_point), levels(best.order_up_to))
    return runs.average(world, policy, scenario, best.cost)
