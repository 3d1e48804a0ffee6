"""What is expected from today on: the forecast of each product over its lead time."""

import polars as pl

from restock.planning.case import PlanningCase
from restock.policies import quantile_signal

__all__ = ["outlook"]


def outlook(case: PlanningCase) -> pl.DataFrame:
    """Return today's forecast: demand in units over the lead time and the day after it.

    One row per product, the columns product, horizon_days (trading days), mean, sd and one per
    quantile level (q0.5 is the median). The last day of ``case`` is today.
    """
    today = case.scenario.window(case.history.n_days - 1, case.history.n_days)
    names = today.signal_names
    if today.signals is None:
        return pl.DataFrame(schema={"product": pl.String})
    values = today.signals[0, 0].double().numpy()
    columns = {"mean": "forecast_mean", "sd": "forecast_sd"}
    columns |= {f"q{level:g}": quantile_signal(level) for level in case.quantile_levels}
    return pl.DataFrame(
        {
            "product": case.history.product_ids,
            "horizon_days": (case.lead_time + 1).tolist(),
            **{column: values[:, names.index(signal)] for column, signal in columns.items()},
        }
    )
