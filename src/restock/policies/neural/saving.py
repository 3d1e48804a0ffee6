"""Saving a trained rule: networks that decide as one, for the products they were trained on.

The file holds tensors, numbers and names only and is loaded as such, so that opening a file from
elsewhere runs no code.
"""

import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from restock.errors import CheckpointError, require
from restock.policies.ensemble import Ensemble
from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig

__all__ = ["load_policy", "require_saved", "save_policy"]

_FORMAT = "restock policy 1"

# what reading a file that is no policy, or half of one, has been seen to raise
_DAMAGE = (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError)


def save_policy(
    policies: Sequence[NeuralOrderUpTo],
    product_ids: Sequence[str],
    path: Path,
    made_for: Mapping[str, str] | None = None,
) -> Path:
    """Write the networks of one rule to ``path``, whole or not at all, and return the path.

    ``product_ids`` are the products on the axis P that the anchors (periods of demand) belong to.
    ``made_for`` are further facts that must hold when the policy is used, by name.

    Raises :class:`CheckpointError` when there is no network, or an anchor fits other products.
    """
    require(
        len(policies) > 0,
        CheckpointError,
        "there is no network to save; an ensemble needs at least one. Train it first.",
    )
    for policy in policies:
        _check_anchors(policy, len(product_ids), path)
    tree = {
        "format": _FORMAT,
        "product_ids": list(product_ids),
        "made_for": dict(made_for or {}),
        "members": [
            {"config": asdict(policy.config), "weights": policy.state_dict()} for policy in policies
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}", suffix=".part", dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        torch.save(tree, draft)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def require_saved(path: Path) -> None:
    """Raise :class:`CheckpointError` unless there is a file at ``path``."""
    require(
        path.is_file(),
        CheckpointError,
        f"there is no trained policy at {path}. Run `restock train` first.",
    )


def load_policy(
    path: Path, product_ids: Sequence[str], made_for: Mapping[str, str] | None = None
) -> Ensemble:
    """Read what :func:`save_policy` wrote, for the products ``product_ids`` in this order.

    The file may hold the same products in another order. Each fact in ``made_for`` must be the
    one that was saved.

    Raises :class:`CheckpointError` when the file is missing, damaged, of another shape, for other
    products, or when a fact has changed.
    """
    require_saved(path)
    try:
        tree = torch.load(path, weights_only=True)
        known, facts = [str(each) for each in tree["product_ids"]], dict(tree["made_for"])
        members = [_member(entry) for entry in tree["members"]]
        told = tree["format"]
    except (*_DAMAGE, pickle.UnpicklingError) as error:
        reason = " ".join((str(error) or repr(error)).split())[:300]
        raise CheckpointError(
            f"policy {path} cannot be read: {reason} It is damaged or of another shape; run"
            " `restock train` again."
        ) from error
    require(
        told == _FORMAT and len(members) > 0,
        CheckpointError,
        f"policy {path} has format '{told}' and {len(members)} networks; this version reads"
        f" '{_FORMAT}' with at least one. Run `restock train` again.",
    )
    _check_products(known, product_ids, path)
    _check_facts(facts, made_for or {}, path)
    order = torch.tensor([known.index(product) for product in product_ids])
    for member in members:
        _check_anchors(member, len(known), path)
        for name, values in list(member.named_buffers()):
            if values.shape[1] > 1:
                setattr(member, name, values[:, order])
    return Ensemble(members)


def _member(entry: Mapping[str, Any]) -> NeuralOrderUpTo:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list | tuple) else value
        for name, value in entry["config"].items()
    }
    config = NeuralOrderUpToConfig(**given)
    weights = entry["weights"]
    policy = NeuralOrderUpTo(
        config,
        weights["anchor_weights"],
        weights["cap_periods"],
        torch.Generator(),
        batch_periods=weights["batch_periods"],
        traits=weights["traits"][0],
    )
    policy.load_state_dict(weights)
    return policy.requires_grad_(requires_grad=False)


def _check_anchors(policy: NeuralOrderUpTo, products: int, path: Path) -> None:
    """Check that what is fixed per product (the buffers, ``[1, P, …]``) fits the products."""
    for name, values in policy.named_buffers():
        shape = tuple(values.shape)
        require(
            len(shape) == 3 and shape[0] == 1 and shape[1] in {1, products},
            CheckpointError,
            f"`{name}` of policy {path} has shape {shape}; {products} products need (1,"
            f" {products}, …). Run `restock train` again.",
        )


def _check_products(known: Sequence[str], asked: Sequence[str], path: Path) -> None:
    new = sorted(set(asked) - set(known))
    gone = sorted(set(known) - set(asked))
    require(
        not new and not gone and len(known) == len(asked),
        CheckpointError,
        f"policy {path} was trained for {len(known)} products, and {len(asked)} are planned now"
        f"{_some(' (new: ', new)}{_some(' (gone: ', gone)}. Run `restock train` again.",
    )


def _some(words: str, ids: Sequence[str]) -> str:
    if not ids:
        return ""
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"{words}{', '.join(ids[:3])}{more})"


def _check_facts(saved: Mapping[str, str], now: Mapping[str, str], path: Path) -> None:
    for name, value in now.items():
        require(
            saved.get(name) == value,
            CheckpointError,
            f"policy {path} was trained for other {name}: {saved.get(name)}, now {value}. Run"
            " `restock train` again, or take back the change.",
        )
