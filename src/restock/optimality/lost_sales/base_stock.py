"""The best base-stock and capped base-stock levels, by exact evaluation."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from restock.optimality.lost_sales.chain import Decide, evaluate
from restock.optimality.lost_sales.descent import Point, descend
from restock.optimality.lost_sales.problem import LostSales

__all__ = ["BestBaseStock", "BestCappedBaseStock", "best_base_stock", "best_capped_base_stock"]


class BestBaseStock(NamedTuple):
    """``level`` S in units on hand and on order, ``cost`` in money per period."""

    level: int
    cost: float


class BestCappedBaseStock(NamedTuple):
    """``level`` S and ``cap`` on one order, in units; ``cost`` in money per period."""

    level: int
    cap: int
    cost: float


def best_base_stock(problem: LostSales, tolerance: float = 1e-7) -> BestBaseStock:
    """Return the level S whose rule "order (S − inventory position)⁺" costs least.

    The average cost is convex in S, so a descent finds the best. Each cost is exact to
    ``tolerance`` (money per period).

    Raises :class:`OptimalityError` when a level reaches too many states to enumerate.

    Source: G. Janakiraman & R. Roundy (2004), Lost-sales problems with stochastic lead times:
    convexity results for base-stock policies, Operations Research 52(5):795–803.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, holding_cost=1, shortage_cost=9)
    >>> best_base_stock(coin).level
    2
    """

    def cost(point: Point) -> float:
        return evaluate(problem, _capped_base_stock(point[0], point[0]), tolerance).cost

    (level,), least = descend(cost, (round(problem.mean * (problem.lead_time + 1)),), (0,))
    return BestBaseStock(level, least)


def best_capped_base_stock(problem: LostSales, tolerance: float = 1e-7) -> BestCappedBaseStock:
    """Return S and cap whose rule "order min(cap, (S − inventory position)⁺)" costs least.

    A descent over both numbers at once, along rows, columns and diagonals, from the best base
    stock and a cap just above mean demand. The cost is not known to be convex in both, so the
    answer is the best of a neighbourhood, never worse than the best base stock.

    Raises :class:`OptimalityError` when a pair reaches too many states to enumerate.

    Source: L. Xin (2021), Understanding the performance of capped base-stock policies in
    lost-sales inventory models, Operations Research 69(1):61–70.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, holding_cost=1, shortage_cost=9)
    >>> round(best_capped_base_stock(coin).cost, 6)
    1.0
    """

    def cost(point: Point) -> float:
        return evaluate(problem, _capped_base_stock(*point), tolerance).cost

    plain = best_base_stock(problem, tolerance)
    (level, cap), least = descend(cost, (plain.level, math.floor(problem.mean) + 1), (0, 0))
    if plain.cost < least - tolerance:
        return BestCappedBaseStock(plain.level, plain.level, plain.cost)
    return BestCappedBaseStock(level, cap, least)


def _capped_base_stock(level: int, cap: int) -> Decide:
    def decide(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        return np.asarray((level - states.sum(axis=1)).clip(0, cap))

    return decide
