"""Learned rules: bodies, heads and what they decide."""

from restock.policies.neural.bodies import (
    Body,
    HistoryBody,
    HistoryConfig,
    hidden_for,
    mlp,
    parameter_count,
)
from restock.policies.neural.departure import NeuralDeparture, NeuralDepartureConfig
from restock.policies.neural.features import NeuralConfig
from restock.policies.neural.graph import GraphBody, GraphLevels, GraphLevelsConfig, location_traits
from restock.policies.neural.heads import PriceHead, QuantityHead, shares_within
from restock.policies.neural.network_levels import NetworkLevels
from restock.policies.neural.normalising import Normaliser, fit_normaliser
from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural.priced_order_up_to import (
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
)
from restock.policies.neural.quantity import NeuralQuantity
from restock.policies.neural.saving import load_policy, save_policy

__all__ = [
    "Body",
    "GraphBody",
    "GraphLevels",
    "GraphLevelsConfig",
    "HistoryBody",
    "HistoryConfig",
    "NetworkLevels",
    "NeuralConfig",
    "NeuralDeparture",
    "NeuralDepartureConfig",
    "NeuralOrderUpTo",
    "NeuralOrderUpToConfig",
    "NeuralPricedOrderUpTo",
    "NeuralPricedOrderUpToConfig",
    "NeuralQuantity",
    "Normaliser",
    "PriceHead",
    "QuantityHead",
    "fit_normaliser",
    "hidden_for",
    "load_policy",
    "location_traits",
    "mlp",
    "parameter_count",
    "save_policy",
    "shares_within",
]
