"""Step 3 in a network: orders to other locations get what these have, and deliver in turn."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from restock.errors import ConfigurationError
from restock.shapes import LaneIntegers, LaneValues, StockValues
from restock.simulation.arrivals import Arrivals, RandomLeadTimes, Slots
from restock.simulation.grouping import FixedGroups
from restock.simulation.network import Network, Tier
from restock.simulation.observation import Decision, Observation
from restock.simulation.ordering import FreeOrders, Ordering, PackedOrders, WholeUnitOrders
from restock.simulation.perishing import AgedLanes, Shelf
from restock.simulation.rationing import (
    Shared,
    by_weight,
    in_whole_units,
    least_cover,
    proportional,
    round_shares,
)
from restock.simulation.state import Ages, State, remembered

__all__ = ["NetworkSupply", "Rationing"]

Rationing = Literal["proportional", "least_cover"]


@dataclass(frozen=True)
class NetworkSupply:
    """Ships tier by tier: first what comes from outside, then what locations send on.

    ``rationing`` shares out what a location lacks, unless a decision carries lane weights;
    ``orderings``, one for each tier, make the shares feasible. In a world of perishable goods the
    ``shelf`` picks the units that leave a location.
    """

    network: Network
    arrivals: Arrivals
    orderings: tuple[Ordering, ...]
    rationing: Rationing
    shelf: Shelf | None

    def place(
        self,
        state: State,
        order: LaneValues,
        observation: Observation,
        decision: Decision,
        lead_time: LaneIntegers | None,
    ) -> tuple[State, LaneValues]:
        """Return the state after shipping, and what was shipped on each lane."""
        on_hand, parts = state.on_hand, []
        now = self._delivers_now(order, lead_time)
        aged = None if self.shelf is None else _AgedShipping(self.shelf, state, order)
        for tier, ordering in zip(self.network.tiers, self.orderings, strict=True):
            units = order[..., tier.start : tier.stop]
            if tier.sources is not None:
                if aged is not None:
                    aged.follow(on_hand)
                shared = self._share_out(tier, tier.sources, units, on_hand, observation, decision)
                units, on_hand = _feasible(shared, on_hand, ordering, tier.sources)
            delivered = None if now is None else now[..., tier.start : tier.stop]
            if delivered is not None:
                on_hand = on_hand + (units * delivered) @ tier.reaches
            if aged is not None:
                aged.ship(tier, units, delivered)
            parts.append(units)
        shipped = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        pipeline, at_once = self.enter(state.pipeline, shipped, lead_time)
        on_order = state.on_order + (shipped if at_once is None else shipped - at_once)
        memory = state.memory
        if aged is not None and memory is not None:
            memory = replace(memory, ages=aged.ages(self, lead_time))
        return State(on_hand, on_order, pipeline, state.backlog, memory), shipped

    def _share_out(
        self,
        tier: Tier,
        sources: FixedGroups,
        wish: LaneValues,
        on_hand: StockValues,
        observation: Observation,
        decision: Decision,
    ) -> Shared:
        """Return each lane's share, and what the locations keep."""
        lanes = slice(tier.start, tier.stop)
        if decision.lane_weight is not None:
            shared = by_weight(wish, on_hand, decision.lane_weight[..., lanes], sources)
        elif self.rationing == "least_cover":
            position = observation.lane_position[..., lanes]
            shared = least_cover(
                wish, on_hand, position, self._rate(observation)[..., lanes], sources
            )
        else:
            shared = proportional(wish, on_hand, sources)
        return shared

    def _rate(self, observation: Observation) -> LaneValues:
        """Return the demand per period that each lane's destination has to meet."""
        ones = torch.ones_like(observation.on_hand)
        network = self.network
        if network.has_regions or "scale" not in observation.signal_names:
            return network.at_destination(network.echelon(ones))
        return network.at_destination(network.echelon(observation.local_signal("scale") * ones))

    def _delivers_now(self, order: LaneValues, lead_time: LaneIntegers | None) -> Tensor | None:
        """Return 1 on lanes whose lead time is 0 today, ``None`` where there are none."""
        if isinstance(self.arrivals, RandomLeadTimes):
            zero = self._drawn(lead_time) == 0
        else:
            zero = self.arrivals.lead_time == 0
        return zero.to(order.dtype) if bool(zero.any()) else None

    def enter(
        self, pipeline: Slots, shipped: Tensor, lead_time: LaneIntegers | None
    ) -> tuple[Slots, Tensor | None]:
        """Return the pipeline with what was shipped, and what was delivered at once.

        ``shipped`` is units ``[B, P, E]``, or ``[A, B, P, E]`` class by class.
        """
        if isinstance(self.arrivals, RandomLeadTimes):
            return self.arrivals.place_drawn(pipeline, shipped, self._drawn(lead_time))
        return self.arrivals.place(pipeline, shipped)

    @staticmethod
    def _drawn(lead_time: LaneIntegers | None) -> LaneIntegers:
        if lead_time is None:
            raise ConfigurationError(
                "this world's lead times are uncertain and the scenario has none drawn. Take"
                " scenarios from `UncertainSupply.of(source, instance)`."
            )
        return lead_time


def _feasible(
    shared: Shared, on_hand: StockValues, ordering: Ordering, sources: FixedGroups
) -> Shared:
    """Return the same sharing in units that can be shipped.

    Lanes that take single units share the rounding, so that their source gives all it can; every
    other lane is cut by itself.
    """
    if isinstance(ordering, FreeOrders):
        return shared
    if isinstance(ordering, WholeUnitOrders):
        return in_whole_units(shared, on_hand, sources)
    units = ordering.cut(shared.units)
    if isinstance(ordering, PackedOrders):
        single = ordering.takes_single_units
        together = round_shares(torch.where(single, shared.units, 0), sources)
        units = torch.where(single, together, units)
    return Shared(units, (on_hand - sources.total(units)).clamp_min(0))


class _AgedShipping:
    """The ages of what is shipped in one period, tier by tier."""

    def __init__(self, shelf: Shelf, state: State, order: LaneValues) -> None:
        self.shelf = shelf
        self.before = remembered(remembered(state.memory).ages)
        self.on_hand = self.before.on_hand
        self.like = order
        self.sent: list[AgedLanes] = []

    def follow(self, on_hand: StockValues) -> None:
        """Count stock that has just come from outside as fresh."""
        self.on_hand = self.shelf.follow(self.on_hand, on_hand)

    def ship(self, tier: Tier, units: LaneValues, delivered: Tensor | None) -> None:
        """Take the units from the shelves that they leave; what comes from outside is fresh."""
        classes = self.on_hand.shape[-1]
        if tier.sources is None:
            self.sent.append(units.new_zeros(*units.shape, classes))
            return
        self.on_hand, lanes = self.shelf.send(self.on_hand, units, tier.sources)
        if delivered is not None:
            arrived = (lanes * delivered.unsqueeze(-1)).movedim(-1, 0) @ tier.reaches
            self.on_hand = self.on_hand + arrived.movedim(0, -1)
        self.sent.append(lanes)

    def ages(self, supply: NetworkSupply, lead_time: LaneIntegers | None) -> Ages:
        """Return the ages on hand and on the way when everything has been shipped."""
        if len(self.sent) == 1:
            return Ages(self.on_hand, self.before.pipeline)
        slots = tuple(
            None if slot is None else slot.movedim(-1, 0) for slot in self.before.pipeline
        )
        slots += (None,) * (supply.arrivals.slots - len(slots))
        moved, _ = supply.enter(slots, torch.cat(self.sent, dim=-2).movedim(-1, 0), lead_time)
        pipeline = tuple(None if slot is None else slot.movedim(0, -1) for slot in moved)
        return Ages(self.on_hand, pipeline)
