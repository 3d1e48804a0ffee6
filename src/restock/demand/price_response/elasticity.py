"""Constant elasticity: each percent of price moves demand by the same percentage."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.protocol import PriceFactor
from restock.demand.price_response.relative_price import (
    check_elasticity,
    check_families,
    price_ratio,
)

__all__ = ["ConstantElasticity"]


@dataclass(frozen=True, eq=False)
class ConstantElasticity(PriceFactor):
    """Demand is base × (price / list price)^ε.

    ``list_price`` is money per unit ``[P]``; ``elasticity`` (ε ≤ 0) ``[P]`` has no unit: −2 loses
    about two percent of demand for one percent of price. Below a thousandth of the list price
    demand rises no further.

    Raises :class:`~restock.errors.ConfigurationError` for a list price that is not > 0, an
    elasticity > 0, or NaN. Source: Talluri and van Ryzin, The Theory and Practice of Revenue
    Management (2004), chapter 7.

    >>> import torch
    >>> response = ConstantElasticity(torch.tensor([10.0]), torch.tensor([-2.0]))
    >>> price = torch.tensor([[[5.0]]])
    >>> response.demand(torch.tensor([[[3.0]]]), price, price).item()
    12.0
    """

    list_price: Float[Tensor, "P"]
    elasticity: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check every number."""
        check_families(self.list_price, elasticity=self.elasticity)
        check_elasticity(self.elasticity)

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return (price / list price)^ε."""
        return price_ratio(price, self.list_price) ** self.elasticity.unsqueeze(-1)
