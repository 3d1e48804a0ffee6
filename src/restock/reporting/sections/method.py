"""How it was done: the protocol of the test, the rules, and the time that each stage took."""

from restock import __version__
from restock.demand import WARM_UP_DAYS
from restock.evaluation import PERIODS_PER_YEAR
from restock.planning import VIEWS, Plan, trading_days_per_week
from restock.reporting.figures import day, label, seconds
from restock.reporting.markup import Column, Html, datum, escaped, table, tag

__all__ = ["RULE_NOTES", "method_section"]

RULE_NOTES = {
    "base_stock": "order up to a fixed level, tuned per product",
    "reorder_point": "(s, S): order up to S once stock falls to s, both tuned per product",
    "mean_plus_safety": "order up to forecast mean + z · standard deviation, z tuned per lead time",
    "scaled_level": "level, order cap and batch in days of recent demand, tuned per lead time",
    "forecast_quantile": "order up to a quantile of the forecast, tuned per lead time",
    "capped_quantile": "the same with an order cap, both tuned together per lead time",
    "capped_quantile_by_class": "the same per lead time and class of variability",
    "learned": "networks that move a classical level and cap by what they see, averaged",
}
"""What each rule does, in a line."""


def method_section(plan: Plan) -> list[Html]:
    """Return the protocol, the rules and the seconds of each stage."""
    notes = [tag("dt", head) + tag("dd", text) for head, text in _protocol(plan).items()]
    rules = [
        [escaped(label(row.policy)), escaped(RULE_NOTES.get(row.policy, ""))]
        for row in plan.comparison
    ]
    spent = [*plan.seconds.items(), ("all stages", sum(plan.seconds.values()))]
    return [
        tag("dl", *map(Html, notes), class_="protocol"),
        tag("h3", "The rules"),
        table((Column("Rule", number=False), Column("What it does", number=False)), rules),
        tag("h3", "Time taken"),
        table(
            (Column("Stage", number=False), Column("Time")),
            [[escaped(label(stage)), datum(each, seconds(each))] for stage, each in spent],
        ),
    ]


def _protocol(plan: Plan) -> dict[str, str]:
    training, assumptions = plan.settings.training, plan.settings.assumptions
    return {
        "Products": (
            f"The {plan.case.history.n_products:,} products that were sold on most days of the"
            " whole record, test days included; all rules face the same ones, at the list prices of"
            " the last day."
        ),
        "Demand": (
            "Recorded sales stand for demand. On days that ended without stock true demand may have"
            " been higher, which no record tells."
        ),
        "Test windows": f"{_windows(plan)}. No rule saw a test day before it was tested on it.",
        "Tuning": (
            f"{_tuning_days(plan)} trading days before each window, for every rule alike, with the"
            f" same forecasts ({label(plan.settings.forecast.model)}, fitted anew before each"
            " window) and the same costs."
        ),
        "Learning": (
            f"The mean decision of {len(VIEWS) * training.seeds} networks"
            f" ({training.seeds} for each of two views of the past), up to {training.updates}"
            " gradient updates each. One view are futures drawn in blocks from the days before the"
            " window, the other those days replayed with the forecasts made of them."
        ),
        "Opening stock": (
            f"Every test begins with stock for the lead time and {assumptions.opening_cover_days:g}"
            " more trading days of recent demand, the same for all rules."
        ),
        "Closing stock": (
            f"Stock left at the end loses {100 * assumptions.end_write_down_share:g} % of its unit"
            " cost; the rest counts as value."
        ),
        "Intervals": (
            "95 % percentile bootstrap over products, each drawn with all its windows: how far a"
            " figure would move had other products come our way. It does not tell how another"
            " season or another training seed would move it. Single figures vary widely because"
            " products do; the paired differences are what to compare rules by."
        ),
        "Reference": (
            "The classical rule with the least cost over the test windows, chosen after the fact."
        ),
        "Perfect information": (
            "What no rule could beat with all demand known in advance. Cost and profit are bounded"
            " separately, without case packs, minimums and fixed costs, so that the bound may be"
            " out of reach for every rule; fill rate and lost sales are those of the greatest"
            " profit."
        ),
        "Turnover": f"Per year of {PERIODS_PER_YEAR:g} trading days.",
        "Repeatable": f"Seed {plan.settings.seed}, restock {__version__}.",
    }


def _windows(plan: Plan) -> str:
    dates = plan.case.history.dates
    return "; ".join(
        f"{day(dates[window.start])} to {day(dates[window.stop - 1])} ({window.days} trading days)"
        for window in plan.test.windows
    )


def _tuning_days(plan: Plan) -> str:
    record = plan.case.history.days(0, plan.case.history.n_days - 1)
    most = round(trading_days_per_week(record) * plan.settings.backtest.tuning_weeks)
    days = [window.start - max(WARM_UP_DAYS, window.start - most) for window in plan.test.windows]
    return " / ".join(str(each) for each in dict.fromkeys(days))
