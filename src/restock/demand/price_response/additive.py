"""Additive noise: price moves the mean, chance stays as large as it was."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.protocol import PriceResponse
from restock.demand.processes.parameters import check
from restock.errors import ConfigurationError, require

__all__ = ["AdditiveNoise"]


@dataclass(frozen=True, eq=False)
class AdditiveNoise:
    """Demand is (d(p) + ε)⁺, where d answers the price and ε = base − mean does not.

    ``response`` is asked about ``mean`` ``[P, #D]``, the expected base in units per period, where
    it alone would be asked about the drawn base: d(p)·ε, multiplicative noise. The two differ in
    who carries the risk; with additive noise and backorders a base-stock list-price rule is
    optimal (Federgruen and Heching, Combined pricing and inventory control under uncertainty,
    Operations Research 47(3), 1999).

    Raises :class:`ConfigurationError` for a mean that is not finite and ≥ 0.

    >>> import torch
    >>> from restock.demand.price_response import LinearResponse
    >>> linear = LinearResponse(torch.tensor([10.0]), torch.tensor([-2.0]))
    >>> response = AdditiveNoise(linear, torch.tensor([[6.0]]))
    >>> price, drawn = torch.tensor([[[12.5]]]), torch.tensor([[[8.0]]])
    >>> response.demand(drawn, price, price).item(), linear.demand(drawn, price, price).item()
    (5.0, 4.0)
    """

    response: PriceResponse
    mean: Float[Tensor, "P D"]

    def __post_init__(self) -> None:
        """Check the mean."""
        require(
            self.mean.is_floating_point(),
            ConfigurationError,
            f"`mean` must be a floating tensor; got {self.mean.dtype}. Use torch.tensor([[5.0]]).",
        )
        holds = ((self.mean >= 0) & self.mean.isfinite()).T
        check("mean", self.mean.T, holds, "finite and ≥ 0", "Give units per period.")

    @property
    def remembers(self) -> bool:
        """Whether the response does."""
        return self.response.remembers

    def demand(
        self,
        base: Float[Tensor, "*#B P D"],
        price: Float[Tensor, "*#B P 1"],
        reference: Float[Tensor, "*#B P 1"],
    ) -> Float[Tensor, "..."]:
        """Return (base + what price does to the mean)⁺, in units."""
        mean = self.mean.expand(*(1,) * (price.ndim - 2), -1, -1)
        moved = self.response.demand(mean, price, reference) - mean
        return (base + moved).clamp_min(0)

    def next_reference(
        self, reference: Float[Tensor, "*#B P 1"], price: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "..."]:
        """Return what the response makes of it."""
        return self.response.next_reference(reference, price)
