"""A printed figure, what we compute in its place, and whether the two agree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Computed", "Figure", "Row"]

Row = dict[str, Any]

# Half the width of the brackets that our exact methods certify, and more than their rounding.
CERTIFIED = 1e-7


class Computed(NamedTuple):
    """A figure of ours; the last three only where they apply.

    ``standard_error`` and ``exact`` (our own exact answer) are those of a simulated figure;
    ``allowance`` is a tolerance of the source that is known only once the figure is computed.
    """

    value: float
    standard_error: float | None = None
    exact: float | None = None
    allowance: float = 0.0


@dataclass(frozen=True)
class Figure:
    """One number as its source prints it.

    ``table`` and ``name`` say which it is, ``source`` who prints it; ``printed`` keeps the
    digits. ``compute`` makes ours, ``None`` where it is not covered. ``allowance`` is the
    source's own tolerance, in the figure's unit. ``reason`` says why it is not covered or why the
    two disagree; it is not told where they agree.
    """

    table: str
    source: str
    name: str
    printed: str
    compute: Callable[[], Computed | float] | None = None
    allowance: float = 0.0
    reason: str = ""

    @property
    def half_a_digit(self) -> float:
        """Half a unit of the last printed digit.

        >>> Figure("zipkin", "Zipkin", "optimum", "4.40").half_a_digit
        0.005
        """
        return 0.5 * 10.0 ** -len(self.printed.partition(".")[2])

    def row(self) -> Row:
        """Compute the figure and hold it against the print."""
        printed = float(self.printed)
        row: Row = {
            "source": self.source,
            "printed": printed,
            "computed": None,
            "difference": None,
            "tolerance": None,
            "agrees": None,
            "method": None,
            "standard_error": None,
            "standard_errors_from_exact": None,
            "reason": self.reason,
        }
        if self.compute is None:
            return row
        ours = self.compute()
        ours = ours if isinstance(ours, Computed) else Computed(float(ours))
        error = ours.standard_error
        tolerance = self.half_a_digit + self.allowance + ours.allowance
        tolerance += CERTIFIED if error is None else 3 * error
        difference = ours.value - printed
        agrees = abs(difference) <= tolerance
        row |= {
            "computed": ours.value,
            "difference": difference,
            "tolerance": tolerance,
            "agrees": agrees,
            "method": "exact" if error is None else "simulated",
            "standard_error": error,
            "reason": "" if agrees else self.reason,
        }
        if error is not None and ours.exact is not None:
            row["standard_errors_from_exact"] = (ours.value - ours.exact) / error
        return row
