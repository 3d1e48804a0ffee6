"""Learned rules: bodies, heads and the levels they decide."""

from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig

__all__ = ["NeuralOrderUpTo", "NeuralOrderUpToConfig"]
