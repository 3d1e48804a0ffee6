"""The rules of Zipkin's tables that are nobody's best, as tables of orders for exact evaluation.

All but the base stocks look L periods ahead: the order z of a state meets demand from the period
on in which it arrives, and the stock X that it then joins is what is left of everything else.
Zipkin, Operations Research 56:1256–1263, 2008; dual balancing after Levi, Janakiraman and
Nagarajan, Mathematics of Operations Research 33:351–374, 2008.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from restock.optimality.lost_sales import LostSales, evaluate
from restock.optimality.pmf import total_pmf

__all__ = [
    "better_vector_base_stock",
    "dual_balancing",
    "myopic",
    "myopic_2",
    "standard_levels",
    "vector_base_stock",
]

Rule: TypeAlias = Callable[[Int[np.ndarray, "S L"]], Int[np.ndarray, " S"]]
# Holding money below this is not counted.
NEGLIGIBLE = 1e-10
# Added to chances that are sums with rounding errors.
HAIR = 1e-12
# Money per period; steps that save less save nothing.
HALTING = 1e-6


def standard_levels(problem: LostSales) -> list[int]:
    """Return the newsvendor levels of the demand of L + 1, L, …, 1 periods, in units."""
    return [problem.newsvendor_level(n) for n in range(problem.lead_time + 1, 0, -1)]


def vector_base_stock(levels: Sequence[int]) -> Rule:
    """Return the rule: as many units as keep every tail of the pipeline within its level.

    The order and what is due in l periods or later together are at most ``levels[l]``, l = 0…L.

    >>> vector_base_stock([9, 6, 4])(np.array([[5, 1], [0, 0]])).tolist()
    [3, 4]
    """

    def decide(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        tails = np.cumsum(states[:, ::-1], axis=1)[:, ::-1]
        rooms = np.array(levels) - np.column_stack([tails, np.zeros_like(tails[:, 0])])
        return np.asarray(rooms.min(axis=1).clip(0))

    return decide


def better_vector_base_stock(problem: LostSales) -> float:
    """Return the cost of a vector base stock that runs short more often, in money per period.

    The standard levels are fractiles of demand that its L + 1 down to 1 periods exceed with chance
    h / (p + h) at most, one chance for all; that is too careful for lost sales. The chance is
    raised, level by level, until a step saves nothing.
    """
    periods = range(problem.lead_time + 1, 0, -1)
    exceeded = [1 - np.cumsum(total_pmf(problem.pmf, n)) for n in periods]
    chance = problem.holding_cost / (problem.shortage_cost + problem.holding_cost)
    # where some level drops by a unit
    steps = np.unique(np.concatenate(exceeded))

    def cost(step: float) -> float:
        levels = [int((tail > step + HAIR).sum()) for tail in exceeded]
        return evaluate(problem, vector_base_stock(levels), tolerance=HALTING).cost

    best = cost(chance)
    for step in steps[steps > chance]:
        raised = cost(step)
        if raised > best - 2 * HALTING:
            break
        best = raised
    return best


def myopic(problem: LostSales) -> Rule:
    """Return the rule: the least expected cost of the period in which the order arrives."""
    return _look_up(_myopic_costs(problem).argmin(axis=-1))


def myopic_2(problem: LostSales) -> Rule:
    """Return the rule: the least cost of that period and of the next, which orders myopically."""
    costs = _myopic_costs(problem)
    return _look_up((costs + _after(problem, costs.min(axis=-1))).argmin(axis=-1))


def dual_balancing(problem: LostSales) -> Rule:
    """Return the rule: the least maximum of holding and shortage cost that an order causes.

    Holding is that of all units in stock once the order is there, until they are sold; shortage
    that of the period in which it arrives.
    """
    met = sum(_shape(problem))
    demand = np.arange(problem.pmf.size)
    short = problem.shortage_cost * ((demand - np.arange(met)[:, None]).clip(0) @ problem.pmf)
    held = _until_sold(problem, met)
    balanced = np.maximum(_ahead(problem, held), _ahead(problem, short))
    return _look_up(balanced.argmin(axis=-1))


def _shape(problem: LostSales) -> tuple[int, int]:
    """Return how many stocks and how many orders the tables hold."""
    most_ordered = problem.order_bound + 2
    return problem.position_bound + most_ordered + 2, most_ordered


def _until_sold(problem: LostSales, n_levels: int) -> Float[np.ndarray, " X"]:
    """Return h Σ E(x − D₍k₎)⁺ over k ≥ 1 periods of demand, for each stock x, in money."""
    stock = np.arange(n_levels)[:, None]
    held, total = np.zeros(n_levels), np.ones(1)
    while True:
        total = np.convolve(total, problem.pmf)[:n_levels]
        left = problem.holding_cost * ((stock - np.arange(total.size)).clip(0) @ total)
        held += left
        if left.max() <= NEGLIGIBLE:
            return held


def _myopic_costs(problem: LostSales) -> Float[np.ndarray, "*state Z"]:
    return _ahead(problem, problem.period_costs(sum(_shape(problem))))


def _ahead(problem: LostSales, costs: Float[np.ndarray, " Y"]) -> Float[np.ndarray, "*state Z"]:
    """Return E ``costs[X + z]`` for each state (x₀, …, x₍L−1₎) and order z, X as at the head."""
    n_stocks, n_orders = _shape(problem)
    kernel = problem.left_over(n_stocks)
    table = costs[np.add.outer(np.arange(n_stocks), np.arange(n_orders))]
    for _ in range(problem.lead_time - 1):
        table = np.tensordot(kernel, table, axes=1)[_joined(problem)]
    return np.asarray(np.tensordot(kernel, table, axes=1))


def _after(
    problem: LostSales, values: Float[np.ndarray, "*state"]
) -> Float[np.ndarray, "*state Z"]:
    """Return the expected value of the next state, for each state and order."""
    kernel = problem.left_over(_shape(problem)[0])
    return np.asarray(np.tensordot(kernel, values[_joined(problem)], axes=1))


def _joined(problem: LostSales) -> Int[np.ndarray, "X Z"]:
    """Return the stock that an order joins, at most the last of the table."""
    n_stocks, n_orders = _shape(problem)
    return np.minimum(np.add.outer(np.arange(n_stocks), np.arange(n_orders)), n_stocks - 1)


def _look_up(table: Int[np.ndarray, "*state"]) -> Rule:
    def decide(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        # an index outside would be an error, not another state's order
        return np.asarray(table[tuple(states.T)])

    return decide
