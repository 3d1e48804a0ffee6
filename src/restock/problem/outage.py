"""When a lane takes no orders because its supplier is out of action."""

from dataclasses import dataclass

from restock.errors import InstanceError, require
from restock.problem.rules import must_be_share

__all__ = ["Outage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A lane that switches off and on by a Markov chain; while it is off it takes no orders.

    ``start_probability`` is the chance per period that a working lane fails, ``end_probability``
    the chance per period that a failed one works again. What is already under way arrives.

    The numbers are checked by the :class:`Lane` that holds the outage, so that the message names
    the lane.

    >>> Outage(start_probability=0.1, end_probability=0.3).share_of_periods
    0.25
    """

    start_probability: float
    end_probability: float

    @property
    def share_of_periods(self) -> float:
        """The long-run share of periods without orders, start / (start + end)."""
        if self.start_probability == 0:
            return 0.0
        return self.start_probability / (self.start_probability + self.end_probability)

    def check(self, owner: str) -> None:
        """Raise :class:`InstanceError` unless the lane can work; ``owner`` says whose it is.

        >>> Outage(start_probability=0.1, end_probability=0).check("on lane a → b")
        Traceback (most recent call last):
        ...
        restock.errors.InstanceError: `end_probability` must be > 0 where `start_probability` is; \
got 0 with start 0.1 in `outage` on lane a → b. An outage without end closes the lane: remove the \
lane or let it end.
        """
        for field in ("start_probability", "end_probability"):
            mend = "Enter the chance per period."
            must_be_share(getattr(self, field), field, f"in `outage` {owner}", mend)
        require(
            self.end_probability > 0 or self.start_probability == 0,
            InstanceError,
            f"`end_probability` must be > 0 where `start_probability` is; got"
            f" {self.end_probability} with start {self.start_probability} in `outage` {owner}."
            " An outage without end closes the lane: remove the lane or let it end.",
        )
