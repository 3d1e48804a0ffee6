"""The Gymnasium ids of restock; importing this module registers them and loads nothing heavy.

Gymnasium 1.0 and later load no plugins, so an id is known once its module is imported, by the user
or by Gymnasium itself, which imports what stands before the colon::

    env = gymnasium.make("restock.environments:restock/Inventory-v0")

    import restock.environments

    env = gymnasium.make("restock/Inventory-v0")

The environments themselves, and torch with them, are loaded when one is made.
"""

import gymnasium

__all__ = ["IDS", "register"]

#: Each id, and what it is made with.
IDS: dict[str, dict[str, object]] = {
    "restock/Inventory-v0": {"problem": "Inventory"},
    "restock/LostSales-v0": {"problem": "LostSales"},
    "restock/LostSalesDiscrete-v0": {"problem": "LostSales", "discrete": True},
    "restock/Backorders-v0": {"problem": "Backorders"},
    "restock/FixedCost-v0": {"problem": "FixedCost"},
    "restock/DualSourcing-v0": {"problem": "DualSourcing"},
    "restock/DualSourcingDiscrete-v0": {"problem": "DualSourcing", "discrete": True},
    "restock/Serial-v0": {"problem": "Serial"},
    "restock/OneWarehouse-v0": {"problem": "OneWarehouse"},
    "restock/Perishables-v0": {"problem": "Perishables"},
    "restock/PerishablesDiscrete-v0": {"problem": "Perishables", "discrete": True},
    "restock/JointPricing-v0": {"problem": "JointPricing"},
    "restock/Clearance-v0": {"problem": "Clearance"},
}


def register() -> None:
    """Register every id that Gymnasium does not know yet."""
    for name, settings in IDS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="restock.simulation.environments:InventoryEnv",
                vector_entry_point="restock.simulation.environments:InventoryVectorEnv",
                kwargs=dict(settings),
            )


register()
