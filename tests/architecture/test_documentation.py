"""The documentation is complete: each command, option, setting and column is in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from restock.cli.main import app
from restock.planning import Assumptions, ProjectSettings
from restock.planning.project import BacktestSettings, DataSettings
from restock.records import PRESETS, TABLES
from restock.reporting.assumed import UNITS

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SECTIONS = {
    name: field.annotation
    for name, field in ProjectSettings.model_fields.items()
    if hasattr(field.annotation, "model_fields")
}
KINDS = {"String": "text", "Float64": "number", "Int64": "whole number", "Date": "date"}


def sections(path: Path) -> dict[str, str]:
    """Return a page's sections of the second level by heading, markup removed."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {head.strip("`[] "): text for head, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each table row that begins with a name in backticks, by that name."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("` "): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.fixture(scope="session")
def docs(project_root: Path) -> Path:
    return project_root / "docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_every_argument_and_option(docs: Path, name: str) -> None:
    text = sections(docs / "cli.md")[f"restock {name}"]
    found = {word for cell in rows(text) for word in [cell.split()[0]]}
    for parameter in COMMANDS[name].params:
        if parameter.name == "help":
            continue
        written = parameter.opts[0]
        assert (written if written.startswith("-") else written.upper()) in found, name
    assert f"restock {name}" in text.partition("```")[2]


def test_no_command_is_documented_that_is_not_there(docs: Path) -> None:
    headings = {head for head in sections(docs / "cli.md") if head.startswith("restock ")}
    assert headings == {f"restock {name}" for name in COMMANDS}


def test_every_option_in_the_documentation_exists(docs: Path) -> None:
    for name, command in COMMANDS.items():
        options = {option for parameter in command.params for option in parameter.opts}
        told = set(re.findall(r"--[a-z]+", sections(docs / "cli.md")[f"restock {name}"]))
        assert told <= options | {"--help"}, name


def test_every_setting_is_documented_with_its_default_and_its_meaning(docs: Path) -> None:
    page = sections(docs / "configuration.md")
    plain = {
        name: field for name, field in ProjectSettings.model_fields.items() if name not in SECTIONS
    }
    models = {"At the top of the file": plain} | {
        name: model.model_fields for name, model in SECTIONS.items()
    }
    for heading, fields in models.items():
        told = rows(page[heading])
        assert told.keys() == fields.keys(), heading
        for key, field in fields.items():
            default, unit, _, meaning = told[key]
            assert default == f"`{json.dumps(field.default)}`", key
            assert meaning == field.description, key
            if heading == "assumptions":
                assert unit == UNITS[key], key


def test_the_ranges_of_numbers_are_those_of_the_model(docs: Path) -> None:
    page = sections(docs / "configuration.md")
    allowed = rows(page["assumptions"])["lost_share"][2]
    assert allowed == "≥ 0, ≤ 1"
    Assumptions(lost_share=1.0)
    with pytest.raises(ValueError, match="less than or equal to 1"):
        Assumptions(lost_share=1.01)
    assert rows(page["backtest"])["weeks"][2] == "≥ 1"
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        BacktestSettings(weeks=0)


def test_a_default_value_written_into_restock_toml_is_the_documented_one(docs: Path) -> None:
    toml = ProjectSettings().to_toml()
    for heading in ("data", "forecast", "training", "backtest"):
        for key, (default, *_) in rows(sections(docs / "configuration.md")[heading]).items():
            assert f"{key} = {default.strip('`')}  #" in toml


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_documented_with_every_column(docs: Path, name: str) -> None:
    table = TABLES[name]
    told = rows(sections(docs / "tables.md")[name])
    assert tuple(told) == table.columns
    for column, kind in table.types().items():
        expected = KINDS.get(str(kind))
        assert expected is None or told[column][0] == expected
        assert (told[column][1] == "**required**") == (column in table.required)
        assert ("not in the future" in told[column][2]) == (column in table.past)
        assert told[column][3]


def test_every_preset_and_rule_is_documented(docs: Path) -> None:
    from restock.forecasting import CATALOGUE
    from restock.planning import CLASSICAL_RULES, LEARNED

    assert set(PRESETS) <= rows(sections(docs / "tables.md")["Known exports"]).keys()
    page = sections(docs / "configuration.md")
    assert rows(page["Rules"]).keys() == {LEARNED, *(rule.name for rule in CLASSICAL_RULES)}
    assert all(f"`{name}`" in page["Forecasters"] for name in CATALOGUE)
    assert DataSettings().preset == ""


def test_links_between_pages_lead_somewhere(project_root: Path) -> None:
    pages = [project_root / "README.md", *(project_root / "docs").glob("*.md")]
    written_later = {"results.md"}  # assembled from the studies
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text(encoding="utf-8")):
            found = (page.parent / target).exists()
            assert found or Path(target).name in written_later, f"{page.name}: {target}"


def test_the_readme_s_python_runs_as_it_stands(
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (project_root / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - it is our own page
    assert "Against the best classical rule" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "shop/runs").iterdir()} == {
        "report.html",
        "summary.json",
        "proposals.csv",
    }


@pytest.mark.parametrize("page", ["world.md", "environments.md", "learning.md"])
def test_the_python_of_a_page_runs_as_it_stands(
    docs: Path, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (docs / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102 - it is our own page


def test_a_missing_row_is_seen() -> None:
    page = "| key | default |\n|---|---|\n| `a` | `1` |\n| `--only KEY=VALUE` | none |\n"
    assert rows(page) == {"a": ["`1`"], "--only KEY=VALUE": ["none"]}
