"""Where the printed figures lie."""

import os
from pathlib import Path

from restock.errors import InputError

__all__ = ["read_shared"]


def read_shared(name: str) -> str:
    """Return the text of a file of ../shared, or of the folder that RESTOCK_SHARED names.

    Raises :class:`InputError` when it is not there.
    """
    path = Path(os.environ.get("RESTOCK_SHARED", Path.cwd().parent / "shared")) / name
    if not path.exists():
        raise InputError(
            f"{path} is missing. The study needs the published figures: run it from the project's"
            " root with ../shared beside it, or set RESTOCK_SHARED."
        )
    return path.read_text(encoding="utf-8")
