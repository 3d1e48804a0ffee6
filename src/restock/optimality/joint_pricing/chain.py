"""The Markov chain of a rule for price and order, and the profit that it earns."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from restock.optimality.joint_pricing.problem import JointPricing

__all__ = ["profit_of_chain", "rule_chain"]


def rule_chain(
    problem: JointPricing, level: Int[np.ndarray, " X"], price_index: Int[np.ndarray, " X"]
) -> tuple[Float[np.ndarray, " X"], Float[np.ndarray, "X X"]]:
    """Return expected profit per period and transition chances of every stock under a rule."""
    rows = np.arange(problem.states.size)
    order = level - problem.states
    selling = level - problem.lowest if problem.lead_time == 0 else rows
    profits = problem.sales_profit[price_index, selling] - problem.unit_cost * order
    if problem.lead_time == 1 and problem.loses_unmet:
        chain = problem.left_over[price_index, rows]
        # what is left after sales, and the order on top of it; chances of what cannot be are 0
        source = rows - order[:, None]
        shifted = np.take_along_axis(chain, np.maximum(source, 0), axis=1)
        return profits, np.where(source >= 0, shifted, 0.0)
    return profits, problem.left_over[price_index, level - problem.lowest]


def profit_of_chain(
    problem: JointPricing,
    level: Int[np.ndarray, "*T X"],
    price_index: Int[np.ndarray, "*T X"],
    start: int,
) -> float:
    """Return what a rule earns from state number ``start``, by the problem's yardstick."""
    if problem.periods is not None:
        shape = (problem.periods, problem.states.size)
        value = problem.end_values
        tables = zip(
            np.broadcast_to(level, shape)[::-1],
            np.broadcast_to(price_index, shape)[::-1],
            strict=True,
        )
        for levels, indices in tables:
            profits, chain = rule_chain(problem, levels, indices)
            value = profits + problem.discount * chain @ value
        return float(value[start])
    profits, chain = rule_chain(problem, level, price_index)
    if problem.discount < 1:
        transient = np.eye(profits.size) - problem.discount * chain
        return float(np.linalg.solve(transient, profits)[start])
    return _average(profits, chain, start)


def _average(
    profits: Float[np.ndarray, " X"], chain: Float[np.ndarray, "X X"], start: int
) -> float:
    """Return the long-run average: each closed class's own, times the chance of ending there."""
    n_classes, member = connected_components(csr_array(chain > 0), connection="strong")
    leaves = (chain > 0) & (member[:, None] != member)
    closed = np.setdiff1d(np.arange(n_classes), member[leaves.any(axis=1)])
    gains = np.zeros(profits.size)
    for each in closed:
        states = np.flatnonzero(member == each)
        within = chain[np.ix_(states, states)]
        # stationary chances: (I − P)ᵀ π = 0 with one equation replaced by Σ π = 1
        system = np.eye(states.size) - within.T
        system[-1] = 1.0
        right = np.zeros(states.size)
        right[-1] = 1.0
        gains[states] = np.linalg.solve(system, right) @ profits[states]
    passing = np.flatnonzero(~np.isin(member, closed))
    if passing.size:
        settled = np.flatnonzero(np.isin(member, closed))
        away = np.eye(passing.size) - chain[np.ix_(passing, passing)]
        gains[passing] = np.linalg.solve(away, chain[np.ix_(passing, settled)] @ gains[settled])
    return float(gains[start])
