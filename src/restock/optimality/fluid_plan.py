"""The fluid bound on price and stock together: what a world without surprises would earn.

Costs are convex and all constraints linear in stock, so the expectations of any policy's prices,
sales and orders are a feasible plan of the smooth world that earns at least as much (Jensen's
inequality). Shares of a period at each price make revenue concave whatever the prices.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.linear_program import solve_linear
from restock.optimality.program_builder import ProgramBuilder

__all__ = ["FluidPlan", "FluidTerms", "fluid_plan"]


@dataclass(frozen=True, kw_only=True)
class FluidTerms:
    """Money and stock of one product in the smooth world.

    ``unit_cost`` (c), ``holding_cost`` and ``shortage_cost`` are money per unit ordered, left, and
    lost or waiting. ``end_value`` ≤ c is what a unit left after the last period is worth, a unit
    owed costs c. Orders arrive ``lead_time`` periods later (what arrives after the end counts as
    left); no more than ``order_capacity`` may be ordered per period. Money of period t counts
    ``discount`` to the power t.

    Raises :class:`InstanceError` for a number outside its range.
    """

    unit_cost: float
    holding_cost: float
    shortage_cost: float
    end_value: float = 0.0
    initial_stock: float = 0.0
    lead_time: int = 0
    order_capacity: float = np.inf
    loses_unmet: bool = True
    discount: float = 1.0

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for name in ("unit_cost", "holding_cost", "shortage_cost", "end_value", "lead_time"):
            value = getattr(self, name)
            require(
                bool(0 <= value < np.inf),
                InstanceError,
                f"`{name}` must be finite and ≥ 0; got {value}. Correct it.",
            )
        least = 0.0 if self.loses_unmet else -np.inf
        require(
            self.end_value <= self.unit_cost
            and least <= self.initial_stock < np.inf
            and self.order_capacity >= 0
            and 0 < self.discount <= 1,
            InstanceError,
            f"`end_value` must be at most `unit_cost`, `initial_stock` finite (≥ 0 where unmet"
            f" demand is lost), `order_capacity` ≥ 0 and `discount` in (0, 1]; got {self}.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FluidPlan:
    """No policy can expect to earn more than ``profit``.

    ``price_share`` ``[T, K]`` is the share of each period at each price, ``order``, ``sold`` and
    ``left`` ``[T]`` units of the smooth plan. ``attained`` is what the plan earns; ``profit`` is
    proven by dual prices (weak duality, computed here) and exceeds it by rounding at most.
    """

    profit: float
    attained: float
    price_share: Float[np.ndarray, "T K"]
    order: Float[np.ndarray, " T"]
    sold: Float[np.ndarray, " T"]
    left: Float[np.ndarray, " T"]


def fluid_plan(
    prices: Float[np.ndarray, " K"], mean_demand: Float[np.ndarray, "T K"], terms: FluidTerms
) -> FluidPlan:
    """Return an upper bound on the expected profit of any policy for price and stock.

    ``prices`` are money per unit, ``mean_demand`` the units that period t asks on average at each
    price. Where unmet demand waits, customers pay the price of the day when they ask.

    Raises :class:`InstanceError` for demand or prices that are negative or not finite.

    Source: G. R. Bitran and R. Caldentey (2003), An overview of pricing models for revenue
    management, Manufacturing & Service Operations Management 5(3):203–229, for the deterministic
    bound; with stock it is Jensen's inequality as in the module's text.

    >>> terms = FluidTerms(unit_cost=1, holding_cost=0.1, shortage_cost=2, initial_stock=1)
    >>> plan = fluid_plan(np.array([3.0]), np.array([[2.0], [2.0]]), terms)
    >>> round(plan.profit, 9), plan.order.tolist()
    (9.0, [1.0, 2.0])
    """
    for name, values in {"prices": prices, "mean_demand": mean_demand}.items():
        require(
            bool(((values >= 0) & np.isfinite(values)).all()),
            InstanceError,
            f"`{name}` must be finite and ≥ 0; got {values[~(values >= 0)][:1].tolist()}.",
        )
    smooth = _SmoothWorld(prices, mean_demand, terms)
    answer = solve_linear(smooth.builder.program())
    sales, stock = answer.plan[smooth.sales], answer.plan[smooth.stock]
    return FluidPlan(
        profit=-answer.bound,
        attained=-answer.attained,
        price_share=answer.plan[smooth.share],
        order=answer.plan[smooth.order],
        sold=sales.sum(axis=1),
        left=stock,
    )


class _SmoothWorld:
    """The linear program: numbers of its unknowns, and the builder that holds its rows."""

    def __init__(
        self,
        prices: Float[np.ndarray, " K"],
        mean_demand: Float[np.ndarray, "T K"],
        terms: FluidTerms,
    ) -> None:
        n_periods = len(mean_demand)
        worth = terms.discount ** np.arange(n_periods)
        # more can neither be asked nor usefully be ordered
        total = float(mean_demand.max(axis=1).sum()) + abs(terms.initial_stock)
        waiting = 0.0 if terms.loses_unmet else total
        short = worth * terms.shortage_cost
        # a unit asked and not sold is lost: b on what is asked, −b on what is sold
        lost = short[:, None] * terms.loses_unmet
        add = self.builder = ProgramBuilder()
        shape, periods = mean_demand.shape, (n_periods,)
        self.share = add.unknown(shape, cost=lost * mean_demand, most=1.0)
        self.sales = add.unknown(shape, cost=-worth[:, None] * prices - lost, most=total)
        most = min(terms.order_capacity, total)
        self.order = add.unknown(periods, cost=worth * terms.unit_cost, most=most)
        self.stock = add.unknown(periods, cost=worth * terms.holding_cost, most=total)
        self.backlog = add.unknown(periods, cost=short, most=waiting)
        self._tie_shares(mean_demand, loses_unmet=terms.loses_unmet)
        self._balance(terms)
        self._end(terms, total, waiting)

    def _tie_shares(self, mean_demand: Float[np.ndarray, "T K"], *, loses_unmet: bool) -> None:
        """Let shares sum to at most 1; sell at most what is asked, or all of it in the end."""
        rows = self.builder.limits.add(np.ones(len(mean_demand)))
        self.builder.limits.put(rows[:, None], self.share)
        kind = self.builder.limits if loses_unmet else self.builder.equations
        rows = kind.add(np.zeros(mean_demand.shape))
        kind.put(rows, self.sales)
        kind.put(rows, self.share, -mean_demand)

    def _balance(self, terms: FluidTerms) -> None:
        """Net stock: what was there and what arrives, less what is sold."""
        start = np.zeros(len(self.order))
        start[0] = terms.initial_stock
        equations = self.builder.equations
        rows = equations.add(start)
        for sign, units in ((1.0, self.stock), (-1.0, self.backlog)):
            equations.put(rows, units, sign)
            equations.put(rows[1:], units[:-1], -sign)
        equations.put(rows[:, None], self.sales)
        on_time = max(len(self.order) - terms.lead_time, 0)
        equations.put(rows[terms.lead_time :], self.order[:on_time], -1.0)

    def _end(self, terms: FluidTerms, total: float, waiting: float) -> None:
        """Net stock after the last period, with what is still on order, is sold off or settled."""
        n_periods = len(self.order)
        worth = terms.discount**n_periods
        left = self.builder.unknown((1,), cost=-worth * terms.end_value, most=2 * total)
        owed = self.builder.unknown((1,), cost=worth * terms.unit_cost, most=waiting)
        equations = self.builder.equations
        row = equations.add(np.zeros(1))
        late: Int[np.ndarray, " A"] = self.order[max(n_periods - terms.lead_time, 0) :]
        for sign, units in ((1.0, left), (-1.0, owed), (1.0, self.backlog[-1:])):
            equations.put(row, units, sign)
        equations.put(row, self.stock[-1:], -1.0)
        equations.put(row, late, -1.0)
