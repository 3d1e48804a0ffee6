"""One company, written in every way that exports come: the records must be the same."""

from __future__ import annotations

import codecs
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from restock.errors import InputError
from restock.records import read_folder
from restock.records.conversion import find_decimal, parse_dates, parse_numbers
from restock.records.decoding import decode

TODAY = date(2025, 1, 31)
PRODUCTS = "product_id;name;list_price\nA;Größe M;1,50\nB;Maß;1.200,00\n"
SALES = "date;product_id;units;revenue\n2025-01-02;A;3;4,50\n2025-01-03;B;0,5;600,00\n"


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_letters_survive_every_encoding(tmp_path: Path, encoding: str) -> None:
    folder = write(tmp_path, products=PRODUCTS.encode(encoding), sales=SALES.encode(encoding))
    records = read_folder(folder, today=TODAY)
    assert records.products["name"].to_list() == ["Größe M", "Maß"]


def test_a_file_of_mixed_encodings_keeps_every_letter_and_says_so(tmp_path: Path) -> None:
    head, first, second = PRODUCTS.splitlines(keepends=True)
    mixed = head.encode() + first.encode("utf-8") + second.encode("cp1252")
    records = read_folder(write(tmp_path, products=mixed, sales=SALES), today=TODAY)
    assert records.products["name"].to_list() == ["Größe M", "Maß"]
    rules = [found.rule for found in records.quality.table("products").findings]
    assert any("mixes encodings" in rule for rule in rules)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_decimal_comma_are_found(tmp_path: Path, delimiter: str) -> None:
    def quoted(text: str) -> str:
        rows = [[f'"{cell}"' for cell in line.split(";")] for line in text.splitlines()]
        return "\n".join(delimiter.join(row) for row in rows) + "\n"

    records = read_folder(
        write(tmp_path, products=quoted(PRODUCTS), sales=quoted(SALES)), today=TODAY
    )
    assert records.products["list_price"].to_list() == [1.5, 1200.0]
    assert records.sales["units"].to_list() == [3.0, 0.5]
    assert records.sales["revenue"].sum() == 604.5


def test_decimal_points_with_thousands_commas_are_found(tmp_path: Path) -> None:
    sales = 'date,product_id,units,revenue\n2025-01-02,A,"1,200","1,800.50"\n'
    records = read_folder(write(tmp_path, sales=sales), today=TODAY)
    assert records.sales["units"].to_list() == [1200.0]
    assert records.sales["revenue"].to_list() == [1800.5]


def test_open_numbers_are_settled_by_the_delimiter() -> None:
    column = pl.Series(["1,234", "12"])
    assert find_decimal([column], ";") == ","
    assert find_decimal([column], ",") == "."


def test_numbers_that_are_none_become_null() -> None:
    cells = pl.Series(["1,2,3", "12 pcs", "€5", "−4", "1e3", "1'000"])
    assert parse_numbers(cells).to_list() == [None, None, None, -4.0, 1000.0, 1000.0]


def test_dates_between_slashes_are_ordered_by_what_reads_more_cells() -> None:
    american = parse_dates(pl.Series(["12/1/2010 8:26", "12/31/2010 9:00"]), "date")
    european = parse_dates(pl.Series(["1/12/2010", "31/12/2010"]), "date")
    assert [day.date() for day in american] == [date(2010, 12, 1), date(2010, 12, 31)]
    assert [day.date() for day in european] == [date(2010, 12, 1), date(2010, 12, 31)]


def test_dates_that_read_both_ways_are_refused() -> None:
    with pytest.raises(InputError, match="day or month stands first in '1/2/2010'"):
        parse_dates(pl.Series(["1/2/2010", "3/4/2010"]), "sales.csv, column 'date'")


def test_utf_16_without_a_mark_is_found() -> None:
    assert decode("a,b\n1,2".encode("utf-16-be")) == ("a,b\n1,2", "utf-16-be")
    assert decode(codecs.BOM_UTF8 + b"a")[1] == "utf-8-sig"


def test_column_names_may_differ_in_case_and_spacing(tmp_path: Path) -> None:
    sales = "Date,Product ID,UNITS\n2025-01-02,A,3\n"
    prices = "date,product-id,List Price\n2025-01-02,A,2\n"
    records = read_folder(write(tmp_path, sales=sales, prices=prices), today=TODAY)
    assert records.sales["units"].to_list() == [3.0]


def test_a_row_with_too_many_cells_is_set_aside_and_the_others_keep_their_numbers(
    tmp_path: Path,
) -> None:
    sales = "date,product_id,units\n2025-01-02,A,3\n2025-01-03,A,1,5\n2025-01-04,A,-2\n"
    records = read_folder(write(tmp_path, sales=sales), today=TODAY)
    account = records.quality.table("sales")
    assert (account.rows_in, account.rows_kept, account.rows_quarantined) == (3, 1, 2)
    assert records.quarantine["row"].to_list() == [3, 4]
    assert records.quarantine["value"].to_list() == ["2025-01-03,A,1,5", "-2.0"]


def test_blank_lines_are_no_rows_and_shift_no_number(tmp_path: Path) -> None:
    sales = "date,product_id,units\n2025-01-02,A,3\n\n2025-01-04,A,-2\n"
    records = read_folder(write(tmp_path, sales=sales), today=TODAY)
    assert records.quality.table("sales").rows_in == 2
    assert records.quarantine["row"].to_list() == [4]


def test_an_unclosed_quotation_mark_is_refused(tmp_path: Path) -> None:
    sales = 'date,product_id,units\n2025-01-02,"A,3\n2025-01-03,A,1\n'
    with pytest.raises(InputError, match="quotation mark is not closed"):
        read_folder(write(tmp_path, sales=sales), today=TODAY)


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_a_file_that_only_claims_its_kind_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"sales{suffix}").write_text("date,product_id,units\n")
    with pytest.raises(InputError, match="is not a readable"):
        read_folder(tmp_path, today=TODAY)


def test_old_line_ends_and_numbers_for_dates_are_read(tmp_path: Path) -> None:
    sales = "date,product_id,units\r20250102,A,3\r20250103,A,4\r"
    records = read_folder(write(tmp_path, sales=sales), today=TODAY)
    assert records.sales["date"].to_list() == [date(2025, 1, 2), date(2025, 1, 3)]


def test_typed_parquet_is_read_as_it_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"date": [20250102, 20250103], "product_id": [7, 8], "units": [3, 4]})
    frame.write_parquet(tmp_path / "sales.parquet")
    records = read_folder(tmp_path, today=TODAY)
    assert records.sales.select("date", "product_id", "units").rows() == [
        (date(2025, 1, 2), "7", 3.0),
        (date(2025, 1, 3), "8", 4.0),
    ]


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"date": [TODAY], "product_id": ["A"], "units": [[3, 4]]})
    frame.write_parquet(tmp_path / "sales.parquet")
    with pytest.raises(InputError, match="must hold plain text, numbers"):
        read_folder(tmp_path, today=TODAY)


def test_a_file_that_is_no_text_is_refused_in_a_short_message(tmp_path: Path) -> None:
    folder = write(tmp_path, sales=bytes(range(256)) * 40)
    with pytest.raises(InputError, match="lacks column 'date'") as caught:
        read_folder(folder, today=TODAY)
    assert len(str(caught.value)) < 1500
    assert str(caught.value).isprintable()
