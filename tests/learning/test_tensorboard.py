"""The log as TensorBoard reads it back."""

import math
import sys
from importlib import import_module
from pathlib import Path

import pytest

from restock.errors import ConfigurationError
from restock.learning import LogRow
from restock.learning.tensorboard import TensorBoardLog

pytest.importorskip("tensorboard", reason="needs the extra `track`")

ROWS = [
    LogRow(1, 32, 0.5, loss=2.0, gradient_norm=1.0, learning_rate=0.1),
    LogRow(2, 64, 1.0, loss=1.5, gradient_norm=math.nan, learning_rate=0.1, entropy=0.25),
]


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    reader = import_module("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_each_figure_is_a_curve_over_environment_steps(tmp_path: Path) -> None:
    with TensorBoardLog(tmp_path) as listen:
        for row in ROWS:
            listen(row)
    curves = _read(tmp_path)
    assert curves["training/loss"] == [(32, 2.0), (64, 1.5)]
    assert curves["training/seconds"] == [(32, 0.5), (64, 1.0)]
    # what a row does not have, or what is not finite, is no point of a curve
    assert curves["training/entropy"] == [(64, 0.25)]
    assert curves["training/gradient_norm"] == [(32, 1.0)]
    assert "training/validation_cost" not in curves


def test_curves_may_run_over_updates(tmp_path: Path) -> None:
    with TensorBoardLog(tmp_path, by_updates=True) as listen:
        listen(ROWS[1])
    assert _read(tmp_path)["training/loss"] == [(2, 1.5)]


def test_where_the_package_is_missing_the_message_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'restock\[track\]'"):
        TensorBoardLog(tmp_path)
