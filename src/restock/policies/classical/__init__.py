"""The rules that planners use."""

from restock.policies.classical.base_stock import BaseStock, CappedBaseStock
from restock.policies.classical.constant_order import ConstantOrder
from restock.policies.classical.echelon_base_stock import EchelonBaseStock
from restock.policies.classical.effective_base_stock import EffectiveBaseStock
from restock.policies.classical.forecast_level import quantile_signal, quantile_weights
from restock.policies.classical.pricing import (
    BaseStockListPrice,
    CostPlus,
    FixedPrice,
    MarkdownSchedule,
    Priced,
    PricingRule,
)
from restock.policies.classical.reorder_batches import ModifiedReorderPoint, ReorderBatches
from restock.policies.classical.reorder_point import ReorderPoint
from restock.policies.classical.signal_level import SignalLevel, signal_level
from restock.policies.classical.two_sources import (
    CappedDualIndex,
    DualIndex,
    SingleIndex,
    TailoredBaseSurge,
    TwoLanes,
)

__all__ = [
    "BaseStock",
    "BaseStockListPrice",
    "CappedBaseStock",
    "CappedDualIndex",
    "ConstantOrder",
    "CostPlus",
    "DualIndex",
    "EchelonBaseStock",
    "EffectiveBaseStock",
    "FixedPrice",
    "MarkdownSchedule",
    "ModifiedReorderPoint",
    "Priced",
    "PricingRule",
    "ReorderBatches",
    "ReorderPoint",
    "SignalLevel",
    "SingleIndex",
    "TailoredBaseSurge",
    "TwoLanes",
    "quantile_signal",
    "quantile_weights",
    "signal_level",
]
