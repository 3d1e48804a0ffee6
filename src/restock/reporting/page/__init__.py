"""The page that carries a report: template, style, script, and the sections in their order."""

from restock.reporting.page.report import report_html

__all__ = ["report_html"]
