"""The forest plot: each rule's paired gain on the reference, with its 95 % interval."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from restock.evaluation import Gain
from restock.reporting.charts.look import (
    REFERENCE_COLOUR,
    axis,
    figure,
    padded,
    rule_colour,
    wrapped,
)
from restock.reporting.figures import interval, label, signed_percent

__all__ = ["gain_chart"]


def gain_chart(gains: Sequence[tuple[str, Gain]], reference: str, better: str) -> go.Figure:
    """Draw one line per rule: a dot at the gain, in percent of the reference, and its interval.

    ``better`` says which side is better. A gain whose interval is not known is a dot alone.
    """
    names = {name: wrapped(label(name)) for name, _ in gains}
    chart = figure(72 + 36 * len(gains), margin={"b": 44, "t": 26})
    chart.add_vline(x=0, line={"width": 1.5, "color": REFERENCE_COLOUR})
    chart.add_trace(
        go.Scatter(
            x=[gain.percent for _, gain in gains],
            y=list(names.values()),
            mode="markers",
            marker={"size": 11, "color": [rule_colour(name, reference) for name, _ in gains]},
            cliponaxis=False,
            hovertext=[f"{label(name)}: {_words(gain)}" for name, gain in gains],
            hoverinfo="text",
        )
    )
    for name, gain in gains:
        if math.isfinite(gain.low):
            colour = rule_colour(name, reference)
            chart.add_trace(
                go.Scatter(
                    x=[gain.low, gain.high],
                    y=[names[name]] * 2,
                    mode="lines",
                    line={"width": 3, "color": colour},
                    hoverinfo="skip",
                )
            )
    chart.update_xaxes(axis("percent", range=_range(gains), nticks=6, tickangle=0))
    chart.update_yaxes(axis(showgrid=False, autorange="reversed", ticklabelstandoff=8))
    chart.add_annotation(
        text=better, x=0, y=1, xref="paper", yref="paper", yanchor="bottom", showarrow=False
    )
    return chart


def _words(gain: Gain) -> str:
    reach = interval(signed_percent(gain.low), signed_percent(gain.high))
    return f"{signed_percent(gain.percent)}, 95 % interval {reach}"


def _range(gains: Sequence[tuple[str, Gain]]) -> list[float]:
    ends = [end for _, gain in gains for end in (gain.percent, gain.low, gain.high)]
    known = [end for end in ends if math.isfinite(end)]
    return padded(min(known), max(known), share=0.05)
