"""Multinomial logit: products of a group compete for the same customers, who may buy nothing."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.demand.price_response.protocol import PriceFactor
from restock.demand.price_response.relative_price import check_families, price_change
from restock.demand.processes.parameters import check, check_vector
from restock.errors import ConfigurationError, require

__all__ = ["LogitResponse"]

LARGEST_GROUP_SHARE = 0.999


@dataclass(frozen=True, eq=False)
class LogitResponse(PriceFactor):
    """Customers of a group choose one of its products, or the outside option.

    With xᵢ = (price − list price) / list price and wᵢ = exp(−βᵢ xᵢ), demand is

        base × wᵢ / (1 + Σⱼ σⱼ (wⱼ − 1)),   j over the products of i's group.

    ``list_price`` is money per unit ``[P]``; ``sensitivity`` (β ≥ 0) ``[P]`` is the utility that
    doubling the price takes away; ``share`` (σ) ``[P]`` is the part of the group's customers who
    buy the product at list prices, those who buy nothing included in the whole: the shares of a
    group sum to at most 0.999. ``group`` ``[P]`` numbers the groups from 0. At list prices the
    own elasticity is −βᵢ (1 − σᵢ) and the one to j's price is βⱼ σⱼ.

    Raises :class:`~restock.errors.ConfigurationError` for a number outside its range, or NaN.
    Source: Talluri and van Ryzin, The Theory and Practice of Revenue Management (2004), chapter
    7, with the denominator divided by its value at list prices.

    >>> response = LogitResponse(
    ...     list_price=torch.tensor([4.0, 4.0]),
    ...     sensitivity=torch.tensor([3.0, 3.0]),
    ...     share=torch.tensor([0.5, 0.25]),
    ...     group=torch.tensor([0, 0]),
    ... )
    >>> price = torch.tensor([[[4.0], [1e9]]])
    >>> response.demand(torch.tensor([[[6.0], [3.0]]]), price, price).flatten().tolist()
    [8.0, 0.0]
    """

    list_price: Float[Tensor, "P"]
    sensitivity: Float[Tensor, "P"]
    share: Float[Tensor, "P"]
    group: Int[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check every number and what each group adds up to."""
        check_families(
            self.list_price, sensitivity=self.sensitivity, share=self.share, group=self.group
        )
        check_vector("sensitivity", self.sensitivity, remedy="Use 3 for a usual product.")
        check_vector("share", self.share, remedy="Give a part of the group's customers.")
        require(
            bool((self.group >= 0).all()),
            ConfigurationError,
            f"`group` must number groups from 0; got {int(self.group.min())}."
            " Give each product the number of its group.",
        )
        total = self._sum(self.share.unsqueeze(-1))[self.group].squeeze(-1)
        remedy = "Leave room for customers who buy nothing."
        rule = f"a part whose sum over the group is at most {LARGEST_GROUP_SHARE}"
        check("share", self.share, total <= LARGEST_GROUP_SHARE + 1e-6, rule, remedy)

    @classmethod
    def from_mean_demand(
        cls,
        list_price: Float[Tensor, "P"],
        sensitivity: Float[Tensor, "P"],
        group: Int[Tensor, "P"],
        mean_demand: Float[Tensor, "P"],
        outside_share: float,
    ) -> "LogitResponse":
        """Read the shares off mean demands at list prices (units per period).

        ``outside_share`` in [0.001, 1) is the part of each group's customers who buy nothing.

        Raises :class:`~restock.errors.ConfigurationError` for a number outside its range.
        """
        require(
            1 - LARGEST_GROUP_SHARE <= outside_share < 1,
            ConfigurationError,
            f"`outside_share` must lie in [{1 - LARGEST_GROUP_SHARE:.3g}, 1); got {outside_share}."
            " Use 0.5 where half of those who look buy nothing.",
        )
        check_vector("mean_demand", mean_demand)
        total = mean_demand.new_zeros(int(group.max()) + 1).index_add(0, group, mean_demand)
        within = mean_demand / torch.where(total > 0, total, torch.ones_like(total))[group]
        return cls(list_price, sensitivity, (1 - outside_share) * within, group)

    @cached_property
    def n_groups(self) -> int:
        """The number of groups."""
        return int(self.group.max()) + 1

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return wᵢ / (1 + Σ σⱼ (wⱼ − 1))."""
        gain = -self.sensitivity.unsqueeze(-1) * price_change(price, self.list_price)
        extra = self._sum(self.share.unsqueeze(-1) * torch.expm1(gain))
        return torch.exp(gain) / (1 + extra).index_select(-2, self.group)

    def _sum(self, values: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B G 1"]:
        """Sum over the products of each group."""
        groups = values.new_zeros((*values.shape[:-2], self.n_groups, 1))
        return groups.index_add(-2, self.group, values)
