"""The sections of a report: one file per group, each a function from the plan to HTML."""

from restock.reporting.sections.backtest import backtest_section
from restock.reporting.sections.forecasts import forecast_section
from restock.reporting.sections.headline import headline
from restock.reporting.sections.inputs import assumptions_section, quality_section
from restock.reporting.sections.method import method_section
from restock.reporting.sections.proposals import proposals_section
from restock.reporting.sections.training import training_section

__all__ = [
    "assumptions_section",
    "backtest_section",
    "forecast_section",
    "headline",
    "method_section",
    "proposals_section",
    "quality_section",
    "training_section",
]
