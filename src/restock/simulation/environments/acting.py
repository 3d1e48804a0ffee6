"""What an agent's action means: numbers in [−1, 1], or whole units, become a decision."""

from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from jaxtyping import Bool, Float, Num
from torch import Tensor

from restock.errors import ConfigurationError
from restock.shapes import LaneValues
from restock.simulation.environments.fields import Field
from restock.simulation.environments.levels import Levels
from restock.simulation.environments.setup import Setup
from restock.simulation.observation import Decision, Observation

__all__ = ["NUMBERS", "ActionSpace", "Steering", "refuse_action"]

ActionSpace: TypeAlias = Box | Discrete | MultiDiscrete

NUMBERS = "fiu"
"""Numpy's kinds of numbers: real, whole, whole without sign."""


class Steering:
    """Reads actions of one setup; ``fields`` tell what each number decides.

    A continuous number a in [−1, 1] stands for the share (a + 1) / 2 of the way from the least to
    the most, so that 0 is the middle. For the share of a region's demand it is max(a, 0): a
    negative number asks nothing of the location first.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        controls, world = setup.controls, setup.world
        self.fields: tuple[Field, ...] = ()
        self.shape = (1, world.n_products, world.n_lanes)
        names = [f"{unit}@{lane}" for unit, lane in product(world.product_ids, setup.lane_names)]
        most = torch.zeros(0) if controls.most is None else controls.most.flatten()
        self.lanes = most.nonzero().flatten()
        self.most = most[self.lanes]
        used = [names[n] for n in self.lanes]
        if used:
            kind = "level" if controls.are_levels else "order"
            self._add(
                kind, "units" if controls.is_discrete else "share of most", ORDERS[kind], used
            )
        self.most_batch: Tensor | None = None
        if controls.most_batch is not None:
            self.most_batch = controls.most_batch.flatten()[self.lanes]
            self._add("batch", "share of most", BATCH, used)
        if controls.prices is not None:
            self._add("price", "lowest to highest", PRICE, world.product_ids)
        self.pairs = torch.zeros(0, dtype=torch.long)
        if controls.allocates:
            self.pairs = self._reach().flatten().nonzero().flatten()
            places = [f"{a}←{b}" for a, b in product(setup.points, world.network.locations)]
            self._add("share", "share of demand", SHARE, [places[n] for n in self.pairs])
        self.choices = self.most.numpy()
        self.levels = Levels(world)
        self.space = self._space()

    def _add(self, name: str, unit: str, meaning: str, labels: Sequence[str]) -> None:
        start = self.fields[-1].stop if self.fields else 0
        field = Field(
            name=name,
            start=start,
            stop=start + len(labels),
            unit=unit,
            meaning=meaning,
            labels=tuple(labels),
            low=0.0 if self.setup.controls.is_discrete else -1.0,
            high=float(self.most.max()) if self.setup.controls.is_discrete else 1.0,
        )
        self.fields = (*self.fields, field)

    def _reach(self) -> Tensor:
        fulfilment = self.setup.world.fulfilment
        if fulfilment is None:
            raise ConfigurationError(
                f"the world of '{self.setup.name}' has no regions, so that there is nothing to"
                " allocate. Give the instance regions, or leave `allocates` out."
            )
        return fulfilment.reach.any(0)

    def _space(self) -> ActionSpace:
        if not self.setup.controls.is_discrete:
            return Box(-1.0, 1.0, shape=(self.fields[-1].stop,), dtype=np.float32)
        choices = self.most.long() + 1
        if len(choices) == 1:
            return Discrete(int(choices[0]))
        return MultiDiscrete(choices.numpy())

    def fits(self, numbers: Num[np.ndarray, "B A"]) -> Bool[np.ndarray, " B"]:
        """Return which actions are in the space; NaN is not."""
        if not self.setup.controls.is_discrete:
            inside = np.abs(numbers) <= 1
        else:
            whole = numbers == np.floor(numbers)
            inside = whole & (numbers >= 0) & (numbers <= self.choices)
        fits: np.ndarray = inside.all(axis=1)
        return fits

    def decide(self, actions: Float[Tensor, "B A"], seen: Observation) -> Decision:
        """Return the decision of each path."""
        controls = self.setup.controls
        share = actions if controls.is_discrete else (actions + 1) / 2
        place = len(self.most)
        target = seen.lane_position
        if controls.most is not None:
            units = share[:, :place] if controls.is_discrete else share[:, :place] * self.most
            units = self._on_lanes(units)
            target = self.levels.target(units, seen) if controls.are_levels else target + units
        decision = Decision(target)
        batch = price = region_share = None
        if self.most_batch is not None:
            batch = self._on_lanes(share[:, place : 2 * place] * self.most_batch)
            place *= 2
        if controls.prices is not None:
            low, high = controls.prices
            price = low + (high - low) * share[:, place : place + len(low), None]
            place += len(low)
        if controls.allocates:
            region_share = self._on_pairs(actions[:, place:].clamp_min(0))
        if batch is price is region_share is None:
            return decision
        return Decision(target, batch=batch, price=price, region_share=region_share)

    def _on_lanes(self, values: Float[Tensor, "B n"]) -> LaneValues:
        paths, (_, products, lanes) = len(values), self.shape
        if len(self.lanes) == products * lanes:
            return values.reshape(paths, products, lanes)
        everywhere = values.new_zeros(paths, products * lanes)
        everywhere[:, self.lanes] = values
        return everywhere.reshape(paths, products, lanes)

    def _on_pairs(self, shares: Float[Tensor, "B n"]) -> Float[Tensor, "B 1 R L"]:
        world = self.setup.world
        everywhere = shares.new_zeros(len(shares), world.n_demand_points * world.n_locations)
        everywhere[:, self.pairs] = shares
        return everywhere.reshape(len(shares), 1, world.n_demand_points, world.n_locations)


ORDERS = {
    "level": "echelon position that the lane's order raises its destination to",
    "order": "units ordered on the lane",
}
BATCH = "least units worth an order: while less is wanted, nothing is ordered"
PRICE = "price wished for; the product's price rules make it feasible"
SHARE = "share of the region's demand that the location serves first; the rest goes to the cheapest"


def refuse_action(action: object, space: ActionSpace) -> None:
    """Raise :class:`ConfigurationError` for an action outside its space, and say why.

    >>> refuse_action(np.array([0.5, 1.5]), Box(-1, 1, (2,)))
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: each number of an action must lie in [-1, 1]; got 1.5 at \
place 1. Clip the action.
    """
    given = np.asarray(action)
    if given.dtype.kind not in NUMBERS:
        raise ConfigurationError(
            f"an action must be numbers; got {action!r}. Give an array as `action_space.sample()`"
            " does."
        )
    if given.shape != space.shape:
        raise ConfigurationError(
            f"an action must have shape {space.shape}; got {given.shape}. Give one number for each"
            " of `env.unwrapped.action_fields`."
        )
    if isinstance(space, Box):
        low, high = float(space.low.min()), float(space.high.max())
        rule, remedy = f"[{low:g}, {high:g}]", "Clip the action."
        wrong = ~((given >= low) & (given <= high)).ravel()
    else:
        most = np.ravel(space.nvec if isinstance(space, MultiDiscrete) else space.n) - 1
        rule = f"0 … {most.max()}"
        remedy = "Give whole units, as `action_space.sample()` does."
        flat = given.ravel()
        wrong = ~((flat >= 0) & (flat <= most) & (flat == np.floor(flat)))
    place = int(wrong.argmax())
    raise ConfigurationError(
        f"each number of an action must lie in {rule}; got {given.ravel()[place]} at place {place}."
        f" {remedy}"
    )
