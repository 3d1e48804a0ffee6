"""The terms of an instance as arrays: lanes, parcels, and what stock and shortage cost."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.problem import Instance, Lane

__all__ = ["OUTSIDE", "LaneTerms", "NetworkTerms", "ParcelTerms"]

OUTSIDE = -1
"""The origin of a lane that begins at an outside supplier."""


_LANE_NUMBERS = (
    *("unit_cost", "capacity_units", "case_pack_units"),
    *("fixed_order_cost", "minimum_units"),
)


@dataclass(frozen=True, eq=False)
class LaneTerms:
    """One entry per lane and product, N of them; money and units as in :class:`Lane`.

    ``origin`` and ``destination`` are numbers of locations, ``column`` the lane's place on the
    axis E. ``lead_times`` are all that an order may take. ``numbers`` holds fields by name.
    """

    lanes: tuple[Lane, ...]
    product: Int[np.ndarray, " N"]
    origin: Int[np.ndarray, " N"]
    destination: Int[np.ndarray, " N"]
    column: Int[np.ndarray, " N"]
    lead_times: tuple[tuple[int, ...], ...]
    numbers: dict[str, Float[np.ndarray, " N"]]

    def takes_orders(
        self, chosen: Int[np.ndarray, " M"], first_period: int, periods: int
    ) -> Float[np.ndarray, "M T"]:
        """Return 1 on the order days of the chosen lanes, else 0."""
        days = first_period + np.arange(periods)
        lanes = [self.lanes[n] for n in chosen]
        opens = [np.isin(days % lane.order_cycle_periods, lane.order_offsets) for lane in lanes]
        return np.array(opens, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class ParcelTerms:
    """Which location serves which demand point, Q pairs, and what a parcel costs in money."""

    point: Int[np.ndarray, " Q"]
    location: Int[np.ndarray, " Q"]
    cost_per_unit: Float[np.ndarray, " Q"]
    cost_per_shipment: Float[np.ndarray, " Q"]


@dataclass(frozen=True, eq=False)
class NetworkTerms:
    """Everything that the linear program asks of an instance, products P, locations L, points D.

    ``switches`` are (product, substitute, largest share of lost demand that goes over).
    """

    lanes: LaneTerms
    parcels: ParcelTerms
    holding_cost: Float[np.ndarray, "P L"]
    shortage_cost: Float[np.ndarray, "P D"]
    storage: Float[np.ndarray, " L"]
    inbound: Float[np.ndarray, " L"]
    switches: tuple[tuple[int, int, float], ...]

    @classmethod
    def of(cls, instance: Instance, columns: tuple[tuple[str, str], ...]) -> "NetworkTerms":
        """Read an instance; ``columns`` are the (origin, destination) pairs of the axis E."""
        places = [place for place in instance.locations if place.holds_stock]
        at = {place.id: n for n, place in enumerate(places)}
        row = {product.id: n for n, product in enumerate(instance.products)}
        holding, shortage = _stock_costs(instance, row, at)
        return cls(
            lanes=_lanes(instance, row, at, columns),
            parcels=_parcels(instance, at),
            holding_cost=holding,
            shortage_cost=shortage,
            storage=np.array([place.storage_capacity for place in places]),
            inbound=np.array([place.inbound_capacity_units for place in places]),
            switches=tuple(
                (row[each.product_id], row[each.substitute_id], each.accepted_share)
                for each in instance.substitutes
            ),
        )


def _lanes(
    instance: Instance,
    row: dict[str, int],
    at: dict[str, int],
    columns: tuple[tuple[str, str], ...],
) -> LaneTerms:
    lanes = instance.lanes
    column = {pair: n for n, pair in enumerate(columns)}
    return LaneTerms(
        lanes=lanes,
        product=np.array([row[lane.product_id] for lane in lanes]),
        origin=np.array([at.get(lane.origin, OUTSIDE) for lane in lanes]),
        destination=np.array([at[lane.destination] for lane in lanes]),
        column=np.array([column.get((lane.origin, lane.destination), 0) for lane in lanes]),
        lead_times=tuple(_possible_lead_times(lane) for lane in lanes),
        numbers={
            name: np.array([getattr(lane, name) for lane in lanes], dtype=np.float64)
            for name in _LANE_NUMBERS
        },
    )


def _possible_lead_times(lane: Lane) -> tuple[int, ...]:
    random = lane.lead_time_distribution
    if random is None:
        return (lane.lead_time_periods,)
    if random.orders_cross:
        return random.support
    # who waits for an earlier order may take any time in between
    return tuple(range(random.support[0], random.support[-1] + 1))


def _parcels(instance: Instance, at: dict[str, int]) -> ParcelTerms:
    if not instance.regions:
        own, free = np.arange(len(at)), np.zeros(len(at))
        return ParcelTerms(own, own, free, free)
    region = {each.id: n for n, each in enumerate(instance.regions)}
    rows = instance.shipping
    return ParcelTerms(
        point=np.array([region[each.region] for each in rows]),
        location=np.array([at[each.location] for each in rows]),
        cost_per_unit=np.array([each.cost_per_unit for each in rows], dtype=np.float64),
        cost_per_shipment=np.array([each.cost_per_shipment for each in rows], dtype=np.float64),
    )


def _stock_costs(
    instance: Instance, row: dict[str, int], at: dict[str, int]
) -> tuple[Float[np.ndarray, "P L"], Float[np.ndarray, "P D"]]:
    products = instance.products
    points = len(instance.regions) or len(at)
    holding = np.array([[product.holding_cost] * len(at) for product in products], dtype=float)
    shortage = np.array([[product.shortage_cost] * points for product in products], dtype=float)
    for terms in instance.stock_terms:
        place = row[terms.product_id], at[terms.location]
        if terms.holding_cost is not None:
            holding[place] = terms.holding_cost
        if terms.shortage_cost is not None:
            shortage[place] = terms.shortage_cost
    return holding, shortage
