"""Where commands write to: checked before the work begins, not after."""

import os
from pathlib import Path

from restock.errors import InputError, require

__all__ = ["check_writable"]


def check_writable(folder: Path) -> None:
    """Check that files can be made in ``folder``, which need not exist yet; nothing is made.

    Raises :class:`InputError` when it is a file, or lies where nothing may be written.
    """
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    require(
        nearest.is_dir(),
        InputError,
        f"cannot write into {folder}: {nearest} is a file, not a folder. Name another folder.",
    )
    require(
        os.access(nearest, os.W_OK | os.X_OK),
        InputError,
        f"cannot write into {folder}: {nearest} must be a folder that you may write to. Name"
        " another folder, or ask for the right to write there.",
    )
