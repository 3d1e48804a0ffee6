"""The best (s, S), (s, nQ) and modified (s, S) rules with lost sales, by exact evaluation.

The average cost is not convex in these numbers, so each search starts from several points, goes on
from each until no neighbour is better, and is compared with never ordering. For demand of one peak
it has always found the best of all rules in our tests; that is no proof.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from restock.optimality.lost_sales.chain import Decide, evaluate
from restock.optimality.lost_sales.descent import Point, descend
from restock.optimality.lost_sales.problem import LostSales
from restock.optimality.s_s import Backorders, ReorderUpTo, optimal_s_s

__all__ = ["CappedReorder", "ReorderLots", "best_modified_s_s", "best_s_nq", "best_s_s"]

NEVER = -1


class ReorderLots(NamedTuple):
    """Order the fewest lots of ``lot`` (Q) units that lift the position above s.

    ``reorder_point`` (s) is the position at which, or below which, that is done; ``cost`` is money
    per period.
    """

    reorder_point: int
    lot: int
    cost: float


class CappedReorder(NamedTuple):
    """Order up to ``order_up_to`` (S), ``cap`` (q) units at most, at ``reorder_point`` (s) or less.

    ``cost`` is money per period.
    """

    reorder_point: int
    order_up_to: int
    cap: int
    cost: float


def best_s_s(problem: LostSales, tolerance: float = 1e-7) -> ReorderUpTo:
    """Return the (s, S) whose rule "order S − position when that is s or less" costs least.

    A reorder point of −1 means that never ordering is best. Costs are exact to ``tolerance``
    (money per period); the answer is the best of its neighbourhood (see the head of this module).

    Raises :class:`OptimalityError` when a rule reaches too many states to enumerate.

    Source: M. Bijvank, S. Bhulai & W. T. Huh (2015), Parametric replenishment policies for
    inventory systems with lost sales and fixed order cost, European Journal of Operational
    Research 241(2):381–390.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, 1.0, 9.0, fixed_order_cost=5.0)
    >>> best = best_s_s(coin)
    >>> best.reorder_point, best.order_up_to
    (0, 3)
    """
    (reorder_point, span), cost = _search(
        problem,
        lambda p: _reorder(p[0], p[0] + p[1], p[0] + p[1] + 1),
        {_with_backorders(problem)},
        tolerance,
    )
    return ReorderUpTo(reorder_point=reorder_point, order_up_to=reorder_point + span, cost=cost)


def best_s_nq(problem: LostSales, tolerance: float = 1e-7) -> ReorderLots:
    """Return the (s, Q) whose rule "order the fewest lots that lift the position above s" is best.

    Terms and errors as in :func:`best_s_s`. The search starts from that answer with Q = S − s, and
    from single units ordered up to S.

    Source: as there.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, 1.0, 9.0, fixed_order_cost=5.0)
    >>> best = best_s_nq(coin)
    >>> best.reorder_point, best.lot
    (0, 3)
    """
    plain = best_s_s(problem, tolerance)
    starts: set[Point] = {
        (plain.reorder_point, plain.order_up_to - plain.reorder_point),
        (max(plain.order_up_to - 1, 0), 1),
    }
    (reorder_point, lot), cost = _search(problem, lambda p: _lots(*p), starts, tolerance)
    return ReorderLots(reorder_point, lot, cost)


def best_modified_s_s(problem: LostSales, tolerance: float = 1e-7) -> CappedReorder:
    """Return the (s, S, q) whose rule "order min(S − position, q) at s or less" costs least.

    Terms and errors as in :func:`best_s_s`. The search starts from that answer with q = S − s and
    with q = S, which is no cap, so it is never worse; and from lots of q = Q, the best (s, nQ).

    Source: as there ("modified (s, S)").

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, 1.0, 9.0, fixed_order_cost=5.0)
    >>> best_modified_s_s(coin).cost <= best_s_s(coin).cost
    True
    """
    plain = best_s_s(problem, tolerance)
    lots = best_s_nq(problem, tolerance)
    span = plain.order_up_to - plain.reorder_point
    starts: set[Point] = {
        (plain.reorder_point, span, span),
        (plain.reorder_point, span, max(plain.order_up_to, 1)),
        (lots.reorder_point, lots.lot, lots.lot),
    }
    (reorder_point, span, cap), cost = _search(
        problem, lambda p: _reorder(p[0], p[0] + p[1], p[2]), starts, tolerance
    )
    return CappedReorder(reorder_point, reorder_point + span, cap, cost)


def _with_backorders(problem: LostSales) -> Point:
    """Return s and S − s of the best rule with backorders; never order where shortage is free."""
    if problem.shortage_cost == 0 or problem.mean == 0:
        return (NEVER, 1)
    best = optimal_s_s(
        Backorders(
            problem.pmf,
            problem.lead_time,
            problem.holding_cost,
            problem.shortage_cost,
            problem.fixed_order_cost,
        )
    )
    reorder_point = max(best.reorder_point, 0)
    return (reorder_point, max(best.order_up_to - reorder_point, 1))


def _search(
    problem: LostSales, rule: Callable[[Point], Decide], starts: set[Point], tolerance: float
) -> tuple[Point, float]:
    """Return the best point around the ``starts``, or never to order if that is better."""

    def cost(point: Point) -> float:
        return evaluate(problem, rule(point), tolerance).cost

    least = (NEVER,) + (1,) * (len(next(iter(starts))) - 1)
    found = [descend(cost, start, least) for start in sorted(starts)]
    point, lowest = min(found, key=lambda answer: answer[1])
    never = problem.shortage_cost * problem.mean
    return (point, lowest) if lowest < never - tolerance else (least, never)


def _reorder(reorder_point: int, order_up_to: int, cap: int) -> Decide:
    def decide(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        position = states.sum(axis=1)
        wish = (order_up_to - position).clip(0, cap)
        return np.where(position <= reorder_point, wish, 0)

    return decide


def _lots(reorder_point: int, lot: int) -> Decide:
    def decide(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        short = (reorder_point + 1 - states.sum(axis=1)).clip(0)
        return np.asarray(-(-short // lot) * lot)

    return decide
