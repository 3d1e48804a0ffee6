"""Small projects, and the command line called as a user calls it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from restock.cli.main import app
from restock.planning import ProjectSettings, create_project
from restock.records import DemoCompanyConfig

SETTINGS: dict[str, Any] = {
    "name": "small",
    "training": {"seeds": 2, "updates": 20},
    "forecast": {"model": "negative_binomial"},
    "backtest": {"weeks": 2, "tuning_weeks": 4},
}


@dataclass(frozen=True)
class Answer:
    """What a command left with: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def tree(self) -> Any:  # noqa: ANN401
        """The JSON document on stdout; fails when there is anything else."""
        return json.loads(self.out)

    def refusal(self) -> str:
        """Return the one message of a command that was refused, having checked that it is one."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert self.out == ""
        return errors[0]


def make(folder: Path, **changes: Any) -> Path:  # noqa: ANN401
    settings = ProjectSettings.parse({**SETTINGS, **changes}, "the test")
    create_project(folder, settings, DemoCompanyConfig(n_products=8, n_days=200))
    return folder


def call(*arguments: object) -> Answer:
    done = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="restock")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "restock.cli", *(str(each) for each in arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(name="restock")
def restock_here() -> Callable[..., Answer]:
    """Call ``restock`` in this process."""
    return call


@pytest.fixture
def restock_process() -> Callable[..., subprocess.Popen[str]]:
    """Start ``restock`` as a process of its own."""
    return start


@pytest.fixture
def make_project() -> Callable[..., Path]:
    """Make a project of eight products and 200 days; settings given by section replace others."""
    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a fresh small project."""
    return make(tmp_path / "shop")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small project with a trained policy; tests may read it, and write into runs/."""
    folder = make(tmp_path_factory.mktemp("trained") / "shop")
    done = call("train", folder)
    assert done.code == 0, done.err
    return folder
