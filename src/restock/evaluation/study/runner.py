"""The study runner: instances × methods × seeds → rows → results, resumable row by row."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restock.errors import ConfigurationError, InputError, did_you_mean, require
from restock.evaluation.study.partial_rows import DoneRow, PartialRows, key_text, plain
from restock.evaluation.study.provenance import commit_of, machine_facts
from restock.evaluation.study.report import StudyResult, markdown_table, write_results
from restock.evaluation.study.settings import StudySettings
from restock.evaluation.study.study_code import Key, Row, StudyCode, load_code

__all__ = ["RowProgress", "find_study", "run_study"]


@dataclass(frozen=True, slots=True)
class RowProgress:
    """A row is there: ``done`` of ``total``; ``resumed`` if an earlier run had made it."""

    done: int
    total: int
    key: Key
    row: Row
    seconds: float
    resumed: bool


def find_study(name: str, root: Path | None = None) -> Path:
    """Return the folder of the study ``name`` under ``root``, by default ``./studies``.

    Raises :class:`InputError` with the closest name, or all names, when there is none.
    """
    root = Path.cwd() / "studies" if root is None else root
    known = sorted(file.parent.name for file in root.glob("*/study.toml"))
    if name in known:
        return root / name
    if not known:
        raise InputError(
            f"no study '{name}': there are no studies in {root}. Run the command from the"
            " folder that holds studies/."
        )
    raise InputError(f"no study '{name}' in {root}.{did_you_mean(name, known)}")


def run_study(
    folder: Path,
    *,
    quick: bool = False,
    only: Mapping[str, str] | None = None,
    seeds: int | None = None,
    on_row: Callable[[RowProgress], object] | None = None,
) -> StudyResult:
    """Run the study in ``folder`` and write ``results.json`` and ``results.md``.

    ``quick`` takes the overrides of ``[quick]``; ``only`` keeps the rows whose key says so, as
    text; ``seeds`` replaces the number of seeds. A cut (``quick``, ``only``, or fewer seeds than
    the study asks for) is written to ``folder/quick``, so that it never replaces full results.
    ``on_row`` hears of every row. Interrupted, the run goes on from its last finished row;
    finished, the next run starts afresh.

    Raises :class:`InputError` or :class:`ConfigurationError` for a study that cannot be used
    and for an ``only`` that names no row.
    """
    settings = StudySettings.read(folder / "study.toml", quick=quick)
    asked_seeds = settings.seeds
    if seeds is not None:
        settings = settings.with_seeds(seeds)
    code = load_code(folder)
    keys = _select(_keys(code, settings), only or {})
    is_cut = quick or bool(only) or settings.seeds < asked_seeds
    place = folder / "quick" if is_cut else folder
    cause = [*code.sources, key_text(only or {}).encode()]
    partial = PartialRows(place / "partial", settings.fingerprint(cause))
    finished = _run_rows(code, settings, keys, partial, commit_of(folder), on_row)
    rows = [done.row for done in finished]
    started = time.perf_counter()
    summary = plain(code.summarise(rows, settings), "summary")
    tables = markdown_table(rows) if code.tables is None else code.tables(rows, summary, settings)
    result = StudyResult(
        folder=place,
        question=settings.question,
        protocol=settings.protocol,
        command=_command(folder.name, quick=quick, only=only or {}, seeds=seeds),
        commit=", ".join(dict.fromkeys(done.commit for done in finished)),
        machine=machine_facts(),
        seconds=round(sum(done.seconds for done in finished) + time.perf_counter() - started, 3),
        rows=rows,
        summary=summary,
    )
    write_results(result, tables)
    partial.discard()
    return result


def _keys(code: StudyCode, settings: StudySettings) -> list[Key]:
    keys: list[Key] = [plain(key, "key") for key in code.keys(settings)]
    require(
        len(keys) > 0,
        InputError,
        f"study '{settings.name}' lists no rows. Let `keys` return at least one key.",
    )
    texts = [key_text(key) for key in keys]
    repeated = next((text for text in texts if texts.count(text) > 1), None)
    require(
        repeated is None,
        InputError,
        f"study '{settings.name}' lists the row {repeated} more than once. Add what tells the"
        " rows apart to their keys.",
    )
    return keys


def _select(keys: Sequence[Key], only: Mapping[str, str]) -> list[Key]:
    names = dict.fromkeys(name for key in keys for name in key)
    for name, value in only.items():
        if name not in names:
            raise ConfigurationError(
                f"no row has a key '{name}' to select by.{did_you_mean(name, names)}"
            )
        values = dict.fromkeys(str(key[name]) for key in keys if name in key)
        if str(value) not in values:
            raise ConfigurationError(
                f"no row has {name}={value}.{did_you_mean(str(value), values)}"
            )
    chosen = [
        key
        for key in keys
        if all(name in key and str(key[name]) == str(value) for name, value in only.items())
    ]
    asked = " ".join(f"{name}={value}" for name, value in only.items())
    require(
        len(chosen) > 0,
        ConfigurationError,
        f"no row has {asked} together. Select by fewer keys.",
    )
    return chosen


def _run_rows(
    code: StudyCode,
    settings: StudySettings,
    keys: Sequence[Key],
    partial: PartialRows,
    commit: str,
    on_row: Callable[[RowProgress], object] | None,
) -> list[DoneRow]:
    finished = []
    for position, key in enumerate(keys, start=1):
        done = partial.done.get(key_text(key))
        resumed = done is not None
        if done is None:
            started = time.perf_counter()
            row = _run_row(code, settings, key)
            done = DoneRow(key, row, time.perf_counter() - started, commit)
            partial.add(done)
        finished.append(done)
        if on_row is not None:
            on_row(RowProgress(position, len(keys), key, done.row, done.seconds, resumed))
    return finished


def _run_row(code: StudyCode, settings: StudySettings, key: Key) -> Row:
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
    return {**key, **figures}


def _command(name: str, *, quick: bool, only: Mapping[str, Any], seeds: int | None) -> str:
    words = ["restock", "study", name]
    words += ["--quick"] if quick else []
    for key, value in only.items():
        words += ["--only", f"{key}={value}"]
    words += [] if seeds is None else ["--seeds", str(seeds)]
    return shlex.join(words)
