"""Two sources for one location: a dear and fast one, a cheap and slow one.

With x the stock on hand less backorders, and what is due within the fast lead time, and y the
whole inventory position, the rules order

    single index          e = (z_e − y)⁺,  r = (z_r − y − e)⁺
    dual index            e = (z_e − x)⁺,  r = (z_r − y − e)⁺
    capped dual index     e = (z_e − x)⁺,  r = min(cap, (z_r − y − e)⁺)
    tailored base surge   e = (z_e − x)⁺,  r = q
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import StockValues
from restock.simulation import Decision, Observation

__all__ = ["CappedDualIndex", "DualIndex", "SingleIndex", "TailoredBaseSurge", "TwoLanes"]

Level = Float[Tensor, "#B #P 1"]


@dataclass(frozen=True, slots=True)
class TwoLanes:
    """The places of the two lanes on the axis E of a world with one location.

    ``expedited`` is the fast and dear lane, ``regular`` the slow and cheap one.
    """

    expedited: int
    regular: int

    def near(self, observation: Observation) -> StockValues:
        """Return x: on hand, less backorders, and due within the expedited lead time, units."""
        near = observation.on_hand
        if observation.backlog is not None:
            near = near - observation.backlog
        within = int(observation.lead_time[..., self.expedited].max())
        for due in observation.pipeline[:within]:
            if due is not None:
                near = near + due.sum(-1, keepdim=True)
        return near

    def order(self, observation: Observation, expedited: Tensor, regular: Tensor) -> Decision:
        """Wish for these quantities on the two lanes, and for nothing on any other."""
        quantity = torch.zeros_like(observation.on_order)
        quantity[..., self.expedited] = expedited.squeeze(-1)
        quantity[..., self.regular] = regular.squeeze(-1)
        return Decision(observation.lane_position + quantity)


@dataclass(frozen=True)
class SingleIndex:
    """Both sources watch the whole inventory position; levels are units ``[#B, #P, 1]``.

    Source: A. Scheller-Wolf, S. Veeraraghavan and G.-J. van Houtum, Effective dual sourcing with a
    single index policy, working paper, 2007.
    """

    lanes: TwoLanes
    expedited_level: Level
    regular_level: Level

    def decide(self, observation: Observation) -> Decision:
        """Wish for the expedited level first, then for the regular one."""
        position = observation.inventory_position
        expedited = (self.expedited_level - position).clamp_min(0)
        regular = (self.regular_level - position - expedited).clamp_min(0)
        return self.lanes.order(observation, expedited, regular)


@dataclass(frozen=True)
class DualIndex:
    """The fast source watches what is near, the slow one everything; levels ``[#B, #P, 1]``.

    Source: S. Veeraraghavan and A. Scheller-Wolf, Now or later: a simple policy for effective dual
    sourcing in capacitated systems, Operations Research 56, 2008.
    """

    lanes: TwoLanes
    expedited_level: Level
    regular_level: Level

    def decide(self, observation: Observation) -> Decision:
        """Wish for what is needed soon from the fast source, for the rest from the slow one."""
        position = observation.inventory_position
        expedited = (self.expedited_level - self.lanes.near(observation)).clamp_min(0)
        regular = (self.regular_level - position - expedited).clamp_min(0)
        return self.lanes.order(observation, expedited, regular)


@dataclass(frozen=True)
class CappedDualIndex:
    """Dual index with at most ``cap`` units ``[#B, #P, 1]`` in a regular order.

    Source: J. Sun and J. A. Van Mieghem, Robust dual sourcing inventory management: optimality of
    capped dual index policies and smoothing, Manufacturing & Service Operations Management 21,
    2019.
    """

    lanes: TwoLanes
    expedited_level: Level
    regular_level: Level
    cap: Level

    def decide(self, observation: Observation) -> Decision:
        """Wish for what is needed soon from the fast source, for a capped rest from the slow."""
        position = observation.inventory_position
        expedited = (self.expedited_level - self.lanes.near(observation)).clamp_min(0)
        regular = (self.regular_level - position - expedited).clamp_min(0)
        return self.lanes.order(observation, expedited, torch.minimum(regular, self.cap))


@dataclass(frozen=True)
class TailoredBaseSurge:
    """A steady regular order of ``quantity``, and surges up to a level; units ``[#B, #P, 1]``.

    Source: G. Allon and J. A. Van Mieghem, Global dual sourcing: tailored base-surge allocation
    to near- and offshore production, Management Science 56, 2010.
    """

    lanes: TwoLanes
    expedited_level: Level
    quantity: Level

    def decide(self, observation: Observation) -> Decision:
        """Wish for the base quantity, and for what is needed soon from the fast source."""
        near = self.lanes.near(observation)
        expedited = (self.expedited_level - near).clamp_min(0)
        return self.lanes.order(observation, expedited, self.quantity.expand_as(near))
