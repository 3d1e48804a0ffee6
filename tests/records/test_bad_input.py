"""Each kind of bad input: one message, or one line in the quarantine; good rows go on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from restock.errors import ConfigurationError, InputError
from restock.records import Records, read_folder, read_preset

TODAY = date(2025, 1, 31)
PRODUCTS = "product_id,list_price\nA,2\nB,3\n"
GOOD = "2025-01-02,A,3\n2025-01-03,B,4\n"
HEADER = "date,product_id,units\n"


def read(folder: Path, **files: str) -> Records:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return read_folder(folder, today=TODAY)


@pytest.mark.parametrize(
    ("row", "column", "value", "rule"),
    [
        ("2025-01-04,A,NaN", "units", "NaN", "not NaN"),
        ("2025-01-04,A,inf", "units", "inf", "must be finite"),
        ("2025-01-04,A,-inf", "units", "-inf", "must be finite"),
        ("2025-01-04,A,-1", "units", "-1.0", "must be ≥ 0"),
        ("2025-01-04,A,", "units", "", "must be given"),
        ("2025-01-04,A,three", "units", "three", "must be a number"),
        ("2025-01-04,,3", "product_id", "", "must be given"),
        (",A,3", "date", "", "must be given"),
        ("2025-02-30,A,3", "date", "2025-02-30", "must be a date"),
        ("0025-01-04,A,3", "date", "0025-01-04", "must be ≥ 1970-01-01"),
        ("2025-02-01,A,3", "date", "2025-02-01", "must not lie after today, 2025-01-31"),
        ("2025-01-04,C,3", "product_id", "C", "must be among the usable rows"),
        ("2025-01-02,A,5", "product_id", "A", "may appear once"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_number_value_and_rule(
    tmp_path: Path, row: str, column: str, value: str, rule: str
) -> None:
    records = read(tmp_path, products=PRODUCTS, sales=f"{HEADER}{GOOD}{row}\n")
    account = records.quality.table("sales")
    assert (account.rows_in, account.rows_kept, account.rows_quarantined) == (3, 2, 1)
    line = records.quarantine.row(0, named=True)
    assert (line["table"], line["row"], line["column"], line["value"]) == (
        "sales",
        4,
        column,
        value,
    )
    assert rule in line["rule"]
    assert line["remedy"]


def test_a_row_that_repeats_another_whole_is_merged(tmp_path: Path) -> None:
    records = read(tmp_path, sales=f"{HEADER}{GOOD}2025-01-02,A,3\n")
    account = records.quality.table("sales")
    assert (account.rows_in, account.rows_kept, account.rows_merged) == (3, 2, 1)


def test_of_rows_with_one_key_the_first_good_one_is_kept(tmp_path: Path) -> None:
    sales = f"{HEADER}2025-01-02,A,NaN\n2025-01-02,A,7\n2025-01-02,A,9\n"
    records = read(tmp_path, sales=sales)
    assert records.sales["units"].to_list() == [7.0]
    assert records.quarantine["row"].to_list() == [2, 4]


def test_a_product_without_any_price_is_set_aside_with_its_sales(tmp_path: Path) -> None:
    products = "product_id,list_price\nA,2\nB,\n"
    records = read(tmp_path, products=products, sales=HEADER + GOOD)
    assert records.products["product_id"].to_list() == ["A"]
    assert records.quarantine["table"].to_list() == ["products", "sales"]
    assert set(records.quarantine["value"]) == {"B"}
    assert records.quarantine["rule"].str.contains("needs a price > 0").all()


def test_a_price_known_from_sales_is_enough(tmp_path: Path) -> None:
    products = "product_id,list_price\nA,2\nB,\n"
    sales = "date,product_id,units,revenue\n2025-01-02,A,3,6\n2025-01-03,B,4,14\n"
    records = read(tmp_path, products=products, sales=sales)
    assert records.products["list_price"].to_list() == [2.0, 3.5]


def test_a_sale_on_a_closed_day_is_set_aside(tmp_path: Path) -> None:
    calendar = "date,is_open\n2025-01-02,yes\n2025-01-03,no\n"
    records = read(tmp_path, calendar=calendar, sales=HEADER + GOOD)
    assert records.sales["date"].to_list() == [date(2025, 1, 2)]
    assert "closed" in records.quarantine["rule"][0]


def test_a_lead_time_of_minus_one_and_a_half_unit_pack_are_set_aside(tmp_path: Path) -> None:
    lanes = "product_id,supplier_id,lead_time_days,case_pack_units\nA,S,-1,6\nB,S,3,0.5\nA,T,4,12\n"
    records = read(tmp_path, products=PRODUCTS, lanes=lanes, sales=HEADER + GOOD)
    assert records.lanes["supplier_id"].to_list() == ["T"]
    assert records.quarantine["rule"].to_list() == [
        "`lead_time_days` must be ≥ 0",
        "`case_pack_units` must be a whole number",
    ]
    assert records.quarantine["value"].to_list() == ["-1", "0.5"]


def test_an_order_expected_before_it_was_placed_is_set_aside(tmp_path: Path) -> None:
    purchase = (
        "product_id,supplier_id,ordered_on,expected_on,units\nA,S,2025-01-20,2025-01-10,6\n"
        "A,S,2025-01-20,2025-02-10,6\n"
    )
    records = read(tmp_path, purchase_orders=purchase, products=PRODUCTS, sales=HEADER + GOOD)
    assert records.purchase_orders.height == 1
    assert "not before ordered on" in records.quarantine["rule"][0]


def test_negative_order_lines_are_set_aside_and_sales_follow_from_the_rest(
    tmp_path: Path,
) -> None:
    orders = (
        "order_id,ordered_at,product_id,units,unit_price\n1,2025-01-02 10:00,A,3,2\n"
        "1,2025-01-02 10:00,A,1,2\n2,2025-01-02 11:30,A,-1,2\n"
    )
    records = read(tmp_path, orders=orders)
    # 3 + 1 units at 2 each; the return of −1 is set aside
    assert records.sales.select("units", "revenue").row(0) == (4.0, 8.0)
    assert records.quarantine["value"].to_list() == ["-1.0"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is missing"):
        read_folder(tmp_path / "nowhere", today=TODAY)


def test_a_folder_without_sales_says_what_the_nearest_file_might_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither sales nor orders.*Did you mean 'sales\.csv'"):
        read(tmp_path, sale=HEADER + GOOD)


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "online_retail.parquet").touch()
    with pytest.raises(InputError, match=r"Did you mean 'online_retail\.parquet'"):
        read_preset("online-retail", tmp_path / "online_retial.parquet")


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'online-retail'"):
        read_preset("online_retail", Path("x.csv"))


def test_a_missing_column_is_named_with_its_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks column 'units'.*Did you mean 'unit'"):
        read(tmp_path, sales="date,product_id,unit\n2025-01-02,A,3\n")


def test_a_misspelt_optional_column_is_refused(tmp_path: Path) -> None:
    lanes = "product_id,supplier_id,lead_time_days,case_pack_unit\nA,S,3,12\n"
    with pytest.raises(InputError, match="Did you mean 'case_pack_units'"):
        read(tmp_path, lanes=lanes, sales=HEADER + GOOD)


def test_a_column_that_is_not_used_is_mentioned(tmp_path: Path) -> None:
    records = read(tmp_path, sales="date,product_id,units,shop\n2025-01-02,A,3,x\n")
    found = records.quality.table("sales").findings[0]
    assert (found.fate, found.example) == ("flagged", "column 'shop'")


def test_a_column_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'units' twice"):
        read(tmp_path, sales="date,product_id,units,Units\n2025-01-02,A,3,4\n")


@pytest.mark.parametrize("text", ["", "\n\n", HEADER])
def test_an_empty_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"is empty|no rows"):
        read(tmp_path, sales=text)


def test_demand_of_zero_throughout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have `units` 0"):
        read(tmp_path, sales=f"{HEADER}2025-01-02,A,0\n2025-01-03,B,0\n")


def test_sales_without_a_usable_row_are_refused_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of the 1 rows.*row 2: `units` must be ≥ 0"):
        read(tmp_path, sales=f"{HEADER}2025-01-02,A,-4\n")


def test_two_files_for_one_table_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"date": [TODAY]}).write_parquet(tmp_path / "sales.parquet")
    with pytest.raises(InputError, match="two files hold table 'sales'"):
        read(tmp_path, sales=HEADER + GOOD)


def test_days_that_the_calendar_leaves_out_are_derived_and_counted(tmp_path: Path) -> None:
    calendar = "date,is_open\n2025-01-02,yes\n"
    sales = f"{HEADER}{GOOD}2025-01-05,A,1\n"
    records = read(tmp_path, calendar=calendar, sales=sales)
    account = records.quality.table("calendar")
    assert (account.rows_kept, account.rows_derived) == (1, 3)
    assert records.calendar["is_open"].to_list() == [True, True, False, True]


def test_optional_tables_without_rows_count_as_absent(tmp_path: Path) -> None:
    records = read(
        tmp_path, calendar="date,is_open\n", products="product_id\n", sales=HEADER + GOOD
    )
    assert records.products["product_id"].to_list() == ["A", "B"]
    assert "table 'calendar' has no rows; it is taken as absent" in records.quality.notes
    assert any("no price is known for 2 products" in note for note in records.quality.notes)


def test_prices_that_are_all_bad_are_set_aside_and_others_derived(tmp_path: Path) -> None:
    sales = "date,product_id,units,revenue\n2025-01-02,A,3,6\n"
    prices = "date,product_id,list_price\n2025-01-02,A,0\n"
    records = read(tmp_path, sales=sales, prices=prices)
    account = records.quality.table("prices")
    assert (account.rows_kept, account.rows_quarantined, account.rows_derived) == (0, 1, 1)
    assert records.prices["list_price"].to_list() == [2.0]


def test_dates_that_no_single_order_reads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be told whether day or month"):
        read(tmp_path, sales=f"{HEADER}1/13/2025,A,3\n13/1/2025,A,4\n")
