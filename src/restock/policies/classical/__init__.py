"""The rules that planners use."""

from restock.policies.classical.base_stock import BaseStock, CappedBaseStock
from restock.policies.classical.constant_order import ConstantOrder
from restock.policies.classical.forecast_level import (
    ForecastQuantile,
    MeanPlusSafety,
    quantile_signal,
)
from restock.policies.classical.reorder_point import ReorderPoint
from restock.policies.classical.scaled_level import ScaledLevel, hold_back

__all__ = [
    "BaseStock",
    "CappedBaseStock",
    "ConstantOrder",
    "ForecastQuantile",
    "MeanPlusSafety",
    "ReorderPoint",
    "ScaledLevel",
    "hold_back",
    "quantile_signal",
]
