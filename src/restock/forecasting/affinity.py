"""Which products go together: affinities learned from baskets, without any rating.

With n_o the number of products in order o, xₒᵢ = 1 where it holds product i, and every order
scaled to unit length, the affinity of i and j is their cosine, shrunk towards 0 where both were
seldom bought:

    aᵢⱼ = Σₒ xₒᵢ xₒⱼ / nₒ  /  (√(mᵢ mⱼ) + λ),    mᵢ = Σₒ xₒᵢ / nₒ.

A wholesaler's order of a thousand lines says little about any pair in it, and so it weighs. Only
the strongest neighbours of a product are kept, so that the table stays sparse.

Source: Deshpande and Karypis, Item-based top-N recommendation algorithms, ACM Transactions on
Information Systems 22(1), 2004: cosine similarity with rows of unit length, k neighbours kept, and
the score of a product the sum of its similarities to what is in the basket.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from restock.errors import ConfigurationError, require
from restock.forecasting.baskets import Baskets
from restock.forecasting.settings import check_positive

__all__ = [
    "Affinity",
    "AffinityConfig",
    "BasketScorer",
    "ItemAffinity",
    "Popularity",
    "strongest",
]

ROWS_AT_ONCE = 2048


@runtime_checkable
class BasketScorer(Protocol):
    """Says what would go well with what is already in a basket."""

    def scores(self, baskets: sparse.csr_array) -> Float[np.ndarray, "N P"]:
        """Return a score for each basket ``[N, P]`` and product: higher goes better."""
        ...


@dataclass(frozen=True)
class AffinityConfig:
    """``shrinkage`` (λ ≥ 0) is in orders of one product; ``neighbours`` are kept per product.

    ``size_power`` (≥ 0) is the power of an order's size by which it is divided: 1 as above, 0
    lets every order speak for each of its pairs with one voice, the plain cosine.
    """

    shrinkage: float = 0.1
    neighbours: int = 50
    size_power: float = 1.0

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("shrinkage", "size_power"):
            value = getattr(self, name)
            require(
                0 <= value < float("inf"),
                ConfigurationError,
                f"`{name}` of an affinity must be finite and ≥ 0; got {value}."
                " Leave it out for the default.",
            )
        check_positive("neighbours", self.neighbours, "products kept beside each product")


@dataclass(frozen=True, eq=False)
class Affinity:
    """How well products go together: ``table[i, j]`` ≥ 0 is j's affinity to i, sparse ``[P, P]``.

    ``product_ids`` name rows and columns; the diagonal is empty.
    """

    product_ids: tuple[str, ...]
    table: sparse.csr_array

    def scores(self, baskets: sparse.csr_array) -> Float[np.ndarray, "N P"]:
        """Return the sum of affinities to what is in each basket."""
        scores: Float[np.ndarray, "N P"] = (baskets @ self.table).toarray()
        return scores

    def top(self, n: int) -> tuple[Int[np.ndarray, "P K"], Float[np.ndarray, "P K"]]:
        """Return each product's ``n`` best neighbours, best first: their numbers and affinities.

        Where there are fewer the number is −1 and the affinity 0.

        >>> table = sparse.csr_array(np.array([[0.0, 0.2, 0.7], [0.2, 0, 0], [0.7, 0, 0]]))
        >>> numbers, affinities = Affinity(("tea", "pot", "cup"), table).top(2)
        >>> numbers.tolist(), affinities.tolist()
        ([[2, 1], [0, -1], [0, -1]], [[0.7, 0.2], [0.2, 0.0], [0.7, 0.0]])
        """
        check_positive("n", n, "neighbours of a product")
        best = strongest(self.table, n).tocoo()
        order = np.lexsort((best.col, -best.data, best.row))
        rows = best.row[order]
        slots = np.arange(len(rows)) - np.searchsorted(rows, rows)
        numbers = np.full((len(self.product_ids), n), -1, dtype=np.int64)
        affinities = np.zeros((len(self.product_ids), n))
        numbers[rows, slots] = best.col[order]
        affinities[rows, slots] = best.data[order]
        return numbers, affinities


@dataclass(frozen=True)
class ItemAffinity:
    """Learns affinities from baskets; see the module's text for the formula.

    >>> bought = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]))
    >>> baskets = Baskets(("tea", "pot", "rug"), bought)
    >>> ItemAffinity(AffinityConfig(shrinkage=0)).fit(baskets).table.toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    config: AffinityConfig = AffinityConfig()

    def fit(self, baskets: Baskets) -> Affinity:
        """Learn from all of ``baskets``; some thousand products at a time, in sparse tables."""
        bought = baskets.bought
        sizes = np.maximum(np.diff(bought.indptr), 1.0)
        voices = sparse.diags_array(sizes**-self.config.size_power) @ bought
        mass = np.asarray(voices.sum(axis=0)).ravel()
        columns = bought.T.tocsr()
        parts = [
            self._rows(columns, voices, mass, start)
            for start in range(0, baskets.n_products, ROWS_AT_ONCE)
        ]
        return Affinity(baskets.product_ids, sparse.csr_array(sparse.vstack(parts)))

    def _rows(
        self,
        columns: sparse.csr_array,
        voices: sparse.csr_array,
        mass: Float[np.ndarray, "P"],
        start: int,
    ) -> sparse.csr_array:
        """Return the affinities of the products from ``start`` on, strongest neighbours only."""
        together = (columns[start : start + ROWS_AT_ONCE] @ voices).tocoo()
        rows, others = together.row + start, together.col
        norm = np.sqrt(mass[rows] * mass[others]) + self.config.shrinkage
        kept = rows != others
        values = together.data[kept] / norm[kept]
        places = (together.row[kept], others[kept])
        table = sparse.csr_array((values, places), shape=together.shape)
        return strongest(table, self.config.neighbours)


@dataclass(frozen=True, eq=False)
class Popularity:
    """The plain rival: what many orders hold goes well with everything."""

    orders: Float[np.ndarray, "P"]

    @classmethod
    def fit(cls, baskets: Baskets) -> "Popularity":
        """Count the orders that hold each product."""
        return cls(np.asarray(baskets.bought.sum(axis=0)).ravel())

    def scores(self, baskets: sparse.csr_array) -> Float[np.ndarray, "N P"]:
        """Return the same counts for each basket."""
        return np.tile(self.orders, (baskets.shape[0], 1))


def strongest(table: sparse.csr_array, n: int) -> sparse.csr_array:
    """Keep the ``n`` largest entries of each row; of equal ones those further left.

    >>> strongest(sparse.csr_array(np.array([[3.0, 1.0, 2.0]])), 2).toarray().tolist()
    [[3.0, 0.0, 2.0]]
    """
    entries = table.tocoo()
    order = np.lexsort((entries.col, -entries.data, entries.row))
    rows = entries.row[order]
    kept = order[np.arange(len(rows)) - np.searchsorted(rows, rows) < n]
    places = (entries.row[kept], entries.col[kept])
    return sparse.csr_array((entries.data[kept], places), shape=table.shape)
