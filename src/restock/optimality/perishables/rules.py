"""Base stock for perishables, plain and on the stock that is expected to survive."""

import numpy as np
from jaxtyping import Float, Int

from restock.optimality.perishables.chain import Decide
from restock.optimality.perishables.issuing import take
from restock.optimality.perishables.problem import Perishable

__all__ = ["base_stock", "effective_base_stock", "estimated_expiry"]


def base_stock(problem: Perishable, level: int) -> Decide:
    """Return the rule: order what lifts stock and orders to ``level`` units, up to the largest.

    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)
    >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=2)
    >>> base_stock(one, 4)(np.array([[1, 2], [0, 0]])).tolist()
    [1, 2]
    """

    def decide(states: Int[np.ndarray, "S n"]) -> Int[np.ndarray, " S"]:
        return np.asarray((level - states.sum(axis=1)).clip(0, problem.largest_order))

    return decide


def effective_base_stock(problem: Perishable, level: int) -> Decide:
    """Return the rule: base stock on stock and orders less :func:`estimated_expiry`.

    What is estimated to expire before the order can be sold counts as gone, and the wish is
    rounded to the nearest unit. Rule EWA of R. A. C. M. Broekmeulen & K. H. van Donselaar (2009),
    A heuristic to manage perishable inventory with batch ordering, positive lead-times, and
    time-varying demand, Computers & Operations Research 36(11):3013–3018, for daily review and
    cases of one.

    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)
    >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=4)
    >>> effective_base_stock(one, 4)(np.array([[3, 0]])).tolist()  # 2 of 3 expire
    [3]
    """

    def decide(states: Int[np.ndarray, "S n"]) -> Int[np.ndarray, " S"]:
        surviving = states.sum(axis=1) - estimated_expiry(problem, states)
        wish = np.floor(level - surviving + 0.5).astype(np.int64)
        return np.asarray(wish.clip(0, problem.largest_order))

    return decide


def estimated_expiry(
    problem: Perishable, states: Int[np.ndarray, "S n"]
) -> Float[np.ndarray, " S"]:
    """Return the units that expire in this and the next L − 1 periods if demand is its mean.

    These are the units of ``states`` [S, n] that are gone when an order placed now arrives.

    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)
    >>> lifo = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=4, fifo_share=0.0)
    >>> estimated_expiry(lifo, np.array([[3, 0], [3, 2]])).tolist()
    [2.0, 3.0]
    """
    shelf_life = problem.shelf_life
    conveyor = np.column_stack([states, np.zeros(len(states))])
    expired = np.zeros(len(states))
    for _ in range(problem.lead_time):
        stock = conveyor[:, :shelf_life]
        served = stock.sum(axis=1, keepdims=True).clip(max=problem.mean)
        oldest = problem.fifo_share * served
        left = take(stock[:, None, :], oldest, served - oldest)[:, 0]
        expired += left[:, 0]
        shifted = np.column_stack([left[:, 1:], conveyor[:, shelf_life:]])
        conveyor = np.column_stack([shifted, np.zeros(len(states))])
    return expired
