"""Ship from where it is cheapest, when a unit of stock has its price as well."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.policies.allocation.protocol import Allocation
from restock.policies.allocation.ranked import parcel_cost
from restock.policies.allocation.transportation import TransportationPlan, transportation_plan
from restock.simulation import Observation
from restock.simulation.fulfilment import Fulfilment

__all__ = ["DualPrice", "DualPriceConfig"]

PLAN_WEIGHT = 1e-6
"""What the plan's own choice weighs among equals, relative to the largest shipping cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DualPriceConfig:
    """How far a plan looks ahead, and how often it is made again.

    ``horizon_periods`` (H) is the number of periods whose expected demand the stock at hand has to
    serve; about the time until more arrives. ``every_periods`` counts periods between two plans.

    Raises :class:`ConfigurationError` for a horizon or an interval below one period.
    """

    horizon_periods: float = 14.0
    every_periods: int = 7

    def __post_init__(self) -> None:
        """Check both numbers; the conditions are written so that NaN fails them."""
        for name in ("horizon_periods", "every_periods"):
            value = getattr(self, name)
            require(
                1 <= value < float("inf"),
                ConfigurationError,
                f"`{name}` must be finite and ≥ 1; got {value}. Use the lead time of your supply"
                " for the horizon, 1 to plan in every period.",
            )


@dataclass(frozen=True, eq=False)
class DualPrice:
    """Rank locations by shipping cost plus the dual value of their stock, λ of the last plan.

    A region that could be served from elsewhere at little more leaves scarce stock to those for
    whom it is worth more. The value is fixed between plans: :meth:`solve` returns a new allocator.
    ``rate`` ``[#B, #P, R]`` is expected demand in units per period, ``shortage_cost`` ``[#B, #P,
    R]`` money per unit not served. Before the first plan stock has no price: the cheapest serves.

    Source: bid-price control, Simpson (1989) and Talluri & van Ryzin (1998), An analysis of
    bid-price controls for network revenue management; for online retail Acimovic & Graves (2015),
    Making better fulfillment decisions on the fly in an online retail environment, M&SOM 17.
    """

    terms: Fulfilment
    rate: Float[Tensor, "#B #P R"]
    shortage_cost: Float[Tensor, "#B #P R"]
    config: DualPriceConfig = field(default_factory=DualPriceConfig)
    stock_value: Float[Tensor, "#B #P L"] | None = None
    planned_share: Float[Tensor, "#B #P R L"] | None = field(default=None, repr=False)

    def is_due(self, period: int) -> bool:
        """Whether a plan is to be made in ``period``, counted from 0."""
        return period % self.config.every_periods == 0

    def allocate(self, observation: Observation) -> Allocation:
        """Score by shipping cost plus λ, money per unit; among equals as the plan has it."""
        del observation
        cost = parcel_cost(self.terms)
        if self.stock_value is None or self.planned_share is None:
            return Allocation(score=cost)
        score = cost + self.stock_value.unsqueeze(-2)
        return Allocation(score=score - PLAN_WEIGHT * (1 + cost.amax()) * self.planned_share)

    def solve(self, stock: Float[Tensor, "B P L"]) -> "DualPrice":
        """Return the allocator whose stock values belong to ``stock``, in units on hand.

        One linear program a path and product, so planning for many paths takes its time. A parcel
        of one unit stands for the shipping cost, since a linear program knows no fixed ones.
        """
        plan = self.plan(stock)
        demand = self._demand(stock)
        shipped = torch.from_numpy(plan.shipped).reshape(*demand.shape, -1)
        share = shipped / torch.where(demand > 0, demand, 1).unsqueeze(-1).double()
        return replace(
            self,
            stock_value=torch.from_numpy(plan.stock_value).reshape(stock.shape).to(stock),
            planned_share=share.to(stock),
        )

    def plan(self, stock: Float[Tensor, "B P L"]) -> TransportationPlan:
        """Return the plan for ``stock`` with N = B·P blocks, product by product on each path."""
        demand = self._demand(stock)
        pairs = (*demand.shape, stock.shape[-1])
        blocks = (
            stock,
            demand,
            parcel_cost(self.terms).expand(pairs),
            self.shortage_cost.expand(demand.shape),
            self.terms.reach.expand(pairs),
        )
        stocked, wanted, cost, penalty, reach = (
            part.detach().flatten(0, 1).cpu().numpy() for part in blocks
        )
        return transportation_plan(
            stocked.astype(float),
            wanted.astype(float),
            cost.astype(float),
            penalty.astype(float),
            reach,
        )

    def _demand(self, stock: Tensor) -> Tensor:
        regions = self.terms.reach.shape[-2]
        ahead = self.rate * self.config.horizon_periods
        return ahead.expand(*stock.shape[:2], regions)
