"""Allocators: which location serves which region's demand."""

from restock.policies.allocation.dual_price import DualPrice, DualPriceConfig
from restock.policies.allocation.learned import LearnedAllocation, LearnedAllocationConfig
from restock.policies.allocation.protocol import Allocated, Allocation, Allocator
from restock.policies.allocation.ranked import Cheapest, LeastCover, Nearest
from restock.policies.allocation.transportation import TransportationPlan, transportation_plan

__all__ = [
    "Allocated",
    "Allocation",
    "Allocator",
    "Cheapest",
    "DualPrice",
    "DualPriceConfig",
    "LearnedAllocation",
    "LearnedAllocationConfig",
    "LeastCover",
    "Nearest",
    "TransportationPlan",
    "transportation_plan",
]
