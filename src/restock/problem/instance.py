"""The whole of what is given: products, locations, lanes, regions; checked, written and read."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from restock.errors import InputError, InstanceError, did_you_mean, require
from restock.problem.checking import (
    check_lanes,
    check_smallest_orders,
    check_stock_terms,
    check_substitutes,
    refuse_repeated,
)
from restock.problem.lane import Lane
from restock.problem.location import Location
from restock.problem.product import Product
from restock.problem.region import Region, Shipping
from restock.problem.rules import must_be_limit
from restock.problem.stock_terms import StockTerms
from restock.problem.substitute import Substitute
from restock.problem.supply import check_flow, check_service
from restock.problem.tree import from_tree, to_tree

__all__ = ["Instance"]

RATIONING = ("proportional", "least_cover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A shop's supply problem.

    ``products`` fix the order of the product axis P everywhere. ``locations`` name the places,
    ``lanes`` who supplies whom: from outside suppliers through any network without circles.
    ``period`` is the length of a period in words.

    Where ``regions`` are given they demand, and ``shipping`` says which locations serve them;
    otherwise each location that holds stock has customers of its own. ``stock_terms`` are costs
    that differ from the product's at a location, ``substitutes`` what customers take instead.
    ``budget_per_period`` is the most money (product and lane ``unit_cost``) that orders from
    outside may cost per period. ``rationing`` shares out what a location lacks: in proportion to
    the orders, or first to those with the least cover.

    Raises :class:`InstanceError` naming the product, the lane, region or location, the value and
    the mend: for ids, lanes or terms given twice, a lane to an unknown place or product, a product
    that nothing supplies, goods that go round in a circle or are sent on from where they never
    come, a region that nothing serves, and a smallest order that can never be placed.
    """

    name: str
    products: tuple[Product, ...]
    locations: tuple[Location, ...]
    lanes: tuple[Lane, ...]
    period: str = "trading day"
    regions: tuple[Region, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    stock_terms: tuple[StockTerms, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    budget_per_period: float = math.inf
    rationing: Literal["proportional", "least_cover"] = "proportional"

    def __post_init__(self) -> None:
        """Check that all parts fit together and everything sold can be ordered."""
        require(
            len(self.products) > 0,
            InstanceError,
            f"instance '{self.name}' has no products; it needs at least one.",
        )
        products = {product.id: product for product in self.products}
        places = {place.id: place for place in self.locations}
        regions = {region.id for region in self.regions}
        refuse_repeated("product", (product.id for product in self.products))
        refuse_repeated("location", (place.id for place in self.locations))
        refuse_repeated("region", (region.id for region in self.regions))
        no_budget = "Leave it out where money is no limit."
        owner = f"for instance '{self.name}'"
        must_be_limit(self.budget_per_period, "budget_per_period", owner, no_budget)
        require(
            self.rationing in RATIONING,
            InstanceError,
            f"`rationing` must be one of {', '.join(RATIONING)}; got '{self.rationing}' {owner}."
            f"{did_you_mean(self.rationing, RATIONING)}",
        )
        check_lanes(products, places, self.lanes)
        check_flow(products, places, self.lanes)
        check_smallest_orders(products, places, self.lanes, self.budget_per_period)
        check_service(places, self.lanes, self.regions, self.shipping)
        check_stock_terms(products, places, self.stock_terms, regions)
        check_substitutes(products, self.substitutes)

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
            _divisible(
                product,
                supplier,
                name,
                lead_time_periods[product.id]
                if isinstance(lead_time_periods, dict)
                else lead_time_periods,
            )
            for product in products
        )
        places = (Location(id=supplier, holds_stock=False), Location(id=name))
        return cls(name=name, products=products, locations=places, lanes=lanes)

    @classmethod
    def serial(
        cls,
        product: Product,
        lead_times: Sequence[int],
        holding_costs: Sequence[float],
        *,
        name: str = "serial",
    ) -> "Instance":
        """Build the serial system of Clark & Scarf (1960) for one divisible product.

        Stages come from the outside supplier downwards, ``stage 1`` next to it; the last one
        sells, so a scenario asks nothing of the others. ``lead_times`` are the periods from the
        stage before to each stage, ``holding_costs`` money per unit and period on hand there
        (local, not echelon).

        >>> chain = Instance.serial(Product(id="A", shortage_cost=37.12), (2, 1, 1), (2, 4, 7))
        >>> [(lane.origin, lane.destination) for lane in chain.lanes]
        [('supplier', 'stage 1'), ('stage 1', 'stage 2'), ('stage 2', 'stage 3')]
        """
        require(
            len(lead_times) == len(holding_costs) > 0,
            InstanceError,
            f"`lead_times` and `holding_costs` must be as many, and not none; got {len(lead_times)}"
            f" and {len(holding_costs)} for product '{product.id}'. Give one of each per stage.",
        )
        stages = [f"stage {n}" for n in range(1, len(lead_times) + 1)]
        origins = ["supplier", *stages[:-1]]
        hops = zip(origins, stages, lead_times, strict=True)
        return cls(
            name=name,
            products=(product,),
            locations=_one_supplier_and(stages),
            lanes=tuple(_divisible(product, *hop) for hop in hops),
            stock_terms=tuple(
                StockTerms(product_id=product.id, location=stage, holding_cost=cost)
                for stage, cost in zip(stages, holding_costs, strict=True)
            ),
        )

    @classmethod
    def warehouse_and_stores(
        cls,
        product: Product,
        warehouse_lead_time: int,
        store_lead_times: Mapping[str, int],
        *,
        stock_terms: Iterable[StockTerms] = (),
        name: str = "stores",
    ) -> "Instance":
        """Build one warehouse that supplies many stores with one divisible product.

        ``warehouse_lead_time`` is counted from the outside supplier, ``store_lead_times`` (by
        store id) from the warehouse, both in periods. ``stock_terms`` are costs that differ from
        the product's at ``warehouse`` or a store; the warehouse itself sells nothing.

        >>> two = Instance.warehouse_and_stores(Product(id="A"), 3, {"north": 1, "south": 2})
        >>> [(lane.destination, lane.lead_time_periods) for lane in two.lanes]
        [('warehouse', 3), ('north', 1), ('south', 2)]
        """
        hops = [("supplier", "warehouse", warehouse_lead_time)]
        hops += [("warehouse", store, periods) for store, periods in store_lead_times.items()]
        return cls(
            name=name,
            products=(product,),
            locations=_one_supplier_and(["warehouse", *store_lead_times]),
            lanes=tuple(_divisible(product, *hop) for hop in hops),
            stock_terms=tuple(stock_terms),
        )

    def write(self, path: Path) -> None:
        """Write the instance as JSON, whole or not at all; infinity, no limit, becomes null.

        Each product, lane and so on is a line of its own.
        """
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

        def lines(value: object) -> str:
            rows = isinstance(value, list) and ",\n  ".join(map(encode, value))
            return f"[\n  {rows}\n ]" if rows else encode(value)

        entries = (f' "{name}": {lines(value)}' for name, value in to_tree(self).items())
        part = path.with_suffix(".part")
        part.write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Instance":
        """Read what :meth:`write` wrote; a field that is not in the file has its default.

        Raises :class:`InputError` when the file is missing, is not JSON, or holds a field that is
        unknown or no number, text or list where there should be one.
        """
        try:
            return from_tree(cls, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"instance file {path} cannot be read: {error!r}. An instance file is the JSON"
                " that `Instance.write` makes; write it again."
            ) from error


def _one_supplier_and(stocking: Iterable[str]) -> tuple[Location, ...]:
    outside = Location(id="supplier", holds_stock=False)
    return (outside, *(Location(id=place) for place in stocking))


def _divisible(product: Product, origin: str, destination: str, lead_time_periods: int) -> Lane:
    return Lane(
        product_id=product.id,
        origin=origin,
        destination=destination,
        lead_time_periods=lead_time_periods,
        case_pack_units=0,
    )
