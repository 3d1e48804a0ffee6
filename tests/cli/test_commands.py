"""Each command does its work, writes whole files, and speaks JSON when asked."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from restock.planning.learned import VIEWS
from restock.records import TABLES

Restock = Callable[..., Any]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_init_makes_a_project_that_can_be_filled_in(restock: Restock, tmp_path: Path) -> None:
    made = restock("init", tmp_path / "shop", "--json").tree
    assert {Path(file).name for file in made["files"]} == {
        "restock.toml",
        *(f"{table}.csv" for table in TABLES),
    }
    template = (tmp_path / "shop/data/templates/sales.csv").read_text(encoding="utf-8")
    header = template.splitlines()[0]
    sales = f"{header}\n2025-01-02,A,3,6,0\n2025-01-03,A,2,4,1\n"
    (tmp_path / "shop/data/sales.csv").write_text(sales, encoding="utf-8")
    table = restock("check", tmp_path / "shop", "--json").tree["tables"]["sales"]
    assert (table["rows_in"], table["rows_kept"]) == (2, 2)


def test_init_never_overwrites(restock: Restock, project: Path) -> None:
    before = (project / "restock.toml").read_text(encoding="utf-8")
    assert "exists already" in restock("init", project).refusal()
    assert (project / "restock.toml").read_text(encoding="utf-8") == before


def test_init_with_demo_makes_tables_that_check_without_a_flaw(
    restock: Restock, tmp_path: Path
) -> None:
    assert restock("init", tmp_path / "demo", "--demo").code == 0
    done = restock("check", tmp_path / "demo", "--strict", "--json")
    assert done.code == 0
    assert done.tree["rows_quarantined"] == 0
    assert done.tree["tables"]["products"]["rows_kept"] == 200


def test_check_writes_what_it_prints(restock: Restock, project: Path) -> None:
    done = restock("check", project)
    folder = project / "runs/check"
    assert (folder / "quality.txt").read_text(encoding="utf-8").strip() in done.out
    assert rows_of(folder / "quarantine.csv") == []
    tables = json.loads((folder / "quality.json").read_text(encoding="utf-8"))["tables"]
    assert tables["stock"]["rows_in"] == 8 * 200


def test_check_reads_a_folder_without_a_project(
    restock: Restock, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    tree = restock("check", "--data", project / "data", "--json").tree
    assert tree["tables"]["lanes"]["rows_kept"] == 8
    assert (tmp_path / "runs/check/quality.json").is_file()


def test_forecast_covers_every_product_and_scores_the_forecasters(
    restock: Restock, project: Path
) -> None:
    tree = restock("forecast", project, "--json").tree
    naive = next(row for row in tree["scores"] if row["forecaster"] == "seasonal_naive")
    assert naive["wql_relative"] == pytest.approx(1.0)
    table = pl.read_csv(project / "runs/forecast/forecast.csv")
    lanes = pl.read_csv(project / "data/lanes.csv")
    assert table.height == 8
    # the horizon is the lead time and the day between two reviews
    horizons = dict(table.select("product", "horizon_days").iter_rows())
    assert horizons == {row[0]: row[2] + 1 for row in lanes.iter_rows()}
    levels = [name for name in table.columns if name.startswith("q0.")]
    assert len(levels) >= 3
    quantiles = table.select(levels).to_numpy()
    assert (quantiles[:, 1:] >= quantiles[:, :-1]).all()
    assert (table["mean"] > 0).all()


def test_train_keeps_the_policy_and_its_log_and_no_checkpoint(trained: Path) -> None:
    folder = trained / "runs/train"
    assert sorted(path.name for path in folder.iterdir()) == ["log.jsonl", "policy.pt"]
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    # 20 updates of each view of the past, for each of two seeds
    networks = 2 * len(VIEWS)
    assert [row["network"] for row in log] == [each for each in range(networks) for _ in range(20)]
    assert [row["update"] for row in log[:20]] == list(range(1, 21))


def test_propose_lists_every_product_with_an_exact_waterfall(
    restock: Restock, trained: Path
) -> None:
    tree = restock("propose", trained, "--json").tree
    rows = rows_of(trained / "runs/propose/proposals.csv")
    assert [row["product"] for row in rows] == [row["product"] for row in tree["proposals"]]
    assert len(rows) == 8
    assert tree["rule"] == "learned"
    for row in tree["proposals"]:
        assert row["expected_demand"] + row["safety"] == row["target"]
        position = row["on_hand"] + row["on_order"] - row["backlog"]
        assert row["need"] == max(row["target"] - position, 0)
        assert row["need"] + row["rounding"] == row["quantity"]
    ordered = [row for row in tree["proposals"] if row["quantity"] > 0]
    assert tree["lines"] == len(ordered)
    assert tree["cost"] == pytest.approx(sum(row["cost"] for row in ordered))


def test_a_classical_rule_proposes_without_training(restock: Restock, project: Path) -> None:
    text = (project / "restock.toml").read_text(encoding="utf-8")
    text = text.replace('rule = "learned"', 'rule = "base_stock"')
    (project / "restock.toml").write_text(text, encoding="utf-8")
    done = restock("propose", project)
    assert done.code == 0
    assert "rule 'base_stock'" in done.out


def test_explain_shows_the_line_that_propose_wrote(restock: Restock, trained: Path) -> None:
    tree = restock("propose", trained, "--json").tree
    line = tree["proposals"][0]
    assert restock("explain", line["product"], trained, "--json").tree == line
    told = restock("explain", line["product"], trained).out
    assert line["reason"] in told
    assert f"{line['quantity']:,}" in told


def test_explain_answers_an_unknown_product_with_the_nearest(
    restock: Restock, trained: Path
) -> None:
    refusal = restock("explain", "D01", trained).refusal()
    assert "product 'D01' is not among the 8" in refusal
    assert "Did you mean 'D001'?" in refusal


def test_backtest_compares_every_rule_and_prints_what_it_writes(
    restock: Restock, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # narrower, and names are folded
    done = restock("backtest", project)
    tree = json.loads((project / "runs/backtest/summary.json").read_text(encoding="utf-8"))
    policies = tree["policies"]
    assert {"learned", "base_stock", "reorder_point"} <= policies.keys()
    classical = {name: row["cost"]["value"] for name, row in policies.items() if name != "learned"}
    assert tree["reference"] == min(classical, key=classical.__getitem__)
    # nobody beats perfect information
    assert tree["perfect_information"]["cost"] <= min(classical.values()) * (1 + 1e-6)
    assert "Capped quantile by class" in done.out
    assert "Perfect information" in done.out
    assert tree["verdict"]["sentence"] in done.out
    assert not (project / "runs/backtest/work").exists()


def test_progress_goes_to_stderr_and_json_stands_alone(restock: Restock, trained: Path) -> None:
    done = restock("propose", trained, "--json")
    assert "forecast:" in done.err
    assert done.out.startswith("{")


def test_names_with_brackets_are_printed_as_they_are(restock: Restock, trained: Path) -> None:
    products = trained / "data/products.csv"
    original = products.read_text(encoding="utf-8")
    try:
        products.write_text(original.replace("Gifts D001", "[red]Vase[/red]"), encoding="utf-8")
        assert "[red]Vase[/red]" in restock("explain", "D001", trained).out
    finally:
        products.write_text(original, encoding="utf-8")
