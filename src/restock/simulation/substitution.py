"""Step 5: customers who find nothing and take another product.

Of the units of product i that would be lost, a share goes over to its k-th candidate,

    share = spontaneous + proposal × (accepted − spontaneous),

and asks there once. What the candidate's stock serves is saved for i in proportion to what i's
customers asked of it; what it cannot serve stays lost at i. So units and customers are conserved.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.problem import Instance

__all__ = ["Substitution", "Switching"]


@dataclass(frozen=True, slots=True, eq=False)
class Switching:
    """Who asked whom instead, in units; made by :meth:`Substitution.flow`.

    ``units`` ``[B, N, D]`` went over in each pair, from ``product`` ``[N]`` to ``substitute``
    ``[N]``; ``asked`` ``[B, P, D]`` is what each product is asked as a substitute.
    """

    product: Int[Tensor, "N"]
    substitute: Int[Tensor, "N"]
    units: Float[Tensor, "B N D"]
    asked: Float[Tensor, "B P D"]

    def absorbed(self, served: Float[Tensor, "B P D"]) -> Float[Tensor, "B P D"]:
        """Return how many lost units of each product were saved, ``[B, P, D]``.

        ``served`` ≤ ``asked`` is what each substitute served of it. Products that asked the same
        substitute share it in proportion; sums over products are equal.
        """
        nobody = self.asked <= 0
        share = served / torch.where(nobody, torch.ones_like(self.asked), self.asked)
        saved = self.units * share.index_select(-2, self.substitute)
        return torch.zeros_like(self.asked).index_add(-2, self.product, saved)


@dataclass(frozen=True, eq=False)
class Substitution:
    """Candidates of each product and the shares of its lost customers who take them.

    ``candidate`` ``[P, K]`` are numbers of products, −1 where there is none; ``spontaneous`` and
    ``accepted`` ``[P, K]`` the shares without and with a proposal, 0 where there is no candidate.

    Raises :class:`ConfigurationError` for shares outside 0 ≤ spontaneous ≤ accepted, accepted
    shares of a product that sum to more than 1, a candidate that is not a product or the product
    itself, or NaN.

    >>> tea_to_mate = Substitution(
    ...     torch.tensor([[1], [-1]]), torch.tensor([[0.25], [0.0]]), torch.tensor([[0.5], [0.0]])
    ... )
    >>> lost = torch.tensor([[[8.0], [0.0]]])
    >>> tea_to_mate.flow(lost).asked.flatten().tolist()
    [0.0, 2.0]
    >>> proposed = tea_to_mate.flow(lost, torch.ones(1, 2, 1))
    >>> proposed.absorbed(torch.tensor([[[0.0], [3.0]]])).flatten().tolist()
    [3.0, 0.0]
    """

    candidate: Int[Tensor, "P K"]
    spontaneous: Float[Tensor, "P K"]
    accepted: Float[Tensor, "P K"]

    def __post_init__(self) -> None:
        """Check every pair; the conditions are written so that NaN fails them."""
        n_products = len(self.candidate)
        absent = self.candidate < 0
        itself = self.candidate == torch.arange(n_products, device=absent.device).unsqueeze(-1)
        held = (self.spontaneous >= 0) & (self.accepted >= self.spontaneous)
        self._check(
            (self.candidate < n_products) & ~itself,
            f"`candidate` must name another product, 0 … {n_products - 1}, or be −1",
            "Leave the pair out.",
        )
        self._check(
            held, "shares must satisfy 0 ≤ `spontaneous` ≤ `accepted`", "Correct the shares."
        )
        self._check(
            ~absent | (self.accepted == 0), "shares of no candidate must be 0", "Set them to 0."
        )
        self._check(
            self.accepted.sum(-1, keepdim=True) <= 1 + 1e-6,
            "`accepted` shares of a product must sum to at most 1",
            "Customers take one substitute: lower the shares.",
        )

    def _check(self, holds: Tensor, rule: str, remedy: str) -> None:
        broken = (~holds).nonzero()
        if len(broken):
            row = int(broken[0, 0])
            raise ConfigurationError(
                f"{rule}; got candidates {self.candidate[row].tolist()} with spontaneous"
                f" {self.spontaneous[row].tolist()} and accepted {self.accepted[row].tolist()} for"
                f" product number {row}. {remedy}"
            )

    @classmethod
    def from_pairs(
        cls,
        product: Int[Tensor, "N"],
        substitute: Int[Tensor, "N"],
        spontaneous: Float[Tensor, "N"],
        accepted: Float[Tensor, "N"],
        n_products: int,
    ) -> "Substitution":
        """Arrange pairs by product; a product's candidates keep the order of the pairs.

        Raises :class:`ConfigurationError` for a product outside 0 … ``n_products`` − 1.
        """
        inside = (product >= 0) & (product < n_products) & (substitute >= 0)
        require(
            bool(inside.all()),
            ConfigurationError,
            f"pairs must name products 0 … {n_products - 1}; got {product[~inside][:3].tolist()} →"
            f" {substitute[~inside][:3].tolist()}. Number products in the order of the instance.",
        )
        order = torch.argsort(product, stable=True)
        rows = product[order]
        counts = torch.bincount(rows, minlength=n_products)
        slot = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
        width = int(counts.max()) if n_products else 0
        candidate = substitute.new_full((n_products, width), -1)
        candidate[rows, slot] = substitute[order]
        shares = spontaneous.new_zeros(2, n_products, width)
        shares[0, rows, slot] = spontaneous[order]
        shares[1, rows, slot] = accepted[order]
        return cls(candidate, shares[0], shares[1])

    @classmethod
    def of(cls, instance: Instance, dtype: torch.dtype = torch.float32) -> "Substitution | None":
        """Read the substitutes of an instance; ``None`` where it has none."""
        if not instance.substitutes:
            return None
        index = {product.id: n for n, product in enumerate(instance.products)}
        pairs = instance.substitutes
        return cls.from_pairs(
            torch.tensor([index[pair.product_id] for pair in pairs]),
            torch.tensor([index[pair.substitute_id] for pair in pairs]),
            torch.tensor([pair.spontaneous_share for pair in pairs], dtype=dtype),
            torch.tensor([pair.accepted_share for pair in pairs], dtype=dtype),
            len(instance.products),
        )

    @cached_property
    def pairs(self) -> tuple[Int[Tensor, "N"], Int[Tensor, "N"]]:
        """The product and the slot of each candidate that there is."""
        product, slot = (self.candidate >= 0).nonzero(as_tuple=True)
        return product, slot

    def shares(self, proposal: Float[Tensor, "#B P K"] | None = None) -> Float[Tensor, "#B P K"]:
        """Return the share of lost units that goes over to each candidate."""
        if proposal is None:
            return self.spontaneous.unsqueeze(0)
        return self.spontaneous + proposal * (self.accepted - self.spontaneous)

    def flow(
        self,
        unmet: Float[Tensor, "B P D"],
        proposal: Float[Tensor, "#B P K"] | None = None,
        offset: Float[Tensor, "#B P D"] | None = None,
    ) -> Switching:
        """Send lost units to the substitutes.

        ``unmet`` ≥ 0 is what would be lost, in units; ``proposal`` in [0, 1] is 1 where a
        candidate is shown. With an ``offset`` drawn uniformly from [0, 1) and whole ``unmet``
        only whole units go over, right in expectation (systematic sampling over a product's
        candidates: Madow, On the theory of systematic sampling II, Annals of Mathematical
        Statistics 20, 1949); gradients are those of the shares.
        """
        product, slot = self.pairs
        shares = self.shares(proposal)
        units = unmet.index_select(-2, product) * shares[:, product, slot].unsqueeze(-1)
        if offset is not None:
            whole = _whole(unmet.detach(), shares.detach(), offset)[:, product, slot]
            units = whole + (units - units.detach()) if units.requires_grad else whole
        substitute = self.candidate[product, slot]
        asked = torch.zeros_like(unmet).index_add(-2, substitute, units)
        return Switching(product, substitute, units, asked)


def _whole(
    unmet: Float[Tensor, "B P D"],
    shares: Float[Tensor, "#B P K"],
    offset: Float[Tensor, "#B P D"],
) -> Float[Tensor, "B P K D"]:
    """Return whole units per candidate: steps of ⌊cumulative units + offset⌋."""
    cumulative = shares.cumsum(-1).unsqueeze(-1) * unmet.unsqueeze(-2)
    steps = torch.minimum(torch.floor(cumulative + offset.unsqueeze(-2)), unmet.unsqueeze(-2))
    return torch.diff(steps, dim=-2, prepend=torch.zeros_like(steps[..., :1, :]))
