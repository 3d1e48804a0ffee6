"""How do we get better? One algorithm a file, one shape for all: fit → TrainingRun."""

from restock.learning.loop import Learner, LoopConfig, Update, train
from restock.learning.model_aware import improvement, pathwise
from restock.learning.model_aware.improvement import ImprovementConfig
from restock.learning.model_aware.pathwise import PathwiseConfig
from restock.learning.run import Listener, LogRow, TrainingRun

__all__ = [
    "ImprovementConfig",
    "Learner",
    "Listener",
    "LogRow",
    "LoopConfig",
    "PathwiseConfig",
    "TrainingRun",
    "Update",
    "improvement",
    "pathwise",
    "train",
]
