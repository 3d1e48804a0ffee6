"""``restock demo`` runs the whole job and says what it made."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the demo of this module writes into."""
    return tmp_path_factory.mktemp("demo") / "runs"


@pytest.fixture
def summary(out: Path, restock_process: Start) -> Any:  # noqa: ANN401
    """Return what ``restock demo --quick --json`` printed, run once for the module."""
    printed = out.with_name("stdout.json")
    if not printed.exists():
        process = restock_process("demo", "--quick", "--json", "--out", out)
        text, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
        for stage in ("check", "forecast", "train", "backtest", "propose", "report"):
            assert f"{stage}: " in err
        printed.write_text(text, encoding="utf-8")
    return json.loads(printed.read_text(encoding="utf-8"))


def test_the_demo_leaves_three_files_and_no_checkpoint(out: Path, summary: Any) -> None:  # noqa: ANN401
    assert sorted(path.name for path in out.iterdir()) == [
        "proposals.csv",
        "report.html",
        "summary.json",
    ]
    assert Path(summary["files"]["report"]) == out / "report.html"


def test_the_demo_prints_the_summary_that_it_writes(out: Path, summary: Any) -> None:  # noqa: ANN401
    written = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert {**written, "files": summary["files"]} == summary
    assert summary["shop"] == "demo company"
    assert summary["products"] == 30
    assert {"check", "forecast", "train", "backtest", "propose"} <= (
        summary["seconds_per_stage"].keys()
    )


def test_the_demo_s_proposals_explain_their_quantities(out: Path, summary: Any) -> None:  # noqa: ANN401
    with (out / "proposals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    for row in rows:
        units = {name: int(row[name]) for name in ("expected_demand", "safety", "target", "need")}
        assert units["expected_demand"] + units["safety"] == units["target"]
        assert units["need"] + int(row["rounding"]) == int(row["quantity"])
    assert summary["proposals"]["lines"] == sum(int(row["quantity"]) > 0 for row in rows)


def test_the_report_stands_alone(out: Path, summary: Any) -> None:  # noqa: ANN401
    text = (out / "report.html").read_text(encoding="utf-8")
    assert summary["verdict"]["sentence"] in text
    assert '<script src="http' not in text
