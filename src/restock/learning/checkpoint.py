"""Saving a training run so that it goes on, after any interruption, to the same result."""

import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restock.errors import CheckpointError, require
from restock.learning.fingerprint import Fingerprint
from restock.learning.run import LogRow

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

# what reading a file that is no checkpoint, or half of one, has been seen to raise
_DAMAGE = (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the next update depends on, besides the seed and the settings.

    ``policy`` are the weights now, ``best_policy`` those that validated best, ``learner`` what the
    algorithm keeps, ``numbers`` the loop's: updates, seconds, best cost, best update.
    """

    policy: dict[str, Tensor]
    learner: dict[str, Any]
    best_policy: dict[str, Tensor]
    numbers: list[Any]
    log: list[LogRow]


def save_checkpoint(checkpoint: Checkpoint, fingerprint: Fingerprint, path: Path) -> None:
    """Write a checkpoint whole or not at all; it holds tensors and plain numbers only."""
    tree = {
        "fingerprint": fingerprint,
        "policy": checkpoint.policy,
        "learner": checkpoint.learner,
        "best_policy": checkpoint.best_policy,
        "numbers": checkpoint.numbers,
        "log": [asdict(row) for row in checkpoint.log],
    }
    part = path.with_suffix(".part")
    torch.save(tree, part)
    part.replace(path)


def load_checkpoint(path: Path, fingerprint: Fingerprint) -> Checkpoint:
    """Read what :func:`save_checkpoint` wrote, loading weights only (no code runs).

    Raises :class:`CheckpointError` when the file is damaged or belongs to another run.
    """
    try:
        tree = torch.load(path, weights_only=True)
        found = dict(tree.pop("fingerprint"))
        log = [LogRow(**row) for row in tree.pop("log")]
        checkpoint = Checkpoint(**tree, log=log)
        _updates, _seconds, _cost, _best_update = checkpoint.numbers
    except (*_DAMAGE, pickle.UnpicklingError) as error:
        # torch's own words advise to load what may hold code
        is_torch = isinstance(error, pickle.UnpicklingError)
        reason = "it is damaged, or no checkpoint."
        if not is_torch:
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
    return checkpoint
