"""The verdict: it claims what the interval shows, and nothing more."""

import math

import pytest

from restock.errors import InputError
from restock.evaluation import ComparisonRow, Estimate, Gain
from restock.reporting import standing

SOME = Estimate(1.0, 0.5, 1.5)


def row(
    policy: str, cost: float, cost_gain: Gain | None, profit_gain: Gain | None
) -> ComparisonRow:
    figures = {"profit": SOME, "fill_rate": SOME, "turnover": SOME, "lost_sales_units": SOME}
    return ComparisonRow(
        policy=policy,
        cost=Estimate(cost, cost, cost),
        profit_gain=profit_gain,
        cost_gain=cost_gain,
        **figures,
    )


NONE = Gain(0.0, 0.0, 0.0, 9)
CLASSICAL = [row("reorder_point", 12.0, NONE, NONE), row("base_stock", 10.0, NONE, NONE)]
LESS, MORE, OPEN = Gain(-4.8, -7.2, -2.7, 9), Gain(2.5, 1.1, 3.9, 9), Gain(2.4, -12.0, 18.0, 9)


@pytest.mark.parametrize(
    ("cost", "profit", "verdict"),
    [
        (LESS, MORE, "better"),
        (LESS, OPEN, "better"),
        (OPEN, OPEN, "no significant difference"),
        (MORE, LESS, "worse"),
        (OPEN, LESS, "worse"),
        (MORE, MORE, "mixed"),
        (NONE, NONE, "no significant difference"),
        (None, None, "no significant difference"),
        (Gain(-9.0, math.nan, math.nan, 1), OPEN, "no significant difference"),
    ],
)
def test_the_verdict_follows_the_intervals(cost: Gain, profit: Gain, verdict: str) -> None:
    assert standing([*CLASSICAL, row("learned", 9.0, cost, profit)]).verdict == verdict


def test_the_sentence_gives_both_gains_with_their_intervals() -> None:
    place = standing([*CLASSICAL, row("learned", 9.0, LESS, MORE)])
    assert place.sentence == (
        "Against the best classical rule, base stock, the learned rule lowered cost by 4.8 %"
        " (95 % interval 2.7 to 7.2 %) and raised profit by 2.5 % (95 % interval 1.1 to 3.9 %)."
    )


def test_the_sentence_claims_nothing_where_the_interval_holds_zero() -> None:
    place = standing([*CLASSICAL, row("learned", 9.0, LESS, OPEN)])
    assert place.sentence.endswith(
        " and made no significant difference to profit (+2.4 %, 95 % interval −12.0 to +18.0 %)."
    )
    assert "raised profit" not in place.sentence


def test_the_reference_is_the_classical_rule_with_the_least_cost() -> None:
    assert standing([*CLASSICAL, row("learned", 9.0, LESS, MORE)]).reference.policy == "base_stock"


def test_a_comparison_without_the_learned_rule_is_refused() -> None:
    with pytest.raises(InputError, match="needs the rule 'learned'"):
        standing(CLASSICAL)
