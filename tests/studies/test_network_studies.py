"""The studies of networks: answers are exact, rules measured fairly, bounds below them."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from restock.evaluation import StudySettings
from restock.evaluation.study.study_code import StudyCode, load_code
from restock.policies import EchelonBaseStock
from restock.seeds import Seeds
from restock.simulation import average_cost

STUDIES = Path(__file__).resolve().parents[2] / "studies"
SERIAL, STORES = STUDIES / "serial", STUDIES / "one-warehouse-many-stores"


@pytest.fixture(scope="module")
def serial() -> StudyCode:
    return load_code(SERIAL)


@pytest.fixture(scope="module")
def many_stores() -> StudyCode:
    return load_code(STORES)


@pytest.fixture
def _shared_folder(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    if not (shared / "known_answers").is_dir():
        pytest.skip(f"published figures not found at {shared}; set RESTOCK_SHARED")
    monkeypatch.setenv("RESTOCK_SHARED", str(shared))


def part(name: str) -> ModuleType:
    return sys.modules[f"restock_study_{name}"]


def test_there_is_one_key_for_each_instance_and_seed(
    serial: StudyCode, many_stores: StudyCode
) -> None:
    for code, folder, instances in ((serial, SERIAL, 16), (many_stores, STORES, 6)):
        settings = StudySettings.read(folder / "study.toml")
        keys = code.keys(settings)
        assert len({tuple(key.items()) for key in keys}) == len(keys)
        assert len(keys) == instances * settings.seeds


def test_every_instance_has_its_number_of_chains_and_updates(many_stores: StudyCode) -> None:
    assert many_stores.sources
    parameters = StudySettings.read(STORES / "study.toml").parameters
    for name in ("chains", "updates", "test_paths"):
        assert len(parameters[name]) == len(parameters["stores"])


# p = 9, L = 1. The last stage: n = 2, (9 + 0.5)/(9 + 1) = 0.95 from both bounds, so
# 10 + 1.6449 · 2√2 = 14.652. The first: n = 11, between 9/10 and 9/9.1:
# 55 + (1.2816 + 2.2918)/2 · 2√11 = 66.851
def test_the_serial_start_is_the_mean_of_two_newsvendor_levels(serial: StudyCode) -> None:
    assert serial.sources
    levels = part("serial")._Chain.of(1, 9.0).newsvendor_levels()
    assert levels[0, 3].item() == pytest.approx(14.652, abs=2e-3)
    assert levels[0, 0].item() == pytest.approx(66.851, abs=5e-3)


def test_the_serial_optimum_is_the_printed_one_and_no_other_level_is_cheaper(
    serial: StudyCode,
) -> None:
    assert serial.sources
    study = part("serial")
    chain, best = study._Chain.of(1, 4.0), study._optimum(1, 4.0)
    assert best.cost_on_hand == pytest.approx(study.PRINTED[1][0], rel=2e-3)
    scenario = chain.source.sample(512, 240, Seeds(0).torch("demand"))
    optimal = torch.tensor([[best.levels]], dtype=torch.float32)
    costs = [
        float(average_cost(chain.world, EchelonBaseStock(optimal * factor), scenario, 40).mean())
        for factor in (0.97, 1.0, 1.03)
    ]
    assert costs[1] < min(costs[0], costs[2])


def row(gap: float, *, lead_time: int = 1, seed: int = 0) -> dict[str, Any]:
    return {
        "lead_time": lead_time,
        "shortage_cost": 4,
        "seed": seed,
        "optimum": 6.9,
        "optimum_printed": 6.89,
        "optimum_simulated": 6.9,
        "optimum_simulated_standard_error": 0.01,
        "gap_of_exact_percent": 0.0,
        "start_gap_percent": 0.1,
        "learned_gap_percent": gap,
        "learned_gap_low_percent": gap - 0.01,
        "learned_gap_high_percent": gap + 0.01,
        "train_seconds": 10.0,
    }


def test_the_serial_summary_is_the_mean_and_the_worst_over_instances_and_seeds(
    serial: StudyCode,
) -> None:
    settings = StudySettings.read(SERIAL / "study.toml")
    rows = [row(0.01), row(0.03, seed=1), row(0.02, lead_time=2), row(0.3, lead_time=2, seed=1)]
    summary = serial.summarise(rows, settings)
    assert summary["mean_gap_percent"] == pytest.approx(0.09)
    assert summary["max_gap_percent"] == pytest.approx(0.3)
    assert (summary["instances"], summary["seeds"]) == (2, 2)
    assert serial.tables is not None
    assert "0.3000" in serial.tables(rows, summary, settings)


def test_a_serial_row_is_learned_and_measured(serial: StudyCode) -> None:
    settings = StudySettings.read(SERIAL / "study.toml", quick=True)
    parameters = settings.parameters.as_dict()
    parameters["pathwise"] |= {
        "updates": 2,
        "validate_every": 2,
        "validation_paths": 8,
        "validation_periods": 20,
    }
    parameters |= {"test_paths": 16, "test_periods": 60}
    brief = StudySettings("serial", "q", "p", 1, type(settings.parameters)(parameters), quick=True)
    key = serial.keys(brief)[0]
    figures = serial.run_row(key, brief)
    assert figures["updates"] == 2
    assert figures["learned_gap_low_percent"] <= figures["learned_gap_percent"]
    assert figures["learned_gap_percent"] <= figures["learned_gap_high_percent"]
    assert abs(figures["learned_gap_percent"]) < 5


@pytest.mark.usefixtures("_shared_folder")
def test_the_bound_is_below_what_tuned_rules_cost_and_falls_to_its_limit(
    many_stores: StudyCode,
) -> None:
    assert many_stores.sources
    settings = StudySettings.read(STORES / "study.toml", quick=True)
    study = part("one_warehouse_many_stores")
    stores = study.published(settings)[3]
    bound = study.decoupled_bound(stores, 0.5)
    # a grid of 0.125 with 0.25 gives 5.1017
    assert bound == pytest.approx(5.1017, abs=2e-3)
    source = stores.source()
    scenario = source.sample(64, 160, Seeds(0).torch("demand"))
    world, rule = stores.world(), EchelonBaseStock(stores.start_levels().unsqueeze(0))
    assert float(average_cost(world, rule, scenario, 40).mean()) / 3 > bound


@pytest.mark.usefixtures("_shared_folder")
def test_regression_on_demand_takes_variance_out_and_knows_how_much_is_left(
    many_stores: StudyCode,
) -> None:
    assert many_stores.sources
    settings = StudySettings.read(STORES / "study.toml", quick=True)
    study = part("one_warehouse_many_stores")
    stores = study.published(settings)[3]
    world, rule = stores.world(), EchelonBaseStock(stores.start_levels().unsqueeze(0))

    def measured(seed: int) -> tuple[float, float, float]:
        ruler = study.Ruler(
            stores.source(),
            Seeds(seed).torch("ruler"),
            paths=256,
            periods=80,
            warm_up=30,
            demand_paths=2048,
        )
        costs = ruler.costs(world, rule, 3)
        adjusted = ruler.adjusted(costs)
        plain_error = float(costs.std(ddof=1)) / len(costs) ** 0.5
        return adjusted.value, adjusted.standard_error, plain_error

    values, errors, plain = np.array([measured(seed) for seed in range(8)]).T
    assert errors.mean() < 0.75 * plain.mean()
    # eight independent estimates scatter as their standard error says
    assert 0.4 * errors.mean() < values.std(ddof=1) < 2.0 * errors.mean()


def cost_row(stores: int, cost: float, *, seed: int, rival: float | None = None) -> dict[str, Any]:
    told = {
        "stores": stores,
        "seed": seed,
        "published_cost": 5.60,
        "learned_cost": cost,
        "learned_standard_error": 0.002,
        "excess_over_published_percent": 100 * (cost - 5.60) / 5.60,
        "train_seconds": 30.0,
    }
    if rival is None:
        return told
    return told | {
        "best_classical": "a rule",
        "best_classical_cost": rival,
        "classical_costs": {"a rule": rival},
        "bound": 5.0,
    }


@pytest.mark.parametrize(("worst", "below"), [(5.59, True), (5.61, False)])
def test_one_seed_above_the_published_cost_is_told(
    many_stores: StudyCode, worst: float, *, below: bool
) -> None:
    settings = StudySettings.read(STORES / "study.toml")
    rows = [cost_row(3, 5.5, seed=0, rival=5.58), cost_row(3, worst, seed=1)]
    summary = many_stores.summarise(rows, settings)
    assert summary["at_or_below_published_on_every_instance_and_seed"] is below
    middle = (5.5 + worst) / 2
    assert summary["min_gain_on_best_classical_percent"] == pytest.approx(
        100 * (5.58 - middle) / 5.58
    )
    assert summary["max_gap_percent"] == pytest.approx(100 * (middle - 5.0) / 5.0)
    assert many_stores.tables is not None
    assert "a rule" in many_stores.tables(rows, summary, settings)


def test_rows_without_the_first_seed_still_make_a_table(many_stores: StudyCode) -> None:
    settings = StudySettings.read(STORES / "study.toml")
    rows = [cost_row(5, 5.5, seed=2), cost_row(5, 5.52, seed=3)]
    summary = many_stores.summarise(rows, settings)
    assert summary["max_gap_percent"] is None
    assert many_stores.tables is not None
    assert "5.5100" in many_stores.tables(rows, summary, settings)
