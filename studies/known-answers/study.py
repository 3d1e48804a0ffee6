"""Known answers: every printed figure beside ours, and where the two disagree."""

from collections.abc import Iterable, Sequence
from typing import Any

from restock.evaluation import StudySettings, markdown_table

# mypy knows no package around a folder with a hyphen
from .answers import Figure, figures  # type: ignore[import-not-found]

Row = dict[str, Any]

LISTED: dict[str, dict[tuple[str, str], Figure]] = {}
SHOWN = ("table", "name", "printed", "computed", "difference", "tolerance", "method", "reason")


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per printed number."""
    return [{"table": figure.table, "name": figure.name} for figure in figures(settings)]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Compute one figure and hold it against the print."""
    row: Row = _by_key(settings)[key["table"], key["name"]].row()
    return row


def summarise(rows: Sequence[Row], settings: StudySettings) -> Row:
    """Return how many figures agree, disagree and are not covered, in all and by table."""
    del settings
    simulated = [row for row in rows if row["standard_errors_from_exact"] is not None]
    distances = [abs(row["standard_errors_from_exact"]) for row in simulated]
    return {
        **_counts(rows),
        "disagreeing_without_a_reason": sum(
            row["agrees"] is False and not row["reason"] for row in rows
        ),
        "simulated": len(simulated),
        "simulated_beyond_three_standard_errors_of_our_exact_answer": sum(
            distance > 3 for distance in distances
        ),
        "largest_distance_from_our_exact_answer_in_standard_errors": max(distances, default=0.0),
        "by_table": {
            table: _counts([row for row in rows if row["table"] == table])
            for table in dict.fromkeys(row["table"] for row in rows)
        },
    }


def tables(rows: Sequence[Row], summary: Row, settings: StudySettings) -> str:
    """Return the counts by table, then what disagrees and what is not covered, with reasons."""
    del settings
    parts = [
        markdown_table(
            [{"table": table, **counts} for table, counts in summary["by_table"].items()]
        ),
        "Every number is a row of `results.json`.",
        "### What disagrees",
        _listed((row for row in rows if row["agrees"] is False), SHOWN) or "Nothing.",
        "### What is not covered",
        _listed(
            (row for row in rows if row["computed"] is None),
            ("table", "name", "printed", "reason"),
        )
        or "Nothing.",
    ]
    return "\n\n".join(parts)


def _counts(rows: Sequence[Row]) -> Row:
    return {
        "rows": len(rows),
        "agreeing": sum(row["agrees"] is True for row in rows),
        "disagreeing": sum(row["agrees"] is False for row in rows),
        "not_covered": sum(row["computed"] is None for row in rows),
    }


def _listed(rows: Iterable[Row], names: Sequence[str]) -> str:
    return markdown_table([{name: row[name] for name in names} for row in rows])


def _by_key(settings: StudySettings) -> dict[tuple[str, str], Figure]:
    fingerprint = settings.fingerprint()
    if fingerprint not in LISTED:
        listed = {(figure.table, figure.name): figure for figure in figures(settings)}
        LISTED[fingerprint] = listed
    return LISTED[fingerprint]
