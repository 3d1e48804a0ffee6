"""Where the learned rule stands against the best classical one, said honestly.

The yardstick is the paired gain with its 95 % interval (design convention 13). Where the interval
holds zero, no difference is claimed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from restock.errors import InputError, require
from restock.evaluation import ComparisonRow, Gain
from restock.planning import LEARNED
from restock.reporting.figures import interval, label, percent, signed_percent

__all__ = ["Judgement", "Standing", "judge", "standing"]

Judgement: TypeAlias = Literal["better", "worse", "undecided"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The learned rule and the classical rule with the least cost, which it is held against."""

    learned: ComparisonRow
    reference: ComparisonRow

    @property
    def cost(self) -> Judgement:
        """Whether the learned rule costs less; less is better."""
        return judge(self.learned.cost_gain, more_is_better=False)

    @property
    def profit(self) -> Judgement:
        """Whether the learned rule earns more; more is better."""
        return judge(self.learned.profit_gain, more_is_better=True)

    @property
    def verdict(self) -> str:
        """Two or three words: better, worse, mixed, or no significant difference."""
        judgements = {self.cost, self.profit}
        if {"better", "worse"} <= judgements:
            return "mixed"
        if "better" in judgements:
            return "better"
        return "worse" if "worse" in judgements else "no significant difference"

    @property
    def sentence(self) -> str:
        """The comparison in one sentence, with both gains and their intervals."""
        rival = label(self.reference.policy).lower()
        gains = {"cost": self.learned.cost_gain, "profit": self.learned.profit_gain}
        certain = {"cost": self.cost != "undecided", "profit": self.profit != "undecided"}
        said = [_clause(name, gain) for name, gain in gains.items() if gain and certain[name]]
        undecided = [f"{name} {_words(gain)}" for name, gain in gains.items() if not certain[name]]
        if undecided:
            said.append(f"made no significant difference to {' or to '.join(undecided)}")
        return f"Against the best classical rule, {rival}, the learned rule {' and '.join(said)}."


def standing(comparison: Sequence[ComparisonRow]) -> Standing:
    """Return where the learned rule stands.

    Raises :class:`InputError` when the learned rule, or every classical one, is missing.
    """
    learned = [row for row in comparison if row.policy == LEARNED]
    classical = [row for row in comparison if row.policy != LEARNED]
    require(
        len(learned) == 1 and len(classical) > 0,
        InputError,
        f"a report needs the rule '{LEARNED}' and at least one classical rule; the comparison has"
        f" {[row.policy for row in comparison]}. Run the backtest with all rules.",
    )
    return Standing(learned[0], min(classical, key=lambda row: row.cost.value))


def judge(gain: Gain | None, *, more_is_better: bool) -> Judgement:
    """Judge a gain; an interval that holds zero, or is not known, decides nothing.

    >>> judge(Gain(-4.8, -7.2, -2.7, groups=300), more_is_better=False)
    'better'
    >>> judge(Gain(2.4, -12.0, 18.0, groups=300), more_is_better=False)
    'undecided'
    """
    if gain is None or not gain.excludes_zero:
        return "undecided"
    return "better" if (gain.low > 0) == more_is_better else "worse"


def _clause(figure: str, gain: Gain) -> str:
    ends = sorted((abs(gain.low), abs(gain.high)))
    verb = "raised" if gain.percent > 0 else "lowered"
    reach = interval(percent(ends[0]), percent(ends[1]))
    return f"{verb} {figure} by {percent(abs(gain.percent))} (95 % interval {reach})"


def _words(gain: Gain | None) -> str:
    if gain is None:
        return "(no percentage of 0)"
    if math.isnan(gain.low):
        return f"({signed_percent(gain.percent)}, interval unknown)"
    reach = interval(signed_percent(gain.low), signed_percent(gain.high))
    return f"({signed_percent(gain.percent)}, 95 % interval {reach})"
