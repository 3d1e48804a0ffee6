"""What a study leaves behind: ``results.json`` for programs and ``results.md`` for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["StudyResult", "markdown_table", "write_results"]


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A finished study; ``folder`` is where its results lie, ``seconds`` what its rows took."""

    folder: Path
    question: str
    protocol: str
    command: str
    commit: str
    machine: dict[str, Any]
    seconds: float
    rows: list[dict[str, Any]]
    summary: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``results.json``."""
        return {
            "question": self.question,
            "protocol": self.protocol,
            "command": self.command,
            "commit": self.commit,
            "machine": self.machine,
            "seconds": self.seconds,
            "rows": self.rows,
            "summary": self.summary,
        }


def write_results(result: StudyResult, tables: str) -> None:
    """Write both files whole: each is written beside its place and then moved there."""
    texts = {
        "results.json": json.dumps(result.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        + "\n",
        "results.md": _markdown(result, tables),
    }
    result.folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        draft = result.folder / f".{name}.tmp"
        draft.write_text(text, encoding="utf-8")
        written.append((draft, result.folder / name))
    for draft, place in written:
        draft.replace(place)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return ``rows`` as a markdown table with a column for every name that any row has.

    >>> print(markdown_table([{"method": "dp", "cost": 4.04}, {"method": "base_stock"}]))
    | method | cost |
    | :-- | --: |
    | dp | 4.04 |
    | base_stock |  |
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return ""
    numeric = {
        name: all(isinstance(row.get(name), int | float | None) for row in rows) for name in names
    }
    lines = [names, ["--:" if numeric[name] else ":--" for name in names]]
    lines += [[_cell(row.get(name)) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown(result: StudyResult, tables: str) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    summary = markdown_table(
        [{"figure": name, "value": value} for name, value in result.summary.items()]
    )
    origin = (
        f"`{result.command}` at commit {result.commit}, {result.seconds:.1f} seconds, on {facts}."
        " This file is written by the run."
    )
    parts = [
        f"# {result.question}",
        result.protocol,
        origin,
        "## Summary",
        summary,
        "## Results",
        tables.strip(),
    ]
    return "\n\n".join(parts) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping | list):
        value = json.dumps(value, ensure_ascii=False)
    return str(value).replace("|", "\\|").replace("\n", " ")
