"""Saving a trained rule: policies that decide as one, for the products they were trained on.

The file holds tensors, numbers and names only and is loaded as such, so that opening a file from
elsewhere runs no code. Every network of this room can be saved, alone or with the classical rules,
prices and allocators around it; :mod:`restock.policies.neural.packing` says how. Files of the
first format, which knew one kind of network, are read too.
"""

import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from restock.errors import CheckpointError, RestockError, require
from restock.policies.ensemble import Ensemble
from restock.policies.neural.packing import Entry, Packing, check_entry, pack
from restock.simulation import Policy, World

__all__ = ["load_policy", "require_saved", "save_policy"]

_FORMAT = "restock policy 2"
_FORMATS = ("restock policy 1", _FORMAT)

# what reading a file that is no policy, or half of one, has been seen to raise
_DAMAGE = (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError)


def save_policy(
    policies: Sequence[Policy],
    product_ids: Sequence[str],
    path: Path,
    made_for: Mapping[str, str] | None = None,
) -> Path:
    """Write the policies of one rule to ``path``, whole or not at all, and return the path.

    ``product_ids`` are the products on the axis P that the anchors (periods of demand) belong to.
    ``made_for`` are further facts that must hold when the policy is used, by name.

    Raises :class:`CheckpointError` when there is no policy or one of a kind that cannot be saved,
    and when an anchor fits other products.
    """
    require(
        len(policies) > 0,
        CheckpointError,
        "there is no network to save; an ensemble needs at least one. Train it first.",
    )
    members = [pack(policy) for policy in policies]
    _written_for(members, len(product_ids), path)
    tree = {
        "format": _FORMAT,
        "product_ids": list(product_ids),
        "made_for": dict(made_for or {}),
        "members": members,
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
    path: Path,
    product_ids: Sequence[str],
    made_for: Mapping[str, str] | None = None,
    *,
    world: World | None = None,
) -> Ensemble:
    """Read what :func:`save_policy` wrote, for the products ``product_ids`` in this order.

    The file may hold the same products in another order, where its policies can follow. Each fact
    in ``made_for`` must be the one that was saved. A policy of a network of locations needs the
    ``world`` that it decides in.

    Raises :class:`CheckpointError` when the file is missing, damaged, of another shape, for other
    products, or when a fact has changed.
    """
    require_saved(path)
    try:
        tree = torch.load(path, weights_only=True)
        known, facts = [str(each) for each in tree["product_ids"]], dict(tree["made_for"])
        told, entries = tree["format"], list(tree["members"])
    except (*_DAMAGE, pickle.UnpicklingError) as error:
        raise _unreadable(path, error) from error
    require(
        told in _FORMATS and len(entries) > 0,
        CheckpointError,
        f"policy {path} has format '{told}' and {len(entries)} networks; this version reads"
        f" '{_FORMAT}' with at least one. Run `restock train` again.",
    )
    _check_products(known, product_ids, path)
    _check_facts(facts, made_for or {}, path)
    order = torch.tensor([known.index(product) for product in product_ids])
    same = list(known) == list(product_ids)
    packing = Packing(len(known), None if same else order, world)
    if told == _FORMATS[0]:
        entries = [{"kind": "NeuralOrderUpTo", **entry} for entry in entries]
    return Ensemble([_member(packing, entry, path) for entry in entries])


def _member(packing: Packing, entry: Entry, path: Path) -> Policy:
    try:
        member: Policy = packing.unpack(entry)
    except RestockError as error:
        raise CheckpointError(f"policy {path}: {error} Or run `restock train` again.") from error
    except _DAMAGE as error:
        raise _unreadable(path, error) from error
    require(
        isinstance(member, Policy),
        CheckpointError,
        f"policy {path} holds a {type(member).__name__}, which does not decide. Run `restock"
        " train` again.",
    )
    return member


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = " ".join((str(error) or repr(error)).split())[:300]
    return CheckpointError(
        f"policy {path} cannot be read: {reason} It is damaged or of another shape; run"
        " `restock train` again."
    )


def _written_for(members: Sequence[Entry], products: int, path: Path) -> None:
    """Check that what was packed belongs to so many products."""
    try:
        for member in members:
            check_entry(member, products)
    except CheckpointError as error:
        raise CheckpointError(f"policy {path} is not written: {error}") from error


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
