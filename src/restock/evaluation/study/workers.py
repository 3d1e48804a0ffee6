"""Rows in several processes, each with one torch thread; rows come back as they are finished.

A worker is a fresh process that loads the study by itself and is handed one row at a time. It
knows no signal: Ctrl-C is the parent's, which ends its workers. A worker whose parent is gone
finds the pipe closed and ends.
"""

import multiprocessing
import pickle
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from restock.errors import ConfigurationError, RestockError
from restock.evaluation.study.partial_rows import key_text
from restock.evaluation.study.rows import timed_row
from restock.evaluation.study.settings import StudySettings
from restock.evaluation.study.study_code import Key, Row, StudyCode, load_code

__all__ = ["FinishedRow", "rows_in_processes"]


@dataclass(frozen=True, slots=True)
class FinishedRow:
    """A row that a worker made: its key, key and figures together, its seconds."""

    key: Key
    row: Row
    seconds: float


def rows_in_processes(
    folder: Path, settings: StudySettings, keys: Sequence[Key], jobs: int
) -> Iterator[FinishedRow]:
    """Yield the rows of ``keys`` in the order in which ``jobs`` processes finish them.

    When the iterator is closed, or an error or Ctrl-C passes through it, its processes end.

    Raises what a row raises, with a note that names the row, and :class:`ConfigurationError`
    when a process dies in a row (out of memory).
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(keys))
    crew: list[_Hand] = []
    try:
        for _ in range(min(jobs, len(keys))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, folder, settings), daemon=True)
            process.start()
            theirs.close()  # so that a dead worker closes the pipe
            crew.append(_Hand(process, ours))
        for hand in crew:
            hand.give(waiting.pop())
        busy = list(crew)
        while busy:
            ready = wait([hand.pipe for hand in busy])
            for hand in [hand for hand in busy if hand.pipe in ready]:
                yield hand.take()
                if waiting:
                    hand.give(waiting.pop())
                else:
                    busy.remove(hand)
    finally:
        for hand in crew:
            hand.process.terminate()
        for hand in crew:
            hand.process.join()
            hand.pipe.close()


class _Hand:
    """A worker as its parent sees it."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.key: Key = {}

    def give(self, key: Key) -> None:
        self.key = key
        try:
            self.pipe.send(key)
        except BrokenPipeError as error:
            raise self._dead() from error

    def take(self) -> FinishedRow:
        try:
            told: FinishedRow | Exception = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._dead() from error
        if isinstance(told, Exception):
            raise told
        return told

    def _dead(self) -> ConfigurationError:
        self.process.join()
        return ConfigurationError(
            f"the process that ran row {key_text(self.key)} ended with exit code"
            f" {self.process.exitcode} before the row was there. If memory ran out, give a lower"
            " `--jobs`; run again to go on from the rows that are done."
        )


def _work(pipe: Connection, folder: Path, settings: StudySettings) -> None:
    """Be a worker: run the rows whose keys arrive until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
    code = load_code(folder)
    try:
        while True:
            pipe.send(_told(code, settings, pipe.recv()))
    except (EOFError, BrokenPipeError):
        return


def _told(code: StudyCode, settings: StudySettings, key: Key) -> FinishedRow | Exception:
    try:
        return FinishedRow(key, *timed_row(code, settings, key))
    except RestockError as error:
        return _portable(error)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        # a fault of the study's code: only this process knows where
        error.add_note(traceback.format_exc())
        return _portable(error)


def _portable(error: Exception) -> Exception:
    """Return the error if another process can read it, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own error
    except Exception:  # noqa: BLE001 - whatever its class does when copied
        same = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            same.add_note(note)
        return same
    return error
