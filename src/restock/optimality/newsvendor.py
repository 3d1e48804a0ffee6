"""The newsvendor: one level against uncertain demand, alone or over a lead time."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from restock.errors import InstanceError, require
from restock.optimality.pmf import check_pmf, quantile, total_pmf

__all__ = ["Newsvendor", "Normal", "newsvendor"]


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal demand: ``mean`` and ``sd`` in units per period.

    Raises :class:`InstanceError` unless the mean is finite and the deviation finite and > 0.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        """Refuse a mean or deviation that is no number."""
        require(
            math.isfinite(self.mean),
            InstanceError,
            f"`mean` of normal demand must be finite; got {self.mean}. Give units per period.",
        )
        require(
            0 < self.sd < math.inf,
            InstanceError,
            f"`sd` of normal demand must be finite and > 0; got {self.sd}. Give units per period.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsvendor:
    """``level`` S* in units, ``cost`` in money per period, ``critical_ratio`` p / (p + h)."""

    level: float
    cost: float
    critical_ratio: float


def newsvendor(
    demand: Normal | Float[np.ndarray, " D"],
    *,
    holding_cost: float,
    shortage_cost: float,
    lead_time: int = 0,
) -> Newsvendor:
    """Return the level S that minimises h E(S − D)⁺ + p E(D − S)⁺, D the demand of L + 1 periods.

    ``demand`` of one period is :class:`Normal` or a mass function p[0..D]; periods are
    independent. ``holding_cost`` (h) is money per unit left, ``shortage_cost`` (p) money per unit
    short, ``lead_time`` (L) periods. With backorders S* is the best base-stock level. For discrete
    demand S* is the smallest level with P(D ≤ S) ≥ p / (p + h).

    Raises :class:`InstanceError` unless both costs are finite and > 0 and L is an integer ≥ 0.

    Source: Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed., eqs. (4.24)
    and (4.30) for normal demand; section 4.3 for discrete.

    >>> answer = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7)
    >>> round(answer.level, 6), round(answer.cost, 7)
    (56.603956, 1.9976052)
    """
    for name, value in {"holding_cost": holding_cost, "shortage_cost": shortage_cost}.items():
        require(
            0 < value < math.inf,
            InstanceError,
            f"`{name}` must be finite and > 0; got {value}. Give money per unit.",
        )
    require(
        lead_time >= 0 and lead_time == int(lead_time),
        InstanceError,
        f"`lead_time` must be an integer ≥ 0; got {lead_time}. Give periods.",
    )
    ratio = shortage_cost / (shortage_cost + holding_cost)
    if isinstance(demand, Normal):
        level, cost = _normal(demand, holding_cost + shortage_cost, ratio, lead_time + 1)
    else:
        level, cost = _discrete(demand, holding_cost, shortage_cost, lead_time + 1)
    return Newsvendor(level=level, cost=cost, critical_ratio=ratio)


def _normal(demand: Normal, costs: float, ratio: float, periods: int) -> tuple[float, float]:
    deviation = demand.sd * math.sqrt(periods)
    safety = float(ndtri(ratio))
    density = math.exp(-(safety**2) / 2) / math.sqrt(2 * math.pi)
    return demand.mean * periods + safety * deviation, costs * density * deviation


def _discrete(
    pmf: Float[np.ndarray, " D"], holding_cost: float, shortage_cost: float, periods: int
) -> tuple[float, float]:
    check_pmf(pmf)
    total = total_pmf(pmf, periods)
    level = quantile(total, shortage_cost / (shortage_cost + holding_cost))
    gap = level - np.arange(total.size)
    cost = holding_cost * np.maximum(gap, 0) + shortage_cost * np.maximum(-gap, 0)
    return float(level), float(cost @ total)
