"""What every trainer returns, and how it tells of its progress."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from torch import nn

__all__ = ["Listener", "LogRow", "TrainingRun", "write_log"]

P_co = TypeVar("P_co", bound=nn.Module, covariant=True)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the training log; the same fields for every algorithm.

    ``update``: updates of the weights so far. ``steps``: periods simulated so far, summed over
    parallel paths (environment steps). ``seconds``: training time so far, listeners left out.
    ``loss``: what the update lowered; its formula is at the top of the algorithm's file.
    ``gradient_norm``: Euclidean, before clipping; of a method with actor and critics the critics'.
    Both are means where an update takes several steps. ``learning_rate``: the step size used.
    ``validation_cost``: what training minimises, measured on held-out paths, money per product and
    period; of a model-free run minus the mean return of an episode; ``None`` between validations.

    ``None`` where an algorithm has no such figure: ``value_loss``, mean squared error of the
    critic, in squared rewards (or costs); ``entropy``, mean of the policy's, in nats;
    ``temperature``, α of a soft method; ``exploration``, ε or the noise's standard deviation;
    ``episode_return``, mean sum of rewards of the episodes that ended since the last row.
    """

    update: int
    steps: int
    seconds: float
    loss: float
    gradient_norm: float
    learning_rate: float
    validation_cost: float | None = None
    value_loss: float | None = None
    entropy: float | None = None
    temperature: float | None = None
    exploration: float | None = None
    episode_return: float | None = None


Listener = Callable[[LogRow], object]


@dataclass(slots=True)
class TrainingRun(Generic[P_co]):
    """The best policy found, what it cost on held-out paths, and the log of how it was found.

    ``best_validation_cost`` is that of ``best_update``, ``updates`` and ``steps`` are those of the
    whole run, ``seconds`` its training time.
    """

    policy: P_co
    best_validation_cost: float
    best_update: int
    updates: int
    seconds: float
    log: list[LogRow] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Periods simulated in training, summed over parallel paths."""
        return self.log[-1].steps if self.log else 0


def write_log(rows: list[LogRow], path: Path) -> None:
    """Write the log as JSON lines, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)
