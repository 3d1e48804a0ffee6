"""Who supplies whom, as index maps between lanes and locations."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import InstanceError, require
from restock.problem import Instance, Lane
from restock.shapes import LaneValues, StockValues
from restock.simulation.grouping import FixedGroups

__all__ = ["OUTSIDE", "SUPPLIERS", "Network", "Tier", "network_of"]

OUTSIDE = -1
"""The origin of a lane that begins at an outside supplier, which never runs out."""

SUPPLIERS = "suppliers"
"""The name of a lane from outside that stands for several suppliers, one of each product."""


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """Lanes that ship at the same moment: ``start`` (included) to ``stop`` (excluded).

    ``sources`` groups them by the location that they leave; ``None`` for the lanes from outside.
    ``reaches`` ``[E', L]`` is 1 where a lane ends.
    """

    start: int
    stop: int
    sources: FixedGroups | None = field(repr=False)
    reaches: Float[Tensor, "E L"] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The locations that hold stock (axis L), the lanes between them (axis E), and the tiers.

    ``regions`` (axis R) are the places whose demand is allocated; where there are none, each
    location has customers of its own.

    ``lanes`` are (origin, destination) names; ``origin`` and ``destination`` their places on the
    axis L, ``OUTSIDE`` for a supplier. A product that does not use a lane has capacity 0 on it.
    Where there is one location and no product has a choice, its suppliers are one lane, called
    ``SUPPLIERS`` if they are several; ``columns`` tells the lane of each (origin, destination).
    Tiers are in the order in which they ship: first what comes from outside, then what is sent on,
    a tier later for each lane with lead time 0 that has to deliver before.
    """

    locations: tuple[str, ...]
    regions: tuple[str, ...]
    lanes: tuple[tuple[str, str], ...]
    origin: tuple[int, ...]
    destination: tuple[int, ...]
    columns: Mapping[tuple[str, str], int] = field(repr=False)
    tiers: tuple[Tier, ...] = field(repr=False)
    inflow: Float[Tensor, "E L"] | None = field(repr=False)
    downstream: Float[Tensor, "#P L L"] = field(repr=False)

    @property
    def is_direct(self) -> bool:
        """Whether every location is supplied from outside by one lane of its own."""
        return self.inflow is None and len(self.tiers) == 1

    @property
    def has_regions(self) -> bool:
        """Whether demand comes from regions rather than to a location."""
        return len(self.regions) > 0

    def into(self, values: LaneValues) -> StockValues:
        """Sum lane values ``[B, P, E]`` at the lanes' destinations, ``[B, P, L]``."""
        return values if self.inflow is None else values @ self.inflow

    def at_destination(self, values: StockValues) -> LaneValues:
        """Read location values ``[B, P, L]`` at each lane's destination, ``[B, P, E]``."""
        if self.inflow is None:
            return values
        if len(self.locations) == 1:
            return values.expand(*values.shape[:-1], len(self.lanes))
        return values.index_select(-1, torch.tensor(self.destination))

    def echelon(self, values: StockValues) -> StockValues:
        """Sum location values over each location and all that it supplies, ``[B, P, L]``.

        A product counts only the locations that are supplied with this product.
        """
        if len(self.downstream) == 1:
            return values @ self.downstream[0].T
        return (values.unsqueeze(-2) @ self.downstream.mT).squeeze(-2)


def network_of(instance: Instance, dtype: torch.dtype) -> Network:
    """Return the network of an instance; lanes are in the order tier, destination, origin.

    Raises :class:`InstanceError` when lanes with lead time 0 go round in a circle.
    """
    places = [place.id for place in instance.locations if place.holds_stock]
    index = {place: n for n, place in enumerate(places)}
    names = _lane_names(instance, index)
    depth = _depths(instance.lanes, places)

    def key(pair: tuple[str, str]) -> tuple[int, int, int, str]:
        origin = index.get(pair[0], OUTSIDE)
        tier = 0 if origin == OUTSIDE else 1 + depth[pair[0]]
        return tier, index[pair[1]], origin, pair[0]

    lanes = tuple(sorted(set(names.values()), key=key))
    origin = tuple(index.get(pair[0], OUTSIDE) for pair in lanes)
    destination = tuple(index[pair[1]] for pair in lanes)
    straight = destination == tuple(range(len(places)))
    levels = [key(pair)[0] for pair in lanes]

    def tier(level: int) -> Tier:
        start, stop = levels.index(level), len(levels) - levels[::-1].index(level)
        reaches = _one_hot(destination[start:stop], len(places), dtype)
        if level == 0:
            return Tier(start, stop, None, reaches)
        sources = FixedGroups.of(torch.tensor(origin[start:stop]), len(places), dtype)
        return Tier(start, stop, sources, reaches)

    return Network(
        locations=tuple(places),
        regions=tuple(region.id for region in instance.regions),
        lanes=lanes,
        origin=origin,
        destination=destination,
        columns={pair: lanes.index(name) for pair, name in names.items()},
        tiers=tuple(tier(level) for level in sorted(set(levels))),
        inflow=None if straight else _one_hot(destination, len(places), dtype),
        downstream=_downstream(instance, index, dtype),
    )


def _lane_names(
    instance: Instance, index: Mapping[str, int]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the lane of each (origin, destination), suppliers merged where nobody chooses.

    In a network suppliers keep their names; those that may fail stay apart, each with its luck.
    """
    pairs = {(lane.origin, lane.destination) for lane in instance.lanes}
    outside = Counter(
        (lane.product_id, lane.destination) for lane in instance.lanes if lane.origin not in index
    )
    chosen = {place for (_, place), count in outside.items() if count > 1}
    if len(index) > 1 or any(lane.outage is not None for lane in instance.lanes):
        chosen = {place for _, place in outside}
    suppliers: dict[str, set[str]] = {}
    for origin, destination in pairs:
        if origin not in index:
            suppliers.setdefault(destination, set()).add(origin)

    def name(origin: str, destination: str) -> tuple[str, str]:
        if origin in index or destination in chosen or len(suppliers[destination]) == 1:
            return origin, destination
        return SUPPLIERS, destination

    return {pair: name(*pair) for pair in sorted(pairs)}


def _depths(lanes: Iterable[Lane], places: list[str]) -> dict[str, int]:
    """Return how many lanes with lead time 0 must deliver, one after the other, to each place."""
    at_once = {(lane.origin, lane.destination) for lane in lanes if _shortest_lead_time(lane) == 0}
    depth = dict.fromkeys(places, 0)
    for _ in range(len(places) + 1):
        deeper = dict(depth)
        for origin, destination in at_once:
            if origin in depth:
                deeper[destination] = max(deeper[destination], depth[origin] + 1)
        if deeper == depth:
            return depth
        depth = deeper
    circle = ", ".join(f"{a} → {b}" for a, b in sorted(at_once) if a in depth)
    require(
        False,
        InstanceError,
        f"lanes with `lead_time_periods` 0 go round in a circle over all products: {circle}."
        " Give one of them a lead time of 1.",
    )
    return depth


def _shortest_lead_time(lane: Lane) -> int:
    random = lane.lead_time_distribution
    return lane.lead_time_periods if random is None else min(random.periods)


def _one_hot(places: tuple[int, ...], n_places: int, dtype: torch.dtype) -> Tensor:
    return torch.eye(n_places, dtype=dtype)[list(places)]


def _downstream(
    instance: Instance, index: dict[str, int], dtype: torch.dtype
) -> Float[Tensor, "#P L L"]:
    """Return 1 where the second location is the first or is supplied through it.

    Where all products use the same lanes, once for all of them.
    """
    pairs: dict[str, set[tuple[int, int]]] = {product.id: set() for product in instance.products}
    for lane in instance.lanes:
        if lane.origin in index:
            pairs[lane.product_id].add((index[lane.origin], index[lane.destination]))
    graphs = [frozenset(between) for between in pairs.values()]
    distinct = {graph: n for n, graph in enumerate(dict.fromkeys(graphs))}
    reach = torch.stack([_reach(graph, len(index), dtype) for graph in distinct])
    return reach if len(distinct) == 1 else reach[[distinct[graph] for graph in graphs]]


def _reach(
    pairs: frozenset[tuple[int, int]], n_places: int, dtype: torch.dtype
) -> Float[Tensor, "L L"]:
    reach = torch.eye(n_places, dtype=dtype)
    for _ in range(n_places):
        before = reach.clone()
        for start, stop in pairs:
            reach[start] = torch.maximum(reach[start], reach[stop])
        if torch.equal(before, reach):
            break
    return reach
