"""Feasibility: one function makes a wish an order and says which rule bound."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from restock.shapes import LaneValues

__all__ = [
    "DUST_UNITS",
    "FreeOrders",
    "Ordering",
    "PackedOrders",
    "Rule",
    "WholeUnitOrders",
    "feasible_order",
]

DUST_UNITS = 1e-6
"""What rounding leaves; so little is no order, and bears no fixed cost."""
HAIR = 1e-6
"""Taken off or added so that 12.000001 units of a pack of 6 are two packs, and 11.999999 too."""


class Rule(IntEnum):
    """The rule that moved an order away from its wish; the last one that bound is told.

    The first five are those of the lane itself. ``CLOSED`` is a lane that takes no order today,
    ``BUDGET``, ``STORAGE`` and ``INBOUND`` are limits over several products, and ``STOCK`` is what
    the location at the lane's beginning has.
    """

    NONE = 0
    WHOLE_UNITS = 1
    CASE_PACK = 2
    MINIMUM = 3
    CAPACITY = 4
    CLOSED = 5
    INBOUND = 6
    STORAGE = 7
    BUDGET = 8
    STOCK = 9


@runtime_checkable
class Ordering(Protocol):
    """Turns wishes into orders."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the feasible order in units ≥ 0; gradients pass straight through rounding."""
        ...

    def cut(self, limit: LaneValues) -> LaneValues:
        """Return the largest feasible order that is at most ``limit`` units."""
        ...

    def among(self, lanes: slice) -> "Ordering":
        """Return the smallest rules for shares of orders that were feasible on these lanes."""
        ...


@dataclass(frozen=True, slots=True)
class FreeOrders:
    """Divisible goods without minimum or capacity: the wish is the order."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the wish itself."""
        return wish

    def cut(self, limit: LaneValues) -> LaneValues:
        """Return the limit itself."""
        return limit

    def among(self, lanes: slice) -> "FreeOrders":
        """Return the same rules."""
        del lanes
        return self


@dataclass(frozen=True, slots=True)
class WholeUnitOrders:
    """Units ordered singly, without minimum or capacity: the wish to the nearest unit."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the rounded wish with the gradient of the wish."""
        return _straight_through(wish, torch.floor(wish.detach() + 0.5))

    def cut(self, limit: LaneValues) -> LaneValues:
        """Return whole units, with the gradient of the limit."""
        return _straight_through(limit, torch.floor(limit.detach() + HAIR))

    def among(self, lanes: slice) -> "WholeUnitOrders":
        """Return the same rules."""
        del lanes
        return self


@dataclass(frozen=True, slots=True)
class PackedOrders:
    """Whole case packs, a minimum and a capacity; tensors in units, ``[P, E]``."""

    case_pack: Tensor
    minimum: Tensor
    capacity: Tensor

    @property
    def takes_single_units(self) -> Tensor:
        """Where any whole number of units is a feasible order, up to the capacity."""
        return (self.case_pack == 1) & (self.minimum == 0)

    def order(self, wish: LaneValues) -> LaneValues:
        """Return :func:`feasible_order`'s quantity with the gradient of the wish.

        Where the capacity is 0, as on lanes that a product lacks, there is no gradient.
        """
        quantity, _ = feasible_order(
            wish.detach(), case_pack=self.case_pack, minimum=self.minimum, capacity=self.capacity
        )
        if wish.requires_grad:
            wish = torch.where(self.capacity > 0, wish, 0)
        return _straight_through(wish, quantity)

    def cut(self, limit: LaneValues) -> LaneValues:
        """Return whole case packs, or nothing below the minimum, with the gradient of the limit."""
        units = torch.minimum(limit.detach(), self.capacity)
        pack = torch.where(self.case_pack > 0, self.case_pack, 1)
        packed = torch.floor(units / pack + HAIR) * pack
        whole = torch.where(self.case_pack > 0, packed, units)
        return _straight_through(limit, torch.where(whole >= self.minimum, whole, 0))

    def among(self, lanes: slice) -> Ordering:
        """Return the rules of some lanes; a share of a feasible order keeps any capacity."""
        pack, least = self.case_pack[..., lanes], self.minimum[..., lanes]
        most = self.capacity[..., lanes]
        used = most > 0
        if bool((least[used] == 0).all()):
            if bool((pack[used] == 0).all()):
                return FreeOrders()
            if bool((pack[used] == 1).all()):
                return WholeUnitOrders()
        return PackedOrders(pack, least, most)


def _straight_through(wish: Tensor, quantity: Tensor) -> Tensor:
    """Return exactly ``quantity``, with the gradient of ``wish``: the bracket's value is 0."""
    return quantity + (wish - wish.detach()) if wish.requires_grad else quantity


def feasible_order(
    wish: Tensor, *, case_pack: Tensor, minimum: Tensor, capacity: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the order for a wish, and the :class:`Rule` that bound, elementwise.

    Units ordered singly (case pack 1) are rounded to the nearest whole unit, larger packs to the
    next whole pack upwards; a positive order below the minimum is raised to the smallest multiple
    of the pack that reaches it; above the capacity it is cut to the largest multiple below.
    A wish under half a unit is no order. ``case_pack`` 0 leaves divisible goods as wished.

    >>> q, rule = feasible_order(
    ...     torch.tensor([0.2, 7.0, 13.0]),
    ...     case_pack=torch.tensor(6.0),
    ...     minimum=torch.tensor(0.0),
    ...     capacity=torch.tensor(12.0),
    ... )
    >>> q.tolist(), [Rule(int(r)).name for r in rule]
    ([0.0, 12.0, 12.0], ['WHOLE_UNITS', 'CASE_PACK', 'CAPACITY'])
    """
    divisible = case_pack == 0
    pack = torch.where(divisible, torch.ones_like(case_pack), case_pack)
    whole = torch.where(divisible, wish, torch.floor(wish + 0.5))
    packed = torch.where(case_pack > 1, torch.ceil(whole / pack - HAIR) * pack, whole)
    least = torch.where(divisible, minimum, torch.ceil(minimum / pack) * pack)
    raised = torch.where(packed > DUST_UNITS, torch.maximum(packed, least), packed)
    most = torch.where(divisible, capacity, torch.floor(capacity / pack) * pack)
    quantity = torch.minimum(raised, most) + 0.0  # no negative zeros
    rule = torch.full_like(quantity, int(Rule.NONE), dtype=torch.long)
    rule = torch.where(whole != wish, int(Rule.WHOLE_UNITS), rule)
    rule = torch.where(packed != whole, int(Rule.CASE_PACK), rule)
    rule = torch.where(raised != packed, int(Rule.MINIMUM), rule)
    rule = torch.where(quantity != raised, int(Rule.CAPACITY), rule)
    return quantity, rule
