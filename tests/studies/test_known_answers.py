"""The study of known answers: what it lists is what is printed, and it can say no."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from restock.evaluation import StudySettings
from restock.evaluation.study.study_code import StudyCode, load_code

FOLDER = Path(__file__).resolve().parents[2] / "studies" / "known-answers"
TABLES = {
    "zipkin",
    "backorders",
    "serial",
    "two-sources",
    "fixed-cost",
    "classics",
    "perishables",
    "stores",
    "others",
}
# cheap ones, each of another table and method
CHEAP = [
    ("zipkin", "poisson L=1 p=4, optimal"),
    ("zipkin", "geometric L=1 p=9, better_vector_base_stock"),
    ("zipkin", "geometric L=2 p=19, dual_balancing"),
    ("zipkin", "poisson L=2 p=39, myopic_2"),
    ("backorders", "Normal(5, 1.6) L=1 p=9, best base stock"),
    ("serial", "four stages L=1 p=4, echelon base stock"),
    ("serial", "Poisson(5), cost with its cut"),
    ("two-sources", "l_r=2 c_e=105, dual index, cost"),
    ("two-sources", "l_r=2 c_e=110, tailored base surge, cost, simulated"),
    ("fixed-cost", "Poisson(6) K=5, cost, simulated"),
    ("classics", "(r, Q) at (126.8, 328.5), cost"),
    ("perishables", "shelf life 2 FIFO L=1 waste 7, best base stock, simulated"),
]


@pytest.fixture(scope="module")
def settings(shared: Path) -> StudySettings:
    if not (shared / "known_answers").is_dir():
        pytest.skip(f"published figures not found at {shared}; set RESTOCK_SHARED")
    return StudySettings.read(FOLDER / "study.toml", quick=True)


@pytest.fixture(scope="module")
def code() -> StudyCode:
    return load_code(FOLDER)


@pytest.fixture(scope="module")
def answers(code: StudyCode) -> ModuleType:
    assert code.sources
    return sys.modules["restock_study_known_answers.answers"]


@pytest.fixture(autouse=True)
def _shared_folder(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.setenv("RESTOCK_SHARED", str(shared))


def test_every_figure_of_every_table_has_one_key(code: StudyCode, settings: StudySettings) -> None:
    keys = [(key["table"], key["name"]) for key in code.keys(settings)]
    assert len(set(keys)) == len(keys) > 500
    assert {table for table, _ in keys} == TABLES


def test_every_printed_figure_stands_in_the_known_answers(
    answers: ModuleType, settings: StudySettings, shared: Path
) -> None:
    readme = (shared / "known_answers" / "README.md").read_text(encoding="utf-8")
    printed = set(re.findall(r"-?\d+(?:\.\d+)?", readme.replace("−", "-").replace(",000", "000")))
    figures = list(answers.figures(settings))
    typed = [f for f in figures if not f.source.startswith(("Zipkin", "exact solver for Zipkin"))]
    missing = {f.name: f.printed for f in typed if _plain(f.printed) not in _plained(printed)}
    # the stores' figures are in a file of their own
    assert {name for name in missing if "stores" not in name} == set()


def _plained(texts: set[str]) -> set[float]:
    return {_plain(text) for text in texts}


def _plain(text: str) -> float:
    return abs(float(text))


def test_what_is_not_covered_says_why(answers: ModuleType, settings: StudySettings) -> None:
    figures = [f for f in answers.figures(settings) if f.compute is None]
    assert figures
    assert all(figure.reason for figure in figures)
    row = figures[0].row()
    assert row["computed"] is None
    assert row["agrees"] is None


@pytest.mark.parametrize(
    ("printed", "computed", "agrees"),
    [
        ("4.40", 4.4049, True),
        ("4.40", 4.4051, False),
        ("4.4", 4.4051, True),
        ("-1553", -1553.6, False),
        ("8", 8.0, True),
    ],
)
def test_an_exact_figure_agrees_to_half_a_unit_of_its_last_digit(
    answers: ModuleType, printed: str, computed: float, *, agrees: bool
) -> None:
    row = answers.Figure("t", "s", "n", printed, lambda: computed, reason="why").row()
    assert row["agrees"] is agrees
    assert row["reason"] == ("" if agrees else "why")
    assert row["method"] == "exact"


@pytest.mark.parametrize(("distance", "agrees"), [(2.9, True), (3.1, False)])
def test_a_simulated_figure_agrees_within_three_standard_errors(
    answers: ModuleType, distance: float, *, agrees: bool
) -> None:
    value = 10.005 + distance * 0.1
    row = answers.Figure(
        "t", "s", "n", "10.00", lambda: answers.Computed(value, 0.1, exact=10.0)
    ).row()
    assert row["agrees"] is agrees
    assert row["method"] == "simulated"
    assert row["standard_errors_from_exact"] == pytest.approx(distance + 0.05)


def test_an_allowance_of_the_source_widens_the_tolerance(answers: ModuleType) -> None:
    assert not answers.Figure("t", "s", "n", "10.00", lambda: 10.02).row()["agrees"]
    assert answers.Figure("t", "s", "n", "10.00", lambda: 10.02, allowance=0.02).row()["agrees"]


@pytest.mark.parametrize(("table", "name"), CHEAP)
def test_cheap_figures_agree(
    code: StudyCode, settings: StudySettings, table: str, name: str
) -> None:
    row = code.run_row({"table": table, "name": name}, settings)
    assert row["agrees"] is True, row
    if row["method"] == "simulated":
        assert abs(row["standard_errors_from_exact"]) < 4


def test_a_disagreement_is_counted_and_shown_with_its_reason(
    code: StudyCode, settings: StudySettings
) -> None:
    key = {"table": "zipkin", "name": "geometric L=1 p=39, best_base_stock"}
    rows: list[dict[str, Any]] = [{**key, **code.run_row(key, settings)}]
    summary = code.summarise(rows, settings)
    assert summary["disagreeing"] == 1
    assert summary["disagreeing_without_a_reason"] == 0
    assert code.tables is not None
    assert rows[0]["reason"] in code.tables(rows, summary, settings)
