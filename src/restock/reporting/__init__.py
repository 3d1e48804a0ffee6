"""What does it look like? The report, the summary and the list of a run; charts and verdicts."""

from restock.reporting.assumed import Assumed, assumed
from restock.reporting.delivery import Delivery, deliver, write_together
from restock.reporting.page import report_html
from restock.reporting.proposals_file import proposals_csv
from restock.reporting.standing import Standing, standing
from restock.reporting.summary import (
    backtest_report,
    forecast_report,
    proposals_report,
    summary,
    summary_json,
)

__all__ = [
    "Assumed",
    "Delivery",
    "Standing",
    "assumed",
    "backtest_report",
    "deliver",
    "forecast_report",
    "proposals_csv",
    "proposals_report",
    "report_html",
    "standing",
    "summary",
    "summary_json",
    "write_together",
]
