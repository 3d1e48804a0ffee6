"""The best dual index, capped dual index and single index, by exact evaluation.

All three rules see net inventory and positions only through their distance to the levels: raise
both levels by one and every state is one unit higher, with the same orders. The gap z_r − z_e (and
the cap) therefore fixes the law of the overshoot y − z_e, y the stock that meets demand, and the
best z_e solves a newsvendor problem on it (S. Veeraraghavan & A. Scheller-Wolf 2008, see
:func:`~restock.optimality.dual_sourcing.dual_index`). The searches run over gaps and caps, and the
winner is evaluated once more with a certificate.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from restock.optimality.dual_sourcing.chain import Decide, evaluate, reachable
from restock.optimality.dual_sourcing.problem import DualSourcing
from restock.optimality.dual_sourcing.rules import capped_dual_index, dual_index, single_index

__all__ = [
    "BestCappedDualIndex",
    "BestDualIndex",
    "BestSingleIndex",
    "best_capped_dual_index",
    "best_dual_index",
    "best_single_index",
]

# Costs closer than this are a tie: the smaller cap and gap win.
TIE = 1e-9


class BestDualIndex(NamedTuple):
    """Levels z_e and z_r in units; ``cost`` in money per period."""

    expedited_level: int
    regular_level: int
    cost: float


class BestCappedDualIndex(NamedTuple):
    """Levels z_e and z_r and the cap on a regular order, in units; ``cost`` in money per period."""

    expedited_level: int
    regular_level: int
    cap: int
    cost: float


class BestSingleIndex(NamedTuple):
    """Levels z_e and z_r on the position, in units; ``cost`` in money per period."""

    expedited_level: int
    regular_level: int
    cost: float


def best_dual_index(problem: DualSourcing, tolerance: float = 1e-7) -> BestDualIndex:
    """Return the levels (z_e, z_r) of the dual index that costs least.

    Exhaustive: with a gap of 0 nothing is ever regular, and with a gap of l·D, D the largest
    demand, nothing is ever expedited, so that wider gaps change nothing.

    Raises :class:`OptimalityError` when a pair reaches too many states to enumerate.

    >>> pair = DualSourcing(np.array([0.5, 0, 0.5]), 2, 10, 12, holding_cost=1, shortage_cost=9)
    >>> best_dual_index(pair)[:2]
    (2, 4)
    """
    widest = problem.regular_lead_time * problem.largest_demand
    (gap,), level = _cheapest(problem, lambda z, gap: dual_index(z, z + gap), _gaps(widest))
    cost = evaluate(problem, dual_index(level, level + gap), tolerance).cost
    return BestDualIndex(level, level + gap, cost)


def best_capped_dual_index(
    problem: DualSourcing, tolerance: float = 1e-7, widest_gap: int | None = None
) -> BestCappedDualIndex:
    """Return (z_e, z_r, cap) of the capped dual index that costs least.

    Exhaustive over caps from 1 to the largest demand D (more never binds) and over gaps from 0 to
    ``widest_gap`` units, l·D by default: with a cap below mean demand wider gaps never stop to
    change the rule, which tends to the tailored base surge.

    Raises :class:`OptimalityError` when a triple reaches too many states to enumerate.

    >>> pair = DualSourcing(np.array([0.5, 0, 0.5]), 2, 10, 12, holding_cost=1, shortage_cost=9)
    >>> best_capped_dual_index(pair)[:3]
    (2, 4, 2)
    """
    widest = problem.regular_lead_time * problem.largest_demand
    caps = range(1, problem.largest_demand + 1)
    gaps = range((widest if widest_gap is None else widest_gap) + 1)
    (gap, cap), level = _cheapest(
        problem,
        lambda z, gap, cap: capped_dual_index(z, z + gap, cap),
        ((gap, cap) for cap in caps for gap in gaps),
    )
    cost = evaluate(problem, capped_dual_index(level, level + gap, cap), tolerance).cost
    return BestCappedDualIndex(level, level + gap, cap, cost)


def best_single_index(problem: DualSourcing, tolerance: float = 1e-7) -> BestSingleIndex:
    """Return the levels (z_e, z_r) of the single index that costs least.

    Exhaustive: the position after ordering is z_r in the long run, so that e = (d − gap)⁺ and a
    gap of the largest demand already expedites nothing.

    Raises :class:`OptimalityError` when a pair reaches too many states to enumerate.

    >>> pair = DualSourcing(np.array([0.5, 0, 0.5]), 2, 10, 12, holding_cost=1, shortage_cost=9)
    >>> round(best_single_index(pair).cost, 6)
    13.0
    """
    gaps = _gaps(problem.largest_demand)
    (gap,), level = _cheapest(problem, lambda z, gap: single_index(z, z + gap), gaps)
    cost = evaluate(problem, single_index(level, level + gap), tolerance).cost
    return BestSingleIndex(level, level + gap, cost)


def _gaps(widest: int) -> Iterable[tuple[int, ...]]:
    return ((gap,) for gap in range(widest + 1))


def _cheapest(
    problem: DualSourcing, rule: Callable[..., Decide], shapes: Iterable[tuple[int, ...]]
) -> tuple[tuple[int, ...], int]:
    """Return the shape and the expedited level of the cheapest ``rule(level, *shape)``."""
    least = np.inf
    best: tuple[tuple[int, ...], int] = ((0,), 0)
    for shape in shapes:
        level, cost = _best_level(problem, rule(0, *shape))
        if cost < least - TIE:
            least, best = cost, (shape, level)
    return best


def _best_level(problem: DualSourcing, rule: Decide) -> tuple[int, float]:
    """Return the best expedited level for a rule given at level 0, and its average cost."""
    chain = reachable(problem, rule)
    share = chain.stationary()
    lowest = int(chain.levels.min())
    overshoot = np.bincount(chain.levels - lowest, weights=share)
    # The stock that meets demand lies between 0 and D in at least one state at any sane level.
    first, last = -int(chain.levels.max()), problem.largest_demand - lowest
    met = problem.period_costs(np.arange(first + lowest, last + lowest + overshoot.size))
    costs = np.correlate(met, overshoot, mode="valid")
    best = int(np.argmin(costs.round(10)))
    bought = problem.expedited_cost * chain.expedited + problem.regular_cost * chain.regular
    return first + best, float(costs[best] + share @ bought)
