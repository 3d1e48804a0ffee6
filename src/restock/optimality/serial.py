"""Stages in a row with backorders: the echelon base stock of Clark and Scarf, and its cost.

N stages in a row; stage 1 sells, stage k is supplied by stage k + 1 and stage N from outside.
The echelon of stage k is its stock and everything below it, on hand or in transit, less backorders.
With hₖ the echelon holding cost (local cost less that of the supplier), h'₁ the local cost of
stage 1, p the shortage cost and Dₖ the demand of stage k's lead time,

    G₀(x) = (p + h'₁) x⁻
    Cₖ(y) = E[hₖ (y − Dₖ) + Gₖ₋₁(y − Dₖ)]
    Sₖ    = argmin Cₖ
    Gₖ(x) = Cₖ(min(x, Sₖ))

and C_N(S_N) is the least average cost: that of ordering up to Sₖ at each stage, as far as the
supplier's stock goes. It charges units in transit at the local cost of the stage that sent them.

Source: A. J. Clark & H. Scarf (1960), Optimal policies for a multi-echelon inventory problem,
Management Science 6(4):475–490, in the form of F. Chen & Y.-S. Zheng (1994), Lower bounds for
multi-echelon stochastic inventory systems, Management Science 40(11):1426–1443; Snyder & Shen,
Fundamentals of Supply Chain Theory, 2nd ed., section 6.2.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import convolve

from restock.errors import InstanceError, require
from restock.optimality.gridded import GridDemand

__all__ = ["EchelonBaseStock", "SerialStage", "SerialSystem", "clark_scarf", "serial_cost"]

Levels: TypeAlias = Int[np.ndarray, " X"]
Costs: TypeAlias = Float[np.ndarray, " X"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SerialStage:
    """One stage: ``lead_time_demand`` (Dₖ), local ``holding_cost`` and ``units_in_transit``.

    ``lead_time_demand`` is the demand from the moment the supplier ships until this stage ships
    on what has arrived; for stage 1, until costs are charged. ``holding_cost`` is money per unit
    and period on hand here. ``units_in_transit`` is the average number of units on their way here.
    """

    lead_time_demand: GridDemand
    holding_cost: float
    units_in_transit: float


@dataclass(frozen=True, eq=False)
class SerialSystem:
    """Stages from the outside supplier downwards; the last one sells and backorders.

    ``shortage_cost`` (p > 0) is money per unit backordered and period. Build it with
    :meth:`periodic` (the order of events of our simulation) or :meth:`continuous` (the textbook's).

    Raises :class:`InstanceError` without a stage, for a shortage cost that is not finite and > 0,
    for a first holding cost that is not > 0, for holding costs that fall on the way down, or for
    demand grids of different steps.
    """

    stages: tuple[SerialStage, ...]
    shortage_cost: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        require(
            len(self.stages) > 0, InstanceError, "`stages` must hold at least one stage; got none."
        )
        require(
            0 < self.shortage_cost < math.inf,
            InstanceError,
            f"`shortage_cost` must be finite and > 0; got {self.shortage_cost}. Give money per unit"
            " and period.",
        )
        costs = [stage.holding_cost for stage in self.stages]
        rising = all(low <= high for low, high in pairwise(costs))
        require(
            costs[0] > 0 and rising and costs[-1] < math.inf,
            InstanceError,
            f"`holding_cost` must be > 0, finite and must not fall on the way down; got {costs}."
            " Where stock costs less downstream, there is no reason to hold it upstream.",
        )
        steps = {stage.lead_time_demand.step for stage in self.stages}
        require(
            len(steps) == 1,
            InstanceError,
            f"all demand must be on one grid; got steps {sorted(steps)}. Make it from one period.",
        )

    @classmethod
    def periodic(
        cls,
        demand: GridDemand,
        *,
        lead_times: Sequence[int],
        holding_costs: Sequence[float],
        shortage_cost: float,
    ) -> "SerialSystem":
        """Return the system whose events are: arrivals, orders and shipments, demand, costs.

        ``demand`` is that of one period; ``lead_times`` (periods ≥ 0) and local ``holding_costs``
        run from the outside supplier down. What is shipped in period t arrives first thing in
        period t + L, so the last stage faces the demand of L + 1 periods.

        Raises :class:`InstanceError` for lead times that are no integers ≥ 0 or as many as costs.
        """
        _require_lead_times(lead_times, holding_costs)
        last = len(lead_times) - 1
        return cls(
            tuple(
                SerialStage(
                    lead_time_demand=demand.over(lead_time + (stage == last)),
                    holding_cost=holding_cost,
                    units_in_transit=lead_time * demand.mean,
                )
                for stage, (lead_time, holding_cost) in enumerate(
                    zip(lead_times, holding_costs, strict=True)
                )
            ),
            shortage_cost,
        )

    @classmethod
    def continuous(
        cls,
        demand: GridDemand,
        *,
        lead_times: Sequence[int],
        holding_costs: Sequence[float],
        shortage_cost: float,
    ) -> "SerialSystem":
        """Return the system under continuous review: each stage faces the demand of L periods.

        Arguments as in :meth:`periodic`; ``demand`` is that of one unit of time, and stationary
        with independent increments. Snyder & Shen, section 6.2.
        """
        _require_lead_times(lead_times, holding_costs)
        demands = [demand.over(lead_time) for lead_time in lead_times]
        return cls(
            tuple(
                SerialStage(lead_time_demand=d, holding_cost=h, units_in_transit=d.mean)
                for d, h in zip(demands, holding_costs, strict=True)
            ),
            shortage_cost,
        )

    @property
    def echelon_holding_costs(self) -> tuple[float, ...]:
        """What a unit costs more at each stage than at its supplier, from the top down."""
        costs = [stage.holding_cost for stage in self.stages]
        return tuple(high - low for low, high in pairwise([0.0, *costs]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EchelonBaseStock:
    """Echelon base-stock levels and what they cost.

    ``levels`` are units per stage, from the outside supplier down: order whatever lifts the
    echelon's inventory position to its level. ``cost`` is money per period for backorders and all
    units held, those in transit at the rate of the stage that sent them (the textbook's figure);
    ``cost_on_hand`` leaves out units in transit (what our simulation charges). What is in transit
    costs the same whatever the levels.
    """

    levels: tuple[float, ...]
    cost: float
    cost_on_hand: float

    @property
    def local_levels(self) -> tuple[float, ...]:
        """Base-stock levels on each stage's own inventory position that do the same, in units.

        A level above that of a stage further up is never reached, and counts as that one.

        >>> EchelonBaseStock(levels=(20.0, 22.0, 9.0), cost=1.0, cost_on_hand=1.0).local_levels
        (0.0, 11.0, 9.0)
        """
        reached = np.minimum.accumulate(self.levels)
        return tuple((reached - np.append(reached[1:], 0.0)).tolist())


def clark_scarf(system: SerialSystem) -> EchelonBaseStock:
    """Return the optimal policy of a serial system with backorders: echelon base stock.

    Exact for demand on a grid. Where several levels cost the same the lowest is returned.

    Source: see the head of this module.

    >>> from restock.optimality import poisson_pmf
    >>> from restock.optimality.gridded import counted
    >>> system = SerialSystem.continuous(
    ...     counted(poisson_pmf(5)),
    ...     lead_times=(2, 1, 1),
    ...     holding_costs=(2, 4, 7),
    ...     shortage_cost=37.12,
    ... )
    >>> best = clark_scarf(system)
    >>> best.levels, round(best.cost, 4)
    ((26.0, 15.0, 9.0), 72.0467)
    """
    return _recursion(system, [None] * len(system.stages))


def serial_cost(system: SerialSystem, levels: Sequence[float]) -> EchelonBaseStock:
    """Return the exact cost of given echelon base-stock ``levels``, from the top down, in units.

    Levels are rounded to the grid of the demand (and returned so).

    Raises :class:`InstanceError` unless there is one finite level per stage.
    """
    require(
        len(levels) == len(system.stages) and bool(np.isfinite(levels).all()),
        InstanceError,
        f"`levels` must be one finite number for each of the {len(system.stages)} stages; got"
        f" {list(levels)}.",
    )
    step = system.stages[0].lead_time_demand.step
    return _recursion(system, [round(level / step) for level in levels])


def _recursion(system: SerialSystem, given: Sequence[int | None]) -> EchelonBaseStock:
    step = system.stages[0].lead_time_demand.step
    backorder_cost = (system.shortage_cost + system.stages[-1].holding_cost) * step
    below: Callable[[Levels], Costs] = lambda x: backorder_cost * np.maximum(-x, 0)  # noqa: E731
    kink = top = 0
    levels: list[int] = []
    cost = math.nan
    for stage, echelon_cost, level in zip(
        system.stages[::-1], system.echelon_holding_costs[::-1], given[::-1], strict=True
    ):
        demand = stage.lead_time_demand
        highest = top + demand.last if level is None else max(top + demand.last, level)
        costs = _StageCosts.of(demand, echelon_cost * step, below, kink + demand.first, highest)
        top = costs.lowest_minimum() if level is None else level
        kink = min(kink + demand.first, top)
        below = costs.capped(top)
        cost = float(costs(np.array([top]))[0])
        levels.append(top)
    return _priced(system, tuple(level * step for level in levels[::-1]), cost)


def _priced(
    system: SerialSystem, levels: tuple[float, ...], echelon_cost: float
) -> EchelonBaseStock:
    """Take from C_N what it charges at the suppliers' rates for units not on hand there.

    Cₖ charges the echelon's stock after the demand Dₖ, and stock on hand at the stages is what
    is left when the supplier's rate times E[Dₖ] is taken off for each stage but the first.
    """
    cost_on_hand, in_transit = echelon_cost, 0.0
    for supplier, stage in pairwise(system.stages):
        cost_on_hand -= supplier.holding_cost * stage.lead_time_demand.mean
        in_transit += supplier.holding_cost * stage.units_in_transit
    return EchelonBaseStock(
        levels=levels, cost=cost_on_hand + in_transit, cost_on_hand=cost_on_hand
    )


@dataclass(frozen=True, eq=False)
class _StageCosts:
    """Cₖ at the grid points from ``first`` on; affine below ``first`` + 1."""

    first: int
    values: Costs

    @classmethod
    def of(
        cls,
        demand: GridDemand,
        echelon_cost: float,
        below: Callable[[Levels], Costs],
        affine_until: int,
        top: int,
    ) -> "_StageCosts":
        """Return E[h x + G(x)] at x = y − D, for y from the affine branch to ``top``."""
        first = affine_until - 1
        x = np.arange(first - demand.last, top - demand.first + 1)
        return cls(first, convolve(echelon_cost * x + below(x), demand.chances, mode="valid"))

    def __call__(self, points: Levels) -> Costs:
        """Return the costs at grid points, none of them above the last."""
        index = points - self.first
        slope = self.values[1] - self.values[0]
        inside = self.values[np.maximum(index, 0)]
        return np.asarray(np.where(index >= 0, inside, self.values[0] + slope * index))

    def capped(self, level: int) -> Callable[[Levels], Costs]:
        """Return Gₖ(x) = Cₖ(min(x, level))."""
        return lambda points: self(np.minimum(points, level))

    def lowest_minimum(self) -> int:
        """Return the lowest point that attains the least cost, up to rounding."""
        least = float(self.values.min())
        ties = self.values <= least + 1e-12 * (1 + abs(least))
        return self.first + int(np.flatnonzero(ties)[0])


def _require_lead_times(lead_times: Sequence[int], holding_costs: Sequence[float]) -> None:
    require(
        len(lead_times) == len(holding_costs)
        and all(lead_time >= 0 and lead_time == int(lead_time) for lead_time in lead_times),
        InstanceError,
        f"`lead_times` must be one integer ≥ 0 for each of the {len(holding_costs)} holding costs;"
        f" got {list(lead_times)}. Give periods, from the outside supplier down.",
    )
