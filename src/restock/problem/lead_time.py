"""How long an order takes where that is not certain."""

import math
from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.rules import first_repeated, must_be_share, must_be_whole

__all__ = ["LeadTimeDistribution"]

TOLERANCE = 1e-9
"""How far from 1 probabilities may sum; rounding alone moves a sum by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimeDistribution:
    """A lead time drawn for each order: ``periods[k]`` with chance ``probabilities[k]``.

    With ``orders_cross`` an order may overtake an earlier one; without, it waits for it and then
    arrives in the same period (lead times L' with L'ₜ = max(Lₜ, L'ₜ₋₁ − 1)).

    The numbers are checked by the :class:`Lane` that holds the distribution, so that the message
    names the lane.

    >>> LeadTimeDistribution(periods=(1, 3), probabilities=(0.75, 0.25)).mean_periods
    1.5
    """

    periods: tuple[int, ...]
    probabilities: tuple[float, ...]
    orders_cross: bool = True

    @property
    def support(self) -> tuple[int, ...]:
        """The lead times that can happen, shortest first, in periods."""
        pairs = zip(self.periods, self.probabilities, strict=True)
        return tuple(sorted(periods for periods, chance in pairs if chance > 0))

    @property
    def mean_periods(self) -> float:
        """The expected lead time, in periods, of orders that may cross."""
        return math.fsum(map(math.prod, zip(self.periods, self.probabilities, strict=True)))

    def check(self, owner: str) -> None:
        """Raise :class:`InstanceError` unless this is a distribution; ``owner`` says whose.

        >>> LeadTimeDistribution(periods=(1, 2), probabilities=(0.5, 0.4)).check("on lane a → b")
        Traceback (most recent call last):
        ...
        restock.errors.InstanceError: `probabilities` of `lead_time_distribution` must sum to 1; \
(0.5, 0.4) sum to 0.9 on lane a → b. Divide each by the sum.
        """
        of = "of `lead_time_distribution`"
        require(
            len(self.periods) == len(self.probabilities) > 0,
            InstanceError,
            f"`periods` and `probabilities` {of} must be as many, and not none; got"
            f" {len(self.periods)} and {len(self.probabilities)} {owner}."
            " Give one probability for each lead time.",
        )
        for periods in self.periods:
            mend = "Enter the days from order to receipt."
            must_be_whole(periods, 0, "periods", f"in `lead_time_distribution` {owner}", mend)
        repeated = first_repeated(self.periods)
        require(
            repeated is None,
            InstanceError,
            f"`periods` {of} must differ; {repeated} comes more than once {owner}."
            " Add its probabilities up in one entry.",
        )
        for chance in self.probabilities:
            where = f"in `lead_time_distribution` {owner}"
            must_be_share(chance, "probabilities", where, "Enter chances between 0 and 1.")
        total = math.fsum(self.probabilities)
        require(
            abs(total - 1) <= TOLERANCE,
            InstanceError,
            f"`probabilities` {of} must sum to 1; {self.probabilities} sum to {total:.10g}"
            f" {owner}. Divide each by the sum.",
        )
