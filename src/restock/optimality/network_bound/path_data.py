"""What one path brings to some of the products: lanes, demand, and stock that is there already."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.optimality.network_bound.hindsight import Hindsight
from restock.optimality.network_bound.terms import NetworkTerms
from restock.problem import Instance, Product

__all__ = ["PathData", "path_data"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PathData:
    """One path, G products and the N lanes that carry them; units.

    ``rows`` are the products' numbers in the instance, ``lane`` the lanes' numbers in the terms,
    ``member`` the place of each lane's product among the G. ``is_open`` ``[N, T]`` is 1 where a
    lane takes orders, ``lead_times`` are for each lane the possible ones of an order in each
    period. ``arrivals`` ``[G, L, T]`` is what comes by itself, the initial stock in period 0
    included; ``position`` all that is on hand or on order at the start; ``late`` what of it
    arrives after the end. ``waiting`` is backlog at the start.
    """

    products: tuple[Product, ...]
    rows: Int[np.ndarray, " G"]
    lane: Int[np.ndarray, " N"]
    member: Int[np.ndarray, " N"]
    origin: Int[np.ndarray, " N"]
    destination: Int[np.ndarray, " N"]
    is_open: Float[np.ndarray, "N T"]
    lead_times: tuple[tuple[Int[np.ndarray, " T"], ...], ...]
    demand: Float[np.ndarray, "G D T"]
    waiting: Float[np.ndarray, "G D"]
    arrivals: Float[np.ndarray, "G L T"]
    position: Float[np.ndarray, "G L"]
    late: Float[np.ndarray, "G L"]

    @property
    def n_periods(self) -> int:
        """T."""
        return int(self.demand.shape[2])

    @property
    def asked(self) -> Float[np.ndarray, " G"]:
        """Units of each product asked over all periods, with what waits at the start."""
        return np.asarray(self.demand.sum(axis=(1, 2)) + self.waiting.sum(axis=1))

    def of_products(self, field: str) -> Float[np.ndarray, " G"]:
        """Return one number of each product."""
        return np.array([getattr(product, field) for product in self.products], dtype=np.float64)


def path_data(
    instance: Instance,
    terms: NetworkTerms,
    hindsight: Hindsight,
    path: int,
    chosen: Int[np.ndarray, " G"],
) -> PathData:
    """Cut one path and the ``chosen`` products out of everything."""
    lanes, periods = terms.lanes, hindsight.periods
    lane = np.flatnonzero(np.isin(lanes.product, chosen))
    product, column = lanes.product[lane], lanes.column[lane]
    member, destination = np.searchsorted(chosen, product), lanes.destination[lane]
    is_open = lanes.takes_orders(lane, hindsight.first_period, periods)
    if hindsight.lane_open is not None:
        is_open = is_open * _at(hindsight.lane_open, path, product, column)
    lead_times: tuple[tuple[Int[np.ndarray, " T"], ...], ...]
    if hindsight.lead_time is None:
        possible = (lanes.lead_times[n] for n in lane)
        lead_times = tuple(tuple(np.full(periods, time) for time in each) for each in possible)
    else:
        drawn = _at(hindsight.lead_time, path, product, column).astype(np.int64)
        lead_times = tuple((times,) for times in drawn)

    every = (hindsight.paths, len(instance.products))
    places, points = (*every, terms.storage.size), (*every, hindsight.demand.shape[3])
    position = np.broadcast_to(hindsight.initial_stock, places)[path][chosen].astype(np.float64)
    arrivals = np.zeros((*position.shape, periods))
    arrivals[:, :, 0] = position
    late = np.zeros_like(position)
    if hindsight.pipeline is not None:
        due = _at(hindsight.pipeline, path, product, column).T
        for period, units in enumerate(due):
            np.add.at(position, (member, destination), units)
            into = arrivals[:, :, period] if period < periods else late
            np.add.at(into, (member, destination), units)
    return PathData(
        products=tuple(instance.products[n] for n in chosen),
        rows=chosen,
        lane=lane,
        member=member,
        origin=lanes.origin[lane],
        destination=destination,
        is_open=is_open,
        lead_times=lead_times,
        demand=np.moveaxis(hindsight.demand[path][:, chosen], 0, -1),
        waiting=np.broadcast_to(hindsight.backlog, points)[path][chosen],
        arrivals=arrivals,
        position=position,
        late=late,
    )


def _at(
    values: Float[np.ndarray, "#B X #P E"] | Int[np.ndarray, "#B X #P E"],
    path: int,
    product: Int[np.ndarray, " N"],
    column: Int[np.ndarray, " N"],
) -> Float[np.ndarray, "N X"]:
    """Return one path's values on each lane, where axes B and P may have length 1."""
    chosen = values[min(path, len(values) - 1)]
    rows = product if chosen.shape[1] > 1 else np.zeros_like(product)
    return np.asarray(chosen[:, rows, column].T, dtype=np.float64)
