"""Today: the day after the record, what is on the shelf then, and what is on its way."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import torch
from jaxtyping import Float

from restock.demand import DemandHistory
from restock.planning.case import PlanningCase
from restock.records import Records
from restock.simulation import State

__all__ = ["next_trading_days", "state_today", "with_today"]


def next_trading_days(history: DemandHistory, count: int) -> list[date]:
    """Return the next ``count`` trading days after the record: the weekdays of its last weeks."""
    weekdays = {day.weekday() for day in history.dates[-42:]}
    days: list[date] = []
    day = history.dates[-1]
    while len(days) < count:
        day += timedelta(days=1)
        if day.weekday() in weekdays:
            days.append(day)
    return days


def with_today(history: DemandHistory) -> DemandHistory:
    """Return the history with one more day, today, whose demand is not known and stands as 0.

    Signals and forecasts of a day use the days before it alone, so that the zero is never read.
    """
    today = next_trading_days(history, 1)[0]

    def repeat(values: np.ndarray, last: np.ndarray) -> np.ndarray:
        return np.concatenate([values, last[None]])

    return replace(
        history,
        dates=(*history.dates, today),
        units=repeat(history.units, np.zeros_like(history.units[-1])),
        censored=repeat(history.censored, np.zeros_like(history.censored[-1])),
        list_price=repeat(history.list_price, history.list_price[-1]),
        promoted=repeat(history.promoted, np.zeros_like(history.promoted[-1])),
    )


def state_today(case: PlanningCase, records: Records) -> tuple[State, bool]:
    """Return the state that today begins with, and whether its stock is on record (else assumed).

    As at the end of any period, what is due today is still on its way. The last count of each
    product is its stock, to the nearest whole unit. Open purchase orders arrive on the first
    trading day at or after the day they are expected; overdue ones on the trading day after
    today, and those beyond the reach of the pipeline at its end.
    """
    ids = pl.DataFrame({"product_id": case.history.product_ids})
    if records.stock.is_empty():
        return case.opening_state(case.history.n_days - 1), False
    last = records.stock.sort("date").group_by("product_id").agg(pl.col("on_hand_units").last())
    on_hand = ids.join(last, on="product_id", how="left", maintain_order="left")
    stock = _whole(on_hand["on_hand_units"].fill_null(0.0).to_numpy())
    state = case.world.state_with(stock[None, :, None])
    due = _whole(_open_orders(case, records))[:, None, :, None]
    return replace(state, on_order=due.sum(0), pipeline=tuple(due)), True


def _whole(units: Float[np.ndarray, "*any"]) -> Float[torch.Tensor, "*any"]:
    return torch.from_numpy(np.floor(units + 0.5)).float()


def _open_orders(case: PlanningCase, records: Records) -> Float[np.ndarray, "K P"]:
    """Units that arrive 0, 1, … trading days from today."""
    slots, days = case.world.arrivals.slots, case.history.dates
    ids = pl.DataFrame({"product_id": case.history.product_ids}).with_row_index("product")
    orders = records.purchase_orders.join(ids, on="product_id")
    expected = orders["expected_on"].to_numpy()
    coming = np.array([days[-1], *next_trading_days(case.history, slots)], dtype="datetime64[D]")
    overdue = expected <= np.datetime64(days[-2])
    wait = np.where(overdue, 1, np.searchsorted(coming, expected))
    due = np.zeros((slots, ids.height))
    cells = (np.minimum(wait, slots - 1), orders["product"].to_numpy())
    np.add.at(due, cells, orders["units"].to_numpy())
    return due
