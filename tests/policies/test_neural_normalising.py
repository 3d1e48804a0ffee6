"""A normaliser knows mean and scale of all that it has seen, in any number of batches."""

import pytest
import torch
from torch import Tensor

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.policies import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural import Normaliser, fit_normaliser
from restock.problem import Instance, Product
from restock.simulation import SteadyDemand, World, average_cost


def rows(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, generator=generator) * torch.tensor([1.0, 20.0, 0.01]) + 5


def test_batches_one_after_another_count_as_one() -> None:
    batches = [rows(seed, count) for seed, count in enumerate((7, 1, 200, 40))]
    running = Normaliser(3)
    for batch in batches:
        running.update(batch)
    every = torch.cat(batches).double()
    torch.testing.assert_close(running.mean, every.mean(0).float())
    torch.testing.assert_close(running.scale, every.std(0, unbiased=False).float())
    assert running.rows.item() == 248


def test_a_million_small_differences_on_a_large_mean_are_not_lost() -> None:
    normaliser = Normaliser(1)
    for _ in range(100):
        normaliser.update(torch.tensor([[1e4], [1e4 + 1.0]]))
    # half of the rows are 0.5 above the mean, half below
    assert normaliser.scale.item() == pytest.approx(0.5)


def test_what_it_was_fitted_to_has_mean_0_and_scale_1() -> None:
    normaliser, batch = Normaliser(3), rows(0, 500)
    torch.testing.assert_close(normaliser(batch), batch)
    normaliser.fit(batch)
    seen = normaliser(batch)
    torch.testing.assert_close(seen.mean(0), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(seen.std(0, unbiased=False), torch.ones(3), atol=1e-3, rtol=0)


def test_a_column_that_never_varies_is_only_shifted() -> None:
    normaliser = Normaliser(1)
    normaliser.fit(torch.full((9, 1), 7.0))
    assert normaliser(torch.tensor([[7.0], [8.0]])).flatten().tolist() == [0.0, 1.0]


def test_heavy_tails_are_read_as_logarithms_and_others_are_not() -> None:
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(2000, 1, generator=generator)
    normaliser = Normaliser(2)
    normaliser.fit(torch.cat([normal, (2 * normal).exp()], dim=-1))
    assert normaliser.logarithmic.tolist() == [False, True]
    assert normaliser(torch.tensor([[0.0, 1e4]])).abs().max().item() < 9


@pytest.mark.parametrize("batch", [torch.zeros(0, 3), torch.tensor([[1.0, float("nan"), 2.0]])])
def test_what_is_not_finite_is_refused_and_changes_nothing(batch: Tensor) -> None:
    normaliser = Normaliser(3)
    normaliser.fit(rows(0, 9))
    before = {name: values.clone() for name, values in normaliser.state_dict().items()}
    with pytest.raises(ConfigurationError, match="rows of finite features"):
        normaliser.update(batch)
    assert all(torch.equal(before[name], now) for name, now in normaliser.state_dict().items())


def world() -> World:
    return World.from_instance(Instance.single_location([Product(id="a", shortage_cost=4.0)], 2))


def policy(*, normalises: bool) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=1, hidden=(8,), normalises=normalises)
    return NeuralOrderUpTo(config, torch.tensor(3.0), torch.tensor(2.0), torch.Generator())


def test_a_fitted_policy_is_still_its_anchor_and_keeps_the_fit_with_its_weights() -> None:
    source = SteadyDemand(Poisson(torch.tensor([5.0])))
    scenario = source.sample(16, 20, torch.Generator().manual_seed(0))
    plain, fitted, other = (policy(normalises=each) for each in (False, True, True))
    fit_normaliser(fitted, world(), scenario)
    assert fitted.normaliser is not None
    assert fitted.normaliser.rows.item() == 16 * 20
    assert torch.equal(
        average_cost(world(), plain, scenario, 0), average_cost(world(), fitted, scenario, 0)
    )
    other.load_state_dict(fitted.state_dict())
    assert other.normaliser is not None
    assert torch.equal(other.normaliser.mean, fitted.normaliser.mean)


def test_a_policy_that_does_not_normalise_cannot_be_fitted() -> None:
    scenario = SteadyDemand(Poisson(torch.tensor([5.0]))).sample(1, 4, torch.Generator())
    with pytest.raises(ConfigurationError, match="`normalises=True`"):
        fit_normaliser(policy(normalises=False), world(), scenario)
