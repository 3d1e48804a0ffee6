"""What hindsight could have reached: lost sales when all demand is known beforehand."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require

__all__ = ["PerfectInformation", "SupplyTerms", "perfect_information_bound"]

PerProduct: TypeAlias = Float[np.ndarray, "#P"] | float


@dataclass(frozen=True, kw_only=True, eq=False)
class SupplyTerms:
    """What stock, shortage and supply cost, per product or one number for all.

    ``lead_time`` (L ≥ 0) is in periods: what is ordered in period t can be sold from period
    t + L on. ``holding_cost`` is money per unit left at the end of a period, ``shortage_cost``
    money per unit lost, ``unit_cost`` money per unit ordered. ``end_value`` is money per unit that
    is on hand or on order when the last period is over; it may not exceed ``unit_cost``, or
    ordering for the end would pay without limit. Where an order takes a random time, the least
    possible ``lead_time`` keeps the bound a bound.

    Raises :class:`InstanceError` for a number that is negative or not finite, a lead time that is
    no integer, or an end value above the unit cost.
    """

    lead_time: Int[np.ndarray, "#P"] | int
    holding_cost: PerProduct
    shortage_cost: PerProduct
    unit_cost: PerProduct = 0.0
    end_value: PerProduct = 0.0

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for name in ("lead_time", "holding_cost", "shortage_cost", "unit_cost", "end_value"):
            _require_amounts(name, np.asarray(getattr(self, name), dtype=np.float64))
        lead_time = np.asarray(self.lead_time)
        require(
            bool((lead_time == np.floor(lead_time)).all()),
            InstanceError,
            f"`lead_time` must be whole periods; got {lead_time.max()}. Round it down.",
        )
        excess = np.asarray(self.end_value) - np.asarray(self.unit_cost)
        require(
            bool((excess <= 0).all()),
            InstanceError,
            f"`end_value` must not exceed `unit_cost`; it does by {excess.max()}. Lower it:"
            " otherwise ordering for the end pays without limit.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PerfectInformation:
    """What no policy can beat, per path and product.

    ``cost`` is the least holding and shortage cost, ``profit`` the highest revenue and end value
    less ordering, holding and shortage costs, both in money over all periods. ``sold``, ``lost``,
    ``ordered`` and ``left`` (on hand and on order after the last period) are units of the plan
    with that profit. Any policy is left with at least ``left``, so ``cost`` plus a charge on what
    is left is a bound as well.
    """

    cost: Float[np.ndarray, "*B P"]
    profit: Float[np.ndarray, "*B P"]
    sold: Float[np.ndarray, "*B P"]
    lost: Float[np.ndarray, "*B P"]
    ordered: Float[np.ndarray, "*B P"]
    left: Float[np.ndarray, "*B P"]


def perfect_information_bound(
    demand: Float[np.ndarray, "*B T P"],
    terms: SupplyTerms,
    *,
    initial_stock: Float[np.ndarray, "*#B #P"] | float = 0.0,
    pipeline: Float[np.ndarray, "*#B K #P"] | None = None,
    unit_price: Float[np.ndarray, "*#B #T #P"] | Float[np.ndarray, "#P"] | float = 0.0,
) -> PerfectInformation:
    """Return the least cost and the highest profit that knowing all of ``demand`` allows.

    One location, lost sales, orders of any size, no fixed cost. ``demand`` is units per period;
    ``initial_stock`` is units on hand before period 0, ``pipeline[k]`` units that arrive at the
    start of period k, ``unit_price`` money per unit sold, which may change from period to period.
    Stock on hand is sold to whoever asks, so what is there at the start serves demand as it comes.
    Of the demand that finds none, each unit from period L on can be served by an order that
    arrives in its own period and is never held: that saves the whole shortage cost, and adds
    price + p − c to profit, done where positive. Any other order only adds stock. Demand before
    period L that finds no stock is lost to everybody.

    Raises :class:`InstanceError` for demand, stock or prices that are negative or not finite.

    Source: the argument above; checked against a linear program in
    ``tests/optimality/test_perfect_information.py``. As a bound: D. B. Brown, J. E. Smith and
    P. Sun (2010), Information relaxations and duality in stochastic dynamic programs, Operations
    Research 58(4):785–801, section 2.

    >>> terms = SupplyTerms(lead_time=1, holding_cost=1, shortage_cost=4, unit_cost=2)
    >>> demand = np.array([[3.0], [5.0]])
    >>> bound = perfect_information_bound(demand, terms, initial_stock=2.0, unit_price=6.0)
    >>> bound.cost.item(), bound.profit.item(), bound.ordered.item()
    (4.0, 28.0, 5.0)
    """
    require(
        demand.ndim >= 2 and demand.shape[-2] > 0,
        InstanceError,
        f"`demand` must have axes (…, T, P) with T ≥ 1; got shape {demand.shape}.",
    )
    n_periods = demand.shape[-2]
    price = np.broadcast_to(np.asarray(unit_price, dtype=np.float64), demand.shape)
    arrivals, late = _arrivals(demand, initial_stock, pipeline)
    for name, values in {"demand": demand, "unit_price": price, "stock": arrivals}.items():
        _require_amounts(name, values)

    stock, unmet = _serve(arrivals, demand)
    reachable = np.arange(n_periods)[:, None] >= np.asarray(terms.lead_time)
    worthwhile = price + terms.shortage_cost >= terms.unit_cost
    in_time = np.where(reachable & worthwhile, unmet, 0.0)

    held = terms.holding_cost * stock.sum(axis=-2)
    lost = (unmet - in_time).sum(axis=-2)
    ordered = in_time.sum(axis=-2)
    left = stock[..., -1, :] + late
    sales = demand - unmet + in_time
    return PerfectInformation(
        cost=held + terms.shortage_cost * np.where(reachable, 0.0, unmet).sum(axis=-2),
        profit=(price * sales).sum(axis=-2)
        + terms.end_value * left
        - terms.unit_cost * ordered
        - terms.shortage_cost * lost
        - held,
        sold=sales.sum(axis=-2),
        lost=lost,
        ordered=ordered,
        left=left,
    )


def _arrivals(
    demand: Float[np.ndarray, "*B T P"],
    initial_stock: Float[np.ndarray, "*#B #P"] | float,
    pipeline: Float[np.ndarray, "*#B K #P"] | None,
) -> tuple[Float[np.ndarray, "*B T P"], Float[np.ndarray, "*B P"]]:
    """Return the units that become available per period, and those due after the last."""
    n_periods = demand.shape[-2]
    arrivals = np.zeros(demand.shape)
    arrivals[..., 0, :] = initial_stock
    late = np.zeros(demand[..., 0, :].shape)
    if pipeline is None:
        return arrivals, late
    _require_amounts("pipeline", pipeline)
    due = pipeline[..., :n_periods, :]
    arrivals[..., : due.shape[-2], :] += due
    return arrivals, late + pipeline[..., n_periods:, :].sum(axis=-2)


def _serve(
    arrivals: Float[np.ndarray, "*B T P"], demand: Float[np.ndarray, "*B T P"]
) -> tuple[Float[np.ndarray, "*B T P"], Float[np.ndarray, "*B T P"]]:
    """Return stock at the end of each period and unmet demand, with no order but what is due.

    Lindley's recursion Iₜ = (Iₜ₋₁ + aₜ − Dₜ)⁺ unrolled: with Cₜ the sum of a − D up to t, demand
    unmet up to t is the largest of 0 and −Cₛ for s ≤ t.
    """
    balance = np.cumsum(arrivals - demand, axis=-2)
    unmet_so_far = np.maximum(np.maximum.accumulate(-balance, axis=-2), 0.0)
    stock = np.maximum(balance + unmet_so_far, 0.0)
    return stock, np.diff(unmet_so_far, axis=-2, prepend=0.0)


def _require_amounts(name: str, values: Float[np.ndarray, "*any"]) -> None:
    good = np.isfinite(values) & (values >= 0)
    require(
        bool(good.all()),
        InstanceError,
        f"`{name}` must be finite and ≥ 0; got {values[~good].flat[0] if not good.all() else 0}."
        " Correct it before asking for the bound.",
    )
