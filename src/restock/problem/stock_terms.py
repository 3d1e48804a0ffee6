"""What stock and shortage of a product cost at one place, where that differs."""

from dataclasses import dataclass

from restock.problem.rules import must_be_amount

__all__ = ["StockTerms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockTerms:
    """One product's costs at one location, in money per unit; ``None`` leaves the product's own.

    ``holding_cost`` is per unit left at the end of a period, ``shortage_cost`` per unit of demand
    at this location that found no stock.

    Raises :class:`InstanceError` naming product, location, the value and the mend.

    >>> StockTerms(product_id="tea", location="shop", holding_cost=float("nan"))
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `holding_cost` must be finite and ≥ 0; got nan for product \
'tea' at location 'shop'. Leave it out where the product's own holds.
    """

    product_id: str
    location: str
    holding_cost: float | None = None
    shortage_cost: float | None = None

    def __post_init__(self) -> None:
        """Check what is given; NaN fails."""
        owner = f"for product '{self.product_id}' at location '{self.location}'"
        for field in ("holding_cost", "shortage_cost"):
            value = getattr(self, field)
            if value is not None:
                must_be_amount(value, field, owner, "Leave it out where the product's own holds.")
