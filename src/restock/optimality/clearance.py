"""Clearing a fixed stock by price before a deadline: the best, bounds, and what any plan earns.

A season of length T begins with c units that cannot be reordered. At price p customers come as a
Poisson process of rate λ(p) and buy one unit each. What is left at the end is worth nothing.
J(n, t) is the most that n units can be expected to earn in the remaining time t; with prices from
a finite set,

    ∂J/∂t = max over p of λ(p) (p + J(n − 1, t) − J(n, t)),   J(n, 0) = J(0, t) = 0.

Source: G. Gallego and G. van Ryzin (1994), Optimal dynamic pricing of inventories with stochastic
demand over finite horizons, Management Science 40(8):999–1020.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.integrate import solve_ivp
from scipy.special import pdtrc

from restock.errors import InstanceError, OptimalityError, require
from restock.optimality.fluid import RateMix, best_mix

__all__ = [
    "Clearance",
    "ClearanceOptimum",
    "Markdown",
    "best_clearance",
    "fixed_price_revenues",
    "fluid_clearance",
    "fluid_markdown",
    "markdown_revenue",
    "price_table_revenue",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Clearance:
    """``stock`` units to sell within ``horizon`` periods at prices of a finite set.

    ``prices`` are money per unit; ``rates[k]`` is λ, the customers per period who buy at price k,
    all constant over the season.

    Raises :class:`InstanceError` for negative or infinite numbers, NaN, or no stock.
    """

    prices: Float[np.ndarray, " K"]
    rates: Float[np.ndarray, " K"]
    stock: int
    horizon: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for name in ("prices", "rates"):
            values = getattr(self, name)
            require(
                values.size > 0 and bool(((values >= 0) & np.isfinite(values)).all()),
                InstanceError,
                f"`{name}` must be finite and ≥ 0, and not none; got {values.tolist()}.",
            )
        require(
            self.prices.size == self.rates.size,
            InstanceError,
            f"`rates` must be as many as `prices`; got {self.rates.size} and {self.prices.size}.",
        )
        require(
            bool(self.stock >= 1 and 0 < self.horizon < math.inf),
            InstanceError,
            f"`stock` must be ≥ 1 unit and `horizon` finite and > 0; got {self.stock} and"
            f" {self.horizon}. Without either there is nothing to sell.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Markdown:
    """Price number ``price_index[m]`` is asked for ``durations[m]`` periods, one by one."""

    durations: Float[np.ndarray, " M"]
    price_index: Int[np.ndarray, " M"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClearanceOptimum:
    """The most that pricing can earn, and prices that nearly earn it.

    ``revenue[n]`` is J(n, T) for n = 0..c, by the differential equation; ``lower`` and ``upper``
    ``[c + 1]`` bound it whatever the integrator did. ``price_index[m, n]`` is the number of the
    price to ask in the m-th of M equal parts of the season when n units are left at its beginning;
    that table earns exactly ``lower``.
    """

    revenue: Float[np.ndarray, " C"]
    lower: Float[np.ndarray, " C"]
    upper: Float[np.ndarray, " C"]
    price_index: Int[np.ndarray, "M C"]


def best_clearance(problem: Clearance, *, parts: int = 200) -> ClearanceOptimum:
    """Return the highest expected revenue, with bounds and a table of prices.

    ``lower`` lets the price change at ``parts`` equidistant moments only, an exact dynamic program.
    ``upper`` is Euler's rule: J is concave in t, so each step J + Δ ∂J/∂t is too high, and the
    step keeps order as long as Δ λ ≤ 1; it takes as many steps as that needs, at least ``parts``.
    Both approach J as ``parts`` grows, with an error of the order of 1 / parts.

    Raises :class:`OptimalityError` when the integrator fails or leaves the bounds.

    >>> season = Clearance(
    ...     prices=np.array([1.0, 2.0]), rates=np.array([8.0, 3.0]), stock=4, horizon=1.0
    ... )
    >>> best = best_clearance(season)
    >>> [round(float(x), 3) for x in (best.lower[-1], best.revenue[-1], best.upper[-1])]
    [5.566, 5.569, 5.583]
    """
    require(parts >= 1, InstanceError, f"`parts` must be ≥ 1; got {parts}. Use 200.")
    lower, price_index = _price_by_parts(problem, parts)
    upper = _too_high(problem, parts)
    answer = solve_ivp(
        lambda _, earned: _slope(problem, earned),
        (0.0, problem.horizon),
        np.zeros(problem.stock + 1),
        method="RK45",
        rtol=1e-9,
        atol=1e-9,
    )
    revenue = answer.y[:, -1]
    hair = 1e-6 * (1 + upper)
    inside = ((revenue >= lower - hair) & (revenue <= upper + hair)).all()
    require(
        bool(answer.success and inside),
        OptimalityError,
        f"the integrator's revenue left its bounds ({answer.message}). Use more `parts` and the"
        " bounds themselves.",
    )
    return ClearanceOptimum(revenue=revenue, lower=lower, upper=upper, price_index=price_index)


def _slope(problem: Clearance, earned: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
    """Return ∂J/∂t for n = 0..c; never below 0, as no price has to be asked."""
    gain = problem.prices[:, None] - np.diff(earned)
    slope = (problem.rates[:, None] * gain).max(axis=0)
    return np.append(0.0, np.maximum(slope, 0.0))


def _too_high(problem: Clearance, parts: int) -> Float[np.ndarray, " C"]:
    steps = max(parts, math.ceil(problem.horizon * problem.rates.max()))
    earned = np.zeros(problem.stock + 1)
    for _ in range(steps):
        earned = earned + problem.horizon / steps * _slope(problem, earned)
    return earned


def _price_by_parts(
    problem: Clearance, parts: int
) -> tuple[Float[np.ndarray, " C"], Int[np.ndarray, "M C"]]:
    kernel, sales = _part(problem, problem.horizon / parts)
    revenue = problem.prices[:, None] * sales
    value = np.zeros(problem.stock + 1)
    table = np.zeros((parts, problem.stock + 1), dtype=np.int64)
    for part in reversed(range(parts)):
        choices = revenue + kernel @ value
        table[part] = choices.argmax(axis=0)
        value = choices.max(axis=0)
    return value, table


def _part(
    problem: Clearance, length: float
) -> tuple[Float[np.ndarray, "K C C"], Float[np.ndarray, "K C"]]:
    """Return the chances that n units become n′ ≥ 1 in ``length`` at each price, and mean sales.

    What happens after the last unit is sold (n′ = 0) is worth nothing and is not looked at.
    """
    mean = problem.rates * length
    units = np.arange(problem.stock + 1)
    tail = pdtrc(units, mean[:, None])  # P(N > j)
    at_least = np.concatenate([np.ones((mean.size, 1)), tail[:, :-1]], axis=1)
    chance = at_least - tail
    sold = units[:, None] - units
    kernel = np.where(sold >= 0, chance[:, np.maximum(sold, 0)], 0.0)
    return kernel, _expected_sales(mean, problem.stock)


def _expected_sales(mean: Float[np.ndarray, " K"], stock: int) -> Float[np.ndarray, "K C"]:
    """Return E min(n, N) for n = 0..stock, N Poisson of each mean: Σ P(N > j), j < n."""
    tail = pdtrc(np.arange(stock), mean[:, None])
    return np.concatenate([np.zeros((mean.size, 1)), np.cumsum(tail, axis=1)], axis=1)


def fixed_price_revenues(problem: Clearance) -> Float[np.ndarray, " K"]:
    """Return exactly what each price earns when it is never changed: p E min(c, N(λ T)).

    >>> season = Clearance(
    ...     prices=np.array([1.0, 2.0]), rates=np.array([8.0, 3.0]), stock=4, horizon=1.0
    ... )
    >>> fixed_price_revenues(season).round(3).tolist()
    [3.941, 5.361]
    """
    sales = _expected_sales(problem.rates * problem.horizon, problem.stock)[:, -1]
    return np.asarray(problem.prices * sales)


def markdown_revenue(problem: Clearance, plan: Markdown) -> float:
    """Return exactly what a schedule of prices earns that does not look at stock.

    Sales up to a moment are min(c, N) with N Poisson of the rates' integral up to it; what is sold
    in a part of the season is paid its price.

    Raises :class:`InstanceError` unless durations are ≥ 0, sum to the horizon and each has a price.

    >>> season = Clearance(
    ...     prices=np.array([1.0, 2.0]), rates=np.array([8.0, 3.0]), stock=4, horizon=1.0
    ... )
    >>> half = Markdown(durations=np.array([0.5, 0.5]), price_index=np.array([1, 0]))
    >>> round(markdown_revenue(season, half), 3)
    5.155
    """
    total = float(plan.durations.sum())
    good = (plan.durations >= 0).all() and abs(total - problem.horizon) <= 1e-9 * problem.horizon
    require(
        bool(good) and plan.durations.size == plan.price_index.size,
        InstanceError,
        f"`durations` must be ≥ 0, sum to the horizon {problem.horizon} and have a price each; got"
        f" {plan.durations.tolist()} and prices {plan.price_index.tolist()}.",
    )
    mean = np.cumsum(problem.rates[plan.price_index] * plan.durations)
    sales = np.diff(_expected_sales(mean, problem.stock)[:, -1], prepend=0.0)
    return float(problem.prices[plan.price_index] @ sales)


def price_table_revenue(problem: Clearance, price_index: Int[np.ndarray, "M C"]) -> float:
    """Return exactly what a table of prices earns, set by part of the season and units left.

    ``price_index[m, n]`` is the price in the m-th of M equal parts with n units left when it
    begins, n = 0..c.

    Raises :class:`InstanceError` for a table of another width or an unknown price.
    """
    known = (price_index >= 0) & (price_index < problem.prices.size)
    require(
        price_index.shape[1] == problem.stock + 1 and bool(known.all()),
        InstanceError,
        f"`price_index` must have {problem.stock + 1} columns of numbers below"
        f" {problem.prices.size}; got shape {price_index.shape}.",
    )
    kernel, sales = _part(problem, problem.horizon / len(price_index))
    units = np.arange(problem.stock + 1)
    value = np.zeros(problem.stock + 1)
    for row in price_index[::-1]:
        value = problem.prices[row] * sales[row, units] + kernel[row, units] @ value
    return float(value[-1])


def fluid_clearance(problem: Clearance) -> RateMix:
    """Return the fluid bound: no policy can expect to earn more than its ``value``, in money.

    Rates and shares are of the whole season. Source: Gallego & van Ryzin (1994), theorem 2 and its
    section on discrete prices.

    >>> season = Clearance(
    ...     prices=np.array([1.0, 2.0]), rates=np.array([8.0, 3.0]), stock=4, horizon=1.0
    ... )
    >>> round(fluid_clearance(season).value, 9)
    6.4
    """
    return best_mix(problem.rates * problem.horizon, problem.prices, problem.stock)


def fluid_markdown(problem: Clearance) -> Markdown:
    """Return the fluid plan as a schedule: at most two prices, the higher one first.

    Where the fluid plan rests part of the season, its highest price is asked then as well.
    """
    share = fluid_clearance(problem).share
    used = np.flatnonzero(share)
    used = used[np.argsort(-problem.prices[used])]
    if used.size == 0:
        used = np.array([int(np.argmax(problem.prices))])
    durations = share[used] * problem.horizon
    durations[0] += problem.horizon - durations.sum()
    return Markdown(durations=durations, price_index=used)
