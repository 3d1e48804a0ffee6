"""Who supplies whom, with which product, how fast and on what terms."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.lead_time import LeadTimeDistribution
from restock.problem.outage import Outage
from restock.problem.rules import first_repeated, must_be_amount, must_be_whole

__all__ = ["Lane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One product's way from an origin to a destination.

    ``lead_time_periods`` (L) counts trading days: what is ordered in period t arrives at the
    start of period t + L. ``minimum_units`` is the smallest order that the supplier takes,
    ``case_pack_units`` the number that orders are multiples of (0 where goods are divisible, as in
    textbook models), ``capacity_units`` the most that one order may hold. ``fixed_order_cost`` is
    money per order, whatever its size; ``unit_cost`` money per unit for this way, on top of the
    product's own ``unit_cost``: freight, or the premium of a fast supplier.

    With ``lead_time_distribution`` each order draws its lead time and ``lead_time_periods`` is what
    planners count with. Orders are taken in the periods t with t mod ``order_cycle_periods`` in
    ``order_offsets``; with ``outage`` the lane is closed from time to time.

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
    unit_cost: float = 0.0
    lead_time_distribution: LeadTimeDistribution | None = None
    order_cycle_periods: int = 1
    order_offsets: tuple[int, ...] = (0,)
    outage: Outage | None = None

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        owner = self.in_words
        lead_time = "Enter the days from order to receipt."
        must_be_whole(self.lead_time_periods, 0, "lead_time_periods", owner, lead_time)
        must_be_amount(self.fixed_order_cost, "fixed_order_cost", owner, "Enter money per order.")
        must_be_amount(self.unit_cost, "unit_cost", owner, "Enter money per unit, 0 for none.")
        no_minimum = "Use 0 where the supplier has no minimum."
        must_be_amount(self.minimum_units, "minimum_units", owner, no_minimum)
        singly = "Use 1 where units are ordered singly, 0 where goods are divisible."
        must_be_whole(self.case_pack_units, 0, "case_pack_units", owner, singly)
        if not self.capacity_units >= self.smallest_order_units or not self.capacity_units > 0:
            raise InstanceError(
                f"`capacity_units` must admit the smallest order; got {self.capacity_units} with"
                f" minimum {self.minimum_units} and case pack {self.case_pack_units} {owner}."
                " Raise the capacity or lower the minimum."
            )
        self._check_order_days(owner)
        if self.lead_time_distribution is not None:
            self._check_lead_times(self.lead_time_distribution, owner)
        if self.outage is not None:
            self.outage.check(owner)

    @property
    def in_words(self) -> str:
        """The lane as messages name it."""
        return f"on lane {self.origin} → {self.destination} for product '{self.product_id}'"

    @property
    def smallest_order_units(self) -> float:
        """The least that one order can hold: the minimum in whole packs, 0 where anything goes."""
        pack = self.case_pack_units
        return max(-(-self.minimum_units // pack), 1) * pack if pack else self.minimum_units

    def _check_order_days(self, owner: str) -> None:
        cycle, offsets = self.order_cycle_periods, self.order_offsets
        always = "Use 1 where orders are taken in every period."
        must_be_whole(cycle, 1, "order_cycle_periods", owner, always)
        if offsets == (0,):
            return
        require(
            len(offsets) > 0,
            InstanceError,
            f"`order_offsets` must hold a period of the cycle; got {offsets} {owner}."
            " Name one, or remove the lane.",
        )
        for offset in offsets:
            require(
                0 <= offset < cycle and offset % 1 == 0,
                InstanceError,
                f"`order_offsets` must be integers from 0 to {cycle - 1} in a cycle of {cycle}"
                f" periods; got {offset} {owner}. Count the cycle's periods from 0.",
            )
        repeated = first_repeated(offsets)
        require(
            repeated is None,
            InstanceError,
            f"`order_offsets` must differ; {repeated} comes more than once {owner}."
            " Name each period once.",
        )

    def _check_lead_times(self, distribution: LeadTimeDistribution, owner: str) -> None:
        distribution.check(owner)
        shortest, longest = distribution.support[0], distribution.support[-1]
        require(
            shortest <= self.lead_time_periods <= longest,
            InstanceError,
            f"`lead_time_periods` must lie within the support of `lead_time_distribution`, from"
            f" {shortest} to {longest}; got {self.lead_time_periods} {owner}."
            " Plan with a lead time that can happen.",
        )
