"""What does the world ask? Histories, their sampled and replayed paths, and demand processes.

The processes themselves are in :mod:`restock.demand.processes` and are not repeated here: they
are the truth, which policies and forecasters may not import.
"""

from restock.demand.bootstrap import BlockBootstrap, BootstrapPaths, ReplayedHistory
from restock.demand.history import DemandHistory
from restock.demand.paths import DemandProcess
from restock.demand.recorded import recorded_history
from restock.demand.signals import SIGNAL_NAMES, WARM_UP_DAYS, trailing_signals

__all__ = [
    "SIGNAL_NAMES",
    "WARM_UP_DAYS",
    "BlockBootstrap",
    "BootstrapPaths",
    "DemandHistory",
    "DemandProcess",
    "ReplayedHistory",
    "recorded_history",
    "trailing_signals",
]
