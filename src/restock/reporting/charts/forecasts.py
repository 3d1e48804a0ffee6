"""Forecast skill: each forecaster's quantile loss relative to the seasonal naive one."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from restock.forecasting import BacktestRow
from restock.reporting.charts.look import (
    LEARNED_COLOUR,
    OTHER,
    REFERENCE_COLOUR,
    axis,
    figure,
    wrapped,
)
from restock.reporting.figures import amount, label

__all__ = ["forecast_chart"]


def forecast_chart(scores: Sequence[BacktestRow], used: str) -> go.Figure:
    """Draw one bar per forecaster, the best on top; ``used`` is the one that rules read."""
    known = [row for row in scores if math.isfinite(row.wql_relative)]
    known.sort(key=lambda row: row.wql_relative)
    chart = figure(60 + 34 * len(known), margin={"b": 44, "r": 40})
    chart.add_trace(
        go.Bar(
            x=[row.wql_relative for row in known],
            y=[wrapped(label(row.forecaster)) for row in known],
            orientation="h",
            width=0.62,
            marker={
                "color": [LEARNED_COLOUR if row.forecaster == used else OTHER for row in known]
            },
            text=[amount(row.wql_relative, 2) for row in known],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    chart.add_vline(x=1, line={"width": 1.5, "color": REFERENCE_COLOUR})
    chart.update_xaxes(axis("less is better", rangemode="tozero", nticks=6))
    chart.update_yaxes(axis(showgrid=False, autorange="reversed", ticklabelstandoff=8))
    return chart
