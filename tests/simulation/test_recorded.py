"""Scenarios from a record: replayed as it was, and gone round from other days for training."""

from datetime import date, timedelta

import numpy as np
import pytest
import torch
from torch import Tensor

from restock.demand import SIGNAL_NAMES, WARM_UP_DAYS, BlockBootstrap, DemandHistory
from restock.errors import InputError
from restock.seeds import Seeds
from restock.simulation import BootstrappedDemand, ReplayedDemand, Scenario, recorded_scenario

NAMES = ("scale", "forecast_mean", "share")


def a_history(days: int, products: int = 2) -> DemandHistory:
    shape = (days, products)
    return DemandHistory(
        product_ids=tuple(f"p{n}" for n in range(products)),
        dates=tuple(date(2024, 1, 1) + timedelta(days=day) for day in range(days)),
        units=np.random.default_rng(1).poisson(4.0, shape).astype(float),
        censored=np.zeros(shape, dtype=bool),
        list_price=np.ones(shape),
        promoted=np.zeros(shape, dtype=bool),
    )


def a_record(days: int = 12, products: int = 3) -> Scenario:
    """Record demand that tells its day and product, and signals that tell them too."""
    day = torch.arange(1.0, days + 1)[:, None]
    demand = day * torch.tensor([1.0, 100.0, 10_000.0])[:products]
    signals = torch.stack([demand + 0.5, 2 * demand, demand / (1 + demand)], dim=-1)
    return Scenario(demand[None, :, :, None], signals.unsqueeze(0), NAMES)


def draw(source: ReplayedDemand, paths: int, periods: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return demand ``[B, T, P]`` and signals ``[B, T, P, F]``."""
    scenario = source.sample(paths, periods, Seeds(seed).torch("demand"))
    assert scenario.signals is not None
    assert scenario.signal_names == NAMES
    return scenario.demand.squeeze(-1), scenario.signals


def test_the_record_is_one_path_with_further_signals_behind_the_trailing_ones() -> None:
    history = a_history(100)
    extra = torch.arange(400.0).reshape(100, 2, 2)
    scenario = recorded_scenario(history, extra, ("forecast_mean", "forecast_sd"))
    assert scenario.signal_names == (*SIGNAL_NAMES, "forecast_mean", "forecast_sd")
    assert torch.equal(scenario.demand[0, :, :, 0], torch.from_numpy(history.units).float())
    assert scenario.signals is not None
    assert torch.equal(scenario.signals[0, :, :, -2:], extra)
    # 2024-01-01 was a Monday
    monday = scenario.signals[0, :, 0, SIGNAL_NAMES.index("weekday_0")]
    assert monday.nonzero()[:, 0].tolist() == list(range(0, 100, 7))


def test_a_record_that_is_all_warm_up_is_refused() -> None:
    with pytest.raises(InputError, match=f"more than {WARM_UP_DAYS} trading days"):
        BootstrappedDemand(BlockBootstrap(a_history(WARM_UP_DAYS)))


def test_a_replay_goes_round_the_record_from_another_day_for_each_product() -> None:
    record = a_record()
    demand, signals = draw(ReplayedDemand(record, ()), paths=50, periods=30)
    assert record.signals is not None
    day = (demand / torch.tensor([1.0, 100.0, 10_000.0])).long() - 1
    assert torch.equal(day[:, 1:], (day[:, :-1] + 1) % 12)
    assert (day[:, 0].amax(1) != day[:, 0].amin(1)).any()  # products start apart
    assert sorted(set(day[:, 0, 0].tolist())) == list(range(12))  # on every day of the record
    every = torch.arange(3)
    assert torch.equal(signals, record.signals[0][day, every])


def test_growth_scales_demand_and_what_is_in_units_alike_and_leaves_the_rest() -> None:
    record = a_record()
    flat, flat_signals = draw(ReplayedDemand(record, NAMES[:2], 0.0), 400, 5)
    grown, signals = draw(ReplayedDemand(record, NAMES[:2], 0.3), 400, 5)
    factor = grown / flat
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))  # one for each path
    torch.testing.assert_close(signals[..., :2], flat_signals[..., :2] * factor.unsqueeze(-1))
    assert torch.equal(signals[..., 2], flat_signals[..., 2])
    logs = factor[:, 0].log()
    # log factor ~ N(−0.045, 0.3²) over 1200 draws: standard errors 0.009 and 0.006
    assert logs.mean().item() == pytest.approx(-0.045, abs=0.035)
    assert logs.std().item() == pytest.approx(0.3, abs=0.025)
    assert abs(torch.corrcoef(logs.T)[0, 1].item()) < 0.2  # products grow apart


def test_a_replay_is_the_seed_s_and_no_other() -> None:
    source = ReplayedDemand(a_record(), NAMES, 0.2)
    assert torch.equal(draw(source, 4, 20, seed=1)[0], draw(source, 4, 20, seed=1)[0])
    assert not torch.equal(draw(source, 4, 20, seed=1)[0], draw(source, 4, 20, seed=2)[0])


def test_a_replay_is_laid_out_time_first_in_memory() -> None:
    scenario = ReplayedDemand(a_record(), NAMES).sample(8, 20, Seeds(0).torch("demand"))
    assert scenario.demand.shape == (8, 20, 3, 1)
    assert scenario.demand[:, 5].is_contiguous()


def test_a_record_without_signals_is_replayed_without() -> None:
    bare = Scenario(a_record().demand)
    scenario = ReplayedDemand(bare, (), 0.1).sample(2, 5, Seeds(0).torch("demand"))
    assert scenario.signals is None
    assert (scenario.demand > 0).all()
