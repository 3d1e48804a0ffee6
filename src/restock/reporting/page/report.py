"""The report in one file: style, charts, plotly.js and text, with nothing to load from elsewhere.

The page's security policy forbids every request, so that it cannot tell anyone that it was read.
"""

from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs

from restock.planning import Plan
from restock.reporting.markup import escaped, tag
from restock.reporting.sections import (
    assumptions_section,
    backtest_section,
    forecast_section,
    headline,
    method_section,
    proposals_section,
    quality_section,
    training_section,
)

__all__ = ["report_html"]

SECTIONS = (
    ("proposals", "Today's proposals", proposals_section),
    ("backtest", "Backtest of all rules", backtest_section),
    ("forecasts", "Forecasts", forecast_section),
    ("training", "Training", training_section),
    ("quality", "Quality of the records", quality_section),
    ("assumptions", "Assumptions", assumptions_section),
    ("method", "How it was done", method_section),
)
"""Where a section is found, its heading, and what it says."""


def report_html(plan: Plan) -> str:
    """Return ``report.html`` of a plan."""
    sections = [
        tag("section", tag("h2", title), *content(plan), id=identity)
        for identity, title, content in SECTIONS
    ]
    links = [tag("a", title, href=f"#{identity}") for identity, title, _ in SECTIONS]
    return Template(_resource("report.html")).substitute(
        title=escaped(f"{plan.settings.name} · replenishment report"),
        style=_resource("report.css"),
        headline=headline(plan),
        contents=tag("nav", *links, aria_label="Contents"),
        sections="\n".join(sections),
        plotly=get_plotlyjs(),
        script=_resource("report.js"),
    )


def _resource(name: str) -> str:
    return files("restock.reporting.page").joinpath(name).read_text(encoding="utf-8")
