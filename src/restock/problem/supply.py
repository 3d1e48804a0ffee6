"""Whether goods can flow: no circles, nothing sent on that never comes, every region served."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from restock.errors import InstanceError, did_you_mean
from restock.problem.lane import Lane
from restock.problem.location import Location
from restock.problem.region import Region, Shipping

__all__ = ["check_flow", "check_service"]

Pairs = frozenset[tuple[str, str]]


def check_flow(
    products: Iterable[str], places: Mapping[str, Location], lanes: Iterable[Lane]
) -> None:
    """Raise :class:`InstanceError` unless each product flows from outside, and never in a circle.

    ``products`` are ids, ``places`` locations by id. A lane that leaves a place which holds stock
    needs a lane of the same product into that place.
    """
    supplied: dict[str, set[str]] = {product: set() for product in products}
    sent_on: dict[str, list[tuple[str, str]]] = {}
    for lane in lanes:
        supplied[lane.product_id].add(lane.destination)
        if places[lane.origin].holds_stock:
            pair = (lane.origin, lane.destination)
            sent_on.setdefault(lane.product_id, []).append(pair)
    for product, destinations in supplied.items():
        if not destinations:
            raise InstanceError(f"no lane supplies product '{product}'. Add a lane for it.")
    acyclic: set[Pairs] = set()  # most products share one network
    for product, pairs in sent_on.items():
        network = frozenset(pairs)
        if network not in acyclic:
            _refuse_circle(product, network)
            acyclic.add(network)
        for origin, destination in pairs:
            if origin not in supplied[product]:
                raise InstanceError(
                    f"lane {origin} → {destination} carries product '{product}' from '{origin}',"
                    " which nothing supplies with it. Add a lane that does, or remove this one."
                )


def check_service(
    places: Mapping[str, Location],
    lanes: Iterable[Lane],
    regions: Iterable[Region],
    shipping: Iterable[Shipping],
) -> None:
    """Raise :class:`InstanceError` unless every region can be sent every product.

    Shipping to unknown regions, from unknown places or outside suppliers, or given twice is
    refused as well.
    """
    # sets of locations are bits of an integer: products × regions are tested one by one
    bit = {place: 1 << n for n, place in enumerate(places)}
    reach = {region.id: 0 for region in regions}
    for row in shipping:
        _check_ends(row, reach, places)
        if reach[row.region] & bit[row.location]:
            raise InstanceError(
                f"shipping from '{row.location}' to region '{row.region}' is given more than once."
                " Keep one of them."
            )
        reach[row.region] |= bit[row.location]
    for region, locations in reach.items():
        if not locations:
            raise InstanceError(
                f"region '{region}' is served by no location. Add a `Shipping` row to it or remove"
                " the region."
            )
    supplied: dict[str, int] = {}
    for lane in lanes if reach else ():
        supplied[lane.product_id] = supplied.get(lane.product_id, 0) | bit[lane.destination]
    served: set[int] = set()
    for product, locations in supplied.items():
        if locations in served:
            continue
        for region, reachable in reach.items():
            if not locations & reachable:
                names = ", ".join(place for place in places if bit[place] & reachable)
                raise InstanceError(
                    f"region '{region}' cannot be sent product '{product}': nothing supplies"
                    f" {names} with it. Add a lane or a `Shipping` row."
                )
        served.add(locations)


def _check_ends(row: Shipping, regions: Mapping[str, int], places: Mapping[str, Location]) -> None:
    owner = f"shipping from '{row.location}' to region '{row.region}'"
    if row.region not in regions:
        raise InstanceError(
            f"{owner} names a region which is not among the regions. Add the region or correct the"
            f" row.{did_you_mean(row.region, regions)}"
        )
    if row.location not in places:
        raise InstanceError(
            f"{owner} names a location which is not among the locations. Add the location or"
            f" correct the row.{did_you_mean(row.location, places)}"
        )
    if not places[row.location].holds_stock:
        raise InstanceError(
            f"{owner} starts at an outside supplier, which holds no stock. Ship from a warehouse."
        )


def _refuse_circle(product: str, network: Pairs) -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for origin, destination in sorted(network):
        sorter.add(destination, origin)
    try:
        sorter.prepare()
    except CycleError as error:
        around = error.args[1][:-1]
        first = around.index(min(around))
        circle = " → ".join([*around[first:], *around[: first + 1]])
        raise InstanceError(
            f"product '{product}' goes round in a circle: {circle}. Remove one of these lanes."
        ) from error
