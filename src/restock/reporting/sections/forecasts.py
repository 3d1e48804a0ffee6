"""The forecasts: what each model is worth before any order depends on it."""

from restock.forecasting import BacktestRow
from restock.planning import Plan
from restock.reporting.charts import forecast_chart
from restock.reporting.figures import amount, label, seconds, share
from restock.reporting.markup import Column, Html, chart, datum, escaped, table, tag

__all__ = ["forecast_section"]

COLUMNS = (
    Column("Forecaster", number=False),
    Column(
        "Relative WQL", hint="weighted quantile loss / that of seasonal naive; below 1 is better"
    ),
    Column("WQL", hint="weighted quantile loss; less is better"),
    Column("RMSSE", hint="root mean squared scaled error; less is better"),
    Column("WAPE", hint="weighted absolute percentage error of the median; less is better"),
    Column("Bias", hint="mean forecast less demand, of demand; 0 is best"),
    Column("Coverage of 80 %", hint="share of totals inside the central 80 % interval"),
    Column("Fit and predict", hint="seconds over all origins"),
)


def forecast_section(plan: Plan) -> list[Html]:
    """Return the scores of all forecasters and their chart."""
    used = plan.settings.forecast.model
    scores = sorted(plan.scores, key=lambda row: row.wql)
    cells = scores[0].n_cells if scores else 0
    origins = scores[0].n_origins if scores else 0
    explained = (
        f"Total demand over each product's lead time and one day, forecast from {origins} days of"
        f" the last test window with nothing known after each: {cells:,} totals without a"
        " stockout. The model that the rules read stands out."
    )
    return [
        tag("p", explained),
        table(
            COLUMNS, map(_row, scores), ["learned" if s.forecaster == used else "" for s in scores]
        ),
        chart(
            forecast_chart(scores, used),
            "Forecast loss relative to seasonal naive",
            "Weighted quantile loss. What repeats the same days of past weeks scores 1. The"
            " model that the rules read is in blue.",
        ),
    ]


def _row(row: BacktestRow) -> list[Html]:
    spent = row.fit_seconds + row.predict_seconds
    return [
        escaped(label(row.forecaster)),
        datum(row.wql_relative, amount(row.wql_relative, 3)),
        datum(row.wql, amount(row.wql, 3)),
        datum(row.rmsse, amount(row.rmsse, 3)),
        datum(row.wape, share(row.wape)),
        datum(row.bias, share(row.bias)),
        datum(row.coverage_80, share(row.coverage_80)),
        datum(spent, seconds(spent)),
    ]
