"""The optimal average cost of a lost-sales system, by value iteration with bounds."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from restock.errors import OptimalityError, require
from restock.optimality.lost_sales.problem import LostSales

__all__ = ["LostSalesOptimum", "solve"]

MAX_STATES = 20_000_000
MAX_ENLARGEMENTS = 6
# Stands for "forbidden" in matrix products, where infinity times zero would be NaN.
FORBIDDEN = 1e30
# A step short of one keeps the optimum and breaks cycles (Puterman, section 8.5.4).
STEP = 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class LostSalesOptimum:
    """The least average cost and a policy that attains it.

    ``cost`` is money per period, certain to lie in [``lower``, ``upper``]. ``table[x₀, x₁, …]``
    is the optimal order in units (the smallest, where several are); it is 0 where stock and
    orders together exceed every level that an optimal policy reaches. ``iterations`` counts
    sweeps of value iteration.
    """

    cost: float
    lower: float
    upper: float
    table: Int[np.ndarray, "*state"]
    iterations: int

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Number of levels that the table holds per component of the state."""
        return self.table.shape

    def orders(self, states: Int[np.ndarray, "S L"]) -> Int[np.ndarray, " S"]:
        """Return the table's order for each state, in units; 0 outside the table."""
        inside = (states < np.array(self.state_shape)).all(axis=1)
        corner = np.minimum(states, np.array(self.state_shape) - 1)
        return np.where(inside, self.table[tuple(corner.T)], 0)


def solve(
    problem: LostSales, tolerance: float = 1e-7, max_iterations: int = 10_000
) -> LostSalesOptimum:
    """Return the least average cost of ``problem`` and the optimal orders.

    Relative value iteration on all states and orders within the levels that an optimal policy
    can reach (:attr:`LostSales.position_bound`, :attr:`LostSales.order_bound`), enlarged when an
    optimal order touches them all the same. It ends when the least and the largest difference of
    successive values, which bracket the optimum at any time, are closer than ``tolerance`` (money
    per period). ``cost`` is the middle.

    Raises :class:`OptimalityError` when the bracket does not close within ``max_iterations``
    sweeps, or when the table would have more than 20 million states (lead times of 5 and longer,
    or demand of many units; count in cases then).

    Source: bounds A. R. Odoni (1969), Operations Research 17(5):857–860; M. L. Puterman (1994),
    Markov Decision Processes, section 8.5.

    >>> coin = LostSales(np.array([0.5, 0.5]), 1, holding_cost=1, shortage_cost=4)
    >>> round(solve(coin).cost, 6)
    1.0
    """
    highest_position = problem.position_bound + 1
    largest_order = problem.order_bound + 1
    for _ in range(MAX_ENLARGEMENTS):
        grid = _Grid(problem, highest_position, largest_order)
        values, lower, upper, iterations = _iterate(grid, tolerance, max_iterations)
        table = grid.best_orders(values)
        position_touched, order_touched = grid.touched(table)
        if not (position_touched or order_touched):
            return LostSalesOptimum(
                cost=(lower + upper) / 2,
                lower=lower,
                upper=upper,
                table=np.ascontiguousarray(table.transpose()),
                iterations=iterations,
            )
        highest_position += position_touched * math.ceil(highest_position / 4)
        largest_order += order_touched * math.ceil(largest_order / 4)
    raise OptimalityError(
        f"optimal orders touch the table's edge even at {largest_order} units an order and"
        f" {highest_position} units altogether. Check `pmf`, or lower `tolerance`."
    )


def _iterate(
    grid: "_Grid", tolerance: float, max_iterations: int
) -> tuple[Float[np.ndarray, "*state"], float, float, int]:
    values = grid.start()
    lower, upper = -math.inf, math.inf
    for iteration in range(1, max_iterations + 1):
        swept = grid.sweep(values)
        change = (swept - values)[grid.allowed]
        lower, upper = max(lower, float(change.min())), min(upper, float(change.max()))
        if upper - lower <= tolerance:
            return swept, lower, upper, iteration
        values += STEP * (swept - values)
        values -= values.flat[0]
    raise OptimalityError(
        f"value iteration brackets the optimal cost in [{lower}, {upper}] after {max_iterations}"
        f" sweeps, wider than `tolerance` {tolerance}. Raise `max_iterations` or `tolerance`."
    )


class _Grid:
    """States in the box x₀ < X, xᵢ < Z, of which those with a sum below X are allowed.

    Axes run backwards, (x₍L−1₎, …, x₁, x₀): demand then works on the last axis as one matrix
    product per x₁, and the minimum over orders runs along the first axis of its result.
    """

    def __init__(self, problem: LostSales, highest_position: int, largest_order: int) -> None:
        self.X, self.Z = highest_position + 1, largest_order + 1
        self.shape = (self.Z,) * (problem.lead_time - 1) + (self.X,)
        require(
            math.prod(self.shape) <= MAX_STATES,
            OptimalityError,
            f"the exact table would need {math.prod(self.shape)} states; at most {MAX_STATES} are"
            " allowed. Count demand in cases, or shorten the lead time.",
        )
        self.costs = problem.period_costs(self.X)
        self.fixed_order_cost = problem.fixed_order_cost
        self.kernel = np.ascontiguousarray(problem.left_over(self.X).T)
        # Units on hand and on order together.
        self.positions = np.asarray(sum(np.indices(self.shape, sparse=True)))
        self.allowed = self.positions < self.X

    def start(self) -> Float[np.ndarray, "*state"]:
        """Return the costs of one period as first values."""
        return np.where(self.allowed, self.costs, FORBIDDEN)

    def sweep(self, values: Float[np.ndarray, "*state"]) -> Float[np.ndarray, "*state"]:
        """Return the least cost of a period and the values after it, for each state."""
        swept = np.full(self.shape, FORBIDDEN)
        by_due_next = swept.reshape(-1, self._n_due_next, self.X)
        for due_next in range(self._n_due_next):
            levels = self.X - due_next
            after = self._after_order(values, due_next)
            by_due_next[:, due_next, :levels] = after.min(axis=0) + self.costs[:levels]
        swept[~self.allowed] = FORBIDDEN
        return swept

    def best_orders(self, values: Float[np.ndarray, "*state"]) -> Int[np.ndarray, "*state"]:
        """Return the smallest order that attains the minimum, for each state; 0 if forbidden."""
        table = np.zeros(self.shape, dtype=np.int64)
        by_due_next = table.reshape(-1, self._n_due_next, self.X)
        for due_next in range(self._n_due_next):
            after = self._after_order(values, due_next)
            by_due_next[:, due_next, : self.X - due_next] = after.argmin(axis=0)
        table[~self.allowed] = 0
        return table

    def touched(self, table: Int[np.ndarray, "*state"]) -> tuple[bool, bool]:
        """Tell whether an order reaches the highest position, and whether the largest order."""
        lifted = (self.positions + table)[table > 0]
        return bool((lifted >= self.X - 1).any()), bool((table >= self.Z - 1).any())

    @property
    def _n_due_next(self) -> int:
        return 1 if len(self.shape) == 1 else self.Z

    def _after_order(
        self, values: Float[np.ndarray, "*state"], due_next: int
    ) -> Float[np.ndarray, "Z rest levels"]:
        """Return K [z > 0] + E V(next state) per order z, later component and x₀; x₁ = due_next."""
        if len(self.shape) == 1:
            # L = 1: the order itself is what joins the stock left over.
            padded = np.concatenate([values, np.full(self.Z - 1, FORBIDDEN)])
            next_values = sliding_window_view(padded, self.X)
        else:
            next_values = values.reshape(-1, self.X)[:, due_next:]
        levels = self.X - due_next
        after = next_values @ self.kernel[:levels, :levels]
        by_order = np.asarray(after.reshape(self.Z, -1, levels))
        if self.fixed_order_cost > 0:
            by_order[1:] += self.fixed_order_cost
        return by_order
