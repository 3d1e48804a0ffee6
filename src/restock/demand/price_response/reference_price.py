"""Reference price: customers compare with what they are used to, and losses weigh more."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response.relative_price import check_families
from restock.demand.processes.parameters import check, check_vector

__all__ = ["ReferencePrice"]


@dataclass(frozen=True, eq=False)
class ReferencePrice:
    """Demand is base × (1 + γ⁺ (r − p)⁺ / l − γ⁻ (p − r)⁺ / l)⁺, and r' = α r + (1 − α) p.

    p is the price, r the reference price and l the list price, money per unit. ``gain`` (γ⁺ ≥ 0)
    ``[P]`` is how much a price below the reference adds, ``loss`` (γ⁻ ≥ 0) ``[P]`` how much one
    above it takes away; loss > gain for customers who are loss-averse. ``memory`` (α in [0, 1])
    ``[P]`` is how much of the reference stays from period to period. Everyday effects of price
    are another response: combine both.

    Raises :class:`~restock.errors.ConfigurationError` for a number outside its range, or NaN.
    Source: Popescu and Wu, Dynamic pricing strategies with reference effects, Operations Research
    55(3), 2007, relative to the list price.

    >>> import torch
    >>> response = ReferencePrice(
    ...     list_price=torch.tensor([10.0]),
    ...     gain=torch.tensor([1.0]),
    ...     loss=torch.tensor([2.0]),
    ...     memory=torch.tensor([0.75]),
    ... )
    >>> price, reference = torch.tensor([[[8.0]], [[12.0]]]), torch.full((2, 1, 1), 10.0)
    >>> response.demand(torch.ones(2, 1, 1), price, reference).flatten()
    tensor([1.2000, 0.6000])
    >>> response.next_reference(reference, price).flatten().tolist()
    [9.5, 10.5]
    """

    list_price: Float[Tensor, "P"]
    gain: Float[Tensor, "P"]
    loss: Float[Tensor, "P"]
    memory: Float[Tensor, "P"]

    def __post_init__(self) -> None:
        """Check every number."""
        check_families(self.list_price, gain=self.gain, loss=self.loss, memory=self.memory)
        for name in ("gain", "loss"):
            check_vector(name, getattr(self, name), remedy="Use 0 for no effect.")
        remedy = "Use 0.9 for customers who remember some ten periods."
        check_vector("memory", self.memory, remedy=remedy)
        check("memory", self.memory, self.memory <= 1, "at most 1", remedy)

    @property
    def remembers(self) -> bool:
        """The reference price moves."""
        return True

    def demand(
        self,
        base: Float[Tensor, "*#B P D"],
        price: Float[Tensor, "*#B P 1"],
        reference: Float[Tensor, "*#B P 1"],
    ) -> Float[Tensor, "..."]:
        """Return base × the effect of the distance to the reference price, in units."""
        below = (reference - price) / self.list_price.unsqueeze(-1)
        gained = self.gain.unsqueeze(-1) * below.clamp_min(0)
        lost = self.loss.unsqueeze(-1) * (-below).clamp_min(0)
        return base * (1 + gained - lost).clamp_min(0)

    def next_reference(
        self, reference: Float[Tensor, "*#B P 1"], price: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "..."]:
        """Return r + (1 − α)(p − r), in money per unit."""
        return reference + (1 - self.memory.unsqueeze(-1)) * (price - reference)
