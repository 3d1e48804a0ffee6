"""``restock study`` lists, runs and cuts studies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Restock = Callable[..., Any]

TOML = """
question = "Is two more than one?"
protocol = "Count."
seeds = 2
[parameters]
top = 3
[quick]
seeds = 1
"""
CODE = '''
"""Counting."""
def keys(settings):
    numbers = range(1, settings.parameters["top"])
    return [{"n": n, "seed": seed} for n in numbers for seed in range(settings.seeds)]
def run_row(key, settings):
    return {"double": 2 * key["n"]}
def summarise(rows, settings):
    return {"total": sum(row["double"] for row in rows)}
'''


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "studies/counting"
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    (folder / "study.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def test_without_a_name_the_studies_are_listed(restock: Restock, studies: Path) -> None:
    assert studies.is_dir()
    assert restock("study", "--json").tree == {"counting": "Is two more than one?"}
    assert "Is two more than one?" in restock("study").out


def test_a_study_writes_what_it_prints(restock: Restock, studies: Path) -> None:
    tree = restock("study", "counting", "--json").tree
    # (2·1 + 2·2) for each of two seeds
    assert tree["summary"] == {"total": 12}
    assert len(tree["rows"]) == 4
    assert json.loads((studies / "results.json").read_text(encoding="utf-8")) == tree
    assert tree["command"] == "restock study counting"


def test_a_cut_is_written_elsewhere(restock: Restock, studies: Path) -> None:
    done = restock("study", "counting", "--quick", "--only", "n=2", "--seeds", "1")
    assert done.code == 0
    assert (studies / "quick/results.json").is_file()
    assert not (studies / "results.json").exists()
    assert "1 rows" in done.out


def test_jobs_make_the_same_rows_and_are_named(restock: Restock, studies: Path) -> None:
    tree = restock("study", "counting", "--jobs", "2", "--json").tree
    assert tree["command"] == "restock study counting --jobs 2"
    assert [(row["n"], row["seed"]) for row in tree["rows"]] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert tree["summary"] == {"total": 12}
    assert (studies / "results.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["countng"], "Did you mean 'counting'?"),
        (["counting", "--only", "n"], "`--only` must be KEY=VALUE; got 'n'"),
        (["counting", "--only", "m=1"], "no row has a key 'm'"),
        (["counting", "--seeds", "0"], "`--seeds` must be ≥ 1; got 0"),
        (["counting", "--jobs", "0"], "`--jobs` must be an integer ≥ 1; got 0"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(
    restock: Restock, studies: Path, arguments: list[str], message: str
) -> None:
    assert message in restock("study", *arguments).refusal()
    assert sorted(path.name for path in studies.iterdir()) == ["study.py", "study.toml"]
