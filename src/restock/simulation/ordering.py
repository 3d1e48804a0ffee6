"""Feasibility: one function makes a wish an order and says which rule bound."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from restock.shapes import LaneValues

__all__ = ["FreeOrders", "Ordering", "PackedOrders", "Rule", "WholeUnitOrders", "feasible_order"]


class Rule(IntEnum):
    """The rule that moved an order away from its wish; the last one that bound is told."""

    NONE = 0
    WHOLE_UNITS = 1
    CASE_PACK = 2
    MINIMUM = 3
    CAPACITY = 4


@runtime_checkable
class Ordering(Protocol):
    """Turns wishes into orders."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the feasible order in units ≥ 0; gradients pass straight through rounding."""
        ...


@dataclass(frozen=True, slots=True)
class FreeOrders:
    """Divisible goods without minimum or capacity: the wish is the order."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the wish itself."""
        return wish


@dataclass(frozen=True, slots=True)
class WholeUnitOrders:
    """Units ordered singly, without minimum or capacity: the wish to the nearest unit."""

    def order(self, wish: LaneValues) -> LaneValues:
        """Return the rounded wish with the gradient of the wish."""
        return _straight_through(wish, torch.floor(wish.detach() + 0.5))


@dataclass(frozen=True, slots=True)
class PackedOrders:
    """Whole case packs, a minimum and a capacity; tensors in units, ``[P, E]``."""

    case_pack: Tensor
    minimum: Tensor
    capacity: Tensor

    def order(self, wish: LaneValues) -> LaneValues:
        """Return :func:`feasible_order`'s quantity with the gradient of the wish."""
        quantity, _ = feasible_order(
            wish.detach(), case_pack=self.case_pack, minimum=self.minimum, capacity=self.capacity
        )
        return _straight_through(wish, quantity)


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
    # a hair is taken off so that 12.000001 units of a pack of 6 stay two packs
    packed = torch.where(case_pack > 1, torch.ceil(whole / pack - 1e-6) * pack, whole)
    least = torch.where(divisible, minimum, torch.ceil(minimum / pack) * pack)
    raised = torch.where(packed > 0, torch.maximum(packed, least), packed)
    most = torch.where(divisible, capacity, torch.floor(capacity / pack) * pack)
    quantity = torch.minimum(raised, most) + 0.0  # no negative zeros
    rule = torch.full_like(quantity, int(Rule.NONE), dtype=torch.long)
    rule = torch.where(whole != wish, int(Rule.WHOLE_UNITS), rule)
    rule = torch.where(packed != whole, int(Rule.CASE_PACK), rule)
    rule = torch.where(raised != packed, int(Rule.MINIMUM), rule)
    rule = torch.where(quantity != raised, int(Rule.CAPACITY), rule)
    return quantity, rule
