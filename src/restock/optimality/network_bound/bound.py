"""The perfect-information bound of a network: solved, and proven by prices."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.optimality.linear_program import (
    LinearProgram,
    LinearSolution,
    dual_bound,
    solve_integer,
    solve_linear,
)
from restock.optimality.network_bound.hindsight import Hindsight
from restock.optimality.network_bound.path_data import path_data
from restock.optimality.network_bound.program import PathProgram
from restock.optimality.network_bound.terms import NetworkTerms
from restock.problem import Instance

__all__ = ["Certificate", "NetworkBound", "network_bound"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """A linear program and the prices that prove a lower bound on it.

    ``path`` and ``products`` say which part of the bound it proves.
    """

    path: int
    products: Int[np.ndarray, " G"]
    program: LinearProgram
    solution: LinearSolution

    def proven(self) -> float:
        """Compute the bound from the prices again; the solver is not asked."""
        return dual_bound(self.program, self.solution.equation_prices, self.solution.limit_prices)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkBound:
    """No policy costs less than ``cost`` ``[B]`` on these paths, in money over all periods.

    ``relaxed`` ``[B]`` is the linear program's bound, proven by its prices; ``cost`` is the same,
    or the integer program's bound where that was asked for. ``attained`` ``[B]`` is what the best
    plan found costs; the plan of the linear program may order what no lane would take.
    ``by_product`` ``[B, P]`` splits ``cost`` where nothing ties products together. ``unit_value``
    ``[B, P, L, T]`` is the money that one more unit at a location in a period would save.
    ``certificates`` are there if asked for.
    """

    cost: Float[np.ndarray, " B"]
    relaxed: Float[np.ndarray, " B"]
    attained: Float[np.ndarray, " B"]
    by_product: Float[np.ndarray, "B P"] | None
    unit_value: Float[np.ndarray, "B P L T"]
    certificates: tuple[Certificate, ...]


def network_bound(
    instance: Instance,
    hindsight: Hindsight,
    *,
    integer: bool = False,
    keep_certificates: bool = False,
    seconds: float = 60.0,
) -> NetworkBound:
    """Return the least cost that knowing all demand beforehand allows, for each path.

    Cost is what a period of the world charges: holding, shortage, unit and fixed costs of lanes,
    waste and shipping. Its order of events is kept, with lane and storage capacities, order days,
    budget, lost sales and (partial) backorders, returns, transfers and regions. The linear program
    lets orders be divided, and leaves fixed costs, minimums and costs per shipment out; with
    ``integer`` they count, each search taking at most ``seconds``.

    Where a feature is relaxed the bound stays a bound: perishables may be kept for ever or thrown
    away at waste cost at any time; who waits need not be served first; lead times that are
    uncertain and not given in ``hindsight`` may be chosen among those that can happen; outages
    that are not given do not happen; every proposed substitute is accepted by its accepted share.
    Prices and satisfaction are as ``demand`` has them.

    Where no budget, capacity or substitute ties products together there is a program for each.

    Raises :class:`InstanceError` when the axes do not fit the instance, :class:`OptimalityError`
    when prices do not prove what the solver says.

    Source: D. B. Brown, J. E. Smith and P. Sun (2010), Information relaxations and duality in
    stochastic dynamic programs, Operations Research 58(4):785–801, section 2.

    >>> from restock.problem import Product
    >>> chain = Instance.serial(Product(id="A", shortage_cost=9.0), (1, 1), (1.0, 2.0))
    >>> asked = np.zeros((1, 3, 1, 2))
    >>> asked[0, :, 0, 1] = [1.0, 2.0, 4.0]  # nothing can be there before period 2
    >>> network_bound(chain, Hindsight(demand=asked)).cost.tolist()
    [27.0]
    """
    hindsight.check(instance)
    columns = hindsight.lanes or tuple(
        sorted({(lane.origin, lane.destination) for lane in instance.lanes})
    )
    terms = NetworkTerms.of(instance, columns)
    n_products = len(instance.products)
    tied = _ties_products(instance, terms)
    groups = [np.arange(n_products)] if tied else list(np.arange(n_products)[:, None])
    shape = (hindsight.paths, len(groups))
    relaxed, attained, cost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    unit_value = np.zeros((hindsight.paths, n_products, terms.storage.size, hindsight.periods))
    certificates: list[Certificate] = []
    for path, number in np.ndindex(shape):
        group, place = groups[number], (path, number)
        part = path_data(instance, terms, hindsight, path, group)
        model = PathProgram(instance, terms, part, whole=False)
        program = model.program()
        solution = solve_linear(program)
        relaxed[place] = cost[place] = solution.bound
        attained[place] = solution.attained
        unit_value[path, group] = -solution.equation_prices[model.balance_rows]
        if keep_certificates:
            certificates.append(Certificate(path, group, program, solution))
        if integer:
            whole = PathProgram(instance, terms, part, whole=True)
            answer = solve_integer(whole.program(), whole.integers, seconds=seconds)
            # both are bounds, and a search that was cut short may prove less
            cost[place] = max(answer.bound, solution.bound)
            attained[place] = answer.attained
    return NetworkBound(
        cost=cost.sum(axis=1),
        relaxed=relaxed.sum(axis=1),
        attained=attained.sum(axis=1),
        by_product=None if tied else cost,
        unit_value=unit_value,
        certificates=tuple(certificates),
    )


def _ties_products(instance: Instance, terms: NetworkTerms) -> bool:
    limits = [*terms.storage, *terms.inbound, instance.budget_per_period]
    return bool(np.isfinite(limits).any()) or len(terms.switches) > 0
