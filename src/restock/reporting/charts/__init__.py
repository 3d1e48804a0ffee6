"""The charts of a report: one file per chart, each a function from results to a plotly figure."""

from restock.reporting.charts.forecasts import forecast_chart
from restock.reporting.charts.gains import gain_chart
from restock.reporting.charts.tradeoff import average_stock_value, tradeoff_chart
from restock.reporting.charts.training import loss_chart, runs_of, validation_chart
from restock.reporting.charts.waterfall import waterfall_chart

__all__ = [
    "average_stock_value",
    "forecast_chart",
    "gain_chart",
    "loss_chart",
    "runs_of",
    "tradeoff_chart",
    "validation_chart",
    "waterfall_chart",
]
