"""Bad input at the door: one message with value, rule and remedy, code 2, nothing half-written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

Restock = Callable[..., Any]

GOOD = "2025-01-02,A,3\n2025-01-03,B,4\n"
HEADER = "date,product_id,units\n"
PRODUCTS = "product_id,list_price\nA,2\nB,3\n"

PLANNING = ("forecast", "train", "backtest", "propose")


def shop(folder: Path, toml: str = "", **tables: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "restock.toml").write_text(toml, encoding="utf-8")
    for name, text in tables.items():
        (folder / "data" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def change(project: Path, old: str, new: str) -> None:
    text = (project / "restock.toml").read_text(encoding="utf-8")
    assert old in text
    (project / "restock.toml").write_text(text.replace(old, new), encoding="utf-8")


def copy(project: Path, target: Path) -> None:
    shutil.copytree(project, target, ignore=shutil.ignore_patterns("propose"))


def edit(project: Path, table: str, frame: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    path = project / "data" / f"{table}.csv"
    frame(pl.read_csv(path)).write_csv(path)


@pytest.mark.parametrize("command", ["check", *PLANNING])
def test_a_folder_without_a_project_says_to_make_one(
    restock: Restock, tmp_path: Path, command: str
) -> None:
    refusal = restock(command, tmp_path / "nowhere").refusal()
    assert "there is no restock.toml" in refusal
    assert "restock init" in refusal
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_a_project_is_refused(restock: Restock, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("", encoding="utf-8")
    assert "Name the project's folder" in restock("check", tmp_path / "shop").refusal()


@pytest.mark.parametrize("command", ["check", *PLANNING])
@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "holds neither sales nor orders"),
        ({"sales": ""}, "is empty"),
        ({"sales": HEADER}, "has a header but no rows"),
        ({"sales": "date,product_id,unit\n2025-01-02,A,3\n"}, "Did you mean 'unit'?"),
        ({"sales": f"{HEADER}2025-01-02,A,0\n"}, "have `units` 0"),
        ({"sales": f"{HEADER}2025-01-02,A,-1\n"}, "`units` must be ≥ 0, got '-1.0'"),
    ],
)
def test_tables_that_cannot_be_used_are_refused_by_every_command(
    restock: Restock, tmp_path: Path, command: str, tables: dict[str, str], message: str
) -> None:
    project = shop(tmp_path / "shop", 'rule = "base_stock"', **tables)
    assert message in restock(command, project).refusal()
    assert not (project / "runs").exists()


def test_a_missing_file_is_named_with_its_neighbour(
    restock: Restock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "online_retail.csv").touch()
    for command in ("check", "demo"):
        refusal = restock(
            command, "--data", "online_retial.csv", "--preset", "online-retail"
        ).refusal()
        assert "online_retial.csv is missing. Did you mean 'online_retail.csv'?" in refusal
    assert [path.name for path in tmp_path.iterdir()] == ["online_retail.csv"]


def test_an_unknown_preset_is_answered_with_the_nearest(restock: Restock, tmp_path: Path) -> None:
    for command in ("check", "demo"):
        refusal = restock(command, "--data", tmp_path / "x.csv", "--preset", "online").refusal()
        assert "preset 'online' is unknown. Did you mean 'online-retail'?" in refusal


@pytest.mark.parametrize("command", ["check", "demo"])
def test_file_and_preset_need_each_other(restock: Restock, tmp_path: Path, command: str) -> None:
    assert "without a preset" in restock(command, "--data", tmp_path / "x.csv").refusal()
    assert "without a file" in restock(command, "--preset", "online-retail").refusal()


def test_bad_rows_are_set_aside_with_number_value_and_remedy(
    restock: Restock, tmp_path: Path
) -> None:
    bad = (
        "2025-01-04,A,NaN\n2025-01-04,B,inf\n2025-01-05,A,-2\n2025-01-02,A,5\n2999-01-01,A,1\n"
        "2025-01-06,C,1\n"
    )
    project = shop(tmp_path / "shop", products=PRODUCTS, sales=HEADER + GOOD + bad)
    done = restock("check", project, "--strict", "--json")
    assert done.code == 1
    assert done.tree["rows_quarantined"] == 6
    table = done.tree["tables"]["sales"]
    assert (table["rows_in"], table["rows_kept"]) == (8, 2)
    lines = pl.read_csv(project / "runs/check/quarantine.csv", infer_schema=False)
    assert dict(lines.select("row", "value").iter_rows()) == {
        "4": "NaN",
        "5": "inf",
        "6": "-2.0",
        "7": "A",
        "8": "2999-01-01",
        "9": "C",
    }
    assert lines["rule"].is_not_null().all()
    assert lines["remedy"].is_not_null().all()
    assert restock("check", project).code == 0


def test_a_whole_row_given_twice_is_merged(restock: Restock, tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", sales=f"{HEADER}{GOOD}2025-01-02,A,3\n")
    table = restock("check", project, "--json").tree["tables"]["sales"]
    assert (table["rows_in"], table["rows_kept"], table["rows_merged"]) == (3, 2, 1)


def test_mixed_encodings_keep_every_letter(restock: Restock, tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", sales=HEADER + GOOD)
    rows = "product_id,name,list_price\nA,Größe,2\n".encode() + "B,Maß,3\n".encode("cp1252")
    (project / "data/products.csv").write_bytes(rows)
    table = restock("check", project, "--json").tree["tables"]["products"]
    assert table["rows_kept"] == 2
    assert "mixed utf-8 and cp1252" in table["source"]


def test_a_product_without_price_is_set_aside(restock: Restock, tmp_path: Path) -> None:
    products = "product_id,list_price\nA,2\nB,\n"
    project = shop(tmp_path / "shop", products=products, sales=HEADER + GOOD)
    tree = restock("check", project, "--json").tree
    assert tree["tables"]["products"]["rows_quarantined"] == 1
    assert "needs a price > 0" in tree["tables"]["products"]["findings"][0]["rule"]


def test_planning_without_any_price_is_refused(restock: Restock, project: Path) -> None:
    (project / "data/prices.csv").unlink()
    (project / "data/products.csv").unlink()
    edit(project, "sales", lambda sales: sales.drop("revenue"))
    refusal = restock("train", project).refusal()
    assert "has no price" in refusal
    assert "Add it to the prices or products table" in refusal
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 2", "sedes = 2", "unknown key `training.sedes`. Did you mean 'seeds'?"),
        ("[training]", "[trainig]", "unknown key `trainig`. Did you mean 'training'?"),
        ("[7]", "[-1]", "`assumptions.lead_time_days` is -1; input should be greater than or"),
        ("[7]", "[]", "`assumptions.lead_time_days` is []"),
        ("[7]", "[2.5]", "`assumptions.lead_time_days` is 2.5"),
        ("unit_cost_share = 0.5", "unit_cost_share = nan", "is nan; input should be"),
        ("unit_cost_share = 0.5", "unit_cost_share = 1.5", "is 1.5; input should be less"),
        ("holding_rate_per_year = 0.3", "holding_rate_per_year = inf", "is inf; input"),
        ("weeks = 2 ", "weeks = 0 ", "`backtest.weeks` is 0; input should be greater"),
        ("seed = 0", "seed = ", "is not valid TOML"),
        ('"learned"', '"learnt"', "unknown rule 'learnt'. Did you mean 'learned'?"),
        (
            '"negative_binomial"',
            '"negative_binomal"',
            "Did you mean 'negative_binomial'?",
        ),
        ("windows = 1", "windows = 9", "Ask for fewer or shorter windows"),
        ("weeks = 2 ", "weeks = 20 ", "or give a longer history"),
        ('folder = "data"', 'folder = "dat"', "shop/dat is missing"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(
    restock: Restock, project: Path, old: str, new: str, message: str
) -> None:
    change(project, old, new)
    assert message in restock("train", project).refusal()
    assert not (project / "runs").exists()


def test_a_history_too_short_is_refused(restock: Restock, project: Path) -> None:
    for table in ("sales", "stock"):
        edit(project, table, lambda frame: frame.filter(pl.col("date") < "2023-12-15"))
    refusal = restock("backtest", project).refusal()
    assert "give a longer history" in refusal
    assert not (project / "runs").exists()


def test_a_product_that_was_never_trained_is_refused_with_its_name(
    restock: Restock, trained: Path, tmp_path: Path
) -> None:
    project = tmp_path / "grown"
    copy(trained, project)
    change(project, "products = 300", "products = 7")
    refusal = restock("propose", project).refusal()
    assert "was trained for 8 products, and 7 are planned now (gone: D" in refusal
    assert "Run `restock train` again" in refusal
    assert not (project / "runs/propose").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shortage_margin_share = 1.0", "shortage_margin_share = 2.0", "other assumptions"),
        ("updates = 20", "updates = 21", "other training"),
        ("seed = 0", "seed = 1", "other training"),
    ],
)
def test_a_policy_trained_under_other_settings_is_refused(
    restock: Restock, trained: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    project = tmp_path / "changed"
    copy(trained, project)
    change(project, old, new)
    assert message in restock("propose", project).refusal()


def test_a_policy_trained_for_other_lead_times_is_refused(
    restock: Restock, trained: Path, tmp_path: Path
) -> None:
    project = tmp_path / "slower"
    copy(trained, project)
    edit(project, "lanes", lambda lanes: lanes.with_columns(pl.col("lead_time_days") + 1))
    assert "other lead times" in restock("explain", "D001", project).refusal()


def test_a_checkpoint_of_another_shape_is_refused(
    restock: Restock, trained: Path, tmp_path: Path
) -> None:
    project = tmp_path / "reshaped"
    copy(trained, project)
    path = project / "runs/train/policy.pt"
    tree = torch.load(path, weights_only=True)
    tree["members"][0]["config"]["hidden"] = (8,)
    torch.save(tree, path)
    refusal = restock("propose", project).refusal()
    assert "size mismatch" in refusal
    assert "run `restock train` again" in refusal
    path.write_bytes(b"half a file")
    assert "cannot be read" in restock("propose", project).refusal()


@pytest.mark.parametrize("command", ["propose", "explain"])
def test_a_project_without_a_policy_says_to_train_before_it_works(
    restock: Restock, project: Path, command: str
) -> None:
    done = restock(command, *(["D001"] if command == "explain" else []), project)
    assert "Run `restock train` first" in done.refusal()
    # nothing was read yet: the message does not make anyone wait
    assert "reading" not in done.err


@pytest.mark.parametrize("command", ["check", *PLANNING])
def test_a_file_where_results_should_go_is_refused_before_work(
    restock: Restock, project: Path, command: str
) -> None:
    (project / "runs").write_text("in the way", encoding="utf-8")
    done = restock(command, project)
    assert "is a file, not a folder. Name another folder." in done.refusal()
    assert "reading" not in done.err
    assert (project / "runs").read_text(encoding="utf-8") == "in the way"


def test_a_demo_that_cannot_write_says_so_before_it_works(restock: Restock, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way", encoding="utf-8")
    for out in (tmp_path / "out", tmp_path / "out/deeper"):
        done = restock("demo", "--quick", "--out", out)
        assert "is a file, not a folder" in done.refusal()
        assert "making" not in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused(restock: Restock, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        done = restock("demo", "--quick", "--out", tmp_path / "out")
        assert "must be a folder that you may write to" in done.refusal()
        assert "cannot be made" in restock("init", tmp_path / "shop").refusal()
    finally:
        tmp_path.chmod(0o755)


def test_a_folder_that_the_system_forbids_is_refused(
    restock: Restock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write anywhere, so the system's answer is given for it
    monkeypatch.setattr(os, "access", lambda *_: False)
    done = restock("demo", "--quick", "--out", tmp_path / "out")
    assert "must be a folder that you may write to" in done.refusal()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_the_old_files(
    restock: Restock, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert restock("propose", trained).code == 0
    file = trained / "runs/propose/proposals.csv"
    before = file.read_bytes()
    write_text = Path.write_text

    def full_disk(path: Path, *arguments: object, **named: object) -> int:
        if path.name.endswith(".part"):
            write_text(path, "half", encoding="utf-8")
            raise OSError(28, "No space left on device")
        return write_text(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full_disk)
    assert "No space left on device" in restock("propose", trained).refusal()
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["proposals.csv"]


def test_json_output_stays_empty_when_a_command_is_refused(
    restock: Restock, tmp_path: Path
) -> None:
    for command in ("check", *PLANNING):
        assert restock(command, tmp_path, "--json").out == ""
