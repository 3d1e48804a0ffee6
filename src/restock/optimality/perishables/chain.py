"""The exact discounted cost of any stationary rule, mean and spread, over finitely many periods."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from restock.errors import OptimalityError, require
from restock.optimality.perishables.problem import Perishable

__all__ = ["Decide", "DiscountedCost", "evaluate"]

Decide: TypeAlias = Callable[[Int[np.ndarray, "S n"]], Int[np.ndarray, " S"]]

MAX_STATES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountedCost:
    """The discounted cost of a run, in money: its mean over demand, and its standard deviation.

    A published return is minus ``cost``; a mean of N simulated runs is off by about
    ``standard_deviation`` / √N. ``states`` counts what the rule can reach from the empty state.
    """

    cost: float
    standard_deviation: float
    states: int


@dataclass(frozen=True, eq=False)
class _Chain:
    """Transitions P [S, S], E[c; next state] [S, S], E c [S] and E c² [S] of a rule."""

    transitions: csr_array
    paid_by_next: csr_array
    paid: Float[np.ndarray, " S"]
    paid_squared: Float[np.ndarray, " S"]


def evaluate(
    problem: Perishable, decide: Decide, warm_up_periods: int = 100, periods: int = 365
) -> DiscountedCost:
    """Return the exact discounted cost of ``decide`` over ``periods``, after a warm-up from empty.

    ``decide`` takes states [S, n], integers in the order of :class:`Perishable`, and returns the
    order of each in whole units from 0 to the largest order; it must give the same state the same
    order. The run starts empty, its first ``warm_up_periods`` cost nothing, and the first period
    after them has weight 1. With the defaults this is the protocol of De Moor et al. (2022); no
    warm-up and many periods give the cost that :func:`solve` minimises.

    Raises :class:`OptimalityError` for orders out of range, or more than 200,000 states.

    Source: the moments of a run's cost C obey E C² = E c² + 2 γ E c C' + γ² E C'² (M. J. Sobel
    (1982), The variance of discounted Markov decision processes, J. Applied Probability 19(4)).

    >>> from restock.optimality.perishables import PerishableCosts
    >>> costs = PerishableCosts(unit=3, holding=1, shortage=9, waste=7)
    >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=2, discount=0.5)
    >>> def always_one(states):
    ...     return np.ones_like(states[:, 0])
    >>> evaluate(one, always_one, warm_up_periods=1, periods=2).cost  # 3 + 3 × 0.5
    4.5
    """
    chain = _reachable(problem, decide)
    discount = problem.discount
    mean = np.zeros_like(chain.paid)
    square = np.zeros_like(chain.paid)
    for _ in range(periods):
        square = (
            chain.paid_squared
            + 2 * discount * (chain.paid_by_next @ mean)
            + discount**2 * (chain.transitions @ square)
        )
        mean = chain.paid + discount * (chain.transitions @ mean)
    for _ in range(warm_up_periods):
        mean, square = chain.transitions @ mean, chain.transitions @ square
    # State 0 is the empty one: codes are sorted.
    variance = max(float(square[0] - mean[0] ** 2), 0.0)
    return DiscountedCost(cost=float(mean[0]), standard_deviation=sqrt(variance), states=mean.size)


def _reachable(problem: Perishable, decide: Decide) -> _Chain:
    """Enumerate breadth-first what the rule reaches from the empty state."""
    frontier = known = np.zeros(1, dtype=np.int64)
    origins, targets, costs = [], [], []
    while frontier.size:
        states = _decode(problem, frontier)
        orders = _orders(problem, decide, states)
        after, paid = _successors(problem, states, orders)
        origins.append(frontier)
        targets.append(after)
        costs.append(paid)
        frontier = np.setdiff1d(after, known)
        known = np.union1d(known, frontier)
        require(
            known.size <= MAX_STATES,
            OptimalityError,
            f"the rule reaches more than {MAX_STATES} states. Let it order nothing once stock and"
            " orders are high enough, or count in cases.",
        )
    paid = np.concatenate(costs)[np.argsort(np.concatenate(origins))]
    row = np.repeat(np.searchsorted(known, np.concatenate(origins)), problem.pmf.size)
    column = np.searchsorted(known, np.concatenate(targets).ravel())
    chances = np.tile(problem.pmf, known.size)
    weighted = chances * np.concatenate(costs).ravel()
    shape = (known.size, known.size)
    return _Chain(
        transitions=csr_array((chances, (row, column)), shape=shape),
        paid_by_next=csr_array((weighted, (row, column)), shape=shape),
        paid=paid @ problem.pmf,
        paid_squared=paid**2 @ problem.pmf,
    )


def _successors(
    problem: Perishable, states: Int[np.ndarray, "S n"], orders: Int[np.ndarray, " S"]
) -> tuple[Int[np.ndarray, "S D"], Float[np.ndarray, "S D"]]:
    """Return, for each state and demand, the next state's code and the cost of the period."""
    shelf_life = problem.shelf_life
    issued, costs = problem.served(states[:, :shelf_life])
    place = (problem.largest_order + 1) ** np.arange(problem.n_components - 1, -1, -1)
    # The conveyor moves by one place: stock left, what was on the way, the order.
    carried = issued.left[..., 1:] @ place[: shelf_life - 1]
    joined = np.column_stack([states[:, shelf_life:], orders]) @ place[shelf_life - 1 :]
    return carried + joined[:, None], costs + problem.costs.unit * orders[:, None]


def _decode(problem: Perishable, codes: Int[np.ndarray, " S"]) -> Int[np.ndarray, "S n"]:
    """Return the states whose digits, first component first, make up each code."""
    shape = (problem.largest_order + 1,) * problem.n_components
    return np.column_stack(np.unravel_index(codes, shape))


def _orders(
    problem: Perishable, decide: Decide, states: Int[np.ndarray, "S n"]
) -> Int[np.ndarray, " S"]:
    orders = np.asarray(decide(states))
    require(
        orders.shape == (len(states),) and np.issubdtype(orders.dtype, np.integer),
        OptimalityError,
        f"`decide` must return one integer per state, shape ({len(states)},); got shape"
        f" {orders.shape} of {orders.dtype}. Round the orders.",
    )
    require(
        bool(((orders >= 0) & (orders <= problem.largest_order)).all()),
        OptimalityError,
        f"`decide` must return orders from 0 to `largest_order` {problem.largest_order}; got"
        f" {orders.min()} to {orders.max()}. Clip them.",
    )
    return orders
