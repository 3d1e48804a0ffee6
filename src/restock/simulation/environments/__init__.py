"""The world as Gymnasium environments, single and vector, for any trainer of the ecosystem.

Their ids, ``restock/Inventory-v0`` and so on, are registered by :mod:`restock.environments`.
"""

from restock.simulation.environments.catalogue import CONFIGS, setup_for
from restock.simulation.environments.fields import Field, field_named
from restock.simulation.environments.networks import OneWarehouseConfig, SerialConfig
from restock.simulation.environments.pricing import ClearanceConfig, JointPricingConfig
from restock.simulation.environments.rewarding import PARTS
from restock.simulation.environments.setup import Controls, RewardWeights, Setup
from restock.simulation.environments.shop import InventoryConfig
from restock.simulation.environments.single import InventoryEnv
from restock.simulation.environments.single_location import (
    BackordersConfig,
    DualSourcingConfig,
    FixedCostConfig,
    LostSalesConfig,
    PerishablesConfig,
)
from restock.simulation.environments.vector import InventoryVectorEnv

__all__ = [
    "CONFIGS",
    "PARTS",
    "BackordersConfig",
    "ClearanceConfig",
    "Controls",
    "DualSourcingConfig",
    "Field",
    "FixedCostConfig",
    "InventoryConfig",
    "InventoryEnv",
    "InventoryVectorEnv",
    "JointPricingConfig",
    "LostSalesConfig",
    "OneWarehouseConfig",
    "PerishablesConfig",
    "RewardWeights",
    "SerialConfig",
    "Setup",
    "field_named",
    "setup_for",
]
