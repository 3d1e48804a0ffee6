"""Perishable stock: which units leave, which expire, by the periods of life that they have left."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.problem import Instance
from restock.shapes import LaneValues, StockValues
from restock.simulation.flows import Extras
from restock.simulation.grouping import FixedGroups
from restock.simulation.network import Network
from restock.simulation.state import Ages, Memory, State, remembered
from restock.simulation.unmet import Served

__all__ = ["AgedLanes", "AgedStock", "Shelf", "shelf_for"]

AgedStock = Float[Tensor, "B P L A"]
AgedLanes = Float[Tensor, "B P E A"]


@dataclass(frozen=True, eq=False)
class Shelf:
    """Stock by remaining life: a unit in class a expires at the end of the a-th period from now.

    ``fresh`` ``[P, A]`` is 1 in the class of a unit that comes from outside; products that do not
    perish keep to a last class that never moves, if there are any (``keeps_for_ever``).
    ``fifo_share`` ``[P, 1]`` of the units issued are the oldest, the rest the freshest.
    ``waste_cost`` ``[P, 1]`` is money per unit expired. Units do not age on the way.

    Stock whose age was not followed (from outside, from customers) is fresh: :meth:`follow` finds
    it by comparing ages with the stock on hand.
    """

    fresh: Float[Tensor, "P A"]
    fifo_share: Float[Tensor, "P 1"]
    waste_cost: Float[Tensor, "P 1"]
    keeps_for_ever: bool
    network: Network

    def begin(self, memory: Memory, on_hand: StockValues, demand_points: int) -> Memory:
        """Start with fresh stock."""
        del demand_points
        return replace(memory, ages=Ages(on_hand.unsqueeze(-1) * self.fresh.unsqueeze(-2), ()))

    def follow(self, ages: AgedStock, on_hand: StockValues) -> AgedStock:
        """Return ages that sum to the stock on hand: what is missing in them is fresh."""
        missing = (on_hand - ages.sum(-1)).unsqueeze(-1)
        return (ages + missing * self.fresh.unsqueeze(-2)).clamp_min(0)

    def open(self, state: State) -> State:
        """Put what arrived on the shelf, from other locations at the age it was sent with."""
        memory, ages = _of(state)
        on_hand = ages.on_hand
        due = ages.pipeline[0] if ages.pipeline else None
        if due is not None:
            by_class = self.network.into(due.movedim(-1, 0).flatten(0, 1))
            on_hand = on_hand + by_class.reshape(-1, len(due), *by_class.shape[1:]).movedim(0, -1)
        moved = Ages(self.follow(on_hand, state.on_hand), (*ages.pipeline[1:], None))
        return replace(state, memory=replace(memory, ages=moved))

    def take(self, ages: AgedStock, units: StockValues) -> tuple[AgedStock, AgedStock]:
        """Return what stays and what leaves when ``units`` are issued from each location.

        >>> from restock.problem import Product
        >>> from restock.simulation import World
        >>> milk = Product(id="milk", shelf_life_periods=3)
        >>> shelf = World.from_instance(Instance.single_location([milk], 1)).supply.shelf
        >>> lots = torch.tensor([[[[2.0, 1.0, 4.0]]]])
        >>> stays, leaves = shelf.take(lots, torch.tensor([[[5.0]]]))
        >>> stays.flatten().tolist(), leaves.flatten().tolist()
        ([0.0, 0.0, 2.0], [2.0, 1.0, 2.0])
        """
        oldest_first = _first(ages, self.fifo_share * units)
        rest = ages - oldest_first
        freshest_first = _first(rest.flip(-1), units - self.fifo_share * units).flip(-1)
        leaves = oldest_first + freshest_first
        return (ages - leaves).clamp_min(0), leaves

    def send(
        self, ages: AgedStock, units: LaneValues, sources: FixedGroups
    ) -> tuple[AgedStock, AgedLanes]:
        """Return what stays at locations and what goes on each lane that leaves them."""
        out = sources.total(units)
        stays, leaves = self.take(ages, out)
        share = units / sources.each(torch.where(out > 0, out, torch.ones_like(out)))
        return stays, leaves[..., sources.member, :] * share.unsqueeze(-1)

    def close(
        self, state: State, demand: Tensor, served: Served, extras: Extras
    ) -> tuple[State, Served, Extras]:
        """Take what was sold, let the last class expire and all others lose a period."""
        del demand
        memory, ages = _of(state)
        shelf = self.follow(ages.on_hand, served.left + served.sold)
        shelf, _ = self.take(shelf, served.sold)
        moved, expired = self.expire(shelf)
        left = (served.left - expired).clamp_min(0)
        memory = replace(memory, ages=Ages(moved, ages.pipeline))
        extras = extras._replace(expired=expired, waste_cost=self.waste_cost * expired)
        return replace(state, on_hand=left, memory=memory), served._replace(left=left), extras

    def expire(self, ages: AgedStock) -> tuple[AgedStock, StockValues]:
        """Return the shelf a period later and what expired, units ``[B, P, L]``."""
        moving = ages[..., :-1] if self.keeps_for_ever else ages
        expired = moving[..., 0]
        parts = [moving[..., 1:], torch.zeros_like(moving[..., :1])]
        if self.keeps_for_ever:
            parts.append(ages[..., -1:])
        return torch.cat(parts, dim=-1), expired


def shelf_for(instance: Instance, network: Network, dtype: torch.dtype) -> Shelf | None:
    """Return the shelf of an instance, ``None`` where nothing perishes."""
    lives = torch.tensor([product.shelf_life_periods for product in instance.products])
    if not bool((lives > 0).any()):
        return None
    for_ever = bool((lives == 0).any())
    classes = int(lives.max())
    fresh = torch.where(lives > 0, lives - 1, classes)

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=dtype).unsqueeze(-1)

    return Shelf(
        torch.eye(classes + for_ever, dtype=dtype)[fresh],
        column([product.fifo_share for product in instance.products]),
        column([product.waste_cost for product in instance.products]),
        for_ever,
        network,
    )


def _first(ages: AgedStock, units: StockValues) -> AgedStock:
    """Return ``units`` taken from the first classes on."""
    until = ages.cumsum(-1)
    reached = torch.minimum(until, units.unsqueeze(-1))
    before = torch.minimum(until - ages, units.unsqueeze(-1))
    taken = (reached - before).clamp_min(0)
    # rounding may exceed a class; `minimum` would spoil the gradient where a class is empty
    return torch.where(taken > ages, ages, taken)


def _of(state: State) -> tuple[Memory, Ages]:
    memory = remembered(state.memory)
    return memory, remembered(memory.ages)
