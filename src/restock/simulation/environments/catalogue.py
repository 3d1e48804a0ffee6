"""The environments by name, and what each can be told."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from restock.errors import ConfigurationError, did_you_mean
from restock.simulation.environments.networks import OneWarehouseConfig, SerialConfig
from restock.simulation.environments.pricing import ClearanceConfig, JointPricingConfig
from restock.simulation.environments.setup import Setup
from restock.simulation.environments.shop import InventoryConfig
from restock.simulation.environments.single_location import (
    BackordersConfig,
    DualSourcingConfig,
    FixedCostConfig,
    LostSalesConfig,
    PerishablesConfig,
)

__all__ = ["CONFIGS", "SetupConfig", "setup_for"]


@runtime_checkable
class SetupConfig(Protocol):
    """What the configuration of an environment is: settings that become a setup."""

    def setup(self) -> Setup:
        """Assemble the world."""
        ...


#: Name of each environment and the dataclass of its settings.
CONFIGS: Mapping[str, type] = MappingProxyType(
    {
        "Inventory": InventoryConfig,
        "LostSales": LostSalesConfig,
        "Backorders": BackordersConfig,
        "FixedCost": FixedCostConfig,
        "DualSourcing": DualSourcingConfig,
        "Serial": SerialConfig,
        "OneWarehouse": OneWarehouseConfig,
        "Perishables": PerishablesConfig,
        "JointPricing": JointPricingConfig,
        "Clearance": ClearanceConfig,
    }
)


def setup_for(problem: str | Setup, settings: Mapping[str, object]) -> Setup:
    """Return the setup of a problem by name with ``settings``, or the setup that is given.

    Raises :class:`ConfigurationError` for an unknown problem or setting, and for settings beside
    a setup, which has its own.

    >>> setup_for("LostSales", {"lead_time": 3})
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: 'lead_time' is no setting of 'LostSales'. Did you mean \
'lead_time_periods'?
    """
    if isinstance(problem, Setup):
        if settings:
            raise ConfigurationError(
                f"a setup has its own settings; got {', '.join(settings)} beside it. Build the"
                " setup with them."
            )
        return problem
    if problem not in CONFIGS:
        raise ConfigurationError(f"problem '{problem}' is unknown.{did_you_mean(problem, CONFIGS)}")
    config = CONFIGS[problem]
    known = [field.name for field in fields(config)]
    for name in settings:
        if name not in known:
            raise ConfigurationError(
                f"'{name}' is no setting of '{problem}'.{did_you_mean(name, known)}"
            )
    built: SetupConfig = config(**settings)
    return built.setup()
