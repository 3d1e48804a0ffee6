"""The dynamic program of price and order: exact tables, with bounds that prove them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import OptimalityError, require
from restock.optimality.joint_pricing.chain import profit_of_chain, rule_chain
from restock.optimality.joint_pricing.problem import JointPricing

__all__ = ["JointOptimum", "best_prices_and_orders"]

TIE = 1e-10
"""Relative difference below which two choices are equally good; the lower level is then taken."""
LAZINESS = 0.5
"""Share of a step that value iteration takes, so that periodic chains settle as well."""
MOST_ITERATIONS = 200_000


@dataclass(frozen=True, kw_only=True, eq=False)
class JointOptimum:
    """The most that price and order can earn, and the tables that earn it.

    ``profit`` is money from the start stock: per period, discounted, or summed over the horizon.
    ``lower`` is what the tables earn by exact evaluation, ``upper`` what nothing can exceed.
    ``states`` are net stocks x; ``level`` is the position y to order up to and ``price`` the price
    at each, ``price_index`` its number; over a horizon they have a first axis T, and ``values``
    ``[T, X]`` the most that is earned from period t on.
    """

    profit: float
    lower: float
    upper: float
    states: Int[np.ndarray, " X"]
    level: Int[np.ndarray, "*T X"]
    price: Float[np.ndarray, "*T X"]
    price_index: Int[np.ndarray, "*T X"]
    values: Float[np.ndarray, "*T X"]

    @property
    def base_stock(self) -> Int[np.ndarray, "*T"]:
        """Level y* ordered up to from the lowest stock, in units (per period of a horizon)."""
        return self.level[..., 0]

    @property
    def list_price(self) -> Float[np.ndarray, "*T"]:
        """Price p* asked there, in money."""
        return self.price[..., 0]

    @property
    def is_base_stock_list_price(self) -> bool:
        """Whether the tables order up to y* and ask p* below it, and less the more there is above.

        Federgruen and Heching (1999): so it is with backorders, lead time 0, additive
        demand in whole units over a range of means without gaps, and revenue concave in the mean.
        """
        up_to, asked = self.base_stock[..., None], self.list_price[..., None]
        ordered = (self.level == np.maximum(self.states, up_to)).all()
        listed = ((self.price == asked) | (self.states > up_to)).all()
        marked_down = (np.diff(self.price, axis=-1) <= 0).all()
        return bool(ordered and listed and marked_down)


def best_prices_and_orders(
    problem: JointPricing, *, start_stock: int = 0, tolerance: float = 1e-9
) -> JointOptimum:
    """Return the highest profit from ``start_stock`` units of net stock, and how to earn it.

    A horizon is solved backwards, exactly; the discounted problem by policy iteration; the average
    by relative value iteration, each until ``tolerance`` (relative).

    Raises :class:`OptimalityError` when what the tables earn and the bound do not meet.

    Source: M. L. Puterman (1994), Markov Decision Processes, sections 4.3, 6.4, 6.6 (bounds) and
    8.5.

    >>> tea = JointPricing(
    ...     prices=np.array([2.0, 3.0]),
    ...     demand=np.array([[0.0, 0.5, 0.5], [0.5, 0.5, 0.0]]),
    ...     unit_cost=1.0,
    ...     holding_cost=0.1,
    ...     shortage_cost=1.0,
    ... )
    >>> best = best_prices_and_orders(tea)
    >>> best.base_stock.item(), best.list_price.item(), round(best.profit, 6)
    (2, 2.0, 1.45)
    """
    start = start_stock - problem.lowest
    if problem.periods is not None:
        return _horizon(problem, problem.periods, start)
    if problem.discount < 1:
        return _discounted(problem, start, tolerance)
    return _average(problem, start, tolerance)


def _choice_values(
    problem: JointPricing, value: Float[np.ndarray, " X"]
) -> Float[np.ndarray, "X Y K"]:
    """Return the profit of each stock, position y = 0, 1, … and price when ``value`` comes after.

    −∞ where the position would be below the stock.
    """
    stocks, positions = problem.states, np.arange(problem.highest + 1)
    from_zero = -problem.lowest
    after = problem.left_over @ value
    if problem.lead_time == 0:
        served = problem.sales_profit + problem.discount * after
        choices = np.broadcast_to(
            served[:, None, from_zero:], (len(served), stocks.size, positions.size)
        )
    elif problem.loses_unmet:
        order = np.maximum(positions - stocks[:, None], 0)
        raised = np.minimum(stocks[:, None] + positions, problem.highest)
        delivered = problem.left_over @ value[raised]
        later = np.take_along_axis(delivered, order[None], axis=2)
        choices = problem.sales_profit[:, :, None] + problem.discount * later
    else:
        later = after[:, None, from_zero:]
        choices = problem.sales_profit[:, :, None] + problem.discount * later
    order = positions - stocks[:, None]
    paid = np.where(order >= 0, -problem.unit_cost * order, -np.inf)
    return np.moveaxis(choices + paid, 0, 2)


def _greedy(
    problem: JointPricing, value: Float[np.ndarray, " X"]
) -> tuple[Float[np.ndarray, " X"], Int[np.ndarray, " X"], Int[np.ndarray, " X"]]:
    """Return the best value, position and price number of each stock."""
    choices = _choice_values(problem, value).reshape(problem.states.size, -1)
    best = choices.max(axis=1)
    near = choices >= (best - TIE * (1 + np.abs(best)))[:, None]
    level, price_index = np.divmod(near.argmax(axis=1), problem.prices.size)
    return best, level, price_index


def _horizon(problem: JointPricing, periods: int, start: int) -> JointOptimum:
    value = problem.end_values
    rows = []
    for _ in range(periods):
        rows.append(_greedy(problem, value))
        value = rows[-1][0]
    values, level, price_index = (np.stack(part[::-1]) for part in zip(*rows, strict=True))
    profit = float(values[0, start])
    earned = profit_of_chain(problem, level, price_index, start)
    return _optimum(problem, (earned, profit), values, level, price_index)


def _discounted(problem: JointPricing, start: int, tolerance: float) -> JointOptimum:
    _, level, price_index = _greedy(problem, np.zeros(problem.states.size))
    while True:
        profits, chain = rule_chain(problem, level, price_index)
        value = np.linalg.solve(np.eye(profits.size) - problem.discount * chain, profits)
        improved, new_level, new_index = _greedy(problem, value)
        above = float((improved - value).max())
        settled = (new_level == level).all() and (new_index == price_index).all()
        near = above <= tolerance * (1 - problem.discount) * (1 + np.abs(value).max())
        if settled or near:
            break
        level, price_index = new_level, new_index
    upper = float(value[start]) + max(above, 0.0) / (1 - problem.discount)
    return _optimum(problem, (float(value[start]), upper), value, level, price_index)


def _average(problem: JointPricing, start: int, tolerance: float) -> JointOptimum:
    value = np.zeros(problem.states.size)
    for _ in range(MOST_ITERATIONS):
        improved, level, price_index = _greedy(problem, value)
        gain = improved - value
        if np.ptp(gain) <= tolerance * (1 + np.abs(gain).max()):
            break
        value = value + LAZINESS * gain
        value -= value[start]
    else:
        raise OptimalityError(
            f"value iteration is still {np.ptp(gain):.3g} from the optimum after"
            f" {MOST_ITERATIONS} steps. Ask for a larger `tolerance`."
        )
    earned = profit_of_chain(problem, level, price_index, start)
    return _optimum(problem, (earned, float(gain.max())), value, level, price_index)


def _optimum(
    problem: JointPricing,
    bounds: tuple[float, float],
    values: Float[np.ndarray, "*T X"],
    level: Int[np.ndarray, "*T X"],
    price_index: Int[np.ndarray, "*T X"],
) -> JointOptimum:
    lower, upper = bounds
    require(
        abs(upper - lower) <= 1e-6 * (1 + abs(lower)),
        OptimalityError,
        f"the tables earn {lower} and the bound is {upper}: they do not meet. Report the problem.",
    )
    return JointOptimum(
        profit=lower,
        lower=lower,
        upper=upper,
        states=problem.states,
        level=level,
        price=problem.prices[price_index],
        price_index=price_index,
        values=values,
    )
