from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from restock.errors import InputError
from restock.records import (
    TABLES,
    DemoCompany,
    DemoCompanyConfig,
    export,
    export_template,
    generate_demo_company,
    read_folder,
    write_quarantine,
)
from restock.records.files import read_raw
from restock.records.rows import admit
from restock.seeds import Seeds


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return generate_demo_company(DemoCompanyConfig(n_products=6, n_days=80), Seeds(3))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_what_is_exported_is_imported_again(
    tmp_path: Path, company: DemoCompany, suffix: str
) -> None:
    export(company.records, tmp_path, suffix=suffix)
    again = read_folder(tmp_path)
    for name, frame in company.records.tables().items():
        assert again.tables()[name].equals(frame), name
    assert again.quarantine.height == 0


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
@pytest.mark.parametrize("table", TABLES)
def test_every_template_can_be_read_as_its_table(tmp_path: Path, table: str, suffix: str) -> None:
    path = export_template(table, tmp_path / f"{table}{suffix}")
    intake = admit(read_raw(path, TABLES[table].columns), table, TABLES[table])
    assert intake.frame.height == 0
    assert not intake.findings


def test_an_unknown_template_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'lanes'"):
        export_template("lane", tmp_path / "lane.csv")


def test_an_unknown_ending_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its ending must be one of"):
        export_template("lanes", tmp_path / "lanes.doc")
    assert not list(tmp_path.iterdir())


def test_the_quarantine_file_holds_each_row_with_its_remedy(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    text = "date,product_id,units\n2024-01-02,A,1\n2024-01-03,A,-2\n"
    (data / "sales.csv").write_text(text)
    path = write_quarantine(read_folder(data), tmp_path / "runs")
    written = pl.read_csv(path)
    assert written.columns == ["table", "row", "column", "value", "rule", "remedy"]
    assert written.select("table", "row", "value").row(0) == ("sales", 3, -2.0)
    assert [found.name for found in path.parent.iterdir()] == ["quarantine.csv"]
