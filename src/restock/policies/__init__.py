"""What do we decide? Classical and neural policies, peers behind one protocol."""

from restock.policies.classical import (
    BaseStock,
    CappedBaseStock,
    ConstantOrder,
    ForecastQuantile,
    MeanPlusSafety,
    ReorderPoint,
    quantile_signal,
)
from restock.policies.ensemble import Ensemble
from restock.policies.neural import NeuralOrderUpTo, NeuralOrderUpToConfig

__all__ = [
    "BaseStock",
    "CappedBaseStock",
    "ConstantOrder",
    "Ensemble",
    "ForecastQuantile",
    "MeanPlusSafety",
    "NeuralOrderUpTo",
    "NeuralOrderUpToConfig",
    "ReorderPoint",
    "quantile_signal",
]
