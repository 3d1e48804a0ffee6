"""Two sources for one location: a dear and fast one, a cheap and slow one.

With x the stock on hand less backorders, and what is due within the fast lead time, and y the
whole inventory position, the rules order

    single index          e = (z_e − y)⁺,  r = (z_r − y − e)⁺
    dual index            e = (z_e − x)⁺,  r = (z_r − y − e)⁺
    capped dual index     e = (z_e − x)⁺,  r = min(cap, (z_r − y − e)⁺)
    tailored base surge   e = (z_e − x)⁺,  r = q

While the fast source takes no orders, e is 0 and the slow one makes up for it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation import Decision, Network, Observation

__all__ = ["CappedDualIndex", "DualIndex", "SingleIndex", "TailoredBaseSurge", "TwoLanes"]

Level = Float[Tensor, "#B #P 1"]


@dataclass(frozen=True, slots=True)
class TwoLanes:
    """Two lanes into one location, by their places in ``Network.lanes``.

    ``expedited`` is the fast and dear lane, ``regular`` the slow and cheap one. Other locations
    and lanes may be there; they are left alone.

    Raises :class:`ConfigurationError` when one lane is given twice.
    """

    expedited: int
    regular: int

    def __post_init__(self) -> None:
        """Check that the lanes are two."""
        require(
            self.expedited != self.regular,
            ConfigurationError,
            f"`expedited` and `regular` must be different lanes; got {self.expedited} for both."
            " Look them up with `network.lanes.index((origin, destination))`.",
        )

    def near(self, observation: Observation) -> Level:
        """Return x: on hand, less backorders, and due within the expedited lead time, units."""
        network = self._network_of(observation)
        place = network.destination[self.expedited]
        near = observation.on_hand[..., [place]]
        if observation.backlog is not None and not network.has_regions:
            near = near - observation.backlog[..., [place]]
        lead_time = observation.lead_time[..., [self.expedited]]
        for periods, due in enumerate(observation.pipeline[: int(lead_time.max())], start=1):
            if due is not None:
                near = near + network.into(due)[..., [place]] * (periods <= lead_time)
        return near

    def position(self, observation: Observation) -> Level:
        """Return y: the inventory position of the location, units."""
        place = self._network_of(observation).destination[self.regular]
        return observation.inventory_position[..., [place]]

    def expedite(self, observation: Observation, wish: Level) -> Level:
        """Return e: the wish, at least 0, or 0 while the expedited lane takes no orders."""
        units = wish.clamp_min(0)
        if observation.lane_open is None:
            return units
        return torch.where(observation.lane_open[..., [self.expedited]] > 0, units, 0)

    def order(self, observation: Observation, expedited: Level, regular: Level) -> Decision:
        """Wish for these quantities on the two lanes, and for nothing on any other.

        A wish below 0 tells how far the stock is above its level; nothing is ordered then.
        """
        self._network_of(observation)
        quantity = torch.zeros_like(observation.on_order)
        quantity[..., [self.expedited]] = expedited.to(quantity)
        quantity[..., [self.regular]] = regular.to(quantity)
        return Decision(observation.lane_position + quantity)

    def _network_of(self, observation: Observation) -> Network:
        """Return the network, in which the two lanes have to end at one location."""
        network = observation.network
        if network is None:
            raise ConfigurationError(
                "a rule for two sources needs two lanes into one location; this world has one"
                " lane. Add the second to the instance's `lanes`."
            )
        given = (self.expedited, self.regular)
        known = all(0 <= lane < len(network.lanes) for lane in given)
        require(
            known and len({network.destination[lane] for lane in given}) == 1,
            ConfigurationError,
            f"`expedited` and `regular` must be lanes into one location; got {given} of"
            f" {dict(enumerate(network.lanes))}. Look them up with"
            " `network.lanes.index((origin, destination))`.",
        )
        return network


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
        position = self.lanes.position(observation)
        soon = self.expedited_level - position
        regular = self.regular_level - position - self.lanes.expedite(observation, soon)
        return self.lanes.order(observation, soon, regular)


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
        near, position = self.lanes.near(observation), self.lanes.position(observation)
        soon = self.expedited_level - near
        regular = self.regular_level - position - self.lanes.expedite(observation, soon)
        return self.lanes.order(observation, soon, regular)


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
        near, position = self.lanes.near(observation), self.lanes.position(observation)
        soon = self.expedited_level - near
        regular = self.regular_level - position - self.lanes.expedite(observation, soon)
        return self.lanes.order(observation, soon, torch.minimum(regular, self.cap))


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
        return self.lanes.order(observation, self.expedited_level - near, self.quantity)
