"""Affinities are what the formula says, find what belongs together and beat the plain rival."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from restock.errors import ConfigurationError, InputError
from restock.forecasting.affinity import Affinity, AffinityConfig, ItemAffinity, Popularity
from restock.forecasting.baskets import Baskets
from restock.forecasting.hit_rate import leave_one_out_hits


def baskets_of(table: np.ndarray) -> Baskets:
    names = tuple(f"p{n}" for n in range(table.shape[1]))
    return Baskets(names, sparse.csr_array(table.astype(float)))


def random_table(seed: int, orders: int = 60, products: int = 9) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((orders, products)) < rng.random(products)


def families(seed: int, orders: int = 400) -> Baskets:
    """Return orders that hold three of the five products of one family of four, and p20."""
    rng = np.random.default_rng(seed)
    table = np.zeros((orders, 21))
    for order in range(orders):
        family = 5 * rng.integers(4)
        table[order, family + rng.choice(5, 3, replace=False)] = 1
        table[order, 20] = rng.random() < 0.9
    return baskets_of(table)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_affinity_is_the_shrunk_cosine_of_the_formula(seed: int, power: float) -> None:
    table = random_table(seed)
    config = AffinityConfig(shrinkage=0.7, neighbours=99, size_power=power)
    learned = ItemAffinity(config).fit(baskets_of(table)).table.toarray()
    voice = np.array([1.0 / max(row.sum(), 1) ** power for row in table])
    mass = [(voice * table[:, i]).sum() for i in range(9)]
    for i in range(9):
        for j in range(9):
            together = (voice * table[:, i] * table[:, j]).sum()
            expected = 0.0 if i == j else together / ((mass[i] * mass[j]) ** 0.5 + 0.7)
            assert learned[i, j] == pytest.approx(expected)


def test_only_the_strongest_neighbours_are_kept() -> None:
    baskets = baskets_of(random_table(4))
    every = ItemAffinity(AffinityConfig(neighbours=99)).fit(baskets)
    few = ItemAffinity(AffinityConfig(neighbours=3)).fit(baskets)
    assert np.diff(few.table.indptr).max() == 3
    for whole, kept in zip(every.table.toarray(), few.table.toarray(), strict=True):
        strongest = [value for value in sorted(whole)[-3:] if value > 0]
        assert sorted(kept[kept > 0]) == pytest.approx(strongest)


def test_products_are_learned_in_blocks_as_if_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    baskets = baskets_of(random_table(5))
    at_once = ItemAffinity().fit(baskets).table
    monkeypatch.setattr("restock.forecasting.affinity.ROWS_AT_ONCE", 2)
    assert (ItemAffinity().fit(baskets).table != at_once).nnz == 0


def test_a_large_order_says_less_about_each_of_its_pairs() -> None:
    # p0 and p1 share an order of two; p0 and p2 share one of five
    table = np.array([[1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 1, 1]])
    learned = ItemAffinity(AffinityConfig(shrinkage=5.0)).fit(baskets_of(table)).table.toarray()
    assert learned[0, 1] > learned[0, 2] > 0
    plain = AffinityConfig(shrinkage=5.0, size_power=0.0)
    alike = ItemAffinity(plain).fit(baskets_of(table)).table.toarray()
    assert alike[0, 1] == alike[0, 2]


def test_shrinkage_distrusts_pairs_seldom_seen() -> None:
    # p0 and p1 meet in their only order, p2 and p3 in 20 of their 25
    seldom = np.array([[1, 1, 0, 0]])
    often = np.vstack([[[0, 0, 1, 1]] * 20, [[0, 0, 1, 0]] * 5, [[0, 0, 0, 1]] * 5])
    baskets = baskets_of(np.vstack([seldom, often]))

    def learned(shrinkage: float) -> np.ndarray:
        config = AffinityConfig(shrinkage=shrinkage)
        table: np.ndarray = ItemAffinity(config).fit(baskets).table.toarray()
        return table

    assert learned(0.0)[0, 1] > learned(0.0)[2, 3]
    assert learned(2.0)[0, 1] < learned(2.0)[2, 3]


def test_the_best_neighbours_are_of_the_same_family() -> None:
    numbers, affinities = ItemAffinity().fit(families(1)).top(4)
    for product in range(20):
        assert {number // 5 for number in numbers[product]} == {product // 5}
    assert (np.diff(affinities, axis=1) <= 0).all()


def test_missing_neighbours_are_minus_one() -> None:
    learned = ItemAffinity().fit(baskets_of(np.array([[1, 1, 0], [0, 0, 1]])))
    numbers, affinities = learned.top(2)
    assert numbers.tolist() == [[1, -1], [0, -1], [-1, -1]]
    assert (affinities[numbers < 0] == 0).all()


def test_affinity_finds_the_family_and_popularity_does_not() -> None:
    learned_from, later = families(1), families(2)
    # after two of five have been shown, the third is one of three: a third at k = 1 by chance;
    # p20, most popular, is what popularity always names where it is not shown
    hits = leave_one_out_hits(
        ItemAffinity().fit(learned_from), later, 4, np.random.default_rng(0)
    ).mean()
    plain = leave_one_out_hits(
        Popularity.fit(learned_from), later, 4, np.random.default_rng(0)
    ).mean()
    assert hits == 1.0
    assert plain < 0.55


class _Silent:
    """Scores everything alike."""

    def scores(self, baskets: sparse.csr_array) -> np.ndarray:
        return np.zeros(baskets.shape)


class _Echo:
    """Repeats what is in the basket: it knows nothing of what was taken out."""

    def scores(self, baskets: sparse.csr_array) -> np.ndarray:
        table: np.ndarray = baskets.toarray()
        return table


@pytest.mark.parametrize("scorer", [_Silent(), _Echo()])
def test_a_scorer_that_knows_nothing_finds_nothing(scorer: _Silent | _Echo) -> None:
    hits = leave_one_out_hits(scorer, families(3), 5, np.random.default_rng(0))
    assert not hits.any()


def test_every_basket_of_two_is_asked_once_and_the_same_seed_asks_the_same() -> None:
    table = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 0]])
    learned = ItemAffinity().fit(baskets_of(table))
    first, again = (
        leave_one_out_hits(learned, baskets_of(table), 1, np.random.default_rng(5))
        for _ in range(2)
    )
    assert len(first) == 2
    assert first.tolist() == again.tolist()


def test_baskets_are_read_from_order_lines() -> None:
    lines = pl.DataFrame(
        {
            "order_id": ["9", "9", "7", "9", "7", "8"],
            "product_id": ["tea", "pot", "tea", "tea", "rug", "unknown"],
            "units": [1.0, 2, 3, 4, 5, 6],
        }
    )
    baskets = Baskets.of(lines, ("pot", "rug", "tea"))
    # orders as they first appear: 9 holds pot and tea, 7 rug and tea; 8 holds nothing known
    assert baskets.bought.toarray().tolist() == [[1, 0, 1], [0, 1, 1]]
    assert baskets.orders(1, 2).bought.toarray().tolist() == [[0, 1, 1]]
    assert (baskets.n_orders, baskets.n_products) == (2, 3)


BAD: dict[str, tuple[type[Exception], Callable[[], object], str]] = {
    "shrinkage": (
        ConfigurationError,
        lambda: AffinityConfig(shrinkage=float("nan")),
        "`shrinkage` of an affinity must be finite and ≥ 0; got nan",
    ),
    "neighbours": (ConfigurationError, lambda: AffinityConfig(neighbours=0), "`neighbours`"),
    "size power": (ConfigurationError, lambda: AffinityConfig(size_power=-1.0), "`size_power`"),
    "columns": (
        InputError,
        lambda: Baskets(("tea",), sparse.csr_array(np.ones((2, 3)))),
        "one column per product, 1; got 3",
    ),
    "units": (
        InputError,
        lambda: Baskets(("tea",), sparse.csr_array(np.full((2, 1), 3.0))),
        "must hold ones",
    ),
    "too small": (
        InputError,
        lambda: leave_one_out_hits(_Silent(), baskets_of(np.eye(3)), 1, np.random.default_rng(0)),
        "none of 3 baskets holds two products",
    ),
    "k": (
        ConfigurationError,
        lambda: leave_one_out_hits(_Silent(), families(1, 2), 0, np.random.default_rng(0)),
        "`k` must be an integer ≥ 1; got 0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_learned_from_is_refused(case: str) -> None:
    error, build, message = BAD[case]
    with pytest.raises(error, match=message):
        build()


@pytest.fixture(scope="module")
def retail(shared: Path) -> tuple[Baskets, Baskets]:
    """Return the first four fifths of Online Retail's orders, and the last fifth."""
    code = pl.col("StockCode").str.to_uppercase()
    lines = (
        pl.scan_parquet(shared / "data/online_retail.parquet")
        .filter(code.str.contains(r"^\d{5}[A-Z]{0,2}$"), pl.col("Quantity") > 0)
        .select(order_id="InvoiceNo", product_id=code, at="InvoiceDate")
        .collect()
        .sort("at", maintain_order=True)
    )
    baskets = Baskets.of(lines, tuple(lines["product_id"].unique().sort()))
    cut = baskets.n_orders * 4 // 5
    return baskets.orders(0, cut), baskets.orders(cut, baskets.n_orders)


def test_affinity_beats_popularity_and_the_plain_cosine_on_online_retail(
    retail: tuple[Baskets, Baskets],
) -> None:
    learned_from, later = retail
    scorers: dict[str, Affinity | Popularity] = {
        "affinity": ItemAffinity().fit(learned_from),
        "cosine": ItemAffinity(AffinityConfig(shrinkage=0.0, size_power=0.0)).fit(learned_from),
        "popularity": Popularity.fit(learned_from),
    }
    hits = {
        name: leave_one_out_hits(scorer, later, 10, np.random.default_rng(0)).astype(float)
        for name, scorer in scorers.items()
    }
    for rival in ("cosine", "popularity"):
        gain = hits["affinity"] - hits[rival]
        assert gain.mean() > 3 * gain.std() / len(gain) ** 0.5, rival
    assert hits["affinity"].mean() > 3 * hits["popularity"].mean()
