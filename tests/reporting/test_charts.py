"""Charts show the numbers that they are given."""

from dataclasses import replace

import numpy as np
import pytest

from restock.evaluation import Gain, Outcome
from restock.learning import LogRow
from restock.planning import Plan
from restock.reporting.charts import (
    average_stock_value,
    forecast_chart,
    gain_chart,
    loss_chart,
    runs_of,
    tradeoff_chart,
    waterfall_chart,
)
from restock.reporting.charts.tradeoff import spread


def log_row(update: int, loss: float) -> LogRow:
    return LogRow(update, steps=0, seconds=0.0, loss=loss, gradient_norm=1.0, learning_rate=0.1)


def test_the_waterfall_chart_adds_up_as_plotly_adds(plan: Plan) -> None:
    line = plan.proposals.table.row(0, named=True)
    [trace] = waterfall_chart(line).data
    height = 0
    for kind, value in zip(trace.measure, trace.x, strict=True):
        if kind == "relative":
            height += value
        elif kind == "absolute":
            height = value
        else:
            assert height == value
    assert trace.y[-1] == "order"
    assert height == line["quantity"] > 0


def test_the_forest_plot_draws_each_interval_where_it_is() -> None:
    gains = [("base_stock", Gain(0.0, 0.0, 0.0, 9)), ("learned", Gain(-4.8, -7.2, -2.7, 9))]
    dots, *lines = gain_chart(gains, "base_stock", "← cheaper").data
    assert list(dots.x) == [0.0, -4.8]
    assert [list(line.x) for line in lines] == [[0.0, 0.0], [-7.2, -2.7]]


def test_a_gain_without_interval_is_a_dot_alone() -> None:
    chart = gain_chart([("learned", Gain(3.0, float("nan"), float("nan"), 1))], "x", "")
    assert len(chart.data) == 1
    assert np.isfinite(chart.layout.xaxis.range).all()


def test_the_log_is_split_where_a_new_network_begins() -> None:
    updates = [1, 2, 3, 1, 2, 2]
    runs = runs_of([log_row(update, 1.0) for update in updates])
    assert [[row.update for row in run] for run in runs] == [[1, 2, 3], [1, 2], [2]]
    assert runs_of([]) == []


def test_the_loss_curve_is_a_running_mean_without_the_first_update() -> None:
    chart = loss_chart({"train": [log_row(1, 1.0), log_row(2, 0.4), log_row(3, 0.2)]})
    # the mean of 0.4, and of 0.4 and 0.2
    assert list(chart.data[0].x) == [2, 3]
    assert chart.data[0].y == pytest.approx((0.4, 0.3))


def test_the_best_forecaster_stands_on_top_and_unknown_scores_are_left_out(plan: Plan) -> None:
    scores = [*plan.scores, replace(plan.scores[0], forecaster="lost", wql_relative=float("nan"))]
    [bars] = forecast_chart(scores, "negative_binomial").data
    assert list(bars.x) == sorted(bars.x)
    assert len(bars.x) == len(plan.scores)


def test_average_stock_value_by_hand(plan: Plan) -> None:
    outcome: Outcome = plan.test.outcomes["base_stock"]
    days = plan.test.windows[0].days
    # one window: Σ over products of unit cost × unit-days in stock, per day
    by_hand = sum(
        cost * units for cost, units in zip(outcome.unit_cost[0], outcome.stock[0], strict=True)
    )
    assert average_stock_value(outcome) == pytest.approx(by_hand / days)


def test_every_dot_of_the_tradeoff_has_its_label(plan: Plan) -> None:
    chart = tradeoff_chart(plan.test.outcomes, "base_stock")
    assert len(chart.layout.annotations) == len(plan.test.outcomes)
    pixels = 400 - 16 - 48
    low, high = chart.layout.yaxis.range
    heights = sorted((each.ay - low) / (high - low) * pixels for each in chart.layout.annotations)
    assert min(np.diff(heights)) > 20


def test_labels_stay_inside_and_apart() -> None:
    heights = spread({"a": 1.0, "b": 1.0, "c": 0.99, "d": 0.0}, gap=0.2, bottom=0.0, top=1.0)
    assert list(heights) == ["d", "c", "a", "b"]
    assert min(np.diff(list(heights.values()))) == pytest.approx(0.2)
    assert max(heights.values()) <= 1.0
