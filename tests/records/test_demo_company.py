from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restock.errors import ConfigurationError
from restock.records import (
    TABLES,
    DemoCompany,
    DemoCompanyConfig,
    DemoMarketConfig,
    generate_demo_company,
)
from restock.seeds import Seeds


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return generate_demo_company(DemoCompanyConfig(), Seeds(0))


def test_its_busy_products_look_like_the_real_ones(company: DemoCompany) -> None:
    demand = company.true_demand
    mean, zeros = demand.mean(axis=0), (demand == 0).mean(axis=0)
    busy = zeros < 0.5
    assert 20 < mean[busy].mean() < 29  # 23.7 on the data card
    low, middle, high = np.quantile(mean[busy], [0.05, 0.5, 0.95])
    assert 3 < low < 8  # 5.3
    assert 13 < middle < 20  # 16.4
    assert 45 < high < 80  # 59.9
    assert 1.7 < (demand.std(axis=0) / mean)[busy].mean() < 2.4  # 2.06
    assert 0.15 < zeros[busy].mean() < 0.30  # 0.23
    assert 0.65 < np.median(zeros[~busy]) < 0.82  # 0.74 in the tail


def test_sales_are_true_demand_cut_by_stock(company: DemoCompany) -> None:
    days, products = company.true_demand.shape
    on_hand = company.records.stock["on_hand_units"].to_numpy().reshape(days, products)
    dated = {day: index for index, day in enumerate(company.days)}
    placed = {id_: index for index, id_ in enumerate(company.product_ids)}
    sold = np.zeros((days, products))
    sales = company.records.sales
    rows = [dated[day] for day in sales["date"]]
    columns = [placed[id_] for id_ in sales["product_id"]]
    sold[rows, columns] = sales["units"].to_numpy()
    assert (sold <= company.true_demand).all()
    cut = sold < company.true_demand
    assert (on_hand[cut] == 0).all()
    assert 0.02 < cut.mean() < 0.10


def test_every_unit_of_stock_is_accounted_for(company: DemoCompany) -> None:
    # Stock at the end = stock before + arrivals + returns − sales; arrivals come in whole cases.
    records = company.records
    lanes = records.lanes.sort("product_id")
    days, products = company.true_demand.shape
    on_hand = records.stock["on_hand_units"].to_numpy().reshape(days, products)
    grid = records.stock.join(records.sales, on=["date", "product_id"], how="left").fill_null(0)
    moved = (grid["returned_units"] - grid["units"]).to_numpy().reshape(days, products)
    arrived = np.diff(on_hand, axis=0) - moved[1:]
    assert (arrived >= 0).all()
    assert (arrived % lanes["case_pack_units"].to_numpy() == 0).all()
    minimum = np.broadcast_to(lanes["minimum_units"].to_numpy(), arrived.shape)
    assert (arrived[arrived > 0] >= minimum[arrived > 0]).all()


def test_open_orders_arrive_after_the_last_day_on_open_days(company: DemoCompany) -> None:
    records = company.records
    assert records.purchase_orders.height > 0
    assert records.purchase_orders["ordered_on"].max() <= company.days[-1]
    assert records.purchase_orders["expected_on"].min() > company.days[-1]
    opened = records.calendar.filter("is_open")["date"].implode()
    assert records.purchase_orders["expected_on"].is_in(opened).all()


def test_prices_move_and_promotions_are_rare_and_cheaper(company: DemoCompany) -> None:
    prices = company.records.prices
    assert 0 < prices["promoted"].mean() < 0.6  # most changes are a promotion's start or end
    regular = prices.filter(~prices["promoted"])["list_price"].mean()
    assert prices.filter("promoted")["list_price"].mean() < regular
    assert company.records.sales["returned_units"].sum() > 0


def test_every_table_is_in_its_schema(company: DemoCompany) -> None:
    for name, frame in company.records.tables().items():
        assert TABLES[name].schema.is_valid(frame), name


def test_the_same_seed_gives_the_same_company_and_another_another(
    company: DemoCompany,
) -> None:
    again = generate_demo_company(DemoCompanyConfig(), Seeds(0))
    other = generate_demo_company(DemoCompanyConfig(), Seeds(1))
    assert again.records.sales.equals(company.records.sales)
    assert not np.array_equal(other.true_demand, company.true_demand)


def test_the_truth_is_never_written(tmp_path: Path) -> None:
    company = generate_demo_company(DemoCompanyConfig(n_products=3, n_days=30), Seeds(0))
    written = {path.stem for path in company.write(tmp_path)}
    assert written <= set(TABLES)
    assert not any("true_demand" in path.read_text() for path in tmp_path.iterdir())


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.5])
def test_a_share_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match="`tail_share` must lie in"):
        DemoMarketConfig(tail_share=value)
