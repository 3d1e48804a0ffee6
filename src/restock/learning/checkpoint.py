"""Saving a training run so that it goes on, after any interruption, to the same result."""

import pickle
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restock.errors import CheckpointError, require
from restock.learning.fingerprint import Fingerprint
from restock.learning.run import LogRow
from restock.simulation import Ages, Customers, Memory, Prices, State

__all__ = ["Progress", "load_progress", "save_progress"]

# what reading a file that is no checkpoint, or half of one, has been seen to raise
_DAMAGE = (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError)


@dataclass(slots=True)
class Progress:
    """Everything that the next update depends on, besides the seed and the settings."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    chains: State
    update: int = 0
    seconds: float = 0.0
    cost_unit: float = 1.0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    best_cost: float = float("inf")
    best_update: int = 0
    log: list[LogRow] = field(default_factory=list)


def save_progress(progress: Progress, fingerprint: Fingerprint, path: Path) -> None:
    """Write a checkpoint whole or not at all; it holds tensors and plain numbers only."""
    tree = {
        "fingerprint": fingerprint,
        "weights": progress.weights,
        "optimizer": progress.optimizer,
        "chains": _tree_of(progress.chains),
        "numbers": [
            progress.update,
            progress.seconds,
            progress.cost_unit,
            progress.best_cost,
            progress.best_update,
        ],
        "best_weights": progress.best_weights,
        "log": [asdict(row) for row in progress.log],
    }
    part = path.with_suffix(".part")
    torch.save(tree, part)
    part.replace(path)


def load_progress(path: Path, fingerprint: Fingerprint) -> Progress:
    """Read what :func:`save_progress` wrote, loading weights only (no code runs).

    Raises :class:`CheckpointError` when the file is damaged or belongs to another run.
    """
    try:
        tree = torch.load(path, weights_only=True)
        found = dict(tree["fingerprint"])
        progress = _progress(tree)
    except (*_DAMAGE, pickle.UnpicklingError) as error:
        reason = (str(error) or repr(error)).splitlines()[0]
        raise CheckpointError(
            f"checkpoint {path} cannot be read: {reason} Delete it to train afresh."
        ) from error
    differences = [
        f"{part} was {found.get(part)}, is {fingerprint.get(part)}"
        for part in sorted({*found, *fingerprint})
        if found.get(part) != fingerprint.get(part)
    ]
    require(
        not differences,
        CheckpointError,
        f"checkpoint {path} belongs to another run: {'; '.join(differences)}. Choose another"
        " output folder, or delete the checkpoint.",
    )
    return progress


def _progress(tree: dict[str, Any]) -> Progress:
    update, seconds, cost_unit, best_cost, best_update = tree["numbers"]
    return Progress(
        weights=tree["weights"],
        optimizer=tree["optimizer"],
        chains=_state(tree["chains"]),
        update=update,
        seconds=seconds,
        cost_unit=cost_unit,
        best_weights=tree["best_weights"],
        best_cost=best_cost,
        best_update=best_update,
        log=[LogRow(**row) for row in tree["log"]],
    )


def _tree_of(value: object) -> object:
    """Return a state as plain dictionaries of tensors, without a copy."""
    if is_dataclass(value):
        return {part.name: _tree_of(getattr(value, part.name)) for part in fields(value)}
    return value


def _state(tree: dict[str, Any]) -> State:
    """Return the state that :func:`_tree_of` took apart."""
    kinds = {"ages": Ages, "prices": Prices, "customers": Customers}
    memory = tree["memory"]
    if memory is not None:
        for name, kind in kinds.items():
            if memory[name] is not None:
                memory[name] = kind(**memory[name])
        memory = Memory(**memory)
    return State(**{**tree, "memory": memory})
