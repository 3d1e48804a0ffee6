"""The trade-off: how much demand each rule serves, and how much money lies in stock for it."""

from collections.abc import Mapping

import plotly.graph_objects as go

from restock.evaluation import Outcome
from restock.planning import LEARNED
from restock.reporting.charts.look import axis, figure, padded, rule_colour
from restock.reporting.figures import amount, label, percent

__all__ = ["average_stock_value", "spread", "tradeoff_chart"]

HEIGHT = 400
LABEL_PIXELS = 21
MARGIN = {"l": 8, "r": 168, "t": 16, "b": 48}


def average_stock_value(outcome: Outcome) -> float:
    """Return the money in stock on hand at a period's end, at unit cost, averaged over periods."""
    periods = float(outcome.periods[:, 0].sum())
    return float((outcome.unit_cost * outcome.stock).sum()) / periods


def tradeoff_chart(outcomes: Mapping[str, Outcome], reference: str) -> go.Figure:
    """Draw one dot per rule, labelled at the right; left and up is better."""
    value = {name: average_stock_value(outcome) for name, outcome in outcomes.items()}
    served = {name: 100 * outcome.fill_rate().total for name, outcome in outcomes.items()}
    chart = figure(HEIGHT, margin=MARGIN)
    chart.add_trace(
        go.Scatter(
            x=list(value.values()),
            y=list(served.values()),
            mode="markers",
            marker={"size": 13, "color": [rule_colour(name, reference) for name in outcomes]},
            cliponaxis=False,
            hovertext=[
                f"{label(name)}: {percent(served[name])} served, {amount(value[name])} in stock"
                for name in outcomes
            ],
            hoverinfo="text",
        )
    )
    left, right = padded(min(value.values()), max(value.values()))
    bottom, top = padded(min(served.values()), max(served.values()))
    chart.update_xaxes(axis("average stock at cost, money", range=[left, right], nticks=5))
    chart.update_yaxes(axis("fill rate, % of demand", range=[bottom, top], ticksuffix=" %"))
    inner = HEIGHT - MARGIN["t"] - MARGIN["b"]
    gap = LABEL_PIXELS * (top - bottom) / inner
    heights = spread(served, gap, bottom, top)
    for name, height in heights.items():
        chart.add_annotation(
            x=value[name],
            y=served[name],
            ax=right,
            ay=height,
            axref="x",
            ayref="y",
            xanchor="left",
            text=f"<b>{label(name)}</b>" if name == LEARNED else label(name),
            showarrow=True,
            arrowhead=0,
            arrowwidth=0.75,
            arrowcolor=rule_colour(name, reference),
            standoff=8,
        )
    return chart


def spread(heights: Mapping[str, float], gap: float, bottom: float, top: float) -> dict[str, float]:
    """Return label heights in the order of ``heights``' values, at least ``gap`` apart.

    Labels move up from the lowest, then down from the top, as little as that takes.

    >>> spread({"a": 0.0, "b": 0.1, "c": 3.0}, gap=1.0, bottom=0.0, top=3.0)
    {'a': 0.0, 'b': 1.0, 'c': 3.0}
    >>> spread({"a": 2.9, "b": 3.0}, gap=1.0, bottom=0.0, top=3.0)
    {'a': 2.0, 'b': 3.0}
    """
    order = sorted(heights, key=lambda name: heights[name])
    placed: dict[str, float] = {}
    floor = bottom
    for name in order:
        placed[name] = max(heights[name], floor)
        floor = placed[name] + gap
    ceiling = top
    for name in reversed(order):
        placed[name] = min(placed[name], ceiling)
        ceiling = placed[name] - gap
    return placed
