"""The training: how the networks of the learned rule came down."""

from restock.planning import Plan
from restock.reporting.charts import loss_chart, runs_of, validation_chart
from restock.reporting.markup import Html, chart, figures_row, tag

__all__ = ["training_section"]


def training_section(plan: Plan) -> list[Html]:
    """Return the training curves, or that nothing was trained."""
    logs = {stage: log for stage, log in plan.training.items() if log}
    runs = {stage: runs_of(log) for stage, log in logs.items()}
    if not runs:
        text = "No network was trained in this run: finished ones were found and used."
        return [tag("p", text)]
    count = sum(len(each) for each in runs.values())
    explained = (
        f"{count} networks of {plan.settings.training.updates} updates each: for every test window"
        " on the days before it, and for today on all days. Futures are drawn from the past; the"
        " held-out ones are never trained on, and the network that does best on them is kept."
    )
    charts = [
        chart(
            loss_chart(logs),
            "Training loss",
            "Mean of the last 20 updates. Blue: networks for today. Grey: of the backtest.",
        )
    ]
    validated = [row for log in logs.values() for row in log if row.validation_cost is not None]
    if len(validated) > count:
        charts.append(
            chart(
                validation_chart(logs),
                "Cost on held-out futures",
                "Windows differ in demand, so that only the shape of curves compares.",
            )
        )
    return [tag("p", explained), figures_row(*charts)]
