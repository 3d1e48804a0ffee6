"""The three files: whole or not at all, without NaN, and safe to open."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from restock.errors import InputError
from restock.planning import Plan
from restock.reporting import Delivery, deliver, proposals_csv, write_together

NAMES = ["proposals.csv", "report.html", "summary.json"]


def test_a_delivery_is_three_files_and_nothing_else(delivery: Delivery) -> None:
    assert sorted(path.name for path in delivery.report.parent.iterdir()) == NAMES


def test_a_later_delivery_replaces_the_earlier_one(plan: Plan, folder: Path) -> None:
    deliver(plan, folder)
    again = deliver(replace(plan, settings=plan.settings.model_copy(update={"seed": 7})), folder)
    assert json.loads(again.summary.read_text(encoding="utf-8"))["seed"] == 7
    assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_when_one_file_cannot_be_placed_the_earlier_ones_stay(plan: Plan, folder: Path) -> None:
    folder.mkdir()
    (folder / "report.html").write_text("old", encoding="utf-8")
    (folder / "proposals.csv").mkdir()  # nothing can be moved onto a folder
    with pytest.raises(InputError, match="cannot write into"):
        deliver(plan, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["proposals.csv", "report.html"]
    assert (folder / "report.html").read_text(encoding="utf-8") == "old"


def test_when_the_report_cannot_be_made_no_folder_is_left(plan: Plan, folder: Path) -> None:
    with pytest.raises(InputError, match="at least one classical rule"):
        deliver(replace(plan, comparison=plan.comparison[:2]), folder)
    assert not folder.exists()


def test_a_file_in_the_place_of_the_folder_is_named(plan: Plan, folder: Path) -> None:
    folder.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="must be a folder that you may write to"):
        deliver(plan, folder / "demo")
    assert folder.read_text(encoding="utf-8") == "mine"


def test_a_write_that_breaks_off_leaves_no_part_and_no_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_self: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({folder / "deep" / "a": "1", folder / "deep" / "b": "2"})
    assert not folder.exists()


def _lines(delivery: Delivery) -> list[dict[str, str]]:
    with delivery.proposals.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_waterfall_of_every_line_adds_up_to_the_unit(plan: Plan, delivery: Delivery) -> None:
    lines = _lines(delivery)
    assert len(lines) == plan.case.history.n_products
    ordered = 0
    for line in lines:
        units = {
            name: int(line[name])
            for name in (
                "expected_demand",
                "safety",
                "target",
                "on_hand",
                "on_order",
                "backlog",
                "need",
                "rounding",
                "quantity",
            )
        }
        short = units["target"] - units["on_hand"] - units["on_order"] + units["backlog"]
        assert units["expected_demand"] + units["safety"] == units["target"]
        assert max(short, 0) == units["need"]
        assert units["need"] + units["rounding"] == units["quantity"]
        ordered += units["quantity"] > 0
    assert ordered == plan.proposals.lines > 0


def test_a_name_that_looks_like_a_formula_is_text(delivery: Delivery) -> None:
    assert {line["supplier"] for line in _lines(delivery)} == {"'=HYPERLINK(A1)"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_every_start_of_a_formula_is_guarded(plan: Plan, start: str) -> None:
    table = plan.proposals.table.head(1).with_columns(pl.lit(f"{start}1").alias("supplier"))
    text = proposals_csv(replace(plan.proposals, table=table))
    [line] = csv.DictReader(text.splitlines(keepends=True))
    assert line["supplier"] == f"'{start}1"


def test_numbers_below_zero_stay_numbers(plan: Plan) -> None:
    table = plan.proposals.table.head(1).with_columns(pl.lit(-3).alias("safety"))
    [line] = csv.DictReader(proposals_csv(replace(plan.proposals, table=table)).splitlines())
    assert line["safety"] == "-3"
