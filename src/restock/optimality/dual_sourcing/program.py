"""The optimal average cost of two sources, by value iteration with bounds."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from restock.errors import OptimalityError, require
from restock.optimality.dual_sourcing.chain import Orders, reachable
from restock.optimality.dual_sourcing.problem import DualSourcing

__all__ = ["DualSourcingOptimum", "solve"]

MAX_STATES = 5_000_000
MAX_ENLARGEMENTS = 12
# Stands for "forbidden", where infinity times zero would be NaN.
FORBIDDEN = 1e30
# A step short of one keeps the optimum and breaks cycles (Puterman, section 8.5.4).
STEP = 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class DualSourcingOptimum:
    """The least average cost and a policy that attains it.

    ``cost`` is money per period, certain to lie in [``lower``, ``upper``] for all policies that
    stay in the box of the tables. ``expedited[x − least, q₁, …]`` and ``regular[…]`` are the
    optimal orders in units (the smallest, where several are), ``least`` the net inventory of the
    first row (≤ 0). ``iterations`` counts sweeps of value iteration.
    """

    cost: float
    lower: float
    upper: float
    expedited: Int[np.ndarray, "*state"]
    regular: Int[np.ndarray, "*state"]
    least: int
    iterations: int

    def orders(self, states: Int[np.ndarray, "S L"]) -> Orders:
        """Return the tables' expedited and regular orders for each state, in units.

        Backlogs below the table are first made up for; above the table nothing is ordered.
        """
        rows = states - np.eye(1, states.shape[1], dtype=np.int64) * self.least
        shape = np.array(self.expedited.shape)
        inside = (rows < shape).all(axis=1)
        corner = tuple(rows.clip(0, shape - 1).T)
        expedited = self.expedited[corner] + (-rows[:, 0]).clip(0)
        return np.where(inside, expedited, 0), np.where(inside, self.regular[corner], 0)


@dataclass(frozen=True, slots=True)
class _Box:
    """Net inventory ≥ ``least``, regular orders ≤ ``order``, all units together ≤ ``most``."""

    least: int
    order: int
    most: int


def solve(
    problem: DualSourcing, tolerance: float = 1e-7, max_iterations: int = 20_000
) -> DualSourcingOptimum:
    """Return the least average cost of ``problem`` and the optimal orders.

    Relative value iteration on all states and orders within a box: a least net inventory, a
    largest regular order and a largest position. The box is enlarged until, in the states that
    the optimal policy keeps coming back to, none of its orders touches the box. Iteration
    ends when the least and the largest difference of successive values, which bracket the
    optimum of the box at any time, are closer than ``tolerance`` (money per period). ``cost`` is
    the middle.

    Raises :class:`OptimalityError` when the bracket does not close within ``max_iterations``
    sweeps, when the box keeps being touched, or when it would hold more than 5 million states
    (long regular lead times, or demand of many units; count in cases then).

    Source: bounds A. R. Odoni (1969), Operations Research 17(5):857–860; M. L. Puterman (1994),
    Markov Decision Processes, section 8.5.

    >>> pair = DualSourcing(np.array([0.5, 0, 0.5]), 2, 10, 12, holding_cost=1, shortage_cost=9)
    >>> round(solve(pair).cost, 6)
    12.333333
    """
    box = _first_box(problem)
    for _ in range(MAX_ENLARGEMENTS):
        grid = _Grid(problem, box)
        optimum = _iterate(grid, tolerance, max_iterations)
        larger = _enlarged(problem, box, optimum)
        if larger == box:
            return optimum
        box = larger
    raise OptimalityError(
        f"optimal orders touch the table's edge even at net inventories from {box.least}, regular"
        f" orders up to {box.order} and {box.most} units altogether. Check `pmf` and the costs:"
        " a backlog that costs next to nothing is never served."
    )


def _first_box(problem: DualSourcing) -> _Box:
    """Return a box that is proven for the position and a first guess in the other directions.

    A unit of a regular order placed one period later changes nothing but the end of period l, for
    the better where P(D < P) over l + 1 periods exceeds b / (b + h), P the position that the order
    reaches; an expedited one likewise for y and one period. So no order needs to lift the
    position above the newsvendor level of l + 1 periods, nor, when it is expedited on top of a
    pipeline, above the newsvendor level of one period and the pipeline together.
    """
    order = problem.newsvendor_level(1) + 1
    regular = problem.newsvendor_level(problem.regular_lead_time + 1)
    expedited = problem.newsvendor_level(1) + order * (problem.regular_lead_time - 1)
    box = _Box(least=-problem.largest_demand, order=order, most=max(regular, expedited) + 1)
    return _closed(problem, box)


def _closed(problem: DualSourcing, box: _Box) -> _Box:
    """Return the box with room for the order that keeps any state of it inside."""
    pipeline = box.order * (problem.regular_lead_time - 1)
    return replace(box, most=max(box.most, box.least + problem.largest_demand + pipeline + 1))


def _enlarged(problem: DualSourcing, box: _Box, optimum: DualSourcingOptimum) -> _Box:
    """Return the same box if the optimal policy never touches it, else a larger one."""
    chain = reachable(problem, optimum.orders)
    lasting = chain.recurrent()
    expedited, regular = chain.expedited[lasting], chain.regular[lasting]
    conveyor = np.column_stack([chain.states[lasting], regular])
    kept = conveyor[:, 0] + expedited + conveyor[:, 1]
    forced = (expedited > 0) & (kept <= box.least + problem.largest_demand)
    after = conveyor.sum(axis=1) + expedited
    lifted = (expedited + regular > 0) & (after >= box.most)
    larger = _Box(
        least=2 * box.least if forced.any() else box.least,
        order=box.order + math.ceil(box.order / 4) * bool((regular >= box.order).any()),
        most=box.most + math.ceil(box.most / 4) * bool(lifted.any()),
    )
    return box if larger == box else _closed(problem, larger)


def _iterate(grid: "_Grid", tolerance: float, max_iterations: int) -> DualSourcingOptimum:
    values = np.where(grid.allowed, 0.0, FORBIDDEN)
    lower, upper = -math.inf, math.inf
    for iteration in range(1, max_iterations + 1):
        swept = grid.sweep(values)
        change = (swept - values)[grid.allowed]
        lower, upper = max(lower, float(change.min())), min(upper, float(change.max()))
        if upper - lower <= tolerance:
            expedited, regular = grid.best_orders(values)
            return DualSourcingOptimum(
                cost=(lower + upper) / 2,
                lower=lower,
                upper=upper,
                expedited=expedited,
                regular=regular,
                least=grid.box.least,
                iterations=iteration,
            )
        values += STEP * (swept - values)
        values -= values[grid.empty]
        values[~grid.allowed] = FORBIDDEN
    raise OptimalityError(
        f"value iteration brackets the optimal cost in [{lower}, {upper}] after {max_iterations}"
        f" sweeps, wider than `tolerance` {tolerance}. Raise `max_iterations` or `tolerance`."
    )


class _Grid:
    """The box's states, axes (x, q₁, …, q₍l−1₎), and one sweep of value iteration on them.

    With y = x + e the stock that meets demand and w = y + q₁ what is there before it is taken
    off, the value of orders (e, r) is

        −c_e x + [c_e y + G(y)] + [c_r r + E V(w − D, q₂, …, q₍l−1₎, r)],

    so that the best r is found for each (y, q), and the best y by a running minimum from above.
    """

    def __init__(self, problem: DualSourcing, box: _Box) -> None:
        self.problem, self.box = problem, box
        self.X, self.Q = box.most - box.least + 1, box.order + 1
        lead_time = problem.regular_lead_time
        self.shape = (self.X,) + (self.Q,) * (lead_time - 1)
        require(
            self.X * self.Q**lead_time <= MAX_STATES,
            OptimalityError,
            f"the exact table would need {self.X * self.Q**lead_time} states and orders; at most"
            f" {MAX_STATES} are allowed. Count demand in cases, or shorten the lead time.",
        )
        inventory = box.least + np.arange(self.X)
        self.empty = (-box.least,) + (0,) * (lead_time - 1)
        self.allowed: Bool[np.ndarray, "*state"] = (
            np.asarray(sum(np.indices(self.shape, sparse=True))) < self.X
        )
        column = (self.X,) + (1,) * (lead_time - 1)
        self.paid = (problem.expedited_cost * inventory).reshape(column)
        self.met = problem.period_costs(inventory).reshape(column) + self.paid

    def sweep(self, values: Float[np.ndarray, "*state"]) -> Float[np.ndarray, "*state"]:
        """Return the least cost of a period and the values after it, for each state."""
        after = self._after_regular(values).min(axis=-1)
        least = np.minimum.accumulate((after + self.met)[::-1], axis=0)[::-1]
        return np.where(self.allowed, least - self.paid, FORBIDDEN)

    def best_orders(
        self, values: Float[np.ndarray, "*state"]
    ) -> tuple[Int[np.ndarray, "*state"], Int[np.ndarray, "*state"]]:
        """Return the smallest orders that attain the minimum, for each state; 0 if forbidden."""
        following = self._after_regular(values)
        cost = following.min(axis=-1) + self.met
        least = np.minimum.accumulate(cost[::-1], axis=0)[::-1]
        rows = np.arange(self.X).reshape((self.X,) + (1,) * (len(self.shape) - 1))
        stays = np.where(cost <= least, rows, self.X)
        level = np.minimum.accumulate(stays[::-1], axis=0)[::-1]
        regular = np.take_along_axis(following.argmin(axis=-1), level, axis=0)
        return np.where(self.allowed, level - rows, 0), np.where(self.allowed, regular, 0)

    def _after_regular(self, values: Float[np.ndarray, "*state"]) -> Float[np.ndarray, "*order"]:
        """Return c_r r + E V(next state), axes (y, q₁, …, q₍l−1₎, r)."""
        expected = self._after_demand(values)
        padded = np.concatenate([expected, np.full((self.Q - 1, *self.shape[1:]), FORBIDDEN)])
        # Row y + q₁ of the padded array, for each y and q₁ (r itself, where l = 1).
        window = np.moveaxis(sliding_window_view(padded, self.X, axis=0), -1, 0)
        return np.asarray(window + self.problem.regular_cost * np.arange(self.Q))

    def _after_demand(self, values: Float[np.ndarray, "*state"]) -> Float[np.ndarray, "*state"]:
        """Return E V(w − D, …) for each w; forbidden where demand could leave the box."""
        pmf = self.problem.pmf
        largest = self.problem.largest_demand
        expected = np.full(self.shape, FORBIDDEN)
        expected[largest:] = sum(
            pmf[d] * values[largest - d : self.X - d] for d in np.flatnonzero(pmf)
        )
        return expected
