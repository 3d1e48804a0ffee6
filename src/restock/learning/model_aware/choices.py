"""Decisions as numbers in steps: units on each lane, and rungs of a price."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.chains import map_memory
from restock.simulation import Decision, Observation, World
from restock.simulation.pricing import feasible_price
from restock.simulation.state import remembered

__all__ = ["Choices"]


@dataclass(frozen=True, eq=False)
class Choices:
    """What a policy chooses in ``world``: K = E orders in units, or E + 1 with a price.

    Prices are counted in steps of ``price_step``, money.

    >>> from restock.problem import Instance, Product
    >>> world = World.from_instance(Instance.single_location([Product(id="A")], 1))
    >>> seen = Observation(
    ...     torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (), torch.ones(1, 1, 1, dtype=torch.long)
    ... )
    >>> Choices(world, 1.0).wish(Decision(torch.full((1, 1, 1), 4.0)), seen).item()
    3.0
    """

    world: World
    price_step: float

    def wish(self, decision: Decision, seen: Observation) -> Float[Tensor, "B P K"]:
        """Return what is wished for, before rounding; below 0 where the position is above it.

        Raises :class:`ConfigurationError` for a decision with a least batch, whose cost jumps.
        """
        require(
            decision.batch is None,
            ConfigurationError,
            "rollouts look one step around a decision; a least batch (`Decision.batch`) jumps."
            " Take a policy of levels and caps.",
        )
        wish = decision.wished_order(seen)
        if decision.price is None:
            return wish
        return torch.cat([wish, decision.price / self.price_step], -1)

    def feasible(self, choice: Float[Tensor, "B P K"], seen: Observation) -> Float[Tensor, "B P K"]:
        """Return the nearest choice that the lanes' and the price's rules allow."""
        lanes = self.world.n_lanes
        order = self.world.ordering.order(choice[..., :lanes].clamp_min(0))
        if choice.shape[-1] == lanes:
            return order
        market = self.world.market
        if market is None:
            raise ConfigurationError(
                "the policy decides a price, and this world has none. Give the product price"
                " rules, and the world a price response."
            )
        old = remembered(remembered(seen.memory).prices)
        wish = choice[..., lanes:] * self.price_step
        price, _ = feasible_price(wish, old.price, old.periods_since_change, market.limits)
        return torch.cat([order, price.expand_as(wish) / self.price_step], -1)

    def decision(self, choice: Float[Tensor, "B P K"], seen: Observation) -> Decision:
        """Return the decision that makes a feasible choice."""
        lanes = self.world.n_lanes
        target = seen.lane_position + choice[..., :lanes]
        if choice.shape[-1] == lanes:
            return Decision(target)
        return Decision(target, price=choice[..., lanes:] * self.price_step)

    def rows(self, seen: Observation, rows: Tensor) -> Observation:
        """Return the observations of some paths; what is the same on all paths stays as it is."""

        def pick(values: Tensor | None) -> Tensor | None:
            return values if values is None or values.shape[0] == 1 else values[rows]

        memory = seen.memory
        return replace(
            seen,
            on_hand=seen.on_hand[rows],
            on_order=seen.on_order[rows],
            pipeline=tuple(pick(slot) for slot in seen.pipeline),
            backlog=pick(seen.backlog),
            signals=pick(seen.signals),
            memory=None if memory is None else map_memory(memory, lambda values: values[rows]),
            lane_open=pick(seen.lane_open),
        )
