"""The door: help at once, exit codes that mean something, nothing heavy before it is needed."""

import errno
import subprocess
import sys
import time

import pytest
import typer
from typer.testing import CliRunner

import restock
from restock.cli.door import Door
from restock.cli.main import app
from restock.errors import InputError

LOOK = """
import sys, restock.cli.main
heavy = {"torch", "polars", "numpy", "scipy", "pydantic", "plotly", "lightgbm", "dataframely"}
sys.exit(", ".join(heavy & sys.modules.keys()))
"""


def door(error: BaseException) -> typer.Typer:
    """Return a command line with one command, which raises ``error``."""
    small = typer.Typer(cls=Door, pretty_exceptions_enable=False)

    @small.command()
    def fail() -> None:
        raise error

    @small.command()
    def rest() -> None:
        """Make it a group."""

    return small


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False)
    # sys.exit with an empty text leaves with 1 and prints an empty line
    assert done.stderr.strip() == ""
    assert done.returncode == 1


def test_help_answers_in_half_a_second() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        command = [sys.executable, "-m", "restock.cli", "--help"]
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - started

    # the quickest of several: other processes on a busy machine are not restock's
    assert min(seconds() for _ in range(5)) < 0.5


def test_the_version_is_the_package_s() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"restock {restock.__version__}\n")


def test_a_refusal_is_one_line_on_stderr_and_code_2() -> None:
    done = CliRunner().invoke(door(InputError("column 'x' is missing.")), ["fail"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: column 'x' is missing.\n"


def test_an_interruption_is_code_130_and_says_how_to_go_on() -> None:
    done = CliRunner().invoke(door(KeyboardInterrupt()), ["fail"])
    assert done.exit_code == 130
    assert "run the same command again to go on" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_system_refuses_is_said_with_its_place() -> None:
    refused = OSError(errno.ENOSPC, "No space left on device", "/full/disk")
    done = CliRunner().invoke(door(refused), ["fail"])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: the system refused at /full/disk: No space left")


def test_a_bug_keeps_its_traceback() -> None:
    for bug in (ZeroDivisionError("a bug"), OSError(errno.EBADF, "a bug")):
        done = CliRunner().invoke(door(bug), ["fail"])
        assert done.exception is bug


@pytest.mark.parametrize(
    "arguments", [["trian"], ["train", "--jsn"], ["explain"], ["study", "--seeds", "x"]]
)
def test_a_command_that_cannot_be_understood_is_code_2(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error" in done.stderr


def test_every_command_shows_examples_that_name_it() -> None:
    group = typer.main.get_command(app)
    for name in group.commands:  # type: ignore[attr-defined]
        help_text = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).stdout
        assert f"restock {name}" in help_text.partition("For example:")[2]
