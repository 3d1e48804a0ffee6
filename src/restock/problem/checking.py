"""Whether the parts of an instance fit together: names, terms, substitutes and smallest orders.

Each check looks at every row once, so that an instance of a hundred thousand products is checked
in about a second; messages are put together only when they are needed.
"""

import math
from collections.abc import Collection, Iterable, Mapping

from restock.errors import InstanceError, did_you_mean
from restock.problem.lane import Lane
from restock.problem.location import Location
from restock.problem.product import Product
from restock.problem.rules import first_repeated
from restock.problem.stock_terms import StockTerms
from restock.problem.substitute import Substitute

__all__ = [
    "check_lanes",
    "check_smallest_orders",
    "check_stock_terms",
    "check_substitutes",
    "refuse_repeated",
]

TOLERANCE = 1e-9
"""How far above 1 accepted shares may sum; rounding alone moves a sum by less."""


def refuse_repeated(kind: str, ids: Iterable[str]) -> None:
    """Raise :class:`InstanceError` when an id comes twice; ``kind`` says of what.

    >>> refuse_repeated("region", ["north", "north"])
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: region 'north' is given more than once. Keep one of them.
    """
    repeated = first_repeated(ids)
    if repeated is not None:
        raise InstanceError(f"{kind} '{repeated}' is given more than once. Keep one of them.")


def check_lanes(
    products: Collection[str], places: Mapping[str, Location], lanes: Iterable[Lane]
) -> None:
    """Raise :class:`InstanceError` for a lane of an unknown product, to nowhere, or given twice.

    ``products`` are ids, best in a set or dictionary; ``places`` are locations by id.
    """
    seen: set[tuple[str, str, str]] = set()
    for lane in lanes:
        where = f"lane {lane.origin} → {lane.destination}"
        if lane.product_id not in products:
            raise InstanceError(
                f"{where} carries product '{lane.product_id}', which is not among the products."
                " Add the product or remove the lane."
            )
        for end in (lane.origin, lane.destination):
            if end not in places:
                raise InstanceError(
                    f"{where} of product '{lane.product_id}' names location '{end}', which is not"
                    " among the locations. Add the location or correct the lane."
                    f"{did_you_mean(end, places)}"
                )
        if not places[lane.destination].holds_stock:
            raise InstanceError(
                f"{where} of product '{lane.product_id}' ends at '{lane.destination}', which holds"
                " no stock. Let it end at a warehouse."
            )
        key = (lane.product_id, lane.origin, lane.destination)
        if key in seen:
            raise InstanceError(
                f"{where} of product '{lane.product_id}' is given more than once. Keep one of"
                " them, or name a second supplier."
            )
        seen.add(key)


def check_smallest_orders(
    products: Mapping[str, Product],
    places: Mapping[str, Location],
    lanes: Iterable[Lane],
    budget_per_period: float,
) -> None:
    """Raise :class:`InstanceError` for a lane whose smallest order can never be placed.

    It must fit into what may enter the destination per period, into the destination's storage and,
    from an outside supplier, into the budget.
    """
    limits = [place.storage_capacity for place in places.values()]
    limits += [place.inbound_capacity_units for place in places.values()]
    if all(limit == math.inf for limit in [*limits, budget_per_period]):
        return
    for lane in lanes:
        product, place = products[lane.product_id], places[lane.destination]
        units = lane.smallest_order_units
        uses = {
            "`inbound_capacity_units` of the destination": (units, place.inbound_capacity_units),
            "`storage_capacity` of the destination": (
                units * product.volume,
                place.storage_capacity,
            ),
        }
        if not places[lane.origin].holds_stock:
            money = units * (product.unit_cost + lane.unit_cost)
            uses["`budget_per_period`"] = (money, budget_per_period)
        for limit, (needed, allowed) in uses.items():
            if needed > allowed:
                raise InstanceError(
                    f"{limit} must admit the smallest order of {units} units, which needs"
                    f" {needed:.10g}; got {allowed} {lane.in_words}."
                    " Raise the limit or lower minimum and case pack."
                )


def check_stock_terms(
    products: Collection[str],
    places: Mapping[str, Location],
    stock_terms: Iterable[StockTerms],
    regions: Collection[str],
) -> None:
    """Raise :class:`InstanceError` for terms of unknown things, given twice, or never charged.

    Where ``regions`` demand, shortage arises in regions and a location's shortage cost would never
    be charged.
    """
    seen: set[tuple[str, str]] = set()
    for terms in stock_terms:
        owner = f"for product '{terms.product_id}' at location '{terms.location}'"
        if terms.product_id not in products:
            raise InstanceError(
                f"stock terms {owner} name a product which is not among the products."
                " Add the product or remove the row."
            )
        if terms.location not in places or not places[terms.location].holds_stock:
            holding = [place.id for place in places.values() if place.holds_stock]
            raise InstanceError(
                f"stock terms {owner} name a location which is not among those that hold stock."
                f" Add it or correct the row.{did_you_mean(terms.location, holding)}"
            )
        if (terms.product_id, terms.location) in seen:
            raise InstanceError(f"stock terms {owner} are given more than once. Keep one of them.")
        seen.add((terms.product_id, terms.location))
        if regions and terms.shortage_cost is not None:
            raise InstanceError(
                f"`shortage_cost` must be left out of stock terms where regions demand; got"
                f" {terms.shortage_cost} {owner}. Shortage arises in regions: give the cost to the"
                " product."
            )


def check_substitutes(products: Collection[str], substitutes: Iterable[Substitute]) -> None:
    """Raise :class:`InstanceError` for unknown products, rows given twice, or shares above 1."""
    accepted: dict[str, float] = {}
    seen: set[tuple[str, str]] = set()
    for row in substitutes:
        owner = f"substitute '{row.substitute_id}' of product '{row.product_id}'"
        for end in (row.product_id, row.substitute_id):
            if end not in products:
                raise InstanceError(
                    f"{owner} names product '{end}', which is not among the products."
                    " Add the product or remove the row."
                )
        if (row.product_id, row.substitute_id) in seen:
            raise InstanceError(f"{owner} is given more than once. Keep one of them.")
        seen.add((row.product_id, row.substitute_id))
        accepted[row.product_id] = accepted.get(row.product_id, 0.0) + row.accepted_share
        if accepted[row.product_id] > 1 + TOLERANCE:
            raise InstanceError(
                f"`accepted_share` of all substitutes of product '{row.product_id}' must sum to at"
                f" most 1; got {accepted[row.product_id]:.10g} with {owner}."
                " Lower the shares: nobody takes two for one."
            )
