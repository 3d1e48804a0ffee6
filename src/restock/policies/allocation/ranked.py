"""Allocators that rank locations by one number: transit, cost, or stock."""

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from restock.policies.allocation.protocol import Allocation
from restock.simulation import Observation
from restock.simulation.fulfilment import Fulfilment

__all__ = ["Cheapest", "LeastCover", "Nearest", "parcel_cost"]

LEAST_RATE = 1e-9


def parcel_cost(terms: Fulfilment) -> Float[Tensor, "1 1 R L"]:
    """Return what a parcel of one unit costs from each location to each region, in money."""
    return (terms.cost_per_unit + terms.cost_per_shipment)[None, None]


@dataclass(frozen=True)
class Cheapest:
    """Ask the location from which a parcel of one unit costs least."""

    terms: Fulfilment

    def allocate(self, observation: Observation) -> Allocation:
        """Score by cost, money per parcel of one unit."""
        del observation
        return Allocation(score=parcel_cost(self.terms))


@dataclass(frozen=True)
class Nearest:
    """Ask the location with the shortest transit; of several, the cheapest."""

    terms: Fulfilment

    @cached_property
    def score(self) -> Float[Tensor, "1 1 R L"]:
        """Periods of transit, and below one period the place in the order of cost."""
        by_cost = parcel_cost(self.terms).argsort(stable=True, dim=-1).argsort(-1)
        transit: Tensor = self.terms.transit_periods
        return transit + by_cost.to(transit) / by_cost.shape[-1]

    def allocate(self, observation: Observation) -> Allocation:
        """Score by transit, in periods."""
        del observation
        return Allocation(score=self.score)


@dataclass(frozen=True)
class LeastCover:
    """Spare the locations with the least cover: ask the one whose stock lasts longest.

    ``rate`` ``[#B, #P, L]`` is the demand that each location expects to serve, in units per
    period; where it is 0 any stock lasts for ever. Distance and cost are not looked at.
    """

    rate: Float[Tensor, "#B #P L"]

    def allocate(self, observation: Observation) -> Allocation:
        """Score by stock on hand, in periods of cover, the longest first."""
        cover = observation.on_hand / self.rate.clamp_min(LEAST_RATE)
        return Allocation(score=-cover.unsqueeze(-2))
