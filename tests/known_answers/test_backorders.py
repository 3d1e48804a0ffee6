"""Backorders under normal demand: the best base stock costs what is published.

Alvo, Russo, Kanoria and Lee, Deep reinforcement learning for inventory networks (arXiv
2306.11246), one store with backorders: demand Normal(5, 1.6) clipped at 0, h = 1. The source
simulated its figures and prints three digits.
"""

import math

import pytest
import torch
from scipy.stats import norm

from restock.demand.processes import Normal
from restock.policies import BaseStock
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import SteadyDemand, World, average_cost

PATHS, PERIODS = 30_000, 200
PUBLISHED = [
    pytest.param(lead, p, cost, id=f"L={lead} p={p:g}")
    for lead, p, cost in [
        (1, 4.0, 3.17),
        (1, 39.0, 5.29),
        (4, 9.0, 6.28),
        (7, 19.0, 9.33),
        (10, 4.0, 7.43),
    ]
]


def simulated(lead: int, shortage_cost: float, level: float) -> tuple[float, float]:
    """Return the average cost per period under base stock, and its standard error."""
    product = Product(id="a", holding_cost=1.0, shortage_cost=shortage_cost, lost_share=0.0)
    world = World.from_instance(Instance.single_location([product], lead))
    source = SteadyDemand(Normal(torch.tensor([5.0]), torch.tensor([1.6])))
    warm_up = lead + 1
    scenario = source.sample(PATHS, warm_up + PERIODS, Seeds(1).torch("demand"))
    policy = BaseStock(torch.tensor([[[level]]], dtype=torch.float32))
    costs = average_cost(world, policy, scenario, warm_up).double()
    return costs.mean().item(), costs.std().item() / math.sqrt(PATHS)


def best_level(lead: int, shortage_cost: float) -> float:
    """Return the critical quantile of demand over L + 1 periods."""
    periods = lead + 1
    spread = 1.6 * math.sqrt(periods)
    return 5.0 * periods + spread * float(norm.ppf(shortage_cost / (shortage_cost + 1)))


@pytest.mark.parametrize(("lead", "shortage_cost", "published"), PUBLISHED)
def test_the_best_base_stock_costs_what_is_published(
    lead: int, shortage_cost: float, published: float
) -> None:
    cost, error = simulated(lead, shortage_cost, best_level(lead, shortage_cost))
    assert error <= 0.001 * published
    assert abs(cost / published - 1) <= 0.003


def test_a_level_one_deviation_too_high_costs_visibly_more() -> None:
    cost, _ = simulated(1, 4.0, best_level(1, 4.0) + 1.6)
    assert cost > 3.17 * 1.1
