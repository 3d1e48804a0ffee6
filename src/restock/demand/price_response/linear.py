"""Linear response: each unit of money takes away the same number of units, down to none."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.protocol import PriceFactor
from restock.demand.price_response.relative_price import (
    check_elasticity,
    check_families,
    price_change,
)

__all__ = ["LinearResponse"]


@dataclass(frozen=True, eq=False)
class LinearResponse(PriceFactor):
    """Demand is base × (1 + ε (price − list price) / list price)⁺.

    ``list_price`` is money per unit ``[P]``; ``elasticity`` (ε ≤ 0) ``[P]`` is the one at the list
    price. Demand ends at the choke price, list price × (1 − 1/ε).

    Raises :class:`~restock.errors.ConfigurationError` for a list price that is not > 0, an
    elasticity > 0, or NaN. Source: Talluri and van Ryzin, The Theory and Practice of Revenue
    Management (2004), chapter 7.

    >>> import torch
    >>> response = LinearResponse(torch.tensor([10.0]), torch.tensor([-2.0]))
    >>> price = torch.tensor([[[5.0]], [[12.5]], [[15.0]], [[16.0]]])
    >>> response.demand(torch.full((4, 1, 1), 3.0), price, price).flatten().tolist()
    [6.0, 1.5, 0.0, 0.0]
    """

    list_price: Float[Tensor, "P"]
    elasticity: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check every number."""
        check_families(self.list_price, elasticity=self.elasticity)
        check_elasticity(self.elasticity)

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return (1 + ε × relative change of price)⁺."""
        change = price_change(price, self.list_price)
        return (1 + self.elasticity.unsqueeze(-1) * change).clamp_min(0)
