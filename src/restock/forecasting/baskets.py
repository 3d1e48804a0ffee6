"""Which products were bought together: orders by products, as a sparse table of zeros and ones."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from restock.errors import InputError, require

__all__ = ["Baskets"]


@dataclass(frozen=True, eq=False)
class Baskets:
    """O orders by P products: ``bought[o, p]`` is 1 where the order holds the product.

    Orders are in the order of time, ``product_ids`` in the order of the instance.

    Raises :class:`InputError` when shapes disagree or an entry is not 1.

    >>> orders = pl.DataFrame({"order_id": ["1", "1", "2"], "product_id": ["tea", "pot", "tea"]})
    >>> Baskets.of(orders, ("pot", "tea")).bought.toarray().tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """

    product_ids: tuple[str, ...]
    bought: sparse.csr_array

    def __post_init__(self) -> None:
        """Check the table."""
        require(
            self.bought.shape[1] == len(self.product_ids),
            InputError,
            f"`bought` must have one column per product, {len(self.product_ids)}; got"
            f" {self.bought.shape[1]}.",
        )
        require(
            bool((self.bought.data == 1).all()),
            InputError,
            "`bought` must hold ones where an order has the product. Units have no part in it.",
        )

    @classmethod
    def of(cls, orders: pl.DataFrame, product_ids: tuple[str, ...]) -> "Baskets":
        """Read order lines with the columns ``order_id`` and ``product_id``.

        Orders come as they first appear, so sort lines by time before; a product that is named
        twice in an order counts once, lines of products not asked for are left out.
        """
        index = pl.DataFrame({"product_id": product_ids, "column": range(len(product_ids))})
        known = orders.select("order_id", "product_id").join(
            index, on="product_id", maintain_order="left"
        )
        lines = known.unique(maintain_order=True)
        names = lines["order_id"].unique(maintain_order=True)
        rows = lines["order_id"].replace_strict(
            names, pl.int_range(len(names), eager=True), return_dtype=pl.Int64
        )
        columns = lines["column"].to_numpy()
        shape = (len(names), len(product_ids))
        bought = sparse.csr_array((np.ones(len(rows)), (rows.to_numpy(), columns)), shape=shape)
        return cls(product_ids, bought)

    @property
    def n_orders(self) -> int:
        """O, the number of orders."""
        return int(self.bought.shape[0])

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.product_ids)

    def orders(self, start: int, stop: int) -> "Baskets":
        """Return the orders ``start`` (included) to ``stop`` (excluded)."""
        return Baskets(self.product_ids, self.bought[start:stop])
