"""What is sold: a product, its price and what stock and shortage of it cost."""

from dataclasses import dataclass

from restock.problem.prices import PriceRules
from restock.problem.rules import must_be_amount, must_be_share, must_be_whole

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

    ``volume`` is the space that a unit takes, in the unit of ``Location.storage_capacity``. A unit
    expires at the end of its ``shelf_life_periods``-th period on the shelf (0: it does not perish)
    and then costs ``waste_cost``. ``fifo_share`` of the units issued are the oldest, the rest the
    freshest: 1 is FIFO, 0 is LIFO. ``return_share`` of the units sold come back to stock
    ``return_delay_periods`` after the sale. ``price_rules`` say which prices are allowed; without
    them the price is the list price.

    Raises :class:`InstanceError` when a number is negative, NaN or infinite, or the price rules
    contradict themselves, the list price or the cost.

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
    volume: float = 1.0
    shelf_life_periods: int = 0
    waste_cost: float = 0.0
    fifo_share: float = 1.0
    return_share: float = 0.0
    return_delay_periods: int = 1
    price_rules: PriceRules | None = None

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        owner = f"for product '{self.id}'"
        for field in _AMOUNTS:
            must_be_amount(
                getattr(self, field), field, owner, f"Correct `{field}` of this product."
            )
        for field, mend in _SHARES.items():
            must_be_share(getattr(self, field), field, owner, mend)
        for field, (least, mend) in _PERIODS.items():
            must_be_whole(getattr(self, field), least, field, owner, mend)
        if self.price_rules is not None:
            self.price_rules.check(owner, list_price=self.list_price, unit_cost=self.unit_cost)

    @property
    def margin(self) -> float:
        """List price less unit cost, in money per unit."""
        return self.list_price - self.unit_cost


_AMOUNTS = ("list_price", "unit_cost", "holding_cost", "shortage_cost", "volume", "waste_cost")
_SHARES = {
    "lost_share": "Use 1 for lost sales, 0 for backorders.",
    "fifo_share": "Use 1 where the oldest is issued first, 0 where the freshest is.",
    "return_share": "Use 0 where nothing comes back.",
}
_PERIODS = {
    "shelf_life_periods": (0, "Use 0 for what does not perish."),
    "return_delay_periods": (1, "Enter the days from sale to restocking."),
}
