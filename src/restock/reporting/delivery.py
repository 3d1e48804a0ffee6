"""The delivery of a run: three files that appear together or not at all."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from restock.errors import InputError
from restock.planning import Plan
from restock.reporting.page import report_html
from restock.reporting.proposals_file import proposals_csv
from restock.reporting.summary import summary_json

__all__ = ["Delivery", "deliver", "write_together"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the files of a delivery lie."""

    report: Path
    summary: Path
    proposals: Path


def deliver(plan: Plan, folder: Path) -> Delivery:
    """Write ``report.html``, ``summary.json`` and ``proposals.csv`` into ``folder``.

    The folder is made where it does not exist. Files of an earlier delivery are replaced, all
    three or none.

    Raises :class:`InputError` when the folder cannot be written to.
    """
    delivery = Delivery(folder / "report.html", folder / "summary.json", folder / "proposals.csv")
    write_together(
        {
            delivery.report: report_html(plan),
            delivery.summary: summary_json(plan),
            delivery.proposals: proposals_csv(plan.proposals),
        }
    )
    return delivery


def write_together(texts: Mapping[Path, str]) -> None:
    """Write every text to its path, or leave everything as it was.

    Each is written to ``NAME.part`` beside its place first. Files that are in the way step aside
    to ``NAME.old`` and come back when anything fails.

    Raises :class:`InputError` when a path cannot be written.
    """
    try:
        with ExitStack() as undo:
            for path, text in texts.items():
                _make_folder(path.parent, undo)
                part = _beside(path, "part")
                undo.callback(part.unlink, missing_ok=True)
                part.write_text(text, encoding="utf-8", newline="\n")
            for path in texts:
                _step_aside(path, undo)
                undo.callback(path.unlink, missing_ok=True)
                _beside(path, "part").replace(path)
            undo.pop_all()
        for path in texts:
            _beside(path, "old").unlink(missing_ok=True)
    except OSError as error:
        place = next(iter(texts)).parent
        raise InputError(
            f"cannot write into {place}: {error.strerror or error}. It must be a folder that you"
            " may write to, with space left; name another one."
        ) from error


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it; undone, the ones that were new are gone again."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, undo)
    folder.mkdir()
    undo.callback(folder.rmdir)


def _step_aside(path: Path, undo: ExitStack) -> None:
    if path.is_file():
        old = _beside(path, "old")
        path.replace(old)
        undo.callback(old.replace, path)
