"""The exact average cost of any stationary rule: its Markov chain, state by state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from restock.errors import OptimalityError, require
from restock.optimality.average_cost import ExactCost, average_cost
from restock.optimality.lost_sales.problem import LostSales

__all__ = ["Decide", "evaluate"]

Decide: TypeAlias = Callable[[Int[np.ndarray, "S L"]], Int[np.ndarray, " S"]]

MAX_STATES = 2_000_000
MAX_UNITS = 2_000


@dataclass(frozen=True, eq=False)
class _Chain:
    """States [S, L] that a rule reaches, sorted by code, and its transition matrix [S, S]."""

    states: Int[np.ndarray, "S L"]
    transitions: csr_array


def evaluate(problem: LostSales, decide: Decide, tolerance: float = 1e-7) -> ExactCost:
    """Return the exact average cost of the stationary rule ``decide``, started empty.

    ``decide`` takes states [S, L], integers in the order of :class:`LostSales`, and returns the
    order of each in whole units ≥ 0; it must give the same state the same order. Every state that
    it can reach is enumerated; the value differences of its Markov chain bracket the cost at any
    time, and iteration ends when they are closer than ``tolerance``.

    Raises :class:`OptimalityError` for an order that is negative or no integer, for more than two
    million reachable states or 2,000 units on hand (a rule that lets stock grow without end), or
    when the bracket does not close (a rule whose cost depends on the luck of the first periods).

    Source: M. L. Puterman (1994), Markov Decision Processes, sections 8.2 and 8.5.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, holding_cost=1, shortage_cost=4)
    >>> round(evaluate(coin, lambda states: 1 - states[:, 0].clip(max=1)).cost, 6)
    1.0
    """
    chain = _reachable(problem, decide)
    on_hand = chain.states[:, 0]
    costs = problem.period_costs(int(on_hand.max()) + 1)[on_hand]
    if problem.fixed_order_cost > 0:
        costs = costs + problem.fixed_order_cost * (_orders(decide, chain.states) > 0)
    return average_cost(chain.transitions, costs, tolerance)


def _reachable(problem: LostSales, decide: Decide) -> _Chain:
    """Enumerate breadth-first what the rule reaches from the empty state."""
    frontier = known = np.zeros(1, dtype=np.int64)
    origins, targets, chances = [], [], []
    kernel = csr_array((0, 0))
    while frontier.size:
        states = _decode(frontier, problem.lead_time)
        on_hand = int(states[:, 0].max())
        if on_hand >= kernel.shape[0]:
            kernel = csr_array(problem.left_over(min(2 * on_hand, MAX_UNITS) + 1))
        rows, after, chance = _successors(kernel, states, _orders(decide, states))
        origins.append(frontier[rows])
        targets.append(_encode(after))
        chances.append(chance)
        frontier = np.setdiff1d(targets[-1], known)
        known = np.union1d(known, frontier)
        require(
            known.size <= MAX_STATES,
            OptimalityError,
            f"the rule reaches more than {MAX_STATES} states. Let it order nothing once stock and"
            " orders are high enough.",
        )
    row = np.searchsorted(known, np.concatenate(origins))
    column = np.searchsorted(known, np.concatenate(targets))
    transitions = csr_array(
        (np.concatenate(chances), (row, column)), shape=(known.size, known.size)
    )
    return _Chain(_decode(known, problem.lead_time), transitions)


def _orders(decide: Decide, states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
    orders = np.asarray(decide(states))
    require(
        orders.shape == (len(states),) and np.issubdtype(orders.dtype, np.integer),
        OptimalityError,
        f"`decide` must return one integer per state, shape ({len(states)},); got shape"
        f" {orders.shape} of {orders.dtype}. Round the orders.",
    )
    require(
        bool((orders >= 0).all()),
        OptimalityError,
        f"`decide` must return orders ≥ 0; got {orders.min()}. Clip them at 0.",
    )
    return orders


def _successors(
    kernel: csr_array, states: Int[np.ndarray, "S L"], orders: Int[np.ndarray, " S"]
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, "N L"], Float[np.ndarray, " N"]]:
    """Return, for each possible move, the row of its state, the next state and the chance."""
    on_hand = states[:, 0]
    moves = np.diff(kernel.indptr)[on_hand]
    rows = np.repeat(np.arange(len(states)), moves)
    first = kernel.indptr[on_hand] - (np.cumsum(moves) - moves)
    entries = np.arange(rows.size) + first[rows]
    after = np.column_stack([states[:, 1:], orders])[rows]
    after[:, 0] += kernel.indices[entries]
    return rows, after, kernel.data[entries]


def _encode(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
    """Pack each state into one integer, 62 // L bits a component, so that sets are sorted rows."""
    lead_time = states.shape[1]
    bits = 62 // lead_time
    most = min(MAX_UNITS, (1 << bits) - 1)
    require(
        int(states.max()) <= most,
        OptimalityError,
        f"the rule reaches {states.max()} units on hand or on order; with lead time {lead_time} at"
        f" most {most} can be enumerated. Let it order nothing once stock is high enough, or count"
        " demand in cases.",
    )
    return np.asarray((states << (bits * np.arange(lead_time))).sum(axis=1))


def _decode(codes: Int[np.ndarray, " S"], lead_time: int) -> Int[np.ndarray, "S L"]:
    """Undo :func:`_encode`."""
    bits = 62 // lead_time
    return np.asarray((codes[:, None] >> (bits * np.arange(lead_time))) & ((1 << bits) - 1))
