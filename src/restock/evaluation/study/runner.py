"""The study runner: instances × methods × seeds → rows → results, resumable row by row."""

import shlex
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restock.errors import ConfigurationError, InputError, did_you_mean, require
from restock.evaluation.study.partial_rows import DoneRow, PartialRows, key_text, plain
from restock.evaluation.study.provenance import commit_of, machine_facts
from restock.evaluation.study.report import StudyResult, markdown_table, write_results
from restock.evaluation.study.rows import timed_row
from restock.evaluation.study.settings import StudySettings
from restock.evaluation.study.study_code import Key, Row, StudyCode, load_code
from restock.evaluation.study.workers import FinishedRow, rows_in_processes

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
    jobs: int = 1,
    on_row: Callable[[RowProgress], object] | None = None,
) -> StudyResult:
    """Run the study in ``folder`` and write ``results.json`` and ``results.md``.

    ``quick`` takes the overrides of ``[quick]``; ``only`` keeps the rows whose key says so, as
    text; ``seeds`` replaces the number of seeds. A cut (``quick``, ``only``, or fewer seeds than
    the study asks for) is written to ``folder/quick``, so that it never replaces full results.
    ``jobs`` rows run at a time, each in a process of its own with one torch thread (a script
    that asks for more than one calls this under ``if __name__ == "__main__":``). ``on_row`` hears
    of every row. Interrupted, the run goes on from its last finished rows, with any number of
    jobs; finished, the next run starts afresh.

    Raises :class:`InputError` or :class:`ConfigurationError` for a study that cannot be used
    and for an ``only`` that names no row.
    """
    require(
        jobs >= 1 and jobs % 1 == 0,
        ConfigurationError,
        f"`--jobs` must be an integer ≥ 1; got {jobs}. Give the number of processes, at most one"
        " for each core.",
    )
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
    finished = _Work(folder, code, settings, partial, on_row).run(keys, jobs)
    rows = [done.row for done in finished]
    started = time.perf_counter()
    summary = plain(code.summarise(rows, settings), "summary")
    tables = markdown_table(rows) if code.tables is None else code.tables(rows, summary, settings)
    result = StudyResult(
        folder=place,
        question=settings.question,
        protocol=settings.protocol,
        command=_command(folder.name, quick=quick, only=only or {}, seeds=seeds, jobs=jobs),
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


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to run, where it is kept and who hears of it."""

    folder: Path
    code: StudyCode
    settings: StudySettings
    partial: PartialRows
    on_row: Callable[[RowProgress], object] | None

    def run(self, keys: Sequence[Key], jobs: int) -> list[DoneRow]:
        """Run the rows that are not done yet and return all, in the order of their keys."""
        commit = commit_of(self.folder)
        texts = [key_text(key) for key in keys]
        missing = []
        count = 0
        for key, text in zip(keys, texts, strict=True):
            if text in self.partial.done:
                count += 1
                self._tell(count, len(keys), self.partial.done[text], resumed=True)
            else:
                missing.append(key)
        with closing(self._fresh(missing, jobs)) as rows:
            for row in rows:
                done = DoneRow(row.key, row.row, row.seconds, commit)
                self.partial.add(done)
                count += 1
                self._tell(count, len(keys), done, resumed=False)
        return [self.partial.done[text] for text in texts]

    def _fresh(self, keys: Sequence[Key], jobs: int) -> Generator[FinishedRow]:
        if jobs > 1 and len(keys) > 1:
            yield from rows_in_processes(self.folder, self.settings, keys, jobs)
            return
        for key in keys:
            yield FinishedRow(key, *timed_row(self.code, self.settings, key))

    def _tell(self, count: int, total: int, done: DoneRow, *, resumed: bool) -> None:
        if self.on_row is not None:
            self.on_row(RowProgress(count, total, done.key, done.row, done.seconds, resumed))


def _command(
    name: str, *, quick: bool, only: Mapping[str, Any], seeds: int | None, jobs: int
) -> str:
    words = ["restock", "study", name]
    words += ["--quick"] if quick else []
    for key, value in only.items():
        words += ["--only", f"{key}={value}"]
    words += [] if seeds is None else ["--seeds", str(seeds)]
    words += [] if jobs == 1 else ["--jobs", str(jobs)]
    return shlex.join(words)
