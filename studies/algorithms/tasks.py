"""What is learned in, and how good a policy is there."""

from functools import cache
from typing import Any

import torch

from restock.evaluation import Parameters, gap_percent
from restock.learning.interaction import ActingPolicy, Arena
from restock.optimality import newsvendor, poisson_pmf
from restock.optimality.lost_sales import LostSales, solve
from restock.optimality.newsvendor import Normal
from restock.policies.environment_policy import EnvironmentPolicy
from restock.seeds import Seeds
from restock.simulation import CostTally, LossTally, average_cost
from restock.simulation.environments import JointPricingConfig, LostSalesConfig, setup_for

Row = dict[str, Any]

COMMON = Seeds(2026)
"""The same for all methods and seeds: what final policies meet."""


def arena_of(task: Parameters) -> Arena:
    """Return the environment of a task."""
    return Arena(task["environment"], task["settings"].as_dict())


def judge(policy: ActingPolicy, task: Parameters, parameters: Parameters) -> Row:
    """Return the mean return of a policy, and in our worlds what it costs above the optimum."""
    arena = arena_of(task)
    figures: Row = {
        "final_return": arena.mean_return(policy, task["episodes"], COMMON.integer("episodes"))
    }
    if "LostSales" in task["environment"]:
        cost = _per_period(policy, task, parameters, "LostSales", CostTally)
        least = _least_cost(*sorted(task["settings"].as_dict().items()))
        figures |= {"average_cost": cost, "gap_percent": gap_percent(cost, least)}
    if "JointPricing" in task["environment"]:
        profit = -_per_period(policy, task, parameters, "JointPricing", LossTally)
        most = _most_profit(*sorted(task["settings"].as_dict().items()))
        figures |= {"average_profit": profit, "gap_percent": 100 * (most - profit) / most}
    return figures


def _per_period(
    policy: ActingPolicy,
    task: Parameters,
    parameters: Parameters,
    problem: str,
    tally: type[CostTally],
) -> float:
    settings = task["settings"].as_dict() | {"discrete": "Discrete" in task["environment"]}
    setup = setup_for(problem, settings)
    scenario = setup.source.sample(
        parameters["optimum_paths"], parameters["optimum_periods"], COMMON.torch("paths")
    )
    costs = average_cost(
        setup.world,
        EnvironmentPolicy(setup, policy.act),
        scenario,
        parameters["optimum_warm_up"],
        tally=tally,
    )
    return float(costs.to(torch.float64).mean())


@cache
def _least_cost(*settings: tuple[str, Any]) -> float:
    config = LostSalesConfig(**dict(settings))
    problem = LostSales(
        poisson_pmf(config.mean_demand),
        config.lead_time_periods,
        config.holding_cost,
        config.shortage_cost,
    )
    return solve(problem).cost


@cache
def _most_profit(*settings: tuple[str, Any]) -> float:
    """Return max over p of (p − c) d(p), less the newsvendor cost of the noise.

    Noise is the same at every price, and a base stock that fits the best price can be kept up from
    the first period on (Federgruen and Heching 1999, §3).
    """
    config = JointPricingConfig(**dict(settings))
    slope = config.mean_demand * config.elasticity / config.list_price
    most = config.mean_demand * (1 - config.elasticity)
    best = (config.unit_cost - most / slope) / 2
    price = min(max(best, config.lowest_price), config.highest_price)
    noise = newsvendor(
        Normal(most + slope * price, config.sd_demand),
        holding_cost=config.holding_cost,
        shortage_cost=config.shortage_cost,
        lead_time=config.lead_time_periods,
    )
    return (price - config.unit_cost) * (most + slope * price) - noise.cost
