"""The whole of what is given: products, locations, lanes; checked, written and read."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from restock.errors import InputError, InstanceError, require
from restock.problem.lane import Lane
from restock.problem.location import Location
from restock.problem.product import Product

__all__ = ["Instance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A shop's supply problem.

    ``products`` fix the order of the product axis P everywhere. ``locations`` name the places,
    ``lanes`` who supplies whom. ``period`` is the length of a period in words.

    Raises :class:`InstanceError` for duplicated ids, a lane to an unknown place or product, or a
    product that nothing supplies.
    """

    name: str
    products: tuple[Product, ...]
    locations: tuple[Location, ...]
    lanes: tuple[Lane, ...]
    period: str = "trading day"

    def __post_init__(self) -> None:
        """Check that everything named exists and everything sold can be ordered."""
        require(
            len(self.products) > 0,
            InstanceError,
            f"instance '{self.name}' has no products; it needs at least one.",
        )
        _refuse_repeated("product", (product.id for product in self.products))
        _refuse_repeated("location", (location.id for location in self.locations))
        products = {product.id for product in self.products}
        places = {location.id: location for location in self.locations}
        for lane in self.lanes:
            where = f"lane {lane.origin} → {lane.destination}"
            require(
                lane.product_id in products,
                InstanceError,
                f"{where} carries product '{lane.product_id}', which is not among the products."
                " Add the product or remove the lane.",
            )
            for end in (lane.origin, lane.destination):
                require(
                    end in places,
                    InstanceError,
                    f"{where} of product '{lane.product_id}' names location '{end}', which is not"
                    " among the locations. Add the location or correct the lane.",
                )
            require(
                places[lane.destination].holds_stock,
                InstanceError,
                f"{where} of product '{lane.product_id}' ends at '{lane.destination}', which holds"
                " no stock. Let it end at a warehouse.",
            )
        unsupplied = products - {lane.product_id for lane in self.lanes}
        require(
            not unsupplied,
            InstanceError,
            f"no lane supplies product '{min(unsupplied, default='')}'. Add a lane for it.",
        )

    @classmethod
    def single_location(
        cls,
        products: Iterable[Product],
        lead_time_periods: int | dict[str, int],
        *,
        name: str = "shop",
        supplier: str = "supplier",
    ) -> "Instance":
        """Build the textbook instance: one warehouse, one supplier, divisible goods.

        ``lead_time_periods`` is one number for all products, or one per product id.

        >>> shop = Instance.single_location([Product(id="A", shortage_cost=4)], 2)
        >>> shop.lanes[0].lead_time_periods
        2
        """
        products = tuple(products)
        lanes = tuple(
            Lane(
                product_id=product.id,
                origin=supplier,
                destination=name,
                lead_time_periods=lead_time_periods[product.id]
                if isinstance(lead_time_periods, dict)
                else lead_time_periods,
                case_pack_units=0,
            )
            for product in products
        )
        places = (Location(id=supplier, holds_stock=False), Location(id=name))
        return cls(name=name, products=products, locations=places, lanes=lanes)

    def write(self, path: Path) -> None:
        """Write the instance as JSON, whole or not at all; infinite capacity becomes null."""
        tree = asdict(self)
        for lane in tree["lanes"]:
            if lane["capacity_units"] == math.inf:
                lane["capacity_units"] = None
        part = path.with_suffix(".part")
        part.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Instance":
        """Read what :meth:`write` wrote.

        Raises :class:`InputError` when the file is missing, is not JSON or lacks a field.
        """
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            lanes = [
                Lane(**{**lane, "capacity_units": math.inf if capacity is None else capacity})
                for lane in tree["lanes"]
                for capacity in [lane["capacity_units"]]
            ]
            return cls(
                name=tree["name"],
                period=tree["period"],
                products=tuple(Product(**product) for product in tree["products"]),
                locations=tuple(Location(**location) for location in tree["locations"]),
                lanes=tuple(lanes),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"instance file {path} cannot be read: {error!r}. An instance file is the JSON"
                " that `Instance.write` makes; write it again."
            ) from error


def _refuse_repeated(kind: str, ids: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    require(
        not repeated,
        InstanceError,
        f"{kind} '{repeated[0] if repeated else ''}' is given more than once. Keep one of them.",
    )
