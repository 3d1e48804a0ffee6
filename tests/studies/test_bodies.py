"""The study of bodies: its yardstick is Bayes' rule and the newsvendor, worked by hand."""

import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from restock.evaluation import StudySettings
from restock.evaluation.study.study_code import StudyCode, load_code
from restock.optimality import newsvendor, poisson_pmf

FOLDER = Path(__file__).resolve().parents[2] / "studies" / "bodies"


@pytest.fixture(scope="module")
def code() -> StudyCode:
    return load_code(FOLDER)


@pytest.fixture(scope="module")
def study(code: StudyCode) -> ModuleType:
    assert code.sources
    return sys.modules["restock_study_bodies"]


def yardstick(study: ModuleType, stay: float, past: int = 1) -> Any:  # noqa: ANN401 - of the study
    return study.FilteredNewsvendor(study.Regimes((2.0, 6.0), stay), 1, 9.0, past)


def test_a_demand_moves_the_belief_by_bayes_rule(study: ModuleType) -> None:
    # of 4 units: e⁻² 2⁴ to e⁻⁶ 6⁴ is 81 e⁻⁴ to one
    told = 81 * math.exp(-4) / (1 + 81 * math.exp(-4))
    expected = told * 0.9 + (1 - told) * 0.1
    belief = yardstick(study, 0.9).belief(torch.tensor([[[4.0]]]))
    assert belief.item() == pytest.approx(expected, abs=1e-6)
    # what was long ago counts less than what was yesterday
    late, early = yardstick(study, 0.9, 2).belief(torch.tensor([[[0.0, 9.0]], [[9.0, 0.0]]]))
    assert late.item() > 0.8
    assert early.item() < 0.25


def test_who_is_sure_orders_up_to_the_newsvendor_level(study: ModuleType) -> None:
    levels = yardstick(study, 1.0).levels
    for belief, mean in ((0, 2.0), (-1, 6.0)):
        best = newsvendor(poisson_pmf(mean), holding_cost=1.0, shortage_cost=9.0, lead_time=1)
        assert float(levels[belief]) == best.level
    assert bool((levels.diff() >= 0).all())


def test_regimes_last_as_long_as_they_should(study: ModuleType) -> None:
    paths = study.Regimes((0.0, 50.0), 0.9).sample(200, 2000, torch.Generator().manual_seed(1))
    busy = (paths.demand[..., 0, 0] > 0).double()
    assert float(busy.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(busy.diff(dim=1).abs().mean()) == pytest.approx(0.1, abs=0.005)


def test_a_network_that_reads_history_comes_nearer_than_one_that_does_not(
    code: StudyCode,
) -> None:
    settings = StudySettings.read(FOLDER / "study.toml", quick=True)
    blind, told = (
        code.run_row({"body": body, "seed": 0}, settings)["gap_percent"]
        for body in ("none", "mlp of 1000")
    )
    assert told < blind
