"""What is sold: a product, its price and what stock and shortage of it cost."""

from dataclasses import dataclass

from restock.errors import InstanceError, require

__all__ = ["Product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of the shop.

    ``list_price`` and ``unit_cost`` are money per unit. ``holding_cost`` (h) is money per unit
    left at the end of a period. ``shortage_cost`` (p) is the whole cost of a unit of demand that
    found no stock, its lost margin included; it steers decisions and counts in *cost*, while
    *profit* is cash and feels a lost sale by its missing revenue alone. ``lost_share`` is the
    share of unmet demand that leaves for good: 1 is lost sales, 0 is full backorders; a waiting
    unit costs ``shortage_cost`` in each period that it waits.

    Raises :class:`InstanceError` when a number is negative, NaN or infinite.

    >>> Product(id="B17", list_price=4.0, unit_cost=2.0, holding_cost=0.01).margin
    2.0
    """

    id: str
    name: str = ""
    category: str = ""
    list_price: float = 0.0
    unit_cost: float = 0.0
    holding_cost: float = 0.0
    shortage_cost: float = 0.0
    lost_share: float = 1.0

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for field in ("list_price", "unit_cost", "holding_cost", "shortage_cost"):
            value = getattr(self, field)
            require(
                0 <= value < float("inf"),
                InstanceError,
                f"`{field}` must be finite and ≥ 0; got {value} for product '{self.id}'."
                f" Correct `{field}` of this product.",
            )
        require(
            0 <= self.lost_share <= 1,
            InstanceError,
            f"`lost_share` must lie in [0, 1]; got {self.lost_share} for product '{self.id}'."
            " Use 1 for lost sales, 0 for backorders.",
        )

    @property
    def margin(self) -> float:
        """List price less unit cost, in money per unit."""
        return self.list_price - self.unit_cost
