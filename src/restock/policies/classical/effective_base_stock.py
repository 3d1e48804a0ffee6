"""Base stock for perishables: what will have expired does not count."""

from dataclasses import dataclass

import torch

from restock.errors import ConfigurationError
from restock.shapes import LaneValues, StockValues
from restock.simulation import Decision, Observation
from restock.simulation.perishing import Shelf

__all__ = ["EffectiveBaseStock"]


@dataclass(frozen=True)
class EffectiveBaseStock:
    """Order up to S on effective stock: the position less what is expected to expire.

    ``level`` is S in units ``[#B, P, E]``, ``shelf`` the world's. What expires until an order of
    today arrives is estimated by letting the shelf age through the lead time with demand at its
    mean, the signal ``scale``: the rule EWA of R. A. C. M. Broekmeulen and K. H. van Donselaar, A
    heuristic to manage perishable inventory with batch ordering, positive lead-times, and
    time-varying demand, Computers & Operations Research 36, 2009.

    Raises :class:`ConfigurationError` in a world where nothing perishes.
    """

    level: LaneValues
    shelf: Shelf

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level and for what will be gone by then."""
        expired = self.expected_to_expire(observation)
        if observation.network is not None:
            expired = observation.network.at_destination(expired)
        return Decision(self.level + expired)

    def expected_to_expire(self, observation: Observation) -> StockValues:
        """Return the units ``[B, P, L]`` that expire before an order of today can be sold."""
        if observation.memory is None or observation.memory.ages is None:
            raise ConfigurationError(
                "effective stock needs stock by age, and in this world nothing perishes. Give"
                " products a `shelf_life_periods`, or use `BaseStock`."
            )
        ages = observation.memory.ages.on_hand
        demand = observation.local_signal("scale")
        network = observation.network
        lead_time = observation.lead_time
        expired = torch.zeros_like(observation.on_hand)
        for period in range(int(lead_time.max())):
            issued = torch.minimum(ages.sum(-1), demand)
            ages, _ = self.shelf.take(ages, issued)
            ages, gone = self.shelf.expire(ages)
            counts = (lead_time > period).to(gone)
            if network is not None:
                counts = network.into(counts).clamp_max(1)
            expired = expired + gone * counts
            due = observation.pipeline[period] if period < len(observation.pipeline) else None
            if due is not None:
                arrived = due if network is None else network.into(due)
                ages = ages + arrived.unsqueeze(-1) * self.shelf.fresh.unsqueeze(-2)
        return expired
