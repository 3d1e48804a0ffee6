"""How good recommendations are: one product is taken out of each basket and looked for."""

import numpy as np
from jaxtyping import Bool, Int
from scipy import sparse

from restock.errors import InputError, require
from restock.forecasting.affinity import BasketScorer
from restock.forecasting.baskets import Baskets
from restock.forecasting.settings import check_positive

__all__ = ["leave_one_out_hits"]

BASKETS_AT_ONCE = 512


def leave_one_out_hits(
    scorer: BasketScorer, baskets: Baskets, k: int, rng: np.random.Generator
) -> Bool[np.ndarray, "N"]:
    """Return for each basket of two or more products whether the one taken out was found.

    The product is drawn with ``rng``, the rest is shown to ``scorer``, and it is a hit if fewer
    than ``k`` products outside the basket score as high or higher: ties count as misses. The mean
    is hit-rate@k; with the same seed two scorers look for the same products, so that hits can be
    compared in pairs. Baskets must be later than those that the scorer has learned from.

    Raises :class:`~restock.errors.ConfigurationError` for ``k`` < 1 and :class:`InputError` when
    no basket has two products. Source: Deshpande and Karypis (2004), section 6.1.

    >>> from restock.forecasting.affinity import ItemAffinity
    >>> together = sparse.csr_array(np.array([[1.0, 1, 0], [0, 1, 1], [1, 1, 0]]))
    >>> learned = ItemAffinity().fit(Baskets(("tea", "pot", "rug"), together))
    >>> later = Baskets(("tea", "pot", "rug"), sparse.csr_array(np.array([[1.0, 1, 0]])))
    >>> leave_one_out_hits(learned, later, 2, np.random.default_rng(0)).tolist()
    [True]
    """
    check_positive("k", k, "recommendations shown")
    bought = baskets.bought[np.diff(baskets.bought.indptr) >= 2]
    require(
        bought.shape[0] > 0,
        InputError,
        f"none of {baskets.n_orders} baskets holds two products; nothing can be taken out and"
        " looked for. Give baskets with more products.",
    )
    shown, taken = _take_one(bought, rng)
    parts = [
        _found(scorer, shown[start : start + BASKETS_AT_ONCE], taken[start:][:BASKETS_AT_ONCE], k)
        for start in range(0, len(taken), BASKETS_AT_ONCE)
    ]
    return np.concatenate(parts)


def _take_one(
    bought: sparse.csr_array, rng: np.random.Generator
) -> tuple[sparse.csr_array, Int[np.ndarray, "N"]]:
    """Return the baskets without one product each, and the products."""
    sizes = np.diff(bought.indptr)
    place = bought.indptr[:-1] + (rng.random(len(sizes)) * sizes).astype(np.int64)
    shown = bought.copy()
    shown.data[place] = 0.0
    shown.eliminate_zeros()
    return shown, bought.indices[place].astype(np.int64)


def _found(
    scorer: BasketScorer, shown: sparse.csr_array, taken: Int[np.ndarray, "N"], k: int
) -> Bool[np.ndarray, "N"]:
    scores = scorer.scores(shown)
    own = scores[np.arange(len(taken)), taken]
    scores[shown.nonzero()] = -np.inf
    rivals: Bool[np.ndarray, "N"] = (scores >= own[:, None]).sum(axis=1) - 1 < k
    return rivals
