"""The backtest: every rule in one table, and how they compare."""

from collections.abc import Callable

from restock.evaluation import ComparisonRow, Estimate, Gain
from restock.planning import LEARNED, HindsightBound, Plan
from restock.reporting.charts import gain_chart, tradeoff_chart
from restock.reporting.figures import amount, interval, label, seconds, share, signed_percent
from restock.reporting.markup import (
    Column,
    Html,
    chart,
    datum,
    escaped,
    figures_row,
    table,
    tag,
)
from restock.reporting.standing import standing

__all__ = ["backtest_section"]

COLUMNS = (
    Column("Rule", number=False),
    Column("Profit", hint="revenue less purchases, holding, fixed cost and write-down, money"),
    Column("Gain in profit", hint="paired difference to the reference, percent"),
    Column("Cost", hint="holding, shortage, fixed cost and write-down: what rules minimise, money"),
    Column("Change of cost", hint="paired difference to the reference, percent; below 0 is better"),
    Column("Fill rate", hint="units sold / units asked"),
    Column("Turnover", hint="units sold a year / average units on hand"),
    Column("Lost sales", hint="units of demand that left unserved"),
    Column("Tuning", hint="seconds to tune or train the rule, all windows"),
)


def backtest_section(plan: Plan) -> list[Html]:
    """Return the table of all rules with the gain and trade-off charts."""
    reference = standing(plan.comparison).reference
    rows = [_row(row, plan, reference.policy) for row in plan.comparison]
    marks = [_mark(row.policy, reference.policy) for row in plan.comparison]
    if plan.test.bound is not None:
        rows.append(_bound_row(plan.test.bound, reference))
        marks.append("bound")
    explained = (
        "Each figure with its 95 % interval. Differences are paired: every rule faced the same"
        f" demand, and is held against {label(reference.policy).lower()}, the classical rule with"
        " the least cost in this very test, so that the choice favours the classical side."
    )
    return [
        tag("p", explained),
        table(COLUMNS, rows, marks),
        _gain_charts(plan, reference.policy),
        chart(
            tradeoff_chart(plan.test.outcomes, reference.policy),
            "Service against money in stock",
            "Each dot is a rule: higher serves more of the demand, further left ties up less"
            " money.",
        ),
    ]


def _gain_charts(plan: Plan, reference: str) -> Html:
    note = (
        f"In percent of {label(reference).lower()}. Dot: paired difference. Line: 95 % interval;"
        " where it crosses 0, no difference is proven."
    )
    gains = {
        "cost": [(row.policy, row.cost_gain) for row in plan.comparison],
        "profit": [(row.policy, row.profit_gain) for row in plan.comparison],
    }
    better = {"cost": "← cheaper", "profit": "more profit →"}
    charts = []
    for what, pairs in gains.items():
        known = [(name, gain) for name, gain in pairs if gain is not None]
        if known:
            figure = gain_chart(known, reference, better[what])
            charts.append(chart(figure, f"{label(what)} against the best classical rule", note))
    return figures_row(*charts)


def _row(row: ComparisonRow, plan: Plan, reference: str) -> list[Html]:
    spent = plan.test.seconds[row.policy]
    is_reference = row.policy == reference
    return [
        escaped(label(row.policy)),
        _estimate(row.profit, amount),
        _gain(row.profit_gain, is_reference=is_reference),
        _estimate(row.cost, amount),
        _gain(row.cost_gain, is_reference=is_reference),
        _estimate(row.fill_rate, share),
        _estimate(row.turnover, lambda value: amount(value, 1)),
        _estimate(row.lost_sales_units, lambda value: amount(value, 0)),
        datum(spent, seconds(spent)),
    ]


def _bound_row(bound: HindsightBound, reference: ComparisonRow) -> list[Html]:
    """Return the bound's line; cost and profit are bounded separately, each by its own best."""
    unknown = escaped("")
    return [
        escaped("Perfect information"),
        datum(bound.profit, amount(bound.profit)),
        _plain_gain(bound.profit, reference.profit.value),
        datum(bound.cost, amount(bound.cost)),
        _plain_gain(bound.cost, reference.cost.value),
        datum(bound.fill_rate, share(bound.fill_rate)),
        unknown,
        datum(bound.lost_sales_units, amount(bound.lost_sales_units, 0)),
        unknown,
    ]


def _plain_gain(bound: float, reference: float) -> Html:
    if reference == 0:
        return escaped("")
    return escaped(signed_percent(100 * (bound - reference) / abs(reference)))


def _mark(policy: str, reference: str) -> str:
    if policy == LEARNED:
        return "learned"
    return "reference" if policy == reference else ""


def _estimate(estimate: Estimate, show: Callable[[float], str]) -> Html:
    reach = interval(show(estimate.low), show(estimate.high))
    return Html(datum(estimate.value, show(estimate.value)) + tag("small", reach))


def _gain(gain: Gain | None, *, is_reference: bool) -> Html:
    if gain is None:
        return escaped("–")
    if is_reference:
        return Html(datum(gain.percent, "0") + tag("small", "reference"))
    reach = interval(signed_percent(gain.low), signed_percent(gain.high))
    return Html(datum(gain.percent, signed_percent(gain.percent)) + tag("small", reach))
