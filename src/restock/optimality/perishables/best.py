"""The best level of base stock and of effective base stock, by exact evaluation."""

from collections.abc import Callable
from typing import NamedTuple

from restock.optimality.perishables.chain import Decide, DiscountedCost, evaluate
from restock.optimality.perishables.problem import Perishable
from restock.optimality.perishables.rules import base_stock, effective_base_stock
from restock.optimality.pmf import quantile, total_pmf

__all__ = ["BestLevel", "best_base_stock", "best_effective_base_stock"]


class BestLevel(NamedTuple):
    """``level`` in units and the exact cost of running it."""

    level: int
    cost: DiscountedCost


def best_base_stock(
    problem: Perishable, warm_up_periods: int = 100, periods: int = 365
) -> BestLevel:
    """Return the base-stock level that costs least in the protocol of :func:`evaluate`.

    Every level is tried up to the 0.99 quantile of the demand of L + m periods: an order, and all
    that was there before it, is sold or gone after as many.

    Raises :class:`OptimalityError` when a level reaches too many states to enumerate.

    >>> import numpy as np
    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=9, waste=7)
    >>> best_base_stock(Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=2)).level
    2
    """
    return _best_level(problem, base_stock, warm_up_periods, periods)


def best_effective_base_stock(
    problem: Perishable, warm_up_periods: int = 100, periods: int = 365
) -> BestLevel:
    """Return the best level of the effective base stock, over the same levels.

    Raises :class:`OptimalityError` when a level reaches too many states to enumerate.

    >>> import numpy as np
    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=9, waste=7)
    >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=2)
    >>> best_effective_base_stock(one).level
    2
    """
    return _best_level(problem, effective_base_stock, warm_up_periods, periods)


def _best_level(
    problem: Perishable,
    rule: Callable[[Perishable, int], Decide],
    warm_up_periods: int,
    periods: int,
) -> BestLevel:
    highest = quantile(total_pmf(problem.pmf, problem.lead_time + problem.shelf_life), 0.99)
    candidates = (
        BestLevel(level, evaluate(problem, rule(problem, level), warm_up_periods, periods))
        for level in range(highest + 1)
    )
    return min(candidates, key=lambda candidate: candidate.cost.cost)
