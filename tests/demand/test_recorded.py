from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from restock.demand.recorded import recorded_history
from restock.errors import InputError
from restock.records import (
    DemoCompanyConfig,
    Records,
    generate_demo_company,
    read_folder,
    read_online_retail,
)
from restock.seeds import Seeds

SALES = """date,product_id,units
2025-01-06,A,3
2025-01-06,B,40
2025-01-08,A,2
2025-01-09,C,5
2025-01-09,A,1
"""
TABLES = {
    "sales": SALES,
    "products": "product_id,list_price\nA,9\nB,5\nC,7\n",
    "calendar": "date,is_open\n2025-01-06,1\n2025-01-07,1\n2025-01-08,1\n2025-01-09,1\n"
    "2025-01-10,1\n",
    "stock": "date,product_id,on_hand_units\n2025-01-06,A,0\n2025-01-06,B,3\n2025-01-07,A,4\n",
    "prices": "date,product_id,list_price,promoted\n2025-01-05,A,9,no\n2025-01-07,A,8,yes\n"
    "2025-01-09,A,9,no\n2025-01-08,B,6,no\n",
}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return read_folder(tmp_path, today=date(2025, 2, 1))


def test_units_stand_at_their_day_and_product_and_other_days_are_zero(records: Records) -> None:
    history = recorded_history(records)
    assert history.product_ids == ("A", "B", "C")
    assert history.dates == tuple(date(2025, 1, day) for day in (6, 7, 8, 9))
    expected = [[3, 40, 0], [0, 0, 0], [2, 0, 0], [1, 0, 5]]
    assert history.units.tolist() == expected


def test_a_day_is_censored_only_where_the_shelf_is_known_to_be_empty(records: Records) -> None:
    censored = recorded_history(records).censored
    assert censored.sum() == 1
    assert censored[0, 0]


def test_prices_and_promotions_hold_until_the_next_row(records: Records) -> None:
    history = recorded_history(records)
    assert history.list_price[:, 0].tolist() == [9, 8, 8, 9]
    assert history.promoted[:, 0].tolist() == [False, True, True, False]
    # B has no row before the 8th: its first price holds back; C has none: the product's own.
    assert history.list_price[:, 1].tolist() == [6, 6, 6, 6]
    assert history.list_price[:, 2].tolist() == [7, 7, 7, 7]


def test_a_number_keeps_the_products_with_most_sale_days(records: Records) -> None:
    # A sold on three days, B and C on one each, B more units
    assert recorded_history(records, products=2).product_ids == ("A", "B")
    assert recorded_history(records, products=9).product_ids == ("A", "B", "C")


def test_the_choice_looks_no_further_than_until(records: Records) -> None:
    history = recorded_history(records, products=3, until=date(2025, 1, 7))
    # one sale day each so far, and B sold more
    assert history.product_ids == ("B", "A")
    assert history.dates[-1] == date(2025, 1, 7)


def test_named_products_keep_their_order(records: Records) -> None:
    history = recorded_history(records, products=["C", "A"])
    assert history.product_ids == ("C", "A")
    assert history.units[3].tolist() == [5, 1]


def test_an_unknown_product_and_a_number_below_one_are_refused(records: Records) -> None:
    with pytest.raises(InputError, match="product 'Z' is not in the records"):
        recorded_history(records, products=["Z"])
    with pytest.raises(InputError, match="must be a number ≥ 1; got 0"):
        recorded_history(records, products=0)


def test_a_day_before_the_first_sale_leaves_no_history(records: Records) -> None:
    with pytest.raises(InputError, match="no open day"):
        recorded_history(records, until=date(2024, 1, 1))


def test_the_demo_companys_history_is_its_demand_wherever_it_is_not_censored() -> None:
    company = generate_demo_company(DemoCompanyConfig(n_products=30, n_days=200), Seeds(5))
    history = recorded_history(company.records)
    assert history.dates == company.days
    free = ~history.censored
    assert np.array_equal(history.units[free], company.true_demand[free])
    assert history.units[history.censored].sum() < company.true_demand[history.censored].sum()
    assert 0 < history.promoted.mean() < 0.15


def test_the_real_shops_busiest_products_have_the_facts_of_the_data_card(shared: Path) -> None:
    path = shared / "data" / "online_retail.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there; the facts of the real shop are not checked")
    history = recorded_history(read_online_retail(path), products=300)
    assert history.n_days == 304  # 305 trading days less the half one
    mean = history.units.mean(axis=0)
    assert mean.mean() == pytest.approx(23.7, abs=0.3)
    assert np.quantile(mean, [0.05, 0.5, 0.95]) == pytest.approx([5.3, 16.4, 59.9], rel=0.02)
    assert (history.units == 0).mean() == pytest.approx(0.23, abs=0.005)
    variation = (history.units.std(axis=0) / mean).mean()
    assert variation == pytest.approx(2.06, abs=0.03)
    assert np.isfinite(history.list_price).all()
