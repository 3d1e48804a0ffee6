"""The import contracts of ``pyproject.toml`` hold, and each of them can fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = [
    *(
        "cli",
        "environments",
        "reporting",
        "planning",
        "learning",
        "explanation",
        "evaluation",
        "policies",
    ),
    *("optimality", "simulation", "forecasting", "demand", "records", "problem"),
    *("errors", "shapes", "seeds"),
]

BAD_IMPORTS = [
    pytest.param(
        "Imports go down only",
        {"demand/__init__.py": "import restock.policies\n"},
        id="upwards",
    ),
    pytest.param(
        "Imports go down only",
        {"simulation/__init__.py": "import restock.forecasting\n"},
        id="sideways",
    ),
    pytest.param(
        "never sees the truth",
        {"forecasting/__init__.py": "from restock.demand.processes import poisson\n"},
        id="truth",
    ),
    pytest.param(
        "without an array library",
        {"problem/__init__.py": "import numpy\n"},
        id="array-library",
    ),
    pytest.param(
        "belong to service and cli",
        {"planning/__init__.py": "import typer\n"},
        id="web-library",
    ),
    pytest.param(
        "No cycles inside a room",
        {
            "records/one.py": "import restock.records.two\n",
            "records/two.py": "import restock.records.one\n",
        },
        id="cycle",
    ),
]


def lint(configuration: Path, sources: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of ``configuration`` on the package found in ``sources``."""
    entry = "import sys; from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", entry, "--config", str(configuration), "--no-cache"],
        env={**os.environ, "PYTHONPATH": str(sources), "COLUMNS": "200"},
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )


def build_house(folder: Path, files: dict[str, str]) -> Path:
    """Write a small package ``restock`` with every room, plus ``files``."""
    package = folder / "restock"
    for room in (*ROOMS, "demand/processes"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "demand/processes/poisson.py").touch()
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    return folder


def test_the_house_keeps_its_contracts(project_root: Path) -> None:
    done = lint(project_root / "pyproject.toml", project_root / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_a_house_without_bad_imports_keeps_them_too(project_root: Path, tmp_path: Path) -> None:
    done = lint(project_root / "pyproject.toml", build_house(tmp_path, {}))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "files"), BAD_IMPORTS)
def test_a_bad_import_breaks_its_contract(
    project_root: Path, tmp_path: Path, contract: str, files: dict[str, str]
) -> None:
    done = lint(project_root / "pyproject.toml", build_house(tmp_path, files))
    assert done.returncode == 1, done.stdout + done.stderr
    broken = re.findall(r"^(.*) BROKEN$", done.stdout, flags=re.MULTILINE)
    assert any(contract in name for name in broken), done.stdout


def test_a_room_that_the_design_does_not_know_breaks_the_layers(
    project_root: Path, tmp_path: Path
) -> None:
    house = build_house(tmp_path, {})
    (house / "restock" / "attic.py").touch()
    done = lint(project_root / "pyproject.toml", house)
    assert done.returncode == 1
    assert "attic" in done.stdout + done.stderr
