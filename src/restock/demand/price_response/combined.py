"""Several responses at once: an elasticity, a promotion lift and a reference effect."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.protocol import PriceResponse
from restock.errors import ConfigurationError, require

__all__ = ["CombinedResponse"]


@dataclass(frozen=True, eq=False)
class CombinedResponse:
    """Each part answers with what the part before it left: factors multiply.

    ``parts`` are in order; at most one of them may remember prices.

    Raises :class:`ConfigurationError` for no part at all or two that remember.

    >>> import torch
    >>> from restock.demand.price_response import ConstantElasticity, PromotionLift
    >>> ten = torch.tensor([10.0])
    >>> parts = (ConstantElasticity(ten, -ten / 5), PromotionLift(ten, torch.zeros(1)))
    >>> price = torch.tensor([[[5.0]]])
    >>> CombinedResponse(parts).demand(torch.ones(1, 1, 1), price, price).item()
    4.0
    """

    parts: tuple[PriceResponse, ...]

    def __post_init__(self) -> None:
        """Check that there is something, and one memory at most."""
        require(
            len(self.parts) > 0,
            ConfigurationError,
            "`parts` of a combined response is empty. Give one response at least.",
        )
        memories = sum(part.remembers for part in self.parts)
        require(
            memories <= 1,
            ConfigurationError,
            f"at most one of `parts` may remember prices; got {memories}. A world has one"
            " reference price per product: keep one of them.",
        )

    @property
    def remembers(self) -> bool:
        """Whether a part does."""
        return any(part.remembers for part in self.parts)

    def demand(
        self,
        base: Float[Tensor, "*#B P D"],
        price: Float[Tensor, "*#B P 1"],
        reference: Float[Tensor, "*#B P 1"],
    ) -> Float[Tensor, "..."]:
        """Return the units asked after every part has answered."""
        for part in self.parts:
            base = part.demand(base, price, reference)
        return base

    def next_reference(
        self, reference: Float[Tensor, "*#B P 1"], price: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "..."]:
        """Return the reference price that the part with a memory moves, if there is one."""
        for part in self.parts:
            reference = part.next_reference(reference, price)
        return reference
