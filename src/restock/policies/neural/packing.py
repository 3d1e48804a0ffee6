"""Policies taken apart into tensors, numbers and names, and put together again.

What is written is data only: each thing by the name of its kind, looked up among the kinds known
here, so that reading a file runs nothing that the file names. A network is its configuration, the
policies inside it and its weights; a classical rule its fields.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from restock.errors import CheckpointError, did_you_mean, require
from restock.policies import classical
from restock.policies.neural.bodies import HistoryConfig
from restock.policies.neural.departure import NeuralDeparture, NeuralDepartureConfig
from restock.policies.neural.features import NeuralConfig
from restock.policies.neural.graph import GraphLevels, GraphLevelsConfig
from restock.policies.neural.heads import PriceHead
from restock.policies.neural.network_levels import NetworkLevels
from restock.policies.neural.order_up_to import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural.priced_order_up_to import (
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
)
from restock.policies.neural.quantity import NeuralQuantity
from restock.simulation import World

__all__ = ["Entry", "Made", "Packing", "Recipe", "check_entry", "pack", "register"]

Entry = Mapping[str, Any]
Weights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of module is put together: what it is made of beside its weights.

    ``parts`` are the names of attributes that hold policies; ``config`` is the class of its
    attribute ``config`` if it has one. ``build`` makes one, whatever its weights, from its entry:
    the config, the parts and the saved weights. ``per_product`` names the weights that belong to
    products, ``[1, P, …]``; ``None`` where products cannot be put in another order.
    """

    kind: type[nn.Module]
    build: Callable[["Made"], nn.Module]
    config: type | None = None
    parts: tuple[str, ...] = ()
    per_product: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What a module is put together from."""

    config: Any
    parts: Mapping[str, Any]
    weights: Weights
    world: World | None


_RECIPES: dict[str, Recipe] = {}
_RULES: Mapping[str, type] = {
    name: rule
    for name, rule in vars(classical).items()
    if name in classical.__all__ and isinstance(rule, type) and is_dataclass(rule)
}


def register(recipe: Recipe) -> None:
    """Let a kind of module be saved; rooms above this one register theirs where they define it."""
    _RECIPES[recipe.kind.__name__] = recipe


def pack(thing: object) -> Any:  # noqa: ANN401 - a tree of plain things
    """Return a policy, or a part of one, as plain dictionaries, lists, tensors and numbers.

    Raises :class:`CheckpointError` for a kind that is not known here.

    >>> pack(classical.ConstantOrder(torch.tensor([[[2.0]]])))
    {'kind': 'ConstantOrder', 'fields': {'quantity': tensor([[[2.]]])}}
    """
    name = type(thing).__name__
    if thing is None or isinstance(thing, Tensor | bool | int | float | str):
        return thing
    if isinstance(thing, tuple | list):
        return [pack(part) for part in thing]
    if isinstance(thing, nn.Module) and name in _RECIPES:
        recipe = _RECIPES[name]
        inside = tuple(f"{part}." for part in recipe.parts)
        own = {
            key: value for key, value in thing.state_dict().items() if not key.startswith(inside)
        }
        entry: dict[str, Any] = {"kind": name, "weights": own}
        if recipe.config is not None:
            settings: Any = thing.config
            entry["config"] = asdict(settings)
        if recipe.parts:
            entry["parts"] = {part: pack(getattr(thing, part)) for part in recipe.parts}
        return entry
    if name in _RULES and is_dataclass(thing):
        told = {each.name: pack(getattr(thing, each.name)) for each in fields(thing) if each.init}
        return {"kind": name, "fields": told}
    known = {*_RECIPES, *_RULES}
    raise CheckpointError(
        f"a {name} cannot be saved.{did_you_mean(name, known)} Save its weights by its"
        " `state_dict`, or register a recipe for it."
    )


@dataclass(frozen=True, slots=True)
class Packing:
    """Puts together what :func:`pack` took apart, for ``products`` products.

    ``order`` says at which place each product was, ``None`` where it is at the same; ``world`` is
    the world to decide in, for policies of a network of locations.
    """

    products: int
    order: Tensor | None = None
    world: World | None = None

    def unpack(self, entry: Any) -> Any:  # noqa: ANN401 - what pack made
        """Return the policy, or the part of one.

        Raises :class:`CheckpointError` for an unknown kind, weights that belong to other products,
        and products in another order where the kind cannot follow.
        """
        if isinstance(entry, list | tuple):
            return tuple(self.unpack(part) for part in entry)
        if not isinstance(entry, Mapping):
            return entry
        name = str(entry["kind"])
        if name in _RECIPES:
            return self._module(_RECIPES[name], entry)
        known = {*_RECIPES, *_RULES}
        require(
            name in _RULES,
            CheckpointError,
            f"'{name}' is no kind of policy that can be read.{did_you_mean(name, known)}",
        )
        self._require_order(name)
        return _RULES[name](**{key: self.unpack(part) for key, part in entry["fields"].items()})

    def _module(self, recipe: Recipe, entry: Entry) -> nn.Module:
        weights = dict(entry["weights"])
        if recipe.per_product is None:
            self._require_order(recipe.kind.__name__)
        check_entry({**entry, "kind": recipe.kind.__name__}, self.products)
        for key in recipe.per_product or ():
            if self.order is not None and weights[key].shape[1] > 1:
                weights[key] = weights[key][:, self.order]
        config = None if recipe.config is None else _config(recipe.config, entry["config"])
        parts = {key: self.unpack(part) for key, part in entry.get("parts", {}).items()}
        for key, part in parts.items():
            if isinstance(part, nn.Module):
                weights |= part.state_dict(prefix=f"{key}.")
        module = recipe.build(Made(config, parts, weights, self.world))
        module.load_state_dict(weights)
        return module.requires_grad_(requires_grad=False)

    def _require_order(self, kind: str) -> None:
        require(
            self.order is None,
            CheckpointError,
            f"products are in another order than when the policy was saved, and a {kind} cannot"
            " follow. Give the products in the order in which they were saved.",
        )


def check_entry(entry: Entry, products: int) -> None:
    """Raise :class:`CheckpointError` unless all that belongs to products is ``[1, P, …]``."""
    recipe = _RECIPES.get(entry["kind"])
    for name in () if recipe is None else recipe.per_product or ():
        shape = tuple(entry["weights"][name].shape)
        require(
            len(shape) >= 2 and shape[0] == 1 and shape[1] in {1, products},
            CheckpointError,
            f"`{name}` has shape {shape}; {products} products need (1, {products}, …). Name the"
            " products that it was trained for.",
        )
    for part in entry.get("parts", {}).values():
        if isinstance(part, Mapping):
            check_entry(part, products)


def _config(kind: type, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the kind's own
    told: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
    }
    if told.get("history") is not None:
        told["history"] = _config(HistoryConfig, told["history"])
    return kind(**told)


def _order_up_to(made: Made) -> NeuralOrderUpTo:
    weights = made.weights
    return NeuralOrderUpTo(
        made.config,
        weights["anchor_weights"],
        weights["cap_periods"],
        torch.Generator(),
        batch_periods=weights["batch_periods"],
        traits=weights["traits"][0],
    )


def _priced_order_up_to(made: Made) -> NeuralPricedOrderUpTo:
    weights = made.weights
    return NeuralPricedOrderUpTo(
        made.config,
        weights["anchor_weights"],
        weights["cap_periods"],
        torch.Generator(),
        pricing=made.parts["pricing"],
        batch_periods=weights["batch_periods"],
        traits=weights["traits"][0],
    )


def _graph_levels(made: Made) -> GraphLevels:
    if made.world is None:
        raise CheckpointError(
            "a GraphLevels decides for a network of locations. Give the `world` that it decides in."
        )
    weights = made.weights
    policy = GraphLevels(
        made.config,
        made.parts["anchor"],
        made.world,
        torch.Generator(),
        traits=weights["traits"][0],
    )
    wiring = {name: values for name, values in policy.named_buffers() if name.startswith("body.")}
    require(
        all(torch.equal(values, weights[name]) for name, values in wiring.items()),
        CheckpointError,
        f"the policy was saved for other lanes than those between {made.world.network.locations}."
        " Give the world that it was trained in.",
    )
    return policy


ANCHORS = ("anchor_weights", "cap_periods", "batch_periods", "traits")
PRICES = ("lowest", "highest", "anchor")

for _recipe in (
    Recipe(NeuralOrderUpTo, _order_up_to, NeuralOrderUpToConfig, (), ANCHORS),
    Recipe(
        NeuralPricedOrderUpTo,
        _priced_order_up_to,
        NeuralPricedOrderUpToConfig,
        ("pricing",),
        ANCHORS,
    ),
    Recipe(
        PriceHead,
        lambda made: PriceHead(
            made.weights["lowest"][0],
            made.weights["highest"][0],
            made.weights["anchor"][0],
            made.parts["limit"],
        ),
        None,
        ("limit",),
        PRICES,
    ),
    Recipe(
        NeuralQuantity,
        lambda made: NeuralQuantity(
            made.config,
            made.weights["head.anchor_periods"],
            torch.Generator(),
            traits=made.weights["traits"][0],
        ),
        NeuralConfig,
        (),
        ("head.anchor_periods", "traits"),
    ),
    Recipe(
        NeuralDeparture,
        lambda made: NeuralDeparture(made.parts["anchor"], made.config, torch.Generator()),
        NeuralDepartureConfig,
        ("anchor",),
    ),
    Recipe(
        NetworkLevels,
        lambda made: NetworkLevels(
            made.weights["log_levels"].exp(),
            made.parts["position"],
            made.weights["log_caps"].exp() if "log_caps" in made.weights else None,
        ),
        None,
        ("position",),
        None,
    ),
    Recipe(GraphLevels, _graph_levels, GraphLevelsConfig, ("anchor",), None),
    Recipe(
        classical.Priced,
        lambda made: classical.Priced(made.parts["ordering"], made.parts["pricing"]),
        None,
        ("ordering", "pricing"),
    ),
):
    register(_recipe)
