"""Today: the day after the record, what is on the shelf then, and what is on its way."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import torch
from torch import Tensor

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
    """Return today's stock and pipeline, and whether the stock is on record (else assumed).

    The last count of each product is its stock; open purchase orders arrive on the trading day
    that they are expected, overdue ones on the next.
    """
    ids = pl.DataFrame({"product_id": case.history.product_ids})
    if records.stock.is_empty():
        return case.opening_state(case.history.n_days - 1), False
    last = records.stock.sort("date").group_by("product_id").agg(pl.col("on_hand_units").last())
    on_hand = ids.join(last, on="product_id", how="left", maintain_order="left")
    stock = torch.from_numpy(on_hand["on_hand_units"].fill_null(0.0).to_numpy().copy()).float()
    state = case.world.state_with(stock[None, :, None])
    pipeline = _open_orders(case, records)
    slots = len(state.pipeline)
    due: tuple[Tensor, ...] = tuple(pipeline[k][None, :, None] for k in range(slots))
    return replace(state, on_order=torch.stack(due).sum(0), pipeline=due), True


def _open_orders(case: PlanningCase, records: Records) -> Tensor:
    """Units due in 1, 2, … trading days from today, ``[K, P]``; later ones count as the last."""
    slots = case.world.arrivals.slots
    position = {product: index for index, product in enumerate(case.history.product_ids)}
    today = case.history.dates[-1]
    after = [today, *next_trading_days(case.history, slots)]
    due = torch.zeros(slots, len(position))
    for row in records.purchase_orders.iter_rows(named=True):
        index = position.get(row["product_id"])
        if index is not None:
            wait = next((k for k, day in enumerate(after) if row["expected_on"] <= day), slots)
            due[min(max(wait, 1), slots) - 1, index] += row["units"]
    return due
