"""The exact average cost of any stationary rule for two sources: its Markov chain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from restock.errors import OptimalityError, require
from restock.optimality.average_cost import MAX_ITERATIONS, STEP, ExactCost, average_cost
from restock.optimality.dual_sourcing.problem import DualSourcing

__all__ = ["Chain", "Decide", "evaluate", "reachable"]

Orders: TypeAlias = tuple[Int[np.ndarray, " S"], Int[np.ndarray, " S"]]
Decide: TypeAlias = Callable[[Int[np.ndarray, "S L"]], Orders]

MAX_STATES = 2_000_000
MAX_UNITS = 2_000
NEGLIGIBLE = 1e-13


@dataclass(frozen=True, eq=False)
class Chain:
    """What a rule does: states [S, L] that it reaches, its orders there, its transitions [S, S].

    ``expedited`` and ``regular`` are units ordered in each state.
    """

    states: Int[np.ndarray, "S L"]
    expedited: Int[np.ndarray, " S"]
    regular: Int[np.ndarray, " S"]
    transitions: csr_array

    @property
    def levels(self) -> Int[np.ndarray, " S"]:
        """Net inventory that meets demand in each state: x + e, in units."""
        return np.asarray(self.states[:, 0] + self.expedited)

    def costs(self, problem: DualSourcing) -> Float[np.ndarray, " S"]:
        """Return the expected cost of a period that begins in each state, in money."""
        bought = problem.expedited_cost * self.expedited + problem.regular_cost * self.regular
        return np.asarray(bought + problem.period_costs(self.levels))

    def recurrent(self) -> Bool[np.ndarray, " S"]:
        """Tell which states the rule keeps coming back to: those of closed classes."""
        n_classes, class_of = connected_components(self.transitions, connection="strong")
        row, column = self.transitions.nonzero()
        closed = np.ones(n_classes, dtype=bool)
        closed[class_of[row][class_of[row] != class_of[column]]] = False
        return np.asarray(closed[class_of])

    def stationary(self) -> Float[np.ndarray, " S"]:
        """Return the long-run share of periods in each state.

        By lazy power iteration, until a step moves less than 1e-13 of probability.

        Raises :class:`OptimalityError` when it does not settle within 20,000 steps.
        """
        transposed = self.transitions.transpose().tocsr()
        share = np.full(len(self.states), 1 / len(self.states))
        for _ in range(MAX_ITERATIONS):
            change = transposed @ share - share
            share += STEP * change
            if np.abs(change).sum() <= NEGLIGIBLE:
                return np.asarray(share / share.sum())
        raise OptimalityError(
            f"the rule's long-run shares have not settled after {MAX_ITERATIONS} steps. Check that"
            " orders keep pace with demand."
        )


def evaluate(problem: DualSourcing, decide: Decide, tolerance: float = 1e-7) -> ExactCost:
    """Return the exact average cost of the stationary rule ``decide``, started empty.

    ``decide`` takes states [S, l], integers in the order of :class:`DualSourcing`, and returns
    the expedited and the regular order of each, in whole units ≥ 0; it must give the same state
    the same orders. Every state that it can reach is enumerated; the value differences of its
    Markov chain bracket the cost at any time, and iteration ends when they are closer than
    ``tolerance`` (money per period).

    Raises :class:`OptimalityError` for orders that are negative or no integers, for more than two
    million reachable states or 2,000 units held, backordered or due at once (a rule that lets
    stock or backlog grow without end), or when the bracket does not close (a rule whose cost
    depends on the luck of the first periods).

    Source: M. L. Puterman (1994), Markov Decision Processes, sections 8.2 and 8.5.

    >>> coin = DualSourcing(np.array([0.5, 0.5]), 1, 10, 11, holding_cost=1, shortage_cost=9)
    >>> def up_to_one(states):  # all from the regular source, up to 2 on hand and on order
    ...     return np.zeros_like(states[:, 0]), (2 - states[:, 0]).clip(0)
    >>> round(evaluate(coin, up_to_one).cost, 6)  # half a unit at 10, one unit held
    6.0
    """
    chain = reachable(problem, decide)
    return average_cost(chain.transitions, chain.costs(problem), tolerance)


def reachable(problem: DualSourcing, decide: Decide) -> Chain:
    """Enumerate breadth-first what the rule reaches from the empty state.

    Raises :class:`OptimalityError` as :func:`evaluate` does.
    """
    demand = np.flatnonzero(problem.pmf)
    start = np.zeros((1, problem.regular_lead_time), dtype=np.int64)
    frontier = known = _encode(start)
    found, targets = [], []
    while frontier.size:
        states = _decode(frontier, problem.regular_lead_time)
        orders = np.column_stack(_orders(decide, states))
        found.append((frontier, orders))
        targets.append(_encode(_successors(states, orders, demand)))
        frontier = np.setdiff1d(targets[-1], known)
        known = np.union1d(known, frontier)
        require(
            known.size <= MAX_STATES,
            OptimalityError,
            f"the rule reaches more than {MAX_STATES} states. Let it order nothing once stock and"
            " orders are high enough.",
        )
    origins = np.concatenate([codes for codes, _ in found])
    row = np.repeat(np.searchsorted(known, origins), demand.size)
    column = np.searchsorted(known, np.concatenate(targets))
    chances = np.tile(problem.pmf[demand], origins.size)
    orders = np.concatenate([placed for _, placed in found])[np.argsort(origins)]
    return Chain(
        _decode(known, problem.regular_lead_time),
        orders[:, 0],
        orders[:, 1],
        csr_array((chances, (row, column)), shape=(known.size, known.size)),
    )


def _successors(
    states: Int[np.ndarray, "S L"], orders: Int[np.ndarray, "S 2"], demand: Int[np.ndarray, " D"]
) -> Int[np.ndarray, "N L"]:
    """Return the state after each demand, demands of one state side by side."""
    conveyor = np.column_stack([states, orders[:, 1]])
    after = np.repeat(conveyor[:, 1:], demand.size, axis=0)
    after[:, 0] += np.subtract.outer(states[:, 0] + orders[:, 0], demand).ravel()
    return after


def _orders(decide: Decide, states: Int[np.ndarray, "S L"]) -> Orders:
    expedited, regular = (np.asarray(orders) for orders in decide(states))
    for name, orders in (("expedited", expedited), ("regular", regular)):
        require(
            orders.shape == (len(states),) and np.issubdtype(orders.dtype, np.integer),
            OptimalityError,
            f"`decide` must return one integer per state as {name} orders, shape"
            f" ({len(states)},); got shape {orders.shape} of {orders.dtype}. Round the orders.",
        )
        require(
            bool((orders >= 0).all()),
            OptimalityError,
            f"`decide` must return {name} orders ≥ 0; got {orders.min()}. Clip them at 0.",
        )
    return expedited, regular


def _encode(states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
    """Pack each state into one integer, 62 // L bits a component, so that sets are sorted rows.

    Net inventory is counted from half the component's range, for backlogs.
    """
    bits = 62 // states.shape[1]
    most = min(MAX_UNITS, (1 << (bits - 1)) - 1)
    largest = int(np.abs(states).max())
    require(
        largest <= most,
        OptimalityError,
        f"the rule reaches {largest} units on hand, backordered or on order; with regular lead"
        f" time {states.shape[1]} at most {most} can be enumerated. Let it order nothing once"
        " stock is high enough and enough when it is low, or count demand in cases.",
    )
    shifts = bits * np.arange(states.shape[1])
    return np.asarray((states << shifts).sum(axis=1) + (1 << (bits - 1)))


def _decode(codes: Int[np.ndarray, " S"], length: int) -> Int[np.ndarray, "S L"]:
    """Undo :func:`_encode`."""
    bits = 62 // length
    states = (codes[:, None] >> (bits * np.arange(length))) & ((1 << bits) - 1)
    states[:, 0] -= 1 << (bits - 1)
    return np.asarray(states)
