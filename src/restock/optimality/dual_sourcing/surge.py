"""Tailored base surge: a constant regular order, the rest expedited, without truncation error."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve

from restock.errors import OptimalityError, require
from restock.optimality.dual_sourcing.problem import DualSourcing

__all__ = [
    "BestTailoredBaseSurge",
    "best_tailored_base_surge",
    "evaluate_tailored_base_surge",
    "overshoot",
]

# Probability of the overshoots that are cut off.
TAIL = 1e-16
MAX_OVERSHOOT = 100_000
# A mean demand of 5 may be summed as 5.0000001; an order of 5 is not below it.
NEAR_MEAN = 1e-6


class BestTailoredBaseSurge(NamedTuple):
    """Level z_e and constant regular order q in units; ``cost`` in money per period."""

    expedited_level: int
    order: int
    cost: float


def evaluate_tailored_base_surge(problem: DualSourcing, expedited_level: int, order: int) -> float:
    """Return the average cost of e = (z_e − x)⁺, r = q for ever, in money per period.

    ``order`` (q) is units per period, below mean demand. The pipeline is constant, so that only
    the overshoot O = (x − z_e)⁺ moves: stock z_e + O meets demand, and what is expedited is mean
    demand less q.

    Raises :class:`OptimalityError` for q below 0 or not below mean demand.

    >>> coin = DualSourcing(np.array([0.5, 0.5]), 2, 10, 11, holding_cost=1, shortage_cost=9)
    >>> evaluate_tailored_base_surge(coin, 1, 0)  # all expedited: 11 × 0.5 + 0.5
    6.0
    """
    law = overshoot(problem, order)
    met = problem.period_costs(expedited_level + np.arange(law.size))
    expedited = problem.expedited_cost * (problem.mean - order)
    return float(expedited + problem.regular_cost * order + law @ met)


def best_tailored_base_surge(problem: DualSourcing) -> BestTailoredBaseSurge:
    """Return the level z_e and the constant order q that cost least, for whole q.

    Exhaustive: q below mean demand, and for each the newsvendor level of demand less overshoot.

    >>> coin = DualSourcing(np.array([0.5, 0.5]), 2, 10, 11, holding_cost=1, shortage_cost=9)
    >>> best_tailored_base_surge(coin)
    BestTailoredBaseSurge(expedited_level=1, order=0, cost=6.0)
    """
    candidates = [
        BestTailoredBaseSurge(level, order, evaluate_tailored_base_surge(problem, level, order))
        for order in range(math.ceil(problem.mean - NEAR_MEAN))
        for level in [_newsvendor_less_overshoot(problem, order)]
    ]
    return min(candidates, key=lambda rule: rule.cost)


def overshoot(problem: DualSourcing, order: int) -> Float[np.ndarray, " O"]:
    """Return the long-run law of O' = (O + q − D)⁺, cut where less than 1e-16 is left.

    The cut is proven: P(O > n) ≤ exp(−θ n) with E exp(θ (q − D)) = 1.

    Raises :class:`OptimalityError` for q below 0 or not below mean demand, or so close to it
    that more than 100,000 units must be counted.

    Source: J. F. C. Kingman (1970), Inequalities in the theory of queues, Journal of the Royal
    Statistical Society B 32(1):102–110.

    >>> overshoot(DualSourcing(np.array([0.5, 0, 0.5]), 2, 1, 2, 1, 9), 0).tolist()
    [1.0]
    """
    require(
        0 <= order < problem.mean,
        OptimalityError,
        f"the constant regular order must be ≥ 0 and below mean demand {problem.mean:g}, else"
        f" stock grows without end; got {order}. Order less and expedite the rest.",
    )
    size = _largest_overshoot(problem, order) + 1
    if size == 1:
        return np.ones(1)
    steps = order - np.arange(problem.pmf.size)
    moves = np.arange(size)[:, None] + steps
    matrix = csc_array(
        (
            np.tile(problem.pmf, size),
            (moves.clip(0, size - 1).ravel(), np.repeat(np.arange(size), steps.size)),
        ),
        shape=(size, size),
    )
    # π = P π with π(0) fixed at 1: a banded system for the others.
    balance = (matrix - diags_array(np.ones(size))).tocsc()
    rest = spsolve(balance[1:, 1:], -balance[1:, [0]].toarray().ravel())
    law = np.concatenate([[1.0], rest]).clip(0)
    return np.asarray(law / law.sum())


def _largest_overshoot(problem: DualSourcing, order: int) -> int:
    steps = order - np.arange(problem.pmf.size)
    chances = problem.pmf
    if not (chances[steps > 0] > 0).any():
        return 0

    def excess(exponent: float) -> float:
        return float(np.exp(exponent * steps) @ chances) - 1

    upper = 1.0
    while excess(upper) <= 0:
        upper *= 2
    lower = upper
    while excess(lower) >= 0:
        lower /= 2
    decay = float(brentq(excess, lower, upper))
    largest = math.ceil(-math.log(TAIL) / decay)
    require(
        largest <= MAX_OVERSHOOT,
        OptimalityError,
        f"the constant regular order {order} is so close to mean demand {problem.mean:g} that"
        f" overshoots up to {largest} units matter; at most {MAX_OVERSHOOT} can be counted. Order"
        " less.",
    )
    return largest


def _newsvendor_less_overshoot(problem: DualSourcing, order: int) -> int:
    """Return the b / (b + h) quantile of D − O, in units."""
    law = overshoot(problem, order)
    needed = np.cumsum(np.convolve(problem.pmf, law[::-1]))
    ratio = problem.shortage_cost / (problem.shortage_cost + problem.holding_cost)
    # The margin is for sums that end at 1 − 1e-16.
    steps = np.arange(1 - law.size, problem.pmf.size)
    return int(steps[np.searchsorted(needed, ratio - 1e-12)])
