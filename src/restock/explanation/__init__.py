"""Why this decision? The exact waterfall of an order, and its sentence."""

from restock.explanation.waterfall import Waterfall, order_waterfall, sentence

__all__ = ["Waterfall", "order_waterfall", "sentence"]
