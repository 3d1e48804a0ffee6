"""Order-up-to levels where several lanes lead to one place, and places supply others."""

import torch
from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation.observation import Observation
from restock.simulation.world import World

__all__ = ["Levels"]


class Levels:
    """Turns a level for each lane into the world's targets.

    A lane's order raises the echelon position of its destination to the level: what is there, on
    the way to it and further down, less what is owed. Where several lanes lead to one place, the
    fastest orders first and counts only what arrives no later than its own order would; the next
    one also counts what has just been ordered. With two lanes this is the dual-index policy.

    Source: A. J. Clark & H. Scarf (1960), Management Science 6(4):475–490, for echelons;
    S. Veeraraghavan & A. Scheller-Wolf (2008), Operations Research 56(4):850–864, for two lanes.
    """

    def __init__(self, world: World) -> None:
        destinations = world.network.destination
        self.is_plain = world.shown_network is None
        self.have_rivals = len(set(destinations)) < len(destinations)
        planned = world.arrivals.lead_time[0].float().mean(0)
        lanes = range(len(destinations))
        self.fastest_first = sorted(lanes, key=lambda lane: (float(planned[lane]), lane))
        self.rivals = tuple(
            tuple(other for other in lanes if destinations[other] == destinations[lane])
            for lane in lanes
        )
        self.planned = planned

    def target(self, level: LaneValues, seen: Observation) -> LaneValues:
        """Return what the lanes' inventory positions are to be raised to, in units."""
        if self.is_plain or seen.network is None:
            return level
        wish = level - seen.network.at_destination(seen.echelon_position)
        if self.have_rivals:
            wish = self._one_after_the_other(wish, seen)
        return seen.lane_position + wish

    def _one_after_the_other(self, wish: LaneValues, seen: Observation) -> LaneValues:
        ordered: dict[int, Tensor] = {}
        for lane in self.fastest_first:
            units = wish[..., lane] + self._late(lane, seen)
            for rival in self.rivals[lane]:
                if rival in ordered:
                    units = units - ordered[rival]
            ordered[lane] = units.clamp_min(0)
        return torch.stack([ordered[lane] for lane in sorted(ordered)], dim=-1)

    def _late(self, lane: int, seen: Observation) -> Tensor | float:
        """Return the units on the way to the lane's destination that its order would overtake."""
        late: Tensor | float = 0.0
        slowest = max(float(self.planned[rival]) for rival in self.rivals[lane])
        first = int(self.planned[lane])
        if first >= slowest:
            return late
        for due in seen.pipeline[first:]:
            if due is not None:
                late = late + due[..., list(self.rivals[lane])].sum(-1)
        return late
