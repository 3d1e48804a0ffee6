"""What every trainer returns, and how it tells of its progress."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from restock.policies import NeuralOrderUpTo

__all__ = ["Listener", "LogRow", "TrainingRun", "write_log"]


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the training log.

    ``update``: gradient steps so far. ``seconds``: training time so far. ``loss``: average cost
    per product and period on the last window, in units of the first window's cost, penalty
    included. ``gradient_norm``: before
    clipping. ``learning_rate``: the step size used. ``validation_cost``: average cost per product
    and period on held-out paths; ``None`` between validations.
    """

    update: int
    seconds: float
    loss: float
    gradient_norm: float
    learning_rate: float
    validation_cost: float | None = None


Listener = Callable[[LogRow], None]


@dataclass(slots=True)
class TrainingRun:
    """The best policy found, what it cost on held-out paths, and the log of how it was found."""

    policy: NeuralOrderUpTo
    best_validation_cost: float
    best_update: int
    updates: int
    seconds: float
    log: list[LogRow] = field(default_factory=list)


def write_log(rows: list[LogRow], path: Path) -> None:
    """Write the log as JSON lines, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)
