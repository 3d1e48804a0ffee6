"""Who supplies whom, with which product, how fast and on what terms."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require

__all__ = ["Lane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One product's way from an origin to a destination.

    ``lead_time_periods`` (L) counts trading days: what is ordered in period t arrives at the
    start of period t + L. ``minimum_units`` is the smallest order that the supplier takes,
    ``case_pack_units`` the number that orders are multiples of (0 where goods are divisible, as in
    textbook models), ``capacity_units`` the most that one order may hold. ``fixed_order_cost`` is
    money per order, whatever its size.

    Raises :class:`InstanceError` naming the lane, the value and the mend.

    >>> Lane(product_id="B17", origin="acme", destination="shop", lead_time_periods=-1)
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `lead_time_periods` must be an integer ≥ 0; got -1 on lane \
acme → shop for product 'B17'. Enter the days from order to receipt.
    """

    product_id: str
    origin: str
    destination: str
    lead_time_periods: int
    fixed_order_cost: float = 0.0
    minimum_units: int = 0
    case_pack_units: int = 1
    capacity_units: float = math.inf

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        lane = f"on lane {self.origin} → {self.destination} for product '{self.product_id}'"

        def check(holds: bool, rule: str, mend: str) -> None:  # noqa: FBT001
            require(holds, InstanceError, f"{rule} {lane}. {mend}")

        lead = self.lead_time_periods
        check(
            lead >= 0 and lead % 1 == 0,
            f"`lead_time_periods` must be an integer ≥ 0; got {lead}",
            "Enter the days from order to receipt.",
        )
        check(
            0 <= self.fixed_order_cost < math.inf,
            f"`fixed_order_cost` must be finite and ≥ 0; got {self.fixed_order_cost}",
            "Enter money per order.",
        )
        check(
            0 <= self.minimum_units < math.inf,
            f"`minimum_units` must be finite and ≥ 0; got {self.minimum_units}",
            "Use 0 where the supplier has no minimum.",
        )
        check(
            0 <= self.case_pack_units < math.inf and self.case_pack_units % 1 == 0,
            f"`case_pack_units` must be an integer ≥ 0; got {self.case_pack_units}",
            "Use 1 where units are ordered singly, 0 where goods are divisible.",
        )
        pack = self.case_pack_units
        smallest = max(-(-self.minimum_units // pack), 1) * pack if pack else self.minimum_units
        check(
            self.capacity_units >= smallest and self.capacity_units > 0,
            f"`capacity_units` must admit the smallest order; got {self.capacity_units} with"
            f" minimum {self.minimum_units} and case pack {self.case_pack_units}",
            "Raise the capacity or lower the minimum.",
        )
