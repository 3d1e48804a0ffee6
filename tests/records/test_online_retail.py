from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from restock.errors import InputError
from restock.records import Records, read_online_retail
from restock.records.intake import ROW

HEADER = [
    *("InvoiceNo", "StockCode", "Description", "Quantity"),
    *("InvoiceDate", "UnitPrice", "CustomerID", "Country"),
]


def line(
    invoice: str,
    code: str,
    quantity: int,
    when: str,
    price: float = 2.0,
    customer: int | None = 17850,
) -> tuple[str, str, str, int, datetime, float, int | None, str]:
    moment = datetime.strptime(when, "%Y-%m-%d %H:%M")  # noqa: DTZ007 — shop time
    return (invoice, code, f"THING {code[:5]}", quantity, moment, price, customer, "France")


LINES = [
    line("1", "85123A", 6, "2010-12-01 08:26"),  # row 1: kept
    line("1", "85123A", 6, "2010-12-01 08:26"),  # 2: repeats row 1
    line("2", "85123a", 2, "2010-12-01 17:30"),  # 3: the same product in lower case
    line("3", "POST", 1, "2010-12-01 09:00", 18.0),  # 4: postage
    line("4", "22000", -9, "2010-12-01 09:30", 0.0, None),  # 5: stock adjustment
    line("5", "22000", 3, "2010-12-01 09:40", 0.0, None),  # 6: no price
    line("6", "22000", 74215, "2010-12-02 10:01"),  # 7: taken back at 10:17
    line("C7", "22000", -74215, "2010-12-02 10:17"),  # 8: takes row 7 back
    line("8", "22000", 4, "2010-12-02 11:00"),  # 9: kept
    line("C9", "85123A", -2, "2010-12-02 18:00"),  # 10: a return of row 3, over 24 h later
    line("10", "22000", 5, "2010-12-03 18:00"),  # 11: kept
    line("11", "22000", 1, "2010-12-05 12:00"),  # 12: the last day breaks off
]


def as_csv(path: Path) -> Path:
    frame = pl.DataFrame(LINES, schema=HEADER, orient="row")
    american = frame.with_columns(pl.col("InvoiceDate").dt.strftime("%-m/%-d/%Y %-H:%M"))
    american.write_csv(path.with_suffix(".csv"))
    return path.with_suffix(".csv")


def as_parquet(path: Path) -> Path:
    pl.DataFrame(LINES, schema=HEADER, orient="row").write_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def as_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in [HEADER, *LINES]:
        book.active.append(row)
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


@pytest.fixture
def small(tmp_path: Path) -> Records:
    return read_online_retail(as_parquet(tmp_path / "lines"))


def test_each_line_leaves_by_its_own_door(small: Records) -> None:
    account = small.quality.table("orders")
    assert (account.rows_in, account.rows_kept) == (12, 4)
    assert (account.rows_quarantined, account.rows_merged) == (6, 2)
    assert small.quarantine["row"].to_list() == [4, 5, 6, 7, 8, 12]
    assert small.orders["order_id"].to_list() == ["1", "2", "8", "10"]


def test_codes_are_one_product_in_either_case(small: Records) -> None:
    assert small.products["product_id"].to_list() == ["22000", "85123A"]
    first = small.sales.filter(product_id="85123A", date=date(2010, 12, 1))
    assert first["units"].to_list() == [8.0]


def test_a_return_is_noted_on_its_day_and_lowers_no_demand(small: Records) -> None:
    back = small.sales.filter(pl.col("returned_units") > 0)
    assert back.select("date", "units", "returned_units").rows() == [(date(2010, 12, 2), 0.0, 2.0)]


def test_the_calendar_knows_saturday_and_the_half_day(small: Records) -> None:
    closed = small.calendar.filter(~pl.col("is_open"))
    assert closed.select("date", "event").rows() == [
        (date(2010, 12, 4), "closed on Saturdays"),
        (date(2010, 12, 5), "half a day on record"),
    ]


@pytest.mark.parametrize("write", [as_csv, as_xlsx], ids=["csv", "xlsx"])
def test_csv_and_excel_give_the_same_records_as_parquet(
    tmp_path: Path, small: Records, write: object
) -> None:
    assert callable(write)
    other = read_online_retail(write(tmp_path / "other"))
    for name, frame in small.tables().items():
        assert other.tables()[name].equals(frame), name
    # a header row comes before the first line, and Parquet has none
    assert (other.quarantine["row"] - 1).to_list() == small.quarantine["row"].to_list()


def test_an_order_is_taken_back_once(tmp_path: Path) -> None:
    lines = [
        line("1", "22000", 5, "2010-12-01 08:00"),
        line("C2", "22000", -5, "2010-12-01 09:00"),
        line("C3", "22000", -5, "2010-12-01 10:00"),
        line("4", "22000", 1, "2010-12-01 17:00"),
    ]
    path = tmp_path / "lines.parquet"
    pl.DataFrame(lines, schema=HEADER, orient="row").write_parquet(path)
    records = read_online_retail(path)
    assert records.quarantine["row"].to_list() == [1, 2]
    assert records.sales["returned_units"].to_list() == [5.0]


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("InvoiceNo,StockCode,Quantity,Price\n1,22000,3,2.0\n")
    with pytest.raises(InputError, match=r"lacks column '(invoice_date|unit_price)'"):
        read_online_retail(path)


@pytest.fixture(scope="module")
def real(shared: Path) -> Records:
    path = shared / "data" / "online_retail.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there; the facts of the real file are not checked")
    return read_online_retail(path)


def test_the_real_file_balances(real: Records) -> None:
    account = real.quality.table("orders")
    assert account.rows_in == 541_909
    assert account.rows_kept + account.rows_quarantined + account.rows_merged == 541_909
    duplicates = next(found for found in account.findings if "every column" in found.rule)
    assert duplicates.count == 5_268


def test_no_row_of_the_real_file_is_named_twice_in_quarantine(real: Records) -> None:
    assert real.quarantine["row"].is_unique().all()
    assert ROW not in real.orders.columns


def test_the_two_giant_orders_of_the_real_file_are_no_demand(real: Records) -> None:
    assert real.orders["units"].max() < 5_000
    giants = real.quarantine.filter(pl.col("value").is_in(["74215.0", "80995.0"]))
    assert giants.height == 2


def test_list_prices_of_the_real_file_hardly_move(real: Records) -> None:
    busiest = (
        real.sales.filter(pl.col("units") > 0)
        .group_by("product_id")
        .agg(pl.len().alias("days"))
        .top_k(300, by="days")
    )
    changes = real.prices.join(busiest, on="product_id").height - 300
    weeks = real.calendar.height / 7
    # the data card counts changes in 1.3 % of product-weeks
    assert changes / (300 * weeks) < 0.025
