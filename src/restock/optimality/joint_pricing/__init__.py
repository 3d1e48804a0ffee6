"""Price and order decided together, one product: the exact optimum and the profit of any rule."""

from restock.optimality.joint_pricing.demand import additive_demand, multiplicative_demand
from restock.optimality.joint_pricing.problem import JointPricing
from restock.optimality.joint_pricing.rules import (
    JointRule,
    base_stock_list_price,
    best_fixed_price,
    joint_profit,
    price_then_stock,
)
from restock.optimality.joint_pricing.solving import JointOptimum, best_prices_and_orders

__all__ = [
    "JointOptimum",
    "JointPricing",
    "JointRule",
    "additive_demand",
    "base_stock_list_price",
    "best_fixed_price",
    "best_prices_and_orders",
    "joint_profit",
    "multiplicative_demand",
    "price_then_stock",
]
