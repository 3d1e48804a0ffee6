"""Where stock is held."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.rules import must_be_limit

__all__ = ["Location"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place: a warehouse that holds stock, or an outside supplier that never runs out.

    ``storage_capacity`` is the volume of stock that fits in, in the unit of ``Product.volume``;
    ``inbound_capacity_units`` the most units that may enter the lanes towards the place per
    period, over all products. Infinity is no limit.

    Raises :class:`InstanceError` for a nameless place, a capacity that is not > 0, or a capacity
    of an outside supplier, which has no stock to store.
    """

    id: str
    name: str = ""
    holds_stock: bool = True
    storage_capacity: float = math.inf
    inbound_capacity_units: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a nameless place and capacities that leave no room."""
        require(bool(self.id), InstanceError, "`id` of a location is empty. Give it a name.")
        for field in ("storage_capacity", "inbound_capacity_units"):
            value = getattr(self, field)
            owner = f"at location '{self.id}'"
            must_be_limit(value, field, owner, "Leave it out where there is no limit.")
            require(
                self.holds_stock or value == math.inf,
                InstanceError,
                f"`{field}` must be left out where no stock is held; got {value} {owner}, an"
                " outside supplier. Limit its lanes by `capacity_units` instead.",
            )
