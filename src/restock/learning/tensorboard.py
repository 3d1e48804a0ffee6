"""The training log as TensorBoard shows it: a listener for any trainer."""

import math
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from restock.errors import ConfigurationError
from restock.learning.run import LogRow

__all__ = ["TensorBoardLog"]

AXES = ("update", "steps", "seconds")


class TensorBoardLog:
    """Writes each row of the log to ``folder``; ``tensorboard --logdir FOLDER`` shows it.

    Give it to a trainer among its ``listeners``, in a ``with`` block that closes the file. Each
    figure of :class:`~restock.learning.run.LogRow` is a curve ``training/NAME`` over environment
    steps, or over updates with ``by_updates``; figures that a row does not have are left out. A run
    that is resumed into the same folder replaces what was drawn after its last checkpoint.

    Raises :class:`ConfigurationError` when TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, by_updates: bool = False) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigurationError(
                f"the log for TensorBoard needs the package tensorboard ({error})."
                " Install the extra: pip install 'restock[track]'."
            ) from error
        self.by_updates = by_updates
        self.folder, self._open = folder, SummaryWriter
        self.writer: SummaryWriter | None = None

    def __call__(self, row: LogRow) -> None:
        """Write one row."""
        place = row.update if self.by_updates else row.steps
        if self.writer is None:
            self.writer = self._open(str(self.folder), purge_step=place)
        for item in fields(row):
            value = getattr(row, item.name)
            if item.name not in AXES and value is not None and math.isfinite(value):
                self.writer.add_scalar(f"training/{item.name}", value, place)
        self.writer.add_scalar("training/seconds", row.seconds, place)

    def close(self) -> None:
        """Write what is left and close the file."""
        if self.writer is not None:
            self.writer.close()

    def __enter__(self) -> "TensorBoardLog":  # noqa: PYI034 - the shape checker knows no Self
        """Return the listener."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()
