"""Rows that are done, kept line by line so that an interrupted study goes on where it stopped."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restock.errors import InputError

__all__ = ["DoneRow", "PartialRows", "key_text", "plain"]


@dataclass(frozen=True, slots=True)
class DoneRow:
    """One finished row: its key, key and figures together, its seconds and its commit."""

    key: dict[str, Any]
    row: dict[str, Any]
    seconds: float
    commit: str


class PartialRows:
    """The file ``partial/rows-FINGERPRINT.jsonl``: one finished row a line.

    The fingerprint is of the settings and of the study's code, so rows of other settings are
    neither used nor lost. It is not of the library's code: each row says at which commit it was
    made, and results name all of them. A line that a killed run left half-written is dropped.

    Raises :class:`InputError` when a whole line cannot be read.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.path = folder / f"rows-{fingerprint}.jsonl"
        self.done: dict[str, DoneRow] = {}
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8", errors="replace")
        whole, _, torn = text.rpartition("\n")
        # not splitlines: texts may hold other line separators
        for number, line in enumerate(whole.split("\n") if whole else [], start=1):
            try:
                done = DoneRow(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise InputError(
                    f"line {number} of {self.path} is not a finished row: {error}."
                    " Delete the file to run its rows again."
                ) from error
            self.done[key_text(done.key)] = done
        if torn:
            replacement = self.path.with_suffix(".tmp")
            replacement.write_text(whole + "\n" if whole else "", encoding="utf-8")
            replacement.replace(self.path)

    def add(self, done: DoneRow) -> None:
        """Append a finished row; when this returns, it survives a killed process."""
        line = {
            "key": done.key,
            "row": done.row,
            "seconds": done.seconds,
            "commit": done.commit,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.done[key_text(done.key)] = done

    def discard(self) -> None:
        """Remove the file, and its folder when nothing else is in it."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()


def key_text(key: Mapping[str, Any]) -> str:
    """Return a key as one text, the same for every order of its names.

    >>> key_text({"seed": 1, "method": "dp"})
    '{"method": "dp", "seed": 1}'
    """
    return json.dumps(key, sort_keys=True, ensure_ascii=False)


def plain(value: object, where: str) -> Any:  # noqa: ANN401 - JSON is what it is
    """Return ``value`` as JSON can hold it: numbers of numpy plain, NaN and infinity as ``None``.

    Raises :class:`InputError` naming ``where`` for a value that JSON has no word for.

    >>> plain({"gap": float("nan"), "levels": (1, 2)}, "row")
    {'gap': None, 'levels': [1, 2]}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(part, f"{where}.{name}") for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, f"{where}[{place}]") for place, part in enumerate(value)]
    listed = getattr(value, "tolist", None)  # numpy and torch values name themselves so
    if callable(listed):
        return plain(listed(), where)
    raise InputError(
        f"`{where}` is of type {type(value).__name__}, which JSON cannot hold. Return numbers,"
        " texts, lists and dicts from a study."
    )
