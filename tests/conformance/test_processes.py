"""Every demand process of the catalogue keeps the promises of ``DemandProcess``."""

import pytest
import torch

from restock.demand.paths import DemandProcess
from restock.demand.processes import (
    CATALOGUE,
    Compound,
    CorrelatedNormal,
    Geometric,
    GeometricSize,
    LognormalSize,
    NegativeBinomial,
    Normal,
    Poisson,
    RoundedGamma,
    Seasonal,
    UniformUnits,
)
from restock.seeds import Seeds

PATHS, PERIODS = 4000, 14
MEANS = torch.tensor([0.2, 3.0, 40.0])
WEEKDAYS = torch.tensor([0.5, 0.8, 1.0, 1.2, 2.0, 1.5, 0.0]).unsqueeze(1)

EXAMPLES: dict[str, list[DemandProcess]] = {
    "poisson": [Poisson(MEANS)],
    "geometric": [Geometric(MEANS)],
    "negative_binomial": [NegativeBinomial(MEANS, torch.tensor([0.3, 1.0, 4.0]))],
    "compound": [
        Compound(torch.tensor([0.05, 0.3, 1.0]), GeometricSize(torch.tensor([1.0, 3.0, 9.0]))),
        Compound(
            torch.tensor([0.05, 0.3, 1.0]), LognormalSize(MEANS, torch.tensor([0.5, 1.0, 0.1]))
        ),
    ],
    "correlated_normal": [CorrelatedNormal(MEANS, torch.tensor([0.2, 1.5, 10.0]), 0.5)],
    "rounded_gamma": [RoundedGamma(4.0, 0.5), RoundedGamma(0.7, 1.5)],
    "uniform_units": [UniformUnits(4)],
    "normal": [Normal(MEANS, torch.tensor([1.0, 1.0, 10.0]))],
    "seasonal": [
        Seasonal(Poisson(MEANS), WEEKDAYS),
        Seasonal(Normal(MEANS, MEANS), WEEKDAYS),
    ],
}
CASES = [
    pytest.param(example, id=f"{name}-{index}")
    for name, examples in EXAMPLES.items()
    for index, example in enumerate(examples)
]

each_process = pytest.mark.parametrize("process", CASES)


def draw(process: DemandProcess, seed: int = 0) -> torch.Tensor:
    return process.sample(PATHS, PERIODS, Seeds(seed).torch("demand"))


def test_every_process_of_the_catalogue_has_an_example_of_its_class() -> None:
    assert EXAMPLES.keys() == CATALOGUE.keys()
    for name, examples in EXAMPLES.items():
        assert {type(example) for example in examples} == {CATALOGUE[name]}


@each_process
def test_paths_are_batch_period_product_location_in_single_precision(
    process: DemandProcess,
) -> None:
    demand = draw(process)
    assert demand.shape == (PATHS, PERIODS, process.n_products, 1)
    assert demand.dtype == torch.float32


@each_process
def test_a_period_is_one_contiguous_block(process: DemandProcess) -> None:
    demand = draw(process)
    assert demand.transpose(0, 1).is_contiguous()
    assert demand[:, 3].is_contiguous()


@each_process
def test_demand_is_finite_and_never_negative(process: DemandProcess) -> None:
    demand = draw(process)
    assert demand.isfinite().all()
    assert demand.min() >= 0


@each_process
def test_whole_units_are_promised_exactly_where_they_are_kept(process: DemandProcess) -> None:
    demand = draw(process)
    assert bool((demand == demand.round()).all()) == process.whole_units


@each_process
def test_the_average_lies_within_four_standard_errors_of_the_mean(
    process: DemandProcess,
) -> None:
    # the seasonal examples repeat every week, so 14 periods average like a year
    totals = draw(process).double().mean(dim=1).squeeze(-1)
    error = totals.std(dim=0) / PATHS**0.5
    assert ((totals.mean(dim=0) - process.mean).abs() <= 4 * error).all()


@each_process
def test_the_same_seed_gives_the_same_paths_and_another_seed_others(
    process: DemandProcess,
) -> None:
    assert torch.equal(draw(process), draw(process))
    assert not torch.equal(draw(process), draw(process, seed=1))
