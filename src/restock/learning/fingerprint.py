"""What a training run is made of, in short: a checkpoint may only go on in a run with the same."""

import hashlib
from dataclasses import fields, is_dataclass

import numpy as np
from torch import Tensor, nn

from restock.seeds import Seeds
from restock.simulation import Scenario, ScenarioSource, World

__all__ = ["Fingerprint", "digest", "fingerprint_of"]

Fingerprint = dict[str, str]


def fingerprint_of(
    policy: nn.Module,
    world: World,
    source: ScenarioSource,
    validation: Scenario,
    config: object,
    seeds: Seeds,
) -> Fingerprint:
    """Return, part by part, what the run's result depends on.

    The weights are not a part: they come out of the checkpoint. The source is known by what it
    draws, one path of one window under a seed of its own.
    """
    drawn = source.sample(1, min(validation.periods, 32), seeds.torch("fingerprint"))
    return {
        "settings": str(config),
        "seed": str(seeds.root),
        "policy": f"{getattr(policy, 'config', type(policy).__name__)}, anchors"
        f" {digest((tuple(policy.buffers()), _anchor_of(policy)))}",
        "world": f"{world.n_products} products, {digest(world)}",
        "training paths": digest(drawn),
        "held-out paths": f"{validation.paths} × {validation.periods}, {_of_paths(validation)}",
    }


def _anchor_of(policy: nn.Module) -> object:
    """Return the rule that the policy departs from; of one that is learned what it is, not yet."""
    anchor = getattr(policy, "anchor", None)
    return getattr(anchor, "config", "") if isinstance(anchor, nn.Module) else anchor


def _of_paths(scenario: Scenario) -> str:
    # period by period, so that nothing of the size of the whole is copied; signals follow from
    # demand, and the first path's tell which signals they are
    demand = tuple(scenario.demand[:, period] for period in range(scenario.periods))
    return digest((demand, scenario.path_slice(0, 1)))


def digest(value: object) -> str:
    """Return 16 hexadecimal digits that change when a tensor, number or name in ``value`` does.

    >>> from restock.problem import Product
    >>> digest(Product(id="A")) == digest(Product(id="A"))
    True
    >>> digest(Product(id="A")) == digest(Product(id="A", unit_cost=0.01))
    False
    """
    state = hashlib.blake2b(digest_size=8)
    _feed(state, value)
    return state.hexdigest()


def _feed(state: "hashlib.blake2b", value: object) -> None:
    if isinstance(value, Tensor):
        array = np.ascontiguousarray(value.detach().cpu().numpy())
        state.update(f"{array.dtype}{array.shape}".encode())
        state.update(array.data)
    elif isinstance(value, nn.Module):
        state.update(f"{type(value).__name__} {getattr(value, 'config', '')}".encode())
        _feed(state, tuple(value.state_dict().values()))
    elif is_dataclass(value):
        state.update(type(value).__name__.encode())
        for field in fields(value):
            state.update(field.name.encode())
            _feed(state, getattr(value, field.name))
    elif isinstance(value, tuple):
        state.update(f"({len(value)}".encode())
        for part in value:
            _feed(state, part)
    else:
        state.update(repr(value).encode())
