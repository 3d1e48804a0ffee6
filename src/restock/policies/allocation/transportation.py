"""The cheapest way to serve expected demand from given stock, and what a unit of stock is worth.

For each block (a product on a path), with stock sₗ, expected demand dᵣ, shipping cost cᵣₗ and
shortage cost πᵣ per unit::

    minimise    Σ cᵣₗ xᵣₗ + Σ πᵣ uᵣ        what is shipped, and what is not served
    subject to  Σᵣ xᵣₗ ≤ sₗ                 dual λₗ ≥ 0: the value of one more unit at l
                Σₗ xᵣₗ + uᵣ = dᵣ            dual vᵣ: the cost of one more unit of demand at r
                x, u ≥ 0

The dual, Σ dᵣ vᵣ − Σ sₗ λₗ subject to vᵣ ≤ cᵣₗ + λₗ and vᵣ ≤ πᵣ, bounds the cost of every way to
serve the demand from below.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linprog
from scipy.sparse import csr_array

from restock.errors import InstanceError, OptimalityError, require

__all__ = ["TransportationPlan", "transportation_plan"]

TOLERANCE = 1e-6
BLOCKS_AT_ONCE = 20
"""Blocks do not touch each other; one program of this many is solved faster than many or one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TransportationPlan:
    """The optimum of N blocks and its certificate.

    ``shipped`` ``[N, R, L]`` and ``unserved`` ``[N, R]`` are units, ``cost`` ``[N]`` money,
    ``stock_value`` ``[N, L]`` (λ) and ``demand_cost`` ``[N, R]`` (v) money per unit.
    """

    shipped: Float[np.ndarray, "N R L"]
    unserved: Float[np.ndarray, "N R"]
    cost: Float[np.ndarray, " N"]
    stock_value: Float[np.ndarray, "N L"]
    demand_cost: Float[np.ndarray, "N R"]


def transportation_plan(
    stock: Float[np.ndarray, "N L"],
    demand: Float[np.ndarray, "N R"],
    unit_cost: Float[np.ndarray, "#N R L"],
    shortage_cost: Float[np.ndarray, "#N R"],
    reach: Bool[np.ndarray, "#N R L"],
) -> TransportationPlan:
    """Solve the program above for every block by HiGHS, and check the duals' word.

    ``stock`` and ``demand`` are units ≥ 0, costs money per unit ≥ 0; ``reach`` is true where a
    location serves a region.

    Raises :class:`InstanceError` for numbers that are negative or not finite,
    :class:`OptimalityError` when HiGHS fails or its duals do not prove its optimum.

    Source: Hitchcock (1941), The distribution of a product from several sources to numerous
    localities; duals as prices: Dantzig (1963), Linear Programming and Extensions, ch. 14.

    >>> plan = transportation_plan(
    ...     stock=np.array([[5.0, 10.0]]),
    ...     demand=np.array([[8.0, 4.0]]),
    ...     unit_cost=np.array([[[1.0, 3.0], [2.0, 7.0]]]),
    ...     shortage_cost=np.array([[20.0, 20.0]]),
    ...     reach=np.ones((1, 2, 2), dtype=bool),
    ... )
    >>> plan.shipped.tolist(), plan.cost.tolist(), plan.stock_value.tolist()
    ([[[1.0, 7.0], [4.0, 0.0]]], [30.0], [[2.0, 0.0]])
    """
    numbers = {"stock": stock, "demand": demand, "shortage_cost": shortage_cost}
    numbers["unit_cost"] = np.where(reach, unit_cost, 0.0)
    for name, values in numbers.items():
        good = np.isfinite(values) & (values >= 0)
        require(
            bool(good.all()),
            InstanceError,
            f"`{name}` must be finite and ≥ 0; got {values[~good][:1].tolist()}."
            " Correct it before asking for a plan.",
        )
    blocks, (regions, locations) = len(stock), reach.shape[1:]
    # a pair that costs no less than doing without is never needed
    cost = np.broadcast_to(unit_cost, (blocks, regions, locations))
    penalty = np.broadcast_to(shortage_cost, (blocks, regions))
    useful = np.broadcast_to(reach, cost.shape) & (cost < penalty[..., None])
    parts = [
        _solve(stock[chunk], demand[chunk], cost[chunk], penalty[chunk], useful[chunk])
        for start in range(0, blocks, BLOCKS_AT_ONCE)
        for chunk in [slice(start, start + BLOCKS_AT_ONCE)]
    ]
    names = ("shipped", "unserved", "cost", "stock_value", "demand_cost")
    return TransportationPlan(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def _solve(
    stock: Float[np.ndarray, "N L"],
    demand: Float[np.ndarray, "N R"],
    cost: Float[np.ndarray, "N R L"],
    penalty: Float[np.ndarray, "N R"],
    useful: Bool[np.ndarray, "N R L"],
) -> TransportationPlan:
    """Solve some blocks as one program: block-diagonal, so each is solved on its own terms."""
    blocks, regions, locations = cost.shape
    block, region, location = useful.nonzero()
    pairs, points = len(block), blocks * regions
    variables = pairs + points
    ones = np.ones(pairs)
    uses = csr_array(
        (ones, (block * locations + location, np.arange(pairs))),
        shape=(blocks * locations, variables),
    )
    meets = csr_array(
        (
            np.ones(variables),
            (np.concatenate([block * regions + region, np.arange(points)]), np.arange(variables)),
        ),
        shape=(points, variables),
    )
    answer = linprog(
        np.concatenate([cost[useful], penalty.ravel()]),
        A_ub=uses,
        b_ub=stock.ravel(),
        A_eq=meets,
        b_eq=demand.ravel(),
        method="highs",
    )
    if answer.status != 0:
        raise OptimalityError(
            f"HiGHS found no cheapest way to serve the demand: {answer.message}"
            " Look for costs of very different size in the shipping terms."
        )
    shipped = np.zeros(cost.shape)
    shipped[useful] = answer.x[:pairs]
    plan = TransportationPlan(
        shipped=shipped,
        unserved=answer.x[pairs:].reshape(blocks, regions),
        cost=np.zeros(blocks),
        stock_value=np.maximum(-answer.ineqlin.marginals, 0.0).reshape(blocks, locations) + 0.0,
        demand_cost=answer.eqlin.marginals.reshape(blocks, regions),
    )
    return _certified(plan, stock, demand, cost, penalty, useful)


def _certified(
    plan: TransportationPlan,
    stock: Float[np.ndarray, "N L"],
    demand: Float[np.ndarray, "N R"],
    cost: Float[np.ndarray, "N R L"],
    penalty: Float[np.ndarray, "N R"],
    useful: Bool[np.ndarray, "N R L"],
) -> TransportationPlan:
    """Return the plan with its cost, after proving it: a feasible dual that is worth as much."""
    spent = np.where(useful, cost, 0.0) * plan.shipped
    primal = spent.sum((1, 2)) + (penalty * plan.unserved).sum(1)
    dual = (demand * plan.demand_cost).sum(1) - (stock * plan.stock_value).sum(1)
    slack = np.where(useful, cost + plan.stock_value[:, None] - plan.demand_cost[..., None], 0.0)
    violation = max(-slack.min(initial=0.0), (plan.demand_cost - penalty).max(initial=0.0))
    gap = (np.abs(primal - dual) / (1.0 + np.abs(primal))).max(initial=0.0)
    if not max(gap, violation / (1.0 + penalty.max(initial=0.0))) <= TOLERANCE:
        raise OptimalityError(
            f"the duals do not prove the plan optimal: gap {gap:.2g}, violation {violation:.2g},"
            f" allowed {TOLERANCE:.0e}. Look for costs of very different size."
        )
    return TransportationPlan(
        shipped=plan.shipped,
        unserved=plan.unserved,
        cost=primal,
        stock_value=plan.stock_value,
        demand_cost=plan.demand_cost,
    )
