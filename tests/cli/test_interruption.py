"""A run that was interrupted or killed goes on to the same result, bit for bit."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from restock.planning.learned import VIEWS

Restock = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]

LONG = {"seeds": 1, "updates": 100}


def stop_after_first_checkpoint(
    process: subprocess.Popen[str], folder: Path, sign: signal.Signals
) -> tuple[int, str]:
    """Send ``sign`` as soon as a checkpoint is there; return the exit code and stderr."""
    patience = time.monotonic() + 120
    while not list(folder.glob("work/*/checkpoint.pt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.005)
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def weights(path: Path) -> dict[str, torch.Tensor]:
    tree = torch.load(path, weights_only=True)
    return {
        f"{number}.{name}": tensor
        for number, member in enumerate(tree["members"])
        for name, tensor in member["weights"].items()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the project that is never interrupted."""
    return tmp_path_factory.mktemp("whole") / "shop"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_training_goes_on_to_the_same_policy_and_proposals(
    restock: Restock,
    restock_process: Start,
    make_project: Callable[..., Path],
    whole: Path,
    tmp_path: Path,
    sign: signal.Signals,
) -> None:
    if not whole.exists():
        assert restock("train", make_project(whole, training=LONG)).code == 0
    broken = make_project(tmp_path / "broken", training=LONG)

    code, err = stop_after_first_checkpoint(
        restock_process("train", broken), broken / "runs/train", sign
    )
    if sign is signal.SIGINT:
        assert code == 130
        assert "run the same command again to go on" in err
        assert "Traceback" not in err
    assert not (broken / "runs/train/policy.pt").exists()

    again = restock_process("train", broken)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    expected = weights(whole / "runs/train/policy.pt")
    found = weights(broken / "runs/train/policy.pt")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    # the log goes on where it broke off: no update twice, none missing
    assert (broken / "runs/train/log.jsonl").read_text().count('"update"') == (
        LONG["updates"] * len(VIEWS)
    )

    for folder in (whole, broken):
        assert restock("propose", folder).code == 0
    lists = [(folder / "runs/propose/proposals.csv").read_bytes() for folder in (whole, broken)]
    assert lists[0] == lists[1]


def test_an_interrupted_backtest_keeps_its_checkpoints_and_writes_nothing_else(
    restock_process: Start, make_project: Callable[..., Path], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "shop", training=LONG)
    folder = project / "runs/backtest"
    code, _ = stop_after_first_checkpoint(
        restock_process("backtest", project), folder, signal.SIGINT
    )
    assert code == 130
    assert [path.name for path in folder.iterdir()] == ["work"]
    out, err = restock_process("backtest", project, "--json").communicate(timeout=120)
    assert [path.name for path in folder.iterdir()] == ["summary.json"], err
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == json.loads(out)


def test_a_checkpoint_of_other_settings_is_refused_and_kept(
    restock: Restock, restock_process: Start, make_project: Callable[..., Path], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "shop", training=LONG)
    folder = project / "runs/train"
    stop_after_first_checkpoint(restock_process("train", project), folder, signal.SIGKILL)
    text = (project / "restock.toml").read_text(encoding="utf-8")
    text = text.replace("updates = 100", "updates = 101")
    (project / "restock.toml").write_text(text, encoding="utf-8")
    refusal = restock("train", project).refusal()
    assert "belongs to another run" in refusal
    assert "updates=101" in refusal
    assert "delete the checkpoint" in refusal
    assert [path.name for path in folder.iterdir()] == ["work"]
