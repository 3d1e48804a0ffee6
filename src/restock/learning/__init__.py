"""How do we get better? One algorithm a file, one shape for all: fit → TrainingRun."""

from restock.learning.config import PathwiseConfig
from restock.learning.pathwise import fit
from restock.learning.run import Listener, LogRow, TrainingRun

__all__ = ["Listener", "LogRow", "PathwiseConfig", "TrainingRun", "fit"]
