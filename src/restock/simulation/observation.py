"""What a policy sees, what it may wish, and what a policy is."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean
from restock.shapes import LaneIntegers, LaneValues, StockValues
from restock.simulation.network import Network
from restock.simulation.state import Memory

__all__ = ["Decision", "Observation", "Policy"]


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that is known when a period's orders are decided, and nothing else.

    Stock is seen after the period's arrivals and before its demand. ``pipeline[k]`` are the units
    due k + 1 periods from now on each lane. ``signals`` are named numbers known before the
    period's demand (forecasts, recent demand, weekday); a textbook world has none. ``network``
    is ``None`` where each location has one lane of its own from outside; ``memory`` is what
    optional mechanisms remember (ages, price, satisfaction); ``lane_open`` is 0 where a lane takes
    no order today.
    """

    on_hand: StockValues
    on_order: LaneValues
    pipeline: tuple[Tensor | None, ...]
    lead_time: LaneIntegers
    backlog: Float[Tensor, "#B P D"] | None = None
    signals: Float[Tensor, "#B P F"] | None = None
    signal_names: tuple[str, ...] = ()
    network: Network | None = None
    memory: Memory | None = None
    lane_open: LaneValues | None = None

    @property
    def inventory_position(self) -> StockValues:
        """On hand + on order − backlog, in units at each location.

        What a whole region waits for belongs to no location and is not taken off.
        """
        network = self.network
        if network is None:
            return self.lane_position
        position = self.on_hand + network.into(self.on_order)
        if self.backlog is None or network.has_regions:
            return position
        return position - self.backlog

    @property
    def lane_position(self) -> LaneValues:
        """The inventory position at each lane's destination, ``[B, P, E]``."""
        if self.network is not None:
            return self.network.at_destination(self.inventory_position)
        position = self.on_hand + self.on_order
        return position if self.backlog is None else position - self.backlog

    @property
    def echelon_position(self) -> StockValues:
        """The inventory position of each location with all that it supplies, ``[B, P, L]``."""
        position = self.inventory_position
        return position if self.network is None else self.network.echelon(position)

    def signal(self, name: str) -> StockValues:
        """Return one named signal as ``[B, P, 1]``.

        Raises :class:`ConfigurationError` for a signal that this world does not give.
        """
        if self.signals is None or name not in self.signal_names:
            raise ConfigurationError(
                f"signal '{name}' is not observed in this world."
                f"{did_you_mean(name, self.signal_names)}"
            )
        return self.signals[..., self.signal_names.index(name), None]

    def local_signal(self, name: str) -> Float[Tensor, "#B P #D"]:
        """Return a signal at each demand point, from the signals named ``name@point``.

        A signal that the world gives for the whole shop is the same everywhere, ``[B, P, 1]``.

        Raises :class:`ConfigurationError` for a signal that this world does not give.
        """
        network = self.network
        points = () if network is None else network.regions or network.locations
        columns = [f"{name}@{point}" for point in points]
        if self.signals is None or not columns or columns[0] not in self.signal_names:
            return self.signal(name)
        return self.signals[..., [self.signal_names.index(column) for column in columns]]

    def pipeline_stack(self, slots: int) -> Float[Tensor, "B P K"]:
        """Return the units due 1 … ``slots`` periods from now, zero where nothing can be due.

        With several lanes, all lanes of a slot come before the next slot: K = slots · E.
        """
        zero = torch.zeros_like(self.on_order)
        due = list(self.pipeline[:slots])
        due += [None] * (slots - len(due))
        return torch.cat([zero if slot is None else slot for slot in due], dim=-1)


@dataclass(frozen=True, slots=True)
class Decision:
    """Wishes: order up to ``target`` units of inventory position, at most ``cap`` at once.

    While less than ``batch`` units are wanted nothing is ordered, which saves fixed costs: with
    S the target and q the batch this is (s, S) with s = S − q. The world turns the wish
    min(cap, target − position at the lane's destination) into a feasible order; a policy that
    wants a quantity asks for the position plus the quantity.

    The rest is for worlds that have it. ``lane_weight`` ``[#B, P, E]`` shares out what an upstream
    location lacks. ``region_share`` ``[#B, #P, R, L]`` is the share of a region's demand that each
    location serves first, ``region_score`` the order in which locations are asked (lowest first).
    ``price`` is money ``[#B, P, 1]``; ``proposal`` ``[#B, P, K]`` is 1 where an in-stock
    substitute is shown to a customer who finds nothing.
    """

    target: LaneValues
    cap: LaneValues | None = None
    batch: LaneValues | None = None
    lane_weight: LaneValues | None = None
    region_share: Float[Tensor, "#B #P R L"] | None = None
    region_score: Float[Tensor, "#B #P R L"] | None = None
    price: Float[Tensor, "#B P 1"] | None = None
    proposal: Float[Tensor, "#B P K"] | None = None

    def wished_order(self, seen: "Observation") -> LaneValues:
        """Return min(cap, target − position) in units; below 0 where the position is above.

        The least batch is left out; it says when to order, not how much.

        >>> seen = Observation(
        ...     torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (), torch.ones(1, 1, 1, dtype=torch.long)
        ... )
        >>> level, cap = torch.full((1, 1, 1), 4.0), torch.full((1, 1, 1), 2.0)
        >>> Decision(level, cap).wished_order(seen).item()
        2.0
        """
        wish = self.target - seen.lane_position
        return wish if self.cap is None else torch.minimum(wish, self.cap)


@runtime_checkable
class Policy(Protocol):
    """A pure, batched function from what is seen to what is wished."""

    def decide(self, observation: Observation) -> Decision:
        """Return the wish for every path, product and lane."""
        ...
