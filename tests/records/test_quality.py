from __future__ import annotations

import json

import polars as pl
import pytest

from restock.errors import InputError
from restock.records import Finding, QualityReport, Records, TableQuality


def finding(count: int, fate: str = "quarantined") -> Finding:
    return Finding("`units` must be ≥ 0", count, fate, "row 3: units = -1", "Correct it.")  # type: ignore[arg-type]


def test_an_account_that_loses_a_row_is_refused() -> None:
    with pytest.raises(InputError, match="do not add up: 10 in, but 8 kept"):
        TableQuality("sales", "sales.csv", 10, 8, 1, 0, (finding(1),))


def test_a_quarantined_row_without_a_reason_is_refused() -> None:
    with pytest.raises(InputError, match="reasons exist for 1"):
        TableQuality("sales", "sales.csv", 10, 8, 2, 0, (finding(1),))


def test_records_refuse_an_account_that_disagrees_with_the_frames() -> None:
    report = QualityReport((TableQuality("sales", "sales.csv", 1, 1, 0, 0, ()),))
    with pytest.raises(InputError, match="1 kept"):
        Records.assemble({}, report)


def test_records_refuse_a_frame_with_other_columns() -> None:
    with pytest.raises(InputError, match="table 'sales' must have columns"):
        Records.assemble({"sales": pl.DataFrame({"day": [1]})}, QualityReport(()))


def test_the_report_survives_json_and_reads_as_text() -> None:
    account = TableQuality("sales", "sales.csv", 3, 2, 1, 0, (finding(1),))
    report = QualityReport((account,), ("a remark",))
    tree = json.loads(json.dumps(report.to_dict()))
    assert tree["tables"]["sales"]["rows_quarantined"] == 1
    assert tree["tables"]["sales"]["findings"][0]["remedy"] == "Correct it."
    text = str(report)
    assert "3 rows in = 2 kept + 1 quarantined + 0 merged" in text
    assert "row 3: units = -1" in text
    assert "note: a remark" in text


def test_asking_for_a_table_that_was_not_read_names_those_that_were() -> None:
    report = QualityReport((TableQuality("sales", "sales.csv", 0, 0, 0, 0, ()),))
    with pytest.raises(InputError, match="Tables read: sales"):
        report.table("stock")
