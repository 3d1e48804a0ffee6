"""The loop that all algorithms share: update, validate, keep the best, stop, resume.

An algorithm is a :class:`Learner`; what it does not have to care for is here. A checkpoint is
written at every validation. What a learner does between two checkpoints depends on its state
at the first one alone, so that an interrupted run goes on to the same result, bit for bit.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError, TrainingError, require
from restock.learning.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from restock.learning.descent import DivergenceError
from restock.learning.fingerprint import Fingerprint
from restock.learning.run import Listener, LogRow, TrainingRun, write_log

__all__ = ["Learner", "LoopConfig", "Update", "train"]

P = TypeVar("P", bound=nn.Module)
P_co = TypeVar("P_co", bound=nn.Module, covariant=True)

EVIDENCE = "offending-batch.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long to train; every algorithm's settings begin with these.

    ``updates`` at most; every ``validate_every`` of them the policy is measured on held-out
    paths and a checkpoint is written; after ``patience`` validations without improvement
    training stops.

    Raises :class:`ConfigurationError` for a number that is no integer ≥ 1.
    """

    updates: int = 300
    validate_every: int = 25
    patience: int = 8

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        self.require_counts("updates", "validate_every", "patience")

    def require_counts(self, *names: str, least: int = 1) -> None:
        """Require that each named setting is an integer ≥ ``least``."""
        for name in names:
            value = getattr(self, name)
            require(
                value >= least and value % 1 == 0,
                ConfigurationError,
                f"`{name}` must be an integer ≥ {least}; got {value}. Give a whole number.",
            )

    def require_positive(self, **examples: float) -> None:
        """Require that each named setting is finite and > 0; its example is the remedy."""
        for name, example in examples.items():
            value = getattr(self, name)
            require(
                0 < value < math.inf,
                ConfigurationError,
                f"`{name}` must be > 0 and finite; got {value}. Try {example}.",
            )

    def require_shares(self, **examples: float) -> None:
        """Require that each named setting is in [0, 1]; its example is the remedy."""
        for name, example in examples.items():
            value = getattr(self, name)
            require(
                0 <= value <= 1,
                ConfigurationError,
                f"`{name}` must be in [0, 1]; got {value}. Try {example}.",
            )

    def cosine(self, update: int) -> float:
        """Return the share of the step size that is left, falling from 1 to 0 by a cosine."""
        return 0.5 * (1 + math.cos(math.pi * update / self.updates))


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one update tells; fields as in :class:`LogRow`, ``steps`` those of this update."""

    loss: float
    gradient_norm: float
    learning_rate: float
    steps: int
    value_loss: float | None = None
    entropy: float | None = None
    temperature: float | None = None
    exploration: float | None = None
    episode_return: float | None = None


@runtime_checkable
class Learner(Protocol[P_co]):
    """What one algorithm adds to the loop."""

    @property
    def policy(self) -> P_co:
        """The module that is trained, in place; its state is what "best" keeps."""
        ...

    def update(self, number: int) -> Update:
        """Make update ``number``, the first being 0.

        Raises :class:`DivergenceError`, before any weight is touched, when a loss is not finite.
        """
        ...

    def validate(self) -> float:
        """Return the cost to be minimised, on the same held-out paths every time."""
        ...

    def begin(self, update: int) -> None:
        """Get ready to go on from a checkpoint before ``update``, as a resumed run would.

        Learners in environments that cannot be saved begin new episodes here, from a seed that
        is a function of ``update``.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all that updates depend on besides the policy: tensors, numbers, names."""
        ...

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
        ...

    def evidence(self) -> dict[str, Tensor]:
        """Return the last batch, to be written down when its loss was not finite."""
        ...


@dataclass(slots=True)
class _Best:
    weights: dict[str, Tensor] = field(default_factory=dict)
    cost: float = math.inf
    update: int = 0


def train(
    learner: Learner[P],
    config: LoopConfig,
    fingerprint: Fingerprint,
    *,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Run ``learner`` until its updates or its patience are used up; return the best policy.

    The start is a candidate too: training never returns worse than it was given. With a
    ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted goes
    on from its last checkpoint. ``evaluate``, the evaluation callback, measures the policy in
    place of the learner's own validation. ``listeners`` hear of every update.

    Raises :class:`TrainingError` when a loss stops being finite (the last good checkpoint is kept
    and the batch is written beside it) and :class:`CheckpointError` when the folder holds another
    run's checkpoint.
    """
    run = TrainingRun(learner.policy, math.inf, 0, 0, 0.0)
    best = _Best()
    file = None if folder is None else folder / "checkpoint.pt"
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if file is not None and file.exists():
        _resume(load_checkpoint(file, fingerprint), learner, run, best)

    def validate() -> float:
        cost = learner.validate() if evaluate is None else evaluate(learner.policy)
        if cost < best.cost:
            best.cost, best.update, best.weights = cost, run.updates, _copy(learner.policy)
        return cost

    since = time.perf_counter()
    if run.updates == 0:
        validate()
        best.weights = best.weights or _copy(learner.policy)
    learner.begin(run.updates)
    waiting = config.patience * config.validate_every
    while run.updates < config.updates and run.updates - best.update < waiting:
        told = _updated(learner, run.updates, folder)
        steps = run.steps + told.steps
        run.updates += 1
        is_checkpoint = run.updates % config.validate_every == 0 or run.updates == config.updates
        cost = validate() if is_checkpoint else None
        run.seconds += time.perf_counter() - since
        row = LogRow(run.updates, seconds=run.seconds, validation_cost=cost, **_told(told, steps))
        run.log.append(row)
        if is_checkpoint:
            if file is not None:
                save_checkpoint(_checkpoint(learner, run, best), fingerprint, file)
                write_log(run.log, file.with_name("log.jsonl"))
            learner.begin(run.updates)
        for listener in listeners:
            listener(row)
        since = time.perf_counter()
    learner.policy.load_state_dict(best.weights)
    run.best_validation_cost, run.best_update = best.cost, best.update
    return run


def _updated(learner: Learner[P], number: int, folder: Path | None) -> Update:
    """Make an update; of one that diverges keep the batch and say what to do."""
    try:
        return _finite(learner.update(number))
    except DivergenceError as error:
        kept = ""
        if folder is not None:
            torch.save(learner.evidence(), folder / EVIDENCE)
            kept = f" Its batch is in {folder / EVIDENCE}."
        raise TrainingError(
            f"the loss is {error.loss} (gradient norm {error.norm}) at update {number + 1}; both"
            f" must be finite. Lower `learning_rate` (now {error.learning_rate}) or check the"
            f" instance's costs; the last good checkpoint is kept.{kept}"
        ) from error


def _finite(told: Update) -> Update:
    if not math.isfinite(told.loss):
        raise DivergenceError(told.loss, told.gradient_norm, told.learning_rate)
    return told


def _told(told: Update, steps: int) -> dict[str, Any]:
    return {**asdict(told), "steps": steps}


def _checkpoint(learner: Learner[P], run: TrainingRun[P], best: _Best) -> Checkpoint:
    return Checkpoint(
        policy=_copy(learner.policy),
        learner=learner.state_dict(),
        best_policy=best.weights,
        numbers=[run.updates, run.seconds, best.cost, best.update],
        log=run.log,
    )


def _resume(saved: Checkpoint, learner: Learner[P], run: TrainingRun[P], best: _Best) -> None:
    learner.policy.load_state_dict(saved.policy)
    learner.load_state_dict(saved.learner)
    run.updates, run.seconds, best.cost, best.update = saved.numbers
    run.log[:] = saved.log
    best.weights = saved.best_policy


def _copy(policy: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in policy.state_dict().items()}
