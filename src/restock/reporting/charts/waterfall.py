"""The waterfall of one proposal: from expected demand to the quantity, exact to the unit."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from restock.reporting.charts.look import LEARNED_COLOUR, OTHER, PLUS, axis, figure, padded
from restock.reporting.figures import amount

__all__ = ["STEPS", "waterfall_chart"]

STEPS = (
    ("expected_demand", "expected demand", "absolute", 1),
    ("safety", "safety", "relative", 1),
    ("target", "target", "total", 1),
    ("on_hand", "on hand", "relative", -1),
    ("on_order", "on order", "relative", -1),
    ("backlog", "backlog", "relative", 1),
    ("need", "need", "total", 1),
    ("rounding", "rounding", "relative", 1),
    ("quantity", "order", "total", 1),
)
"""Column, label, kind of bar, and the sign with which it enters."""


def waterfall_chart(line: Mapping[str, Any]) -> go.Figure:
    """Draw the steps of a line that orders something; steps of zero units are left out.

    A line that orders nothing has a need of 0 whatever its target, and no waterfall to draw.
    """
    steps = [step for step in STEPS if step[2] != "relative" or line[step[0]] != 0]
    units = [sign * line[name] for name, _, _, sign in steps]
    chart = figure(60 + 34 * len(steps), margin={"b": 44})
    chart.add_trace(
        go.Waterfall(
            orientation="h",
            y=[words for _, words, _, _ in steps],
            x=units,
            width=0.64,
            measure=[kind for _, _, kind, _ in steps],
            text=[
                amount(value, 0) if kind != "relative" or value < 0 else f"+{amount(value, 0)}"
                for value, (_, _, kind, _) in zip(units, steps, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            connector={"line": {"width": 1, "color": OTHER}},
            increasing={"marker": {"color": PLUS}},
            decreasing={"marker": {"color": OTHER}},
            totals={"marker": {"color": LEARNED_COLOUR}},
            hoverinfo="skip",
        )
    )
    chart.update_yaxes(axis(showgrid=False, autorange="reversed", ticklabelstandoff=8))
    chart.update_xaxes(axis("units", range=_range(line), nticks=6, tickangle=0))
    return chart


def _range(line: Mapping[str, Any]) -> list[float]:
    """Return room for every bar and the numbers beside them, zero included."""
    position = line["on_hand"] + line["on_order"] - line["backlog"]
    ends = [0, line["expected_demand"], line["target"], line["target"] - position]
    ends += [line["target"] - line["on_hand"], line["need"], line["quantity"]]
    low, high = padded(min(ends), max(ends), share=0.2)
    return [low if min(ends) < 0 else 0.0, high]
