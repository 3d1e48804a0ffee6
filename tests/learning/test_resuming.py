"""Interrupted runs go on to the same result; what is no checkpoint of this run is refused."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from restock.demand.processes import Poisson
from restock.errors import CheckpointError, TrainingError
from restock.learning import LogRow, PathwiseConfig, TrainingRun, pathwise
from restock.policies import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Scenario, ScenarioSource, SteadyDemand, World

CONFIG = PathwiseConfig(
    updates=20,
    chains=32,
    window=6,
    episode_windows=3,
    validate_every=5,
    validation_paths=64,
    validation_periods=20,
    validation_warm_up=5,
    departure_penalty=0.1,
)
SOURCE = SteadyDemand(Poisson(torch.tensor([5.0, 2.0])))
CHECKPOINT = "checkpoint.pt"


def world_of(p: float = 9.0, lead: int = 2) -> World:
    products = [
        Product(id=name, holding_cost=1.0, shortage_cost=p, lost_share=0.5) for name in "ab"
    ]
    return World.from_instance(Instance.single_location(products, lead))


def network(anchor: float = 3.0, hidden: tuple[int, ...] = (8,), seed: int = 0) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=1, hidden=hidden)
    generator = Seeds(seed).torch("network")
    return NeuralOrderUpTo(config, torch.tensor(anchor), torch.tensor(2.0), generator)


def train(
    folder: Path | None,
    *,
    interrupt_after: int | None = None,
    **changes: Any,  # noqa: ANN401
) -> TrainingRun:
    def interrupt(row: LogRow) -> None:
        if row.update == interrupt_after:
            raise KeyboardInterrupt

    parts: dict[str, Any] = {
        "policy": network(),
        "world": world_of(),
        "source": SOURCE,
        "config": CONFIG,
        "seeds": Seeds(1),
        **changes,
    }
    return pathwise.fit(**parts, folder=folder, listeners=[interrupt])


def results(run: TrainingRun) -> dict[str, Any]:
    return {
        "log": [replace(row, seconds=0.0) for row in run.log],
        "best": (run.best_validation_cost, run.best_update, run.updates),
        "weights": {name: value.tolist() for name, value in run.policy.state_dict().items()},
    }


@pytest.mark.parametrize("interrupt_after", [3, 5, 7, 14, 20])
def test_an_interrupted_run_goes_on_to_the_same_result_bit_for_bit(
    tmp_path: Path, interrupt_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after=interrupt_after)
    # a network of other first weights: they come from the checkpoint, where there is one
    first = network(seed=7 if interrupt_after >= CONFIG.validate_every else 0)
    resumed = train(tmp_path, policy=first)
    assert results(resumed) == results(train(None))


def test_a_run_may_be_interrupted_again_and_again(tmp_path: Path) -> None:
    for interrupt_after in (6, 6, 11, 17):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, interrupt_after=interrupt_after)
    assert results(train(tmp_path)) == results(train(None))


def test_a_finished_run_is_read_and_not_trained_again(tmp_path: Path) -> None:
    first = train(tmp_path)
    again = train(tmp_path, interrupt_after=1)
    assert results(again) == results(first)


def test_a_resumed_run_that_forgot_its_chains_would_not_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after=10)
    tree = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    tree["learner"]["chains"]["on_hand"] = torch.zeros_like(tree["learner"]["chains"]["on_hand"])
    torch.save(tree, tmp_path / CHECKPOINT)
    assert results(train(tmp_path)) != results(train(None))


def test_the_log_has_a_line_for_every_update_and_nothing_is_left_half_written(
    tmp_path: Path,
) -> None:
    run = train(tmp_path)
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [LogRow(**json.loads(line)) for line in lines] == run.log
    assert sorted(file.name for file in tmp_path.iterdir()) == [CHECKPOINT, "log.jsonl"]


class Failing:
    """A source whose demand stops being a number after some calls."""

    def __init__(self, source: ScenarioSource, good_calls: int) -> None:
        self.source, self.calls_left = source, good_calls

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        scenario = self.source.sample(paths, periods, generator)
        self.calls_left -= 1
        if self.calls_left < 0:
            scenario.demand.fill_(torch.nan)
        return scenario


def test_a_loss_that_is_no_number_stops_training_and_leaves_the_checkpoint_whole(
    tmp_path: Path,
) -> None:
    # calls: validation, fingerprint, then episodes of 3 updates; the fourth episode is spoilt
    policy = network()
    with pytest.raises(TrainingError, match=r"the loss is nan .* at update 10; it must be") as e:
        train(tmp_path, policy=policy, source=Failing(SOURCE, 5))
    assert "\n" not in str(e.value)
    assert all(weight.isfinite().all() for weight in policy.parameters())
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert saved["numbers"][0] == 5
    # with a source that is well again the run goes on from there
    assert results(train(tmp_path)) == results(train(None))


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "another width": ("policy was", {"policy": network(hidden=(9,))}),
    "other anchors": ("policy was", {"policy": network(anchor=3.1)}),
    "another seed": ("seed was 1, is 2", {"seeds": Seeds(2)}),
    "other settings": ("settings was", {"config": replace(CONFIG, learning_rate=0.02)}),
    "other costs": ("world was", {"world": world_of(p=9.1)}),
    "another lead time": ("world was", {"world": world_of(lead=3)}),
    "other demand": (
        "training paths was",
        {"source": SteadyDemand(Poisson(torch.tensor([5.0, 2.5])))},
    ),
    "other held-out paths": (
        "held-out paths was",
        {"validation": SOURCE.sample(64, 25, Seeds(8).torch("validation"))},
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_with_the_difference(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after=5)
    before = (tmp_path / CHECKPOINT).read_bytes()
    difference, change = OTHERS[name]
    with pytest.raises(CheckpointError, match=f"belongs to another run: .*{difference}") as e:
        train(tmp_path, **change)
    assert "\n" not in str(e.value)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "one byte": lambda _: b"\x80",
    "text": lambda _: b"these are no weights",
    "zeros": lambda whole: bytes(len(whole)),
    "headless": lambda whole: whole[64:],
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_gives_one_message(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, interrupt_after=5)
    file = tmp_path / CHECKPOINT
    file.write_bytes(DAMAGES[name](file.read_bytes()))
    with pytest.raises(CheckpointError, match=r"checkpoint.pt cannot be read: .* Delete it") as e:
        train(tmp_path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "tree", [[1, 2], {}, {"fingerprint": {}}, {"fingerprint": 3}, torch.ones(2)]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, tree: object) -> None:
    torch.save(tree, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match=r"cannot be read: .* Delete it"):
        train(tmp_path)


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


def test_loading_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    folder, marker = tmp_path / "run", tmp_path / "sprung"
    folder.mkdir()
    torch.save({"fingerprint": Trap(marker)}, folder / CHECKPOINT)
    with pytest.raises(CheckpointError, match="cannot be read"):
        train(folder)
    assert not marker.exists()
    # the trap is a real one
    torch.load(folder / CHECKPOINT, weights_only=False)
    assert marker.exists()
