"""The long-run average cost of a Markov chain, with a certificate."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array

from restock.errors import OptimalityError

__all__ = ["ExactCost", "average_cost"]

MAX_ITERATIONS = 20_000
STEP = 0.95
"""A step short of one keeps the average cost and lets periodic chains converge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactCost:
    """The long-run average cost of a rule, in money per period.

    ``cost`` is certain to lie in [``lower``, ``upper``]. ``states`` counts what the rule can
    reach from the empty state, ``iterations`` the sweeps that closed the bracket.
    """

    cost: float
    lower: float
    upper: float
    states: int
    iterations: int


def average_cost(
    transitions: csr_array, costs: Float[np.ndarray, " S"], tolerance: float
) -> ExactCost:
    """Return the average cost of the chain with these ``transitions`` [S, S] and ``costs`` [S].

    ``costs`` are money per period that begins in a state. The value differences bracket the cost
    at any time; iteration ends when they are closer than ``tolerance``.

    Raises :class:`OptimalityError` when the bracket does not close (a rule whose cost depends on
    the luck of the first periods).

    Source: M. L. Puterman (1994), Markov Decision Processes, sections 8.2 and 8.5.

    >>> coin = csr_array(np.array([[0.5, 0.5], [0.5, 0.5]]))
    >>> round(average_cost(coin, np.array([0.0, 3.0]), 1e-9).cost, 6)
    1.5
    """
    values = costs.copy()
    lower, upper = -np.inf, np.inf
    for iteration in range(1, MAX_ITERATIONS + 1):
        change = costs + transitions @ values - values
        lower, upper = max(lower, float(change.min())), min(upper, float(change.max()))
        if upper - lower <= tolerance:
            return ExactCost(
                cost=(lower + upper) / 2,
                lower=lower,
                upper=upper,
                states=costs.size,
                iterations=iteration,
            )
        values += STEP * change
        values -= values[0]
    raise OptimalityError(
        f"the rule's average cost is bracketed in [{lower}, {upper}] after {MAX_ITERATIONS}"
        f" sweeps, wider than `tolerance` {tolerance}. Raise `tolerance`, or check that the rule"
        " comes back to the same states whatever the first demands are."
    )
