"""Parts of an instance as the dictionaries and lists of JSON, and back without loss."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from restock.problem.lane import Lane
from restock.problem.lead_time import LeadTimeDistribution
from restock.problem.location import Location
from restock.problem.outage import Outage
from restock.problem.prices import PriceRules
from restock.problem.product import Product
from restock.problem.region import Region, Shipping
from restock.problem.stock_terms import StockTerms
from restock.problem.substitute import Substitute

__all__ = ["from_tree", "to_tree"]

PARTS: dict[str, type] = {
    "products": Product,
    "price_rules": PriceRules,
    "locations": Location,
    "lanes": Lane,
    "lead_time_distribution": LeadTimeDistribution,
    "outage": Outage,
    "regions": Region,
    "shipping": Shipping,
    "stock_terms": StockTerms,
    "substitutes": Substitute,
}
"""What the dictionary, or each dictionary in the list, of a field stands for."""

PLAIN = (str, bool)
"""Types that are checked here; numbers are checked by the class that they are passed to."""

Part = TypeVar("Part")


def to_tree(value: object) -> Any:  # noqa: ANN401 - JSON is a dictionary, list, text, number or null
    """Return dataclasses as dictionaries and tuples as lists; infinity, no limit, becomes null.

    >>> to_tree(Region(id="north"))
    {'id': 'north', 'name': '', 'promise_periods': None}
    """
    if is_dataclass(value):
        return {field.name: to_tree(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_tree(each) for each in value]
    return None if value == math.inf else value


def from_tree(kind: type[Part], tree: object) -> Part:
    """Return the ``kind`` that :func:`to_tree` made ``tree`` of; what is missing has its default.

    Raises :class:`TypeError` or :class:`ValueError` for what is no such tree, and what ``kind``
    raises for numbers that it refuses.

    >>> from_tree(Region, {"id": "north", "promise_periods": None}).promise_periods
    inf
    """
    if not isinstance(tree, Mapping):
        raise TypeError(f"{kind.__name__} must be a JSON object; got {tree!r}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in tree.items():
        if name not in known:
            raise ValueError(f"{kind.__name__} has no field '{name}'")
        expected = known[name].type
        if expected in PLAIN and not isinstance(value, expected):
            raise ValueError(f"'{name}' of {kind.__name__} cannot be {value!r}")
        values[name] = _value(name, value, known[name].default)
    return kind(**values)


def _value(name: str, value: object, default: object) -> object:
    match value:
        case None if default is None or default == math.inf:
            return default
        case None:
            raise ValueError(f"'{name}' cannot be null")
        case list() if name in PARTS:
            return tuple(from_tree(PARTS[name], each) for each in value)
        case list():
            return tuple(value)
        case dict() if name in PARTS:
            return from_tree(PARTS[name], value)
    return value
