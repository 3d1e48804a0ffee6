"""Which prices are allowed, and how fast they may move."""

import math
from dataclasses import dataclass
from itertools import pairwise

from restock.errors import InstanceError, require
from restock.problem.rules import must_be_amount, must_be_limit, must_be_whole

__all__ = ["PriceRules"]

TOLERANCE = 1e-9
"""Relative: prices such as 4.3 and 4.2 + 0.1 are the same price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """The prices that a product may have, in money per unit.

    ``ladder`` holds the allowed prices, lowest first; without one any price between ``floor`` and
    ``ceiling`` is allowed. A floor of 0 is no floor. ``largest_step`` is the most that a price may
    move at once, up or down; between two changes lie at least ``least_periods_between_changes``
    periods.

    The numbers are checked by the :class:`Product` that holds the rules, so that the message names
    the product.

    >>> PriceRules(ladder=(3.0, 3.5, 4.0), largest_step=0.5).admits(3.5)
    True
    """

    ladder: tuple[float, ...] = ()
    floor: float = 0.0
    ceiling: float = math.inf
    largest_step: float = math.inf
    least_periods_between_changes: int = 0

    def admits(self, price: float) -> bool:
        """Whether ``price`` is a rung of the ladder or, without one, within floor and ceiling."""
        if self.ladder:
            return any(math.isclose(price, rung, rel_tol=TOLERANCE) for rung in self.ladder)
        return self.floor * (1 - TOLERANCE) <= price <= self.ceiling * (1 + TOLERANCE)

    def check(self, owner: str, *, list_price: float, unit_cost: float) -> None:
        """Raise :class:`InstanceError` unless the rules agree with each other and the product.

        >>> rules = PriceRules(ladder=(1.0, 2.0))
        >>> rules.check("for product 'tea'", list_price=2.0, unit_cost=1.5)
        Traceback (most recent call last):
        ...
        restock.errors.InstanceError: `ladder` must not go below `unit_cost` 1.5; got rung 1.0 \
in `price_rules` for product 'tea'. Drop the rung or correct the cost.
        """
        owner = f"in `price_rules` {owner}"
        self._check_bounds(owner)
        self._check_ladder(owner)
        self._check_cost(owner, unit_cost)
        require(
            self.admits(list_price),
            InstanceError,
            f"`list_price` must be {self._allowed()}; got {list_price} {owner}."
            " Change the list price or the rules.",
        )

    def _allowed(self) -> str:
        if self.ladder:
            return f"on the ladder {self.ladder}"
        return f"between floor {self.floor} and ceiling {self.ceiling}"

    def _check_bounds(self, owner: str) -> None:
        must_be_amount(self.floor, "floor", owner, "Use 0 where there is no lowest price.")
        must_be_limit(self.ceiling, "ceiling", owner, "Leave it out where any price goes.")
        must_be_limit(self.largest_step, "largest_step", owner, "Leave it out where any step goes.")
        changes = "least_periods_between_changes"
        must_be_whole(getattr(self, changes), 0, changes, owner, "Use 0 for changes at any time.")
        require(
            self.floor <= self.ceiling,
            InstanceError,
            f"`floor` must not exceed `ceiling`; got {self.floor} above {self.ceiling} {owner}."
            " Exchange or correct them.",
        )

    def _check_ladder(self, owner: str) -> None:
        for rung in self.ladder:
            require(
                0 < rung < math.inf,
                InstanceError,
                f"`ladder` must hold finite prices > 0; got rung {rung} {owner}."
                " Drop or correct the rung.",
            )
            require(
                self.floor <= rung <= self.ceiling,
                InstanceError,
                f"`ladder` must keep between floor {self.floor} and ceiling {self.ceiling}; got"
                f" rung {rung} {owner}. Drop the rung or move the bound.",
            )
        gaps = [high - low for low, high in pairwise(self.ladder)]
        for low, high in pairwise(self.ladder):
            require(
                low < high,
                InstanceError,
                f"`ladder` must rise from rung to rung; got {low} before {high} {owner}."
                " Sort the rungs and give each once.",
            )
        least = min(gaps, default=0.0)
        require(
            self.largest_step >= least * (1 - TOLERANCE),
            InstanceError,
            f"`largest_step` must reach from one rung to the next, which is {least:.10g} at least;"
            f" got {self.largest_step} {owner}. Raise it or give more rungs.",
        )

    def _check_cost(self, owner: str, unit_cost: float) -> None:
        for rung in self.ladder:
            require(
                rung >= unit_cost,
                InstanceError,
                f"`ladder` must not go below `unit_cost` {unit_cost}; got rung {rung} {owner}."
                " Drop the rung or correct the cost.",
            )
        require(
            self.floor == 0 or self.floor >= unit_cost,
            InstanceError,
            f"`floor` must not lie below `unit_cost` {unit_cost}; got {self.floor} {owner}."
            " Raise the floor or correct the cost.",
        )
        require(
            self.ceiling >= unit_cost,
            InstanceError,
            f"`ceiling` must not lie below `unit_cost` {unit_cost}; got {self.ceiling} {owner}."
            " Raise the ceiling or correct the cost.",
        )
