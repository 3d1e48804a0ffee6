"""Learned rules: bodies, heads and the levels they decide."""

from restock.policies.neural.departure import NeuralDeparture, NeuralDepartureConfig
from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural.saving import load_policy, save_policy

__all__ = [
    "NeuralDeparture",
    "NeuralDepartureConfig",
    "NeuralOrderUpTo",
    "NeuralOrderUpToConfig",
    "load_policy",
    "save_policy",
]
