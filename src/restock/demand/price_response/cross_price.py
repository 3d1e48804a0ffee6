"""Responses to the prices of a few other products: substitutes and complements.

The pairs are lists of length N, so that 100,000 products with ten neighbours each cost a million
numbers and no table of products by products.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.demand.price_response.protocol import PriceFactor
from restock.demand.price_response.relative_price import (
    check_elasticity,
    check_families,
    price_change,
    price_ratio,
)
from restock.errors import ConfigurationError, require

__all__ = ["CrossElasticity", "CrossLinear", "PricePairs"]


@dataclass(frozen=True, eq=False)
class PricePairs:
    """Whose demand answers whose price.

    Demand for product ``affected[n]`` answers the price of product ``changed[n]`` with
    ``elasticity[n]``: > 0 for substitutes, < 0 for complements. Products are numbers from 0.

    Raises :class:`ConfigurationError` for lists of different lengths, a product paired with
    itself, a pair given twice, or an elasticity that is not finite.
    """

    affected: Int[Tensor, "N"]
    changed: Int[Tensor, "N"]
    elasticity: Float[Tensor, "N"]

    def __post_init__(self) -> None:
        """Check every pair."""
        own = (self.affected == self.changed).nonzero()
        require(
            len(own) == 0,
            ConfigurationError,
            "a pair must join two products; got product number"
            f" {int(self.affected[own[0]]) if len(own) else ''} with itself."
            " Its own elasticity has a list of its own.",
        )
        bad = (~self.elasticity.isfinite()).nonzero()
        require(
            len(bad) == 0,
            ConfigurationError,
            f"`elasticity` of a pair must be finite; got {self.elasticity[bad[:1, 0]].tolist()} for"
            f" pair number {bad[:1, 0].tolist()}. Correct or leave out the pair.",
        )
        width = int(self.changed.max()) + 1 if len(self.changed) else 1
        keys = self.affected.long() * width + self.changed
        require(
            len(torch.unique(keys)) == len(keys),
            ConfigurationError,
            "a pair of products is given more than once. Keep one of them.",
        )

    def check_products(self, n_products: int) -> None:
        """Require that the pairs name products 0 … ``n_products`` − 1."""
        for name in ("affected", "changed"):
            index: Tensor = getattr(self, name)
            outside = index[(index < 0) | (index >= n_products)]
            require(
                len(outside) == 0,
                ConfigurationError,
                f"`{name}` must name products 0 … {n_products - 1}; got {outside[:3].tolist()}."
                " Number products in the order of the list prices.",
            )

    def weigh(self, values: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return Σ elasticity × value of the changed product, at each affected product."""
        parts = self.elasticity.unsqueeze(-1) * values.index_select(-2, self.changed)
        return torch.zeros_like(values).index_add(-2, self.affected, parts)


@dataclass(frozen=True, eq=False)
class CrossElasticity(PriceFactor):
    """Demand is base × Πⱼ (price of j / list price of j)^εᵢⱼ, the own price included.

    ``list_price`` is money per unit ``[P]``, ``elasticity`` (εᵢᵢ ≤ 0) ``[P]`` the own one,
    ``pairs`` hold the others.

    Raises :class:`ConfigurationError` for a list price that is not > 0, an own elasticity > 0,
    a pair outside the products, or NaN. Source: Talluri and van Ryzin, The Theory and Practice of
    Revenue Management (2004), chapter 7 (the multiproduct constant-elasticity model).

    >>> tea_follows_mate = PricePairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([0.5]))
    >>> response = CrossElasticity(torch.ones(2), torch.tensor([-2.0, -2.0]), tea_follows_mate)
    >>> price = torch.tensor([[[1.0], [4.0]]])
    >>> [round(x, 4) for x in response.factor(price).flatten().tolist()]
    [2.0, 0.0625]
    """

    list_price: Float[Tensor, "P"]
    elasticity: Float[Tensor, "P"]
    pairs: PricePairs

    def __post_init__(self) -> None:
        """Check every number."""
        _check(self.list_price, self.elasticity, self.pairs)

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return the product of powers."""
        log_ratio = torch.log(price_ratio(price, self.list_price))
        return torch.exp(self.elasticity.unsqueeze(-1) * log_ratio + self.pairs.weigh(log_ratio))


@dataclass(frozen=True, eq=False)
class CrossLinear(PriceFactor):
    """Demand is base × (1 + Σⱼ εᵢⱼ xⱼ)⁺, x the relative change of a price, the own included.

    ``list_price`` is money per unit ``[P]``, ``elasticity`` (εᵢᵢ ≤ 0) ``[P]`` the own one at list
    prices, ``pairs`` hold the others.

    Raises :class:`ConfigurationError` as :class:`CrossElasticity` does. Source: Talluri and van
    Ryzin, The Theory and Practice of Revenue Management (2004), chapter 7 (the multiproduct
    linear model).

    >>> tea_follows_mate = PricePairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([0.5]))
    >>> response = CrossLinear(torch.ones(2), torch.tensor([-2.0, -2.0]), tea_follows_mate)
    >>> response.factor(torch.tensor([[[1.25], [1.5]]])).flatten().tolist()
    [0.75, 0.0]
    """

    list_price: Float[Tensor, "P"]
    elasticity: Float[Tensor, "P"]
    pairs: PricePairs

    def __post_init__(self) -> None:
        """Check every number."""
        _check(self.list_price, self.elasticity, self.pairs)

    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return the sum of effects, at least 0."""
        change = price_change(price, self.list_price)
        own = self.elasticity.unsqueeze(-1) * change
        return (1 + own + self.pairs.weigh(change)).clamp_min(0)


def _check(list_price: Tensor, elasticity: Tensor, pairs: PricePairs) -> None:
    check_families(list_price, elasticity=elasticity)
    check_elasticity(elasticity)
    pairs.check_products(len(list_price))
