"""What does the world ask? Histories, sampled and replayed paths, answers to price and service.

The processes themselves are in :mod:`restock.demand.processes` and are not repeated here: they
are the truth, which policies and forecasters may not import.
"""

from restock.demand.bootstrap import BlockBootstrap, BootstrapPaths, ReplayedHistory
from restock.demand.goodwill import GoodwillEffect, LinearGoodwill, PowerGoodwill
from restock.demand.history import DemandHistory
from restock.demand.paths import DemandProcess
from restock.demand.price_response import (
    AdditiveNoise,
    CombinedResponse,
    ConstantElasticity,
    CrossElasticity,
    CrossLinear,
    LinearResponse,
    LogitResponse,
    PriceFactor,
    PricePairs,
    PriceResponse,
    PromotionLift,
    ReferencePrice,
    price_response_class,
)
from restock.demand.recorded import recorded_history
from restock.demand.retention import Retention
from restock.demand.satisfaction import Satisfaction, ServiceWeights
from restock.demand.signals import SIGNAL_NAMES, WARM_UP_DAYS, trailing_signals

__all__ = [
    "SIGNAL_NAMES",
    "WARM_UP_DAYS",
    "AdditiveNoise",
    "BlockBootstrap",
    "BootstrapPaths",
    "CombinedResponse",
    "ConstantElasticity",
    "CrossElasticity",
    "CrossLinear",
    "DemandHistory",
    "DemandProcess",
    "GoodwillEffect",
    "LinearGoodwill",
    "LinearResponse",
    "LogitResponse",
    "PowerGoodwill",
    "PriceFactor",
    "PricePairs",
    "PriceResponse",
    "PromotionLift",
    "ReferencePrice",
    "ReplayedHistory",
    "Retention",
    "Satisfaction",
    "ServiceWeights",
    "price_response_class",
    "recorded_history",
    "trailing_signals",
]
