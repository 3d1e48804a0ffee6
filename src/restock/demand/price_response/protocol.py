"""What a price response is, and the base of those that multiply demand by a factor."""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

__all__ = ["PriceFactor", "PriceResponse"]


@runtime_checkable
class PriceResponse(Protocol):
    """How customers answer a price.

    Laws: at price = reference price = list price demand is exactly ``base``; demand is never
    negative; gradients flow to price, reference price and base.
    """

    @property
    def remembers(self) -> bool:
        """Whether the reference price moves, so that the world has to carry it."""
        ...

    def demand(
        self,
        base: Float[Tensor, "*#B P D"],
        price: Float[Tensor, "*#B P 1"],
        reference: Float[Tensor, "*#B P 1"],
    ) -> Float[Tensor, "..."]:
        """Return the units asked at ``price``, ``[*B, P, D]``.

        ``base`` is what would be asked at the list price, in units; ``price`` > 0 and the price
        that customers expect, ``reference``, are money per unit.
        """
        ...

    def next_reference(
        self, reference: Float[Tensor, "*#B P 1"], price: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "..."]:
        """Return the reference price of the next period, in money per unit."""
        ...


class PriceFactor(ABC):
    """A response without memory: demand is ``base`` times a factor of the prices of today.

    With a base drawn as mean × ε this is the multiplicative noise d(p)·ε of the literature;
    :class:`~restock.demand.price_response.additive.AdditiveNoise` makes d(p) + ε of it.
    """

    @property
    def remembers(self) -> bool:
        """No reference price moves."""
        return False

    @abstractmethod
    def factor(self, price: Float[Tensor, "*#B P 1"]) -> Float[Tensor, "*#B P 1"]:
        """Return what demand is multiplied by, ≥ 0 and exactly 1 at list prices."""

    def demand(
        self,
        base: Float[Tensor, "*#B P D"],
        price: Float[Tensor, "*#B P 1"],
        reference: Float[Tensor, "*#B P 1"],
    ) -> Float[Tensor, "..."]:
        """Return base × factor, in units; the reference price has no part in it."""
        del reference
        return base * self.factor(price)

    def next_reference(
        self, reference: Float[Tensor, "*#B P 1"], price: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "..."]:
        """Return the reference price as it is."""
        del price
        return reference
