"""The loop that all algorithms share: update, validate, keep the best, stop, resume.

An algorithm is a :class:`Learner`; what it does not have to care for is here. A checkpoint is
written at every validation. What a learner does between two checkpoints depends on its state
at the first one alone, so that an interrupted run goes on to the same result, bit for bit.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

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

CHECKPOINT, EVIDENCE = "checkpoint.pt", "offending-batch.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long to train; every algorithm's settings begin with these.

    ``updates`` at most; every ``validate_every`` of them the policy is measured on held-out
    paths and a checkpoint is written; after ``patience`` validations without improvement
    training stops. With ``goes_back`` it goes on from the best policy so far after each validation
    that found a worse one.

    Raises :class:`ConfigurationError` for a number that is no integer ≥ 1.
    """

    updates: int = 300
    validate_every: int = 25
    patience: int = 8
    goes_back: bool = False

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        self.require_counts("updates", "validate_every", "patience")

    def require_counts(self, *names: str, least: int = 1) -> None:
        """Require that each named setting is an integer ≥ ``least``."""
        for name in names:
            value = getattr(self, name)
            require(
                _is_count(value, least),
                ConfigurationError,
                f"`{name}` must be an integer ≥ {least}; got {value!r}. Give a whole number.",
            )

    def require_widths(self, name: str) -> None:
        """Require that the named setting is a tuple of integers ≥ 1, the widths of layers."""
        widths = getattr(self, name)
        require(
            isinstance(widths, tuple) and all(_is_count(width, 1) for width in widths),
            ConfigurationError,
            f"`{name}` must be a tuple of integers ≥ 1; got {widths!r}. Try (64, 64).",
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

        Raises :class:`DivergenceError`, before the step that it would lead, when a loss is not
        finite.
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

    Raises :class:`TrainingError` when a loss, a weight or a validation stops being finite (the
    learner's policy is then the best so far, the last good checkpoint is kept, and the batch is
    written beside it) and :class:`CheckpointError` when the folder holds another run's checkpoint.
    """
    session = _Session(learner, config, folder, evaluate)
    file = session.checkpoint
    if folder is not None:
        require(
            folder.is_dir() or not folder.exists(),
            ConfigurationError,
            f"`folder` must be a directory; {folder} is a file. Name another.",
        )
        folder.mkdir(parents=True, exist_ok=True)
    if file is not None and file.exists():
        session.resume(load_checkpoint(file, fingerprint))
    try:
        for row in session.updates():
            if row.validation_cost is not None and file is not None:
                save_checkpoint(session.saved(), fingerprint, file)
                write_log(session.run.log, file.with_name("log.jsonl"))
            for listener in listeners:
                listener(row)
    except DivergenceError as error:
        raise session.stopped(error) from error
    return session.finished()


@dataclass(slots=True)
class _Session(Generic[P]):
    """One run of :func:`train`: the learner, the best policy so far, and the log."""

    learner: Learner[P]
    config: LoopConfig
    folder: Path | None
    evaluate: Callable[[P], float] | None
    run: TrainingRun[P] = field(init=False)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run = TrainingRun(self.learner.policy, math.inf, 0, 0, 0.0)

    @property
    def checkpoint(self) -> Path | None:
        return None if self.folder is None else self.folder / CHECKPOINT

    def updates(self) -> Iterator[LogRow]:
        """Update, validate, and yield the row of each update; what a listener does takes no time.

        A checkpoint is to be saved before the next row is asked for.
        """
        run, config, learner = self.run, self.config, self.learner
        since = time.perf_counter()
        if run.updates == 0:
            self.validate()
        learner.begin(run.updates)
        waiting = config.patience * config.validate_every
        while run.updates < config.updates and run.updates - run.best_update < waiting:
            told = _finite(learner.update(run.updates))
            steps = run.steps + told.steps
            run.updates += 1
            due = run.updates % config.validate_every == 0 or run.updates == config.updates
            cost = self.validate() if due else None
            run.seconds += time.perf_counter() - since
            figures = {**asdict(told), "steps": steps}
            row = LogRow(run.updates, seconds=run.seconds, validation_cost=cost, **figures)
            run.log.append(row)
            yield row
            since = time.perf_counter()
            if due:
                learner.begin(run.updates)

    def validate(self) -> float:
        """Return what the policy costs; keep it if it is the best, else perhaps go back."""
        run, policy = self.run, self.learner.policy
        _require_finite_weights(policy)
        cost = self.learner.validate() if self.evaluate is None else self.evaluate(policy)
        if not math.isfinite(cost):
            raise DivergenceError(
                f"the validation cost is {cost}",
                "Check the rewards or costs of what it is validated on, and `evaluate` if you gave"
                " one",
            )
        if cost < run.best_validation_cost:
            run.best_validation_cost, run.best_update = cost, run.updates
            self.best_weights = _copy(policy)
        elif self.config.goes_back:
            policy.load_state_dict(self.best_weights)
        return cost

    def saved(self) -> Checkpoint:
        """Return all that a resumed run needs."""
        run = self.run
        return Checkpoint(
            policy=_copy(self.learner.policy),
            learner=self.learner.state_dict(),
            best_policy=self.best_weights,
            numbers=[run.updates, run.seconds, run.best_validation_cost, run.best_update],
            log=run.log,
        )

    def resume(self, saved: Checkpoint) -> None:
        """Go on from what :meth:`saved` returned."""
        run = self.run
        self.learner.policy.load_state_dict(saved.policy)
        self.learner.load_state_dict(saved.learner)
        run.updates, run.seconds, run.best_validation_cost, run.best_update = saved.numbers
        run.log[:] = saved.log
        self.best_weights = saved.best_policy

    def finished(self) -> TrainingRun[P]:
        """Return the run, its policy the best."""
        self.learner.policy.load_state_dict(self.best_weights)
        return self.run

    def stopped(self, error: DivergenceError) -> TrainingError:
        """Go back to the best policy, keep the batch, and say what to do."""
        if self.best_weights:
            self.learner.policy.load_state_dict(self.best_weights)
        kept = "nothing was kept, as no `folder` was given."
        if self.folder is not None:
            torch.save(error.batch or self.learner.evidence(), self.folder / EVIDENCE)
            exists = (self.folder / CHECKPOINT).exists()
            kept = (
                f"the last good checkpoint is kept in {self.folder / CHECKPOINT}."
                if exists
                else "no checkpoint was written yet."
            )
            kept += f" The batch is in {self.folder / EVIDENCE}."
        # the update that was not written down
        update = len(self.run.log) + 1
        return TrainingError(
            f"{error.what} at update {update}; it must be finite. {error.remedy}; {kept}"
        )


def _require_finite_weights(policy: nn.Module) -> None:
    # tables and formulas keep what they learn in buffers
    for name, values in list(policy.named_parameters()) or policy.named_buffers():
        if not bool(values.isfinite().all()):
            raise DivergenceError(
                f"the weights `{name}` sum to {float(values.detach().sum())}",
                "Lower `learning_rate` or check the instance's costs",
            )


def _finite(told: Update) -> Update:
    if not math.isfinite(told.loss):
        raise DivergenceError.of_loss(told.loss, told.gradient_norm, told.learning_rate)
    return told


def _copy(policy: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in policy.state_dict().items()}


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
