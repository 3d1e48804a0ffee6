"""The rules that planners use."""

from restock.policies.classical.base_stock import BaseStock, CappedBaseStock
from restock.policies.classical.constant_order import ConstantOrder
from restock.policies.classical.forecast_level import (
    ForecastQuantile,
    MeanPlusSafety,
    quantile_signal,
    quantile_weights,
)
from restock.policies.classical.reorder_point import ReorderPoint
from restock.policies.classical.signal_level import SignalLevel, signal_level

__all__ = [
    "BaseStock",
    "CappedBaseStock",
    "ConstantOrder",
    "ForecastQuantile",
    "MeanPlusSafety",
    "ReorderPoint",
    "SignalLevel",
    "quantile_signal",
    "quantile_weights",
    "signal_level",
]
