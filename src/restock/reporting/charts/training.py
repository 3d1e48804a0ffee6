"""Training curves: the loss on generated futures, and the cost on held-out ones."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import mean

import plotly.graph_objects as go

from restock.learning import LogRow
from restock.reporting.charts.look import LEARNED_COLOUR, OTHER, axis, figure

__all__ = ["loss_chart", "runs_of", "validation_chart"]

HEIGHT = 300
FIRST_SHOWN = 2
SMOOTHED = 20
TODAY = "train"

Points = Callable[[Sequence[LogRow]], list[tuple[int, float]]]


def runs_of(log: Sequence[LogRow]) -> list[list[LogRow]]:
    """Split a stage's log into its networks: each begins where the update count falls back."""
    if not log:
        return []
    starts = [index for index, (a, b) in enumerate(pairwise(log), start=1) if b.update <= a.update]
    edges = [0, *starts, len(log)]
    return [list(log[start:stop]) for start, stop in pairwise(edges)]


def loss_chart(training: Mapping[str, Sequence[LogRow]]) -> go.Figure:
    """Draw the loss of every network, each point the mean of up to ``SMOOTHED`` updates.

    The first is left out: it is 1 by definition, and stands on shelves that no policy has stocked.
    """
    return _curves(
        training,
        "first update = 1",
        _smooth_loss,
        "lines",
    )


def validation_chart(training: Mapping[str, Sequence[LogRow]]) -> go.Figure:
    """Draw the cost of every network on held-out futures, money per product and day."""
    return _curves(
        training,
        "money per product and day",
        lambda log: [
            (row.update, row.validation_cost) for row in log if row.validation_cost is not None
        ],
        "lines+markers",
    )


def _smooth_loss(log: Sequence[LogRow]) -> list[tuple[int, float]]:
    shown = [row for row in log if row.update >= FIRST_SHOWN]
    return [
        (row.update, mean(each.loss for each in shown[max(0, index - SMOOTHED + 1) : index + 1]))
        for index, row in enumerate(shown)
    ]


def _curves(
    training: Mapping[str, Sequence[LogRow]], title: str, points: Points, mode: str
) -> go.Figure:
    chart = figure(HEIGHT, margin={"b": 44})
    for stage, log in sorted(training.items(), key=lambda item: item[0] == TODAY):
        colour = LEARNED_COLOUR if stage == TODAY else OTHER
        for run in runs_of(log):
            curve = points(run)
            chart.add_trace(
                go.Scatter(
                    x=[update for update, _ in curve],
                    y=[value for _, value in curve],
                    mode=mode,
                    line={"width": 2 if stage == TODAY else 1.25, "color": colour},
                    marker={"size": 6},
                    hovertemplate="update %{x}: %{y:.3f}<extra></extra>",
                )
            )
    chart.update_xaxes(axis("gradient updates", showgrid=False, nticks=6))
    chart.update_yaxes(axis(title, nticks=6))
    return chart
