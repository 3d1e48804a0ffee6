"""Base stock for perishables: what will have expired does not count."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.shapes import LaneValues, StockValues
from restock.simulation import Decision, Observation, State
from restock.simulation.flows import Extras
from restock.simulation.perishing import Shelf
from restock.simulation.unmet import Served

__all__ = ["EffectiveBaseStock"]


@dataclass(frozen=True)
class EffectiveBaseStock:
    """Order up to S on effective stock: the position less what is expected to expire.

    ``level`` is S in units ``[#B, P, E]``, ``shelf`` the world's. What expires until an order of
    today arrives is estimated by letting the shelf age through the lead time, L periods from today
    on, with demand at its mean, the signal ``scale``: the rule EWA of R. A. C. M. Broekmeulen and
    K. H. van Donselaar, A heuristic to manage perishable inventory with batch ordering, positive
    lead-times, and time-varying demand, Computers & Operations Research 36, 2009, for daily review.

    Each location expects the demand of its own customers, or ``demand_share`` ``[#B, #P, L]`` of
    the whole shop's where it is given: for locations that supply others or serve regions.

    Raises :class:`ConfigurationError` in a world where nothing perishes, or where regions ask and
    no ``demand_share`` is given.
    """

    level: LaneValues
    shelf: Shelf
    demand_share: StockValues | None = None

    def decide(self, observation: Observation) -> Decision:
        """Wish for the level and for what will be gone by then."""
        return Decision(self.level + self.expected_to_expire(observation))

    def expected_to_expire(self, observation: Observation) -> LaneValues:
        """Return the units ``[B, P, E]`` that expire at a lane's end before its order arrives."""
        state, demand = _state_of(observation), self._expected_demand(observation)
        network = self.shelf.network
        gone = torch.zeros_like(observation.on_order)
        for period in range(int(observation.lead_time.max())):
            state, expired = self._day_after(state, demand)
            gone = gone + network.at_destination(expired) * (period < observation.lead_time)
        return gone

    def _expected_demand(self, observation: Observation) -> Float[Tensor, "#B P #L"]:
        if self.demand_share is not None:
            return observation.signal("scale") * self.demand_share
        require(
            not self.shelf.network.has_regions,
            ConfigurationError,
            "where regions ask, `demand_share` must tell what share of demand leaves through each"
            " location; got None. Give the shares of past shipments.",
        )
        return observation.local_signal("scale")

    def _day_after(
        self, state: State, demand: Float[Tensor, "#B P #L"]
    ) -> tuple[State, StockValues]:
        """Return the next day's stock after its arrivals, and what expired before."""
        sold = torch.minimum(state.on_hand, demand)
        none = torch.zeros_like(sold)
        served = Served(sold, state.on_hand - sold, none, none, None)
        state, _, extras = self.shelf.close(state, sold, served, Extras())
        due, *later = state.pipeline
        on_hand = state.on_hand if due is None else state.on_hand + self.shelf.network.into(due)
        state = self.shelf.open(replace(state, on_hand=on_hand, pipeline=(*later, None)))
        return state, none if extras.expired is None else extras.expired


def _state_of(observation: Observation) -> State:
    """Return the world's state as it was observed."""
    if observation.memory is None or observation.memory.ages is None:
        raise ConfigurationError(
            "effective stock needs stock by age, and in this world nothing perishes. Give"
            " products a `shelf_life_periods`, or use `BaseStock`."
        )
    return State(
        observation.on_hand,
        observation.on_order,
        (*observation.pipeline, None),
        observation.backlog,
        observation.memory,
    )
