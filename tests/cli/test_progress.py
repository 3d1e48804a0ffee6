"""Progress is a bar on a terminal and a few lines elsewhere, and never on stdout."""

import sys

import pytest

from restock.cli import progress
from restock.cli.progress import show_progress


def test_without_a_terminal_a_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as tell:
        for update in range(100):
            tell("train", f"update {update}", update / 100)
        tell("propose", "asking", 0.0)
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["train: update 0", "propose: asking"]
    assert shown.out == ""


def test_a_long_stage_is_heard_of_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with show_progress() as tell:
        tell("train", "update 1", 0.01)
        tell("train", "update 50", 0.5)
    assert capsys.readouterr().err.splitlines() == [
        "train: update 1 (1%)",
        "train: update 50 (50%)",
    ]


def test_on_a_terminal_bars_are_drawn_and_never_run_backwards(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_progress() as tell:
        tell("train", "[red]network[/red] 1", 0.8)
        tell("train", "[red]network[/red] 2", 0.1)
        assert isinstance(tell, progress._Bars)
        assert tell.shares == {"train": 0.8}
    shown = capsys.readouterr()
    assert "[red]network[/red] 2" in shown.err
    assert shown.out == ""
