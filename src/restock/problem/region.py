"""Where customers live, and what it takes to reach them from a location."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.rules import must_be_amount, must_be_whole

__all__ = ["Region", "Shipping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region of customers; ``promise_periods`` is the latest delivery that they are promised.

    Raises :class:`InstanceError` for a nameless region or a promise that is negative or NaN.
    """

    id: str
    name: str = ""
    promise_periods: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a nameless region and a promise that nobody can keep."""
        require(bool(self.id), InstanceError, "`id` of a region is empty. Give it a name.")
        require(
            self.promise_periods >= 0,
            InstanceError,
            f"`promise_periods` must be ≥ 0; got {self.promise_periods} for region '{self.id}'."
            " Leave it out where nothing is promised.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """The way of parcels from a location to a region.

    ``cost_per_unit`` is money per unit, ``cost_per_shipment`` money per period and product in
    which anything goes that way; a unit reaches the customer ``transit_periods`` after it leaves.
    A location without such a row does not serve the region.

    Raises :class:`InstanceError` naming region, location, the value and the mend.

    >>> Shipping(region="north", location="shop", cost_per_unit=-1.0)
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `cost_per_unit` must be finite and ≥ 0; got -1.0 for shipping \
from 'shop' to region 'north'. Enter money, 0 where it is free.
    """

    region: str
    location: str
    cost_per_unit: float = 0.0
    cost_per_shipment: float = 0.0
    transit_periods: int = 1

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        owner = f"for shipping from '{self.location}' to region '{self.region}'"
        for field in ("cost_per_unit", "cost_per_shipment"):
            must_be_amount(getattr(self, field), field, owner, "Enter money, 0 where it is free.")
        mend = "Enter the days from dispatch to delivery."
        must_be_whole(self.transit_periods, 0, "transit_periods", owner, mend)
