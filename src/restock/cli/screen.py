"""What commands print on stdout: sentences, tables, or one JSON document."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["print_json", "print_table", "print_text"]

_WIDTH_OF_A_FILE = 160


def print_text(text: str = "") -> None:
    """Print a line as it is."""
    sys.stdout.write(f"{text}\n")


def print_json(tree: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document; dates and paths become text, a number that is not finite fails."""
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    sys.stdout.write(f"{text}\n")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> None:
    """Print rows under a header; the first ``texts`` columns are text, the others figures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # a file has no width; without one Rich would fold the table at 80 characters
    fixed = sys.stdout.isatty() or "COLUMNS" in os.environ
    # names come from data: brackets and colons in them are no markup
    console = Console(
        markup=False, emoji=False, highlight=False, width=None if fixed else _WIDTH_OF_A_FILE
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(header):
        table.add_column(name, justify="left" if position < texts else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
