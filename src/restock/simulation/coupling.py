"""Limits that tie products together: money, room, hands. Each scales what it concerns alike."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from restock.problem import Instance
from restock.shapes import LaneValues
from restock.simulation.mechanism import Coupling
from restock.simulation.network import OUTSIDE, Network
from restock.simulation.observation import Observation
from restock.simulation.ordering import Ordering, Rule

__all__ = ["Budget", "InboundCapacity", "StorageCapacity", "couplings_for"]


@dataclass(frozen=True, eq=False)
class Budget:
    """All orders to outside suppliers in a period cost at most ``money``.

    ``price`` is money per unit on each lane, ``[P, E]``, 0 on lanes between locations.
    """

    rule: ClassVar[Rule] = Rule.BUDGET
    money: float
    price: Float[Tensor, "P E"]

    def limit(self, order: LaneValues, observation: Observation, ordering: Ordering) -> LaneValues:
        """Cut all purchases alike until they can be paid."""
        del observation
        spent = (self.price * order).sum((-2, -1), keepdim=True)
        factor = _factor(torch.full_like(spent, self.money), spent)
        return _scaled(
            order, torch.where(self.price > 0, factor, torch.ones_like(factor)), ordering
        )


@dataclass(frozen=True, eq=False)
class InboundCapacity:
    """Orders of all products towards a location are at most ``units`` ``[L]`` in a period."""

    rule: ClassVar[Rule] = Rule.INBOUND
    units: Float[Tensor, " L"]
    network: Network

    def limit(self, order: LaneValues, observation: Observation, ordering: Ordering) -> LaneValues:
        """Cut all orders towards a crowded location alike."""
        del observation
        asked = self.network.into(order).sum(-2, keepdim=True)
        factor = _factor(self.units.expand_as(asked), asked)
        return _scaled(order, self.network.at_destination(factor), ordering)


@dataclass(frozen=True, eq=False)
class StorageCapacity:
    """Stock on hand, on order and just ordered takes at most ``volume`` ``[L]`` at a location.

    ``unit_volume`` is volume per unit, ``[P, 1]``. Stock is never thrown away: orders are cut.
    """

    rule: ClassVar[Rule] = Rule.STORAGE
    volume: Float[Tensor, " L"]
    unit_volume: Float[Tensor, "P 1"]
    network: Network

    def limit(self, order: LaneValues, observation: Observation, ordering: Ordering) -> LaneValues:
        """Cut all orders towards a full location alike."""
        stock = observation.on_hand + self.network.into(observation.on_order)
        used = (self.unit_volume * stock).sum(-2, keepdim=True)
        asked = (self.unit_volume * self.network.into(order)).sum(-2, keepdim=True)
        factor = _factor((self.volume - used).clamp_min(0), asked)
        return _scaled(order, self.network.at_destination(factor), ordering)


def couplings_for(instance: Instance, network: Network, dtype: torch.dtype) -> tuple[Coupling, ...]:
    """Return the limits that an instance has; most have none."""
    places = {place.id: place for place in instance.locations}
    there = [places[name] for name in network.locations]
    inbound = torch.tensor([place.inbound_capacity_units for place in there], dtype=dtype)
    storage = torch.tensor([place.storage_capacity for place in there], dtype=dtype)
    limits: list[Coupling] = []
    if bool(inbound.isfinite().any()):
        limits.append(InboundCapacity(inbound, network))
    if bool(storage.isfinite().any()):
        volume = torch.tensor([[product.volume] for product in instance.products], dtype=dtype)
        limits.append(StorageCapacity(storage, volume, network))
    if instance.budget_per_period < float("inf"):
        limits.append(Budget(instance.budget_per_period, _purchase_price(instance, network, dtype)))
    return tuple(limits)


def _purchase_price(instance: Instance, network: Network, dtype: torch.dtype) -> Tensor:
    rows = {product.id: (row, product.unit_cost) for row, product in enumerate(instance.products)}
    columns = network.columns
    places, prices = [], []
    for lane in instance.lanes:
        column = columns[lane.origin, lane.destination]
        if network.origin[column] == OUTSIDE:
            row, unit_cost = rows[lane.product_id]
            places.append((row, column))
            prices.append(unit_cost + lane.unit_cost)
    table = torch.zeros(len(rows), len(network.lanes), dtype=dtype)
    table[tuple(torch.tensor(places).T)] = torch.tensor(prices, dtype=dtype)
    return table


def _factor(room: Tensor, asked: Tensor) -> Tensor:
    """Return min(1, room / asked), 1 where nothing is asked."""
    short = asked > room
    return torch.where(short, room / torch.where(short, asked, torch.ones_like(asked)), 1.0)


def _scaled(order: LaneValues, factor: Tensor, ordering: Ordering) -> LaneValues:
    """Return the largest feasible orders within ``factor`` times what was ordered."""
    return torch.where(factor < 1, ordering.cut(order * factor), order)
