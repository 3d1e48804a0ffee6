"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Tell", "show_progress"]

Tell = Callable[[str, str, float], None]
"""Called with the stage, what it is doing, and the share of the stage that is done."""

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress() -> Iterator[Tell]:
    """Return a function that shows stage, words and share; what is shown ends with the block."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[stage]:<9}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


class _Lines:
    """One line when a stage begins, and then no more than one every few seconds."""

    def __init__(self) -> None:
        self.stage, self.told = "", 0.0

    def __call__(self, stage: str, text: str, share: float) -> None:
        now = time.monotonic()
        if stage == self.stage and now - self.told < _SECONDS_BETWEEN_LINES:
            return
        self.stage, self.told = stage, now
        sys.stderr.write(f"{stage}: {text} ({share:.0%})\n" if share else f"{stage}: {text}\n")
        sys.stderr.flush()


class _Bars:
    """One bar a stage; a bar never runs backwards."""

    def __init__(self, bars: "Progress") -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.shares: dict[str, float] = {}

    def __call__(self, stage: str, text: str, share: float) -> None:
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(text, total=1.0, stage=stage)
        self.shares[stage] = max(share, self.shares.get(stage, 0.0))
        words = "done" if share >= 1.0 and text == stage else text
        self.bars.update(self.tasks[stage], completed=self.shares[stage], description=words)
