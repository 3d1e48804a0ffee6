"""A linear program with a proof: the bound is computed from the prices, not taken from the solver.

For the least cost of

    cᵀx  subject to  A x = b,  G x ≤ g,  0 ≤ x ≤ u,

any prices y and z ≥ 0 give a lower bound (weak duality):

    bᵀy − gᵀz + Σⱼ uⱼ min(0, cⱼ − (Aᵀy)ⱼ + (Gᵀz)ⱼ)  ≤  cᵀx.

The solver proposes prices; the left side is computed here, and is a bound whatever they are.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from restock.errors import OptimalityError

__all__ = [
    "IntegerSolution",
    "LinearProgram",
    "LinearSolution",
    "dual_bound",
    "solve_integer",
    "solve_linear",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearProgram:
    """Costs c, equations A x = b, limits G x ≤ g, and the box 0 ≤ x ≤ u, u finite."""

    cost: Float[np.ndarray, " N"]
    most: Float[np.ndarray, " N"]
    equations: csr_array
    equal_to: Float[np.ndarray, " M"]
    limits: csr_array
    at_most: Float[np.ndarray, " I"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearSolution:
    """``plan`` x and its cost ``attained``; prices y and z ≥ 0 and the ``bound`` that they prove.

    A price of an equation or limit is money per unit of its right-hand side.
    """

    plan: Float[np.ndarray, " N"]
    attained: float
    bound: float
    equation_prices: Float[np.ndarray, " M"]
    limit_prices: Float[np.ndarray, " I"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerSolution:
    """``plan`` x and its cost ``attained``; ``bound`` is what the solver's search tree proves."""

    plan: Float[np.ndarray, " N"]
    attained: float
    bound: float


def dual_bound(
    program: LinearProgram,
    equation_prices: Float[np.ndarray, " M"],
    limit_prices: Float[np.ndarray, " I"],
) -> float:
    """Return the lower bound that prices prove; limit prices below 0 count as 0.

    >>> from scipy.sparse import csr_array
    >>> one = csr_array(np.ones((1, 1)))  # least 2 x with x = 3
    >>> none = csr_array((0, 1))
    >>> program = LinearProgram(
    ...     cost=np.array([2.0]),
    ...     most=np.array([9.0]),
    ...     equations=one,
    ...     equal_to=np.array([3.0]),
    ...     limits=none,
    ...     at_most=np.zeros(0),
    ... )
    >>> [dual_bound(program, np.array([y]), np.zeros(0)) for y in (1.0, 2.0, 3.0)]
    [3.0, 6.0, 0.0]
    """
    paid = np.maximum(limit_prices, 0.0)
    reduced = program.cost - program.equations.T @ equation_prices + program.limits.T @ paid
    fixed = program.equal_to @ equation_prices - program.at_most @ paid
    return float(fixed + program.most @ np.minimum(reduced, 0.0))


def solve_linear(program: LinearProgram, *, tolerance: float = 1e-6) -> LinearSolution:
    """Return the least cost, a plan that attains it, and prices that prove it.

    Raises :class:`OptimalityError` when the program has no solution, or when what the prices prove
    falls short of what the plan costs by more than ``tolerance`` (relative to 1 + cost).
    """
    answer = linprog(
        program.cost,
        A_ub=program.limits if program.at_most.size else None,
        b_ub=program.at_most if program.at_most.size else None,
        A_eq=program.equations if program.equal_to.size else None,
        b_eq=program.equal_to if program.equal_to.size else None,
        bounds=np.stack([np.zeros_like(program.most), program.most], axis=1),
        method="highs",
    )
    _require_solved(answer.x, answer.message)
    none = np.zeros(0)
    equation_prices = answer.eqlin.marginals if program.equal_to.size else none
    limit_prices = np.maximum(-answer.ineqlin.marginals, 0) if program.at_most.size else none
    bound = dual_bound(program, equation_prices, limit_prices)
    gap = answer.fun - bound
    if not abs(gap) <= tolerance * (1 + abs(answer.fun)):
        raise OptimalityError(
            f"the plan costs {answer.fun} and its prices prove {bound} only. Scale costs and units"
            " so that they differ less in size."
        )
    return LinearSolution(
        plan=answer.x,
        attained=float(answer.fun),
        bound=bound,
        equation_prices=equation_prices,
        limit_prices=limit_prices,
    )


def solve_integer(
    program: LinearProgram,
    whole: Bool[np.ndarray, " N"],
    *,
    relative_gap: float = 1e-9,
    seconds: float = 60.0,
) -> IntegerSolution:
    """Return the least cost where the unknowns marked ``whole`` take whole values only.

    The search ends when plan and bound are within ``relative_gap``, or after ``seconds``; the
    bound is then below the optimum.

    Raises :class:`OptimalityError` when no plan was found.
    """
    constraints = [
        LinearConstraint(matrix, low, right)
        for matrix, low, right in (
            (program.equations, program.equal_to, program.equal_to),
            (program.limits, -np.inf, program.at_most),
        )
        if right.size
    ]
    answer = milp(
        program.cost,
        integrality=whole.astype(np.int64),
        bounds=Bounds(0, program.most),
        constraints=constraints,
        options={"mip_rel_gap": relative_gap, "time_limit": seconds},
    )
    _require_solved(answer.x, answer.message)
    bound = answer.fun if answer.mip_dual_bound is None else answer.mip_dual_bound
    return IntegerSolution(plan=answer.x, attained=float(answer.fun), bound=float(bound))


def _require_solved(plan: Float[np.ndarray, " N"] | None, message: str) -> None:
    if plan is None:
        raise OptimalityError(
            f"no plan was found: {message}. Check whether capacities and budget leave one, or allow"
            " more time."
        )
