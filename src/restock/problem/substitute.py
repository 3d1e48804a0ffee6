"""What customers buy instead when a product is out of stock."""

from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.rules import must_be_share

__all__ = ["Substitute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """A product that some customers take in place of another that they did not find.

    Of the unmet demand that would be lost, ``spontaneous_share`` goes over by itself and
    ``accepted_share`` when the substitute is proposed, which is no less.

    Raises :class:`InstanceError` naming both products, the value and the mend.

    >>> Substitute(product_id="tea", substitute_id="mate", spontaneous_share=0.3, accepted_share=0)
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `spontaneous_share` must not exceed `accepted_share`; got 0.3 \
above 0 for substitute 'mate' of product 'tea'. A proposal adds to those who go over by themselves.
    """

    product_id: str
    substitute_id: str
    spontaneous_share: float
    accepted_share: float

    def __post_init__(self) -> None:
        """Check both shares, and that nothing stands in for itself."""
        owner = f"for substitute '{self.substitute_id}' of product '{self.product_id}'"
        for field in ("spontaneous_share", "accepted_share"):
            mend = "Enter a share of the unmet demand."
            must_be_share(getattr(self, field), field, owner, mend)
        require(
            self.spontaneous_share <= self.accepted_share,
            InstanceError,
            f"`spontaneous_share` must not exceed `accepted_share`; got {self.spontaneous_share}"
            f" above {self.accepted_share} {owner}. A proposal adds to those who go over by"
            " themselves.",
        )
        require(
            self.product_id != self.substitute_id,
            InstanceError,
            f"`substitute_id` must be another product; got '{self.substitute_id}' {owner}."
            " Remove the row.",
        )
