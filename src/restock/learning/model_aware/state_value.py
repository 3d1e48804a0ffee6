"""The critic: what a state will cost, on top of the average, read from what is seen in it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.policies.neural.bodies import mlp
from restock.simulation import Observation, Scenario, World

__all__ = ["StateValue"]

LEAST_UNITS = 1e-6
"""Units a period: a product without demand is not divided by nothing."""


class StateValue(nn.Module):
    """A network from an observation to the relative value of its state, weights shared by products.

    It reads, for each product, stock, pipeline, backlog and position in symmetric logarithms of
    periods of demand, sign(x)·ln(1 + |x|), the world's signals less their mean over their standard
    deviation, how dear a shortage is, and what the world remembers (ages, prices, customers).
    Means are those of the paths ``measured``. ``hidden`` are the widths of its layers; a fresh
    one says 0. Values are in the trainer's unit of money.

    >>> from restock.problem import Instance, Product
    >>> world = World.from_instance(Instance.single_location([Product(id="A")], 1))
    >>> value = StateValue(world, Scenario(torch.ones(1, 3, 1, 1)), (8,), torch.Generator())
    >>> seen = Observation(
    ...     torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (), torch.ones(1, 1, 1, dtype=torch.long)
    ... )
    >>> value(value.features(seen))
    tensor([[0.]], grad_fn=<SqueezeBackward1>)
    """

    units: Tensor
    signal_mean: Tensor
    signal_spread: Tensor
    traits: Tensor

    def __init__(
        self, world: World, measured: Scenario, hidden: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.slots = max(world.arrivals.slots - 1, 0)
        demand = measured.demand.mean((0, 1)).sum(-1, keepdim=True)
        self.register_buffer("units", demand.clamp_min(LEAST_UNITS))
        signals = measured.signals
        none = demand.new_zeros(0)
        self.register_buffer("signal_mean", none if signals is None else signals.mean((0, 1, 2)))
        spread = none if signals is None else signals.std((0, 1, 2), correction=0)
        self.register_buffer("signal_spread", torch.where(spread > 0, spread, 1))
        self.register_buffer("traits", _traits(world))
        with torch.no_grad():
            state = world.empty_state(1)
            seen = Observation(
                state.on_hand,
                state.on_order,
                state.pipeline[:-1],
                world.arrivals.lead_time,
                state.backlog,
                measured.path_slice(0, 1).signals_at(0),
                measured.signal_names,
                world.shown_network,
                state.memory,
            )
            width = self.features(seen).shape[-1]
        self.body = mlp(width, 1, hidden, generator)

    def features(self, seen: Observation) -> Float[Tensor, "B P F"]:
        """Return what the network reads."""
        shape = seen.on_hand.shape[:-1]
        stocks = [seen.on_hand, seen.inventory_position]
        if self.slots:
            stocks.append(seen.pipeline_stack(self.slots))
        if seen.backlog is not None:
            stocks.append(seen.backlog)
        memory = seen.memory
        if memory is not None and memory.ages is not None:
            stocks.append(memory.ages.on_hand.flatten(-2))
        periods = torch.cat(stocks, -1) / self.units
        parts = [periods.sign() * periods.abs().log1p(), self.traits.expand(*shape, -1)]
        if seen.signals is not None:
            signals = (seen.signals - self.signal_mean) / self.signal_spread
            parts.append(signals.expand(*shape, -1))
        if memory is not None and memory.prices is not None:
            old = memory.prices
            reference = old.reference.clamp_min(LEAST_UNITS)
            parts += [old.price / reference - 1, old.periods_since_change.log1p()]
        if memory is not None and memory.customers is not None:
            known = memory.customers
            parts += [each.expand(*shape, -1) for each in (known.satisfaction, known.number)]
        return torch.cat(parts, -1)

    def forward(self, features: Float[Tensor, "*N P F"]) -> Float[Tensor, "*N P"]:
        """Return the relative value of each product's state."""
        value: Tensor = self.body(features)
        return value.squeeze(-1)


def _traits(world: World) -> Float[Tensor, "P 1"]:
    """Return p / (p + h), the critical ratio, 1/2 where nothing costs anything."""
    holding = world.economics.holding_cost.mean(-1, keepdim=True)
    shortage = world.economics.shortage_cost.mean(-1, keepdim=True)
    both = holding + shortage
    return torch.where(both > 0, shortage / torch.where(both > 0, both, 1), 0.5)
