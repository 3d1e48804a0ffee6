"""The tables that a company hands over: their columns, units, keys and rules.

One dataframely schema per table states what a good row is; :data:`TABLES` adds what a schema
cannot say: which columns may be left out and which dates may not lie in the future. Readers,
templates and the quality report are all derived from here.

=================  ===============================================================
table              one row is
=================  ===============================================================
products           a product that is sold
locations          a place that holds stock
lanes              a supplier's terms for a product
sales              what was sold of a product on a day
stock              what was left of a product at the end of a day
purchase_orders    an order to a supplier that has not arrived yet
orders             a line of a customer's order
calendar           a day, open or closed
prices             a price that holds from a day until the product's next row
feedback           a customer's rating of a product
=================  ===============================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import dataframely as dy
import polars as pl

__all__ = [
    "TABLES",
    "Calendar",
    "Feedback",
    "Lanes",
    "Locations",
    "Orders",
    "Prices",
    "Products",
    "PurchaseOrders",
    "Sales",
    "Stock",
    "Table",
]

# Two-digit years and slipped digits end up in antiquity; they must not pass as dates.
EARLIEST = date(1970, 1, 1)


class Products(dy.Schema):
    """Products that are sold; money per unit."""

    product_id = dy.String(primary_key=True, min_length=1)
    name = dy.String()
    category = dy.String()
    list_price = dy.Float64(nullable=True, min_exclusive=0)
    unit_cost = dy.Float64(nullable=True, min=0)


class Locations(dy.Schema):
    """Places that hold stock."""

    location_id = dy.String(primary_key=True, min_length=1)
    name = dy.String()


class Lanes(dy.Schema):
    """Suppliers' terms: lead time in trading days, quantities in units, money per order."""

    product_id = dy.String(primary_key=True, min_length=1)
    supplier_id = dy.String(primary_key=True, min_length=1)
    lead_time_days = dy.Int64(min=0)
    minimum_units = dy.Int64(min=0)
    case_pack_units = dy.Int64(min=1)
    fixed_order_cost = dy.Float64(min=0)


class Sales(dy.Schema):
    """Units sold and taken back on a day, and the money that the sale brought."""

    date = dy.Date(primary_key=True, min=EARLIEST)
    product_id = dy.String(primary_key=True, min_length=1)
    units = dy.Float64(min=0)
    revenue = dy.Float64(nullable=True, min=0)
    returned_units = dy.Float64(min=0)


class Stock(dy.Schema):
    """Units on hand at the end of a day."""

    date = dy.Date(primary_key=True, min=EARLIEST)
    product_id = dy.String(primary_key=True, min_length=1)
    on_hand_units = dy.Float64(min=0)


class PurchaseOrders(dy.Schema):
    """Orders to suppliers that are still open."""

    product_id = dy.String(min_length=1)
    supplier_id = dy.String(min_length=1)
    ordered_on = dy.Date(min=EARLIEST)
    expected_on = dy.Date(min=EARLIEST)
    units = dy.Float64(min_exclusive=0)

    @dy.rule()
    def expected_on_not_before_ordered_on(cls) -> pl.Expr:  # noqa: N805
        """Goods cannot arrive before they are ordered."""
        return pl.col("expected_on") >= pl.col("ordered_on")


class Orders(dy.Schema):
    """Lines of customers' orders; money per unit."""

    order_id = dy.String(min_length=1)
    ordered_at = dy.Datetime(min=datetime(1970, 1, 1))  # noqa: DTZ001 — shop time, as recorded
    product_id = dy.String(min_length=1)
    units = dy.Float64(min_exclusive=0)
    unit_price = dy.Float64(min=0)
    customer_id = dy.String(nullable=True)
    region = dy.String(nullable=True)


class Calendar(dy.Schema):
    """Days on which the shop took orders, and what was special about a day."""

    date = dy.Date(primary_key=True, min=EARLIEST)
    is_open = dy.Bool()
    event = dy.String(nullable=True)


class Prices(dy.Schema):
    """List prices (money per unit); a row holds until the product's next row."""

    date = dy.Date(primary_key=True, min=EARLIEST)
    product_id = dy.String(primary_key=True, min_length=1)
    list_price = dy.Float64(min_exclusive=0)
    promoted = dy.Bool()


class Feedback(dy.Schema):
    """Ratings from 1 (worst) to 5 (best), with the customer's words."""

    date = dy.Date(min=EARLIEST)
    product_id = dy.String(min_length=1)
    rating = dy.Float64(min=1, max=5)
    text = dy.String(nullable=True)


@dataclass(frozen=True)
class Table:
    """A table's schema, and what a schema cannot say.

    ``defaults`` are the values of columns that may be left out (or left empty); every nullable
    column may be left out too. ``past`` names the columns whose dates may not lie after today.

    >>> TABLES["lanes"].required
    ('product_id', 'supplier_id', 'lead_time_days')
    """

    schema: type[dy.Schema]
    defaults: Mapping[str, object] = field(default_factory=dict)
    past: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, in order."""
        return tuple(self.schema.column_names())

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        columns = self.schema.columns()
        return tuple(
            name
            for name, column in columns.items()
            if not column.nullable and name not in self.defaults
        )

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that together may take each value once; none where lines may repeat."""
        return tuple(self.schema.primary_key())

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows, with every column in its type."""
        return pl.DataFrame(schema=self.types())

    def types(self) -> dict[str, pl.DataType]:
        """Return the type of each column."""
        return {name: column.dtype for name, column in self.schema.columns().items()}


TABLES: Mapping[str, Table] = {
    "products": Table(Products, defaults={"name": "", "category": ""}),
    "locations": Table(Locations, defaults={"name": ""}),
    "lanes": Table(
        Lanes, defaults={"minimum_units": 0, "case_pack_units": 1, "fixed_order_cost": 0.0}
    ),
    "sales": Table(Sales, defaults={"returned_units": 0.0}, past=("date",)),
    "stock": Table(Stock, past=("date",)),
    "purchase_orders": Table(PurchaseOrders, past=("ordered_on",)),
    "orders": Table(Orders, past=("ordered_at",)),
    "calendar": Table(Calendar),
    "prices": Table(Prices, defaults={"promoted": False}),
    "feedback": Table(Feedback, past=("date",)),
}
