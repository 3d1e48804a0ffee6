"""Promotion lift: what a reduction brings beyond the price that it asks."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.protocol import PriceFactor
from restock.demand.price_response.relative_price import check_families
from restock.demand.processes.parameters import check_vector

__all__ = ["PromotionLift"]


@dataclass(frozen=True, eq=False)
class PromotionLift(PriceFactor):
    """Demand is base × exp(θ · depth), where depth = (1 − price / list price)⁺.

    ``list_price`` is money per unit ``[P]``; ``lift`` (θ ≥ 0) ``[P]`` has no unit: with θ = 3 a
    reduction by 20 % sells exp(0.6) = 1.8 times as much. A price above the list price is no
    promotion and changes nothing: combine with an elasticity.

    Raises :class:`~restock.errors.ConfigurationError` for a number outside its range, or NaN.
    Source: Blattberg and Neslin, Sales Promotion: Concepts, Methods, and Strategies (1990), whose
    semi-logarithmic response has the depth of the deal in its exponent.

    >>> response = PromotionLift(torch.tensor([10.0]), torch.tensor([3.0]))
    >>> price = torch.tensor([[[8.0]], [[12.0]]])
    >>> [round(x, 3) for x in response.factor(price).flatten().tolist()]
    [1.822, 1.0]
    """

    list_price: Float[Tensor, "P"]
    lift: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check every number."""
        check_families(self.list_price, lift=self.lift)
        check_vector("lift", self.lift, remedy="Use 0 for a product that no promotion lifts.")

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return exp(θ · depth)."""
        depth = (1 - price / self.list_price.unsqueeze(-1)).clamp_min(0)
        return torch.exp(self.lift.unsqueeze(-1) * depth)
