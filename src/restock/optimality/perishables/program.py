"""The least discounted cost of a perishable product, by value iteration with bounds."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import OptimalityError, require
from restock.optimality.perishables.problem import Perishable

__all__ = ["PerishableOptimum", "solve"]

MAX_STATES_AND_ORDERS = 50_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class PerishableOptimum:
    """The least discounted cost of running for ever, started empty, and the optimal orders.

    ``cost`` is money, certain to lie in [``lower``, ``upper``]. ``table[state]`` is the optimal
    order in units (the smallest, where several are) for each state of :class:`Perishable`, each
    component 0..largest order: nothing is cut off. ``iterations`` counts sweeps.
    """

    cost: float
    lower: float
    upper: float
    table: Int[np.ndarray, "*state"]
    iterations: int

    def orders(self, states: Int[np.ndarray, "S n"]) -> Int[np.ndarray, " S"]:
        """Return the table's order for each state, in units."""
        return np.asarray(self.table[tuple(states.T)])


def solve(
    problem: Perishable, tolerance: float = 1e-6, max_iterations: int = 20_000
) -> PerishableOptimum:
    """Return the least discounted cost of ``problem`` and the optimal orders.

    Value iteration on all states with at most ``largest_order`` units in a class, a set that no
    policy leaves. It ends when the bounds on the cost from the empty state, which hold at any
    time, are closer than ``tolerance`` (money). ``cost`` is the middle.

    Raises :class:`OptimalityError` when the bounds do not meet within ``max_iterations`` sweeps,
    or when there are more than 50 million pairs of state and order (long lead times or shelf
    lives, large orders; count in cases then).

    Source: bounds J. MacQueen (1966), A modified dynamic programming method for Markovian
    decision problems, Journal of Mathematical Analysis and Applications 14:38–43; M. L. Puterman
    (1994), Markov Decision Processes, section 6.6.

    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=9, waste=7)
    >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=2, discount=0.5)
    >>> optimum = solve(one)  # 9 for the sale lost at once, and 3 a period: 9 + 3 × 2
    >>> round(optimum.cost, 4), optimum.table.tolist()[0]
    (15.0, [1, 1, 0])
    """
    transitions, paid = _transitions(problem)
    after_issue = transitions.shape[1]
    bought = problem.costs.unit * np.arange(problem.largest_order + 1)
    weight = problem.discount / (1 - problem.discount)
    values = np.zeros(paid.size * (problem.largest_order + 1) ** (problem.lead_time - 1))
    lower, upper = -math.inf, math.inf
    for iteration in range(1, max_iterations + 1):
        following = transitions @ values.reshape(after_issue, -1)
        choices = bought + problem.discount * following.reshape(values.size, -1)
        swept = choices.min(axis=1).reshape(paid.size, -1) + paid[:, None]
        change = swept.ravel() - values
        values = swept.ravel()
        lower = max(lower, float(values[0] + weight * change.min()))
        upper = min(upper, float(values[0] + weight * change.max()))
        if upper - lower <= tolerance:
            shape = (problem.largest_order + 1,) * problem.n_components
            return PerishableOptimum(
                cost=(lower + upper) / 2,
                lower=lower,
                upper=upper,
                table=choices.argmin(axis=1).reshape(shape),
                iterations=iteration,
            )
    raise OptimalityError(
        f"value iteration brackets the least cost in [{lower}, {upper}] after {max_iterations}"
        f" sweeps, wider than `tolerance` {tolerance}. Raise `max_iterations` or `tolerance`."
    )


def _transitions(
    problem: Perishable,
) -> tuple[Float[np.ndarray, "X Y"], Float[np.ndarray, " X"]]:
    """Return, for each stock by age, the law of what is carried over and the expected cost.

    Stocks are numbered with their first class slowest; so are the classes that are carried over.
    """
    n_levels, shelf_life = problem.largest_order + 1, problem.shelf_life
    size = n_levels ** (problem.n_components + 1)
    require(
        size <= MAX_STATES_AND_ORDERS,
        OptimalityError,
        f"the exact table would need {size} pairs of state and order; at most"
        f" {MAX_STATES_AND_ORDERS} are allowed. Count in cases, or lower `largest_order`.",
    )
    shape = (n_levels,) * shelf_life
    stock = np.indices(shape).reshape(shelf_life, -1).T
    issued, costs = problem.served(stock)
    carried = n_levels ** np.arange(shelf_life - 2, -1, -1)
    targets = issued.left[..., 1:] @ carried
    law = np.zeros((len(stock), n_levels ** (shelf_life - 1)))
    np.add.at(law, (np.arange(len(stock))[:, None], targets), problem.pmf)
    return law, costs @ problem.pmf
