"""The last periods of an episode as a picture, or as text."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from restock.errors import ConfigurationError, did_you_mean
from restock.simulation.environments.letters import drawn, size_of
from restock.simulation.environments.rewarding import PARTS
from restock.simulation.environments.setup import Setup

__all__ = ["RENDER_MODES", "Chart", "checked_mode"]

RENDER_MODES = ("rgb_array", "ansi")

Picture = UInt8[np.ndarray, "height width 3"]

SHOWN = 60
"""Periods in view."""
BAR, GAP, PANEL, MARGIN, LEFT = 6, 2, 72, 10, 96
WHITE, INK, GRID = (255, 255, 255), (51, 51, 51), (226, 226, 226)
BLUE, GREEN, GREY, RED = (55, 105, 165), (70, 140, 80), (150, 150, 150), (190, 60, 50)
PANELS = (("stock", BLUE), ("order", GREEN), ("demand", GREY))
ROWS = {name: row for row, name in enumerate(PARTS)}
BLOCKS = " ▁▂▃▄▅▆▇█"


def checked_mode(render_mode: str | None) -> str | None:
    """Return the render mode.

    Raises :class:`ConfigurationError` for an unknown one.
    """
    if render_mode is None or render_mode in RENDER_MODES:
        return render_mode
    raise ConfigurationError(
        f"render mode '{render_mode}' is unknown.{did_you_mean(render_mode, RENDER_MODES)}"
    )


class Chart:
    """Remembers the last periods of B episodes and draws them."""

    def __init__(self, setup: Setup, paths: int) -> None:
        self.setup = setup
        self.history = np.zeros((0, len(PARTS), paths), dtype=np.float64)
        self.length = np.zeros(paths, dtype=np.int64)

    def begin(self, rows: Bool[np.ndarray, " B"]) -> None:
        """Forget the episodes that begin anew."""
        self.length[rows] = 0

    def add(self, parts: Float[np.ndarray, "K B"]) -> None:
        """Remember a period."""
        self.history = np.concatenate([self.history[1 - SHOWN :], parts[None]])
        self.length += 1

    def frame(self, path: int, mode: str | None) -> np.ndarray | str:
        """Return a picture ``[height, width, 3]``, or a text."""
        return self._text(path) if mode == "ansi" else self._picture(path)

    def series(self, name: str, path: int) -> Float[np.ndarray, " T"]:
        """Return one number's last values in the present episode."""
        known = min(int(self.length[path]), len(self.history))
        values: np.ndarray = self.history[len(self.history) - known :, ROWS[name], path]
        return values

    def _title(self, path: int) -> str:
        return f"{self.setup.name}, period {self.length[path]} of {self.setup.periods}"

    def _text(self, path: int) -> str:
        lines = [self._title(path)]
        for name in (*(name for name, _ in PANELS), "lost"):
            values = self.series(name, path)
            most = max(float(values.max(initial=0)), 1e-9)
            heights = np.ceil(values / most * 8).astype(int).clip(0, 8)
            bars = "".join(BLOCKS[height] for height in heights)
            last = f"{values[-1]:.1f}" if len(values) else "-"
            lines.append(f"{name:>7} {last:>9} {bars}")
        return "\n".join(lines) + "\n"

    def _picture(self, path: int) -> Picture:
        width = LEFT + SHOWN * (BAR + GAP) + MARGIN
        top = 2 * MARGIN + size_of("A")[0]
        picture = np.full((top + len(PANELS) * (PANEL + MARGIN), width, 3), WHITE, dtype=np.uint8)
        _write(picture, self._title(path), MARGIN, MARGIN)
        for n, (name, colour) in enumerate(PANELS):
            panel = picture[top + n * (PANEL + MARGIN) :][:PANEL]
            panel[-1, LEFT - GAP :] = panel[0, LEFT - GAP :] = GRID
            values = self.series(name, path)
            most = float(values.max(initial=0))
            _write(panel, name, MARGIN, 4)
            _write(panel, f"{most:.0f}" if len(values) else "-", MARGIN, 4 + 2 * size_of("A")[0])
            _bars(panel, values, most, colour)
            if name == "demand":
                _bars(panel, self.series("lost", path), most, RED)
                _write(panel, "lost", MARGIN, 4 + 4 * size_of("A")[0], RED)
        return picture


def _bars(
    panel: Picture, values: Float[np.ndarray, " T"], most: float, colour: tuple[int, int, int]
) -> None:
    """Draw a bar for each value, the last one at the right."""
    heights = np.rint(np.maximum(values, 0) / max(most, 1e-9) * (PANEL - 2)).astype(int)
    for n, height in enumerate(heights):
        left = LEFT + (SHOWN - len(values) + n) * (BAR + GAP)
        panel[PANEL - 1 - height : PANEL - 1, left : left + BAR] = colour


def _write(
    picture: Picture, text: str, left: int, top: int, colour: tuple[int, int, int] = INK
) -> None:
    letters = drawn(text)
    height, width = letters.shape
    picture[top : top + height, left : left + width][letters] = colour
