"""Rules for price and order, simple or any, and exactly what they earn."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from restock.errors import InstanceError, require
from restock.optimality.joint_pricing.chain import profit_of_chain
from restock.optimality.joint_pricing.problem import JointPricing
from restock.optimality.joint_pricing.solving import JointOptimum, best_prices_and_orders

__all__ = [
    "JointRule",
    "base_stock_list_price",
    "best_fixed_price",
    "joint_profit",
    "price_then_stock",
]


@dataclass(frozen=True, eq=False)
class JointRule:
    """``level`` is the position to order up to, ``price_index`` the number of the price to ask.

    One entry for each of the problem's ``states``, in units and from 0; over a horizon they may
    have a first axis T.
    """

    level: Int[np.ndarray, "*T X"]
    price_index: Int[np.ndarray, "*T X"]


def joint_profit(problem: JointPricing, rule: JointRule, *, start_stock: int = 0) -> float:
    """Return exactly what a rule earns from ``start_stock``, by the problem's yardstick.

    Raises :class:`InstanceError` for a level below the stock or 0 or above the tables, a price
    that is not there, or tables of another size.

    >>> tea = JointPricing(
    ...     prices=np.array([2.0, 3.0]),
    ...     demand=np.array([[0.0, 0.5, 0.5], [0.5, 0.5, 0.0]]),
    ...     unit_cost=1.0,
    ...     holding_cost=0.1,
    ...     shortage_cost=1.0,
    ... )
    >>> joint_profit(tea, base_stock_list_price(tea, 1, [1] * 5))  # (3 − 1) · 0.5 − 0.1 · 0.5
    0.95
    """
    n_states = problem.states.size
    for name in ("level", "price_index"):
        table = getattr(rule, name)
        shapes: list[tuple[int, ...]] = [(n_states,)]
        if problem.periods is not None:
            shapes.append((problem.periods, n_states))
        require(
            table.shape in shapes,
            InstanceError,
            f"`{name}` must have an entry for each of {n_states} states; got shape {table.shape}."
            " Make it over `problem.states`.",
        )
    least = np.maximum(problem.states, 0)
    fits = (rule.level >= least) & (rule.level <= problem.highest)
    require(
        bool(fits.all()),
        InstanceError,
        f"`level` must lie between the stock (or 0) and {problem.highest}; it does not in"
        f" {int((~fits).sum())} places. Clip it.",
    )
    known = (rule.price_index >= 0) & (rule.price_index < problem.prices.size)
    require(
        bool(known.all()),
        InstanceError,
        f"`price_index` must be 0 to {problem.prices.size - 1}; got"
        f" {rule.price_index[~known][:1].tolist()}. Name one of the prices.",
    )
    start = start_stock - problem.lowest
    return profit_of_chain(problem, rule.level, rule.price_index, start)


def base_stock_list_price(
    problem: JointPricing, base_stock: int, price_index: Int[np.ndarray, " X"] | list[int]
) -> JointRule:
    """Return the rule that orders up to ``base_stock`` and asks the table's prices.

    >>> one = np.array([0.0, 1.0])[None]
    >>> tea = JointPricing(
    ...     prices=np.array([2.0]), demand=one, unit_cost=1, holding_cost=1, shortage_cost=1
    ... )
    >>> base_stock_list_price(tea, 1, [0, 0, 0]).level.tolist()
    [1, 1, 1]
    """
    return JointRule(np.maximum(problem.states, base_stock), np.asarray(price_index))


def best_fixed_price(problem: JointPricing, *, start_stock: int = 0) -> tuple[int, JointOptimum]:
    """Return the number of the best price never to change, and the optimum at this price.

    Each price is tried with the orders that are best for it.
    """
    tried = [
        best_prices_and_orders(problem.at_price(index), start_stock=start_stock)
        for index in range(problem.prices.size)
    ]
    best = int(np.argmax([optimum.profit for optimum in tried]))
    return best, tried[best]


def price_then_stock(problem: JointPricing, *, start_stock: int = 0) -> tuple[int, JointOptimum]:
    """Return the number of the price with the highest margin times mean demand, and the optimum
    at this price.

    So decide two departments: marketing sets the price as if demand were certain, operations
    orders what is best at this price.
    """  # noqa: D205 - one sentence
    margin = problem.prices - problem.unit_cost
    chosen = int(np.argmax(margin * problem.mean_demand))
    return chosen, best_prices_and_orders(problem.at_price(chosen), start_stock=start_stock)
