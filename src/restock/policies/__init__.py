"""What do we decide? Classical and neural policies, peers behind one protocol."""

from restock.policies.classical import (
    BaseStock,
    CappedBaseStock,
    ConstantOrder,
    ForecastQuantile,
    MeanPlusSafety,
    ReorderPoint,
    SignalLevel,
    quantile_signal,
    quantile_weights,
)
from restock.policies.ensemble import Ensemble
from restock.policies.neural import (
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    load_policy,
    save_policy,
)

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
    "SignalLevel",
    "load_policy",
    "quantile_signal",
    "quantile_weights",
    "save_policy",
]
