"""One row of a study, run here and now."""

import time

from restock.errors import InputError, require
from restock.evaluation.study.partial_rows import key_text, plain
from restock.evaluation.study.settings import StudySettings
from restock.evaluation.study.study_code import Key, Row, StudyCode

__all__ = ["timed_row"]


def timed_row(code: StudyCode, settings: StudySettings, key: Key) -> tuple[Row, float]:
    """Return a row, its key and its figures in one dict, and the seconds that it took.

    What the study raises carries a note that names the row. Raises :class:`InputError` for a
    figure that JSON cannot hold, or that takes the name of a part of the key.
    """
    started = time.perf_counter()
    try:
        figures = code.run_row(dict(key), settings)
    except Exception as error:
        error.add_note(f"in row {key_text(key)} of study '{settings.name}'")
        raise
    figures = plain(figures, "row")
    clash = next((name for name in figures if name in key and figures[name] != key[name]), None)
    require(
        clash is None,
        InputError,
        f"row {key_text(key)} of study '{settings.name}' returns another '{clash}' than its key"
        " has. Give the figure another name.",
    )
    return {**key, **figures}, time.perf_counter() - started
