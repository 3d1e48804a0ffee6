"""Signals of past demand tell what was asked before, and nothing of today."""

import pytest
import torch
from torch import Tensor

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.simulation import Observation, Scenario, SellingSeason, SteadyDemand
from restock.simulation.history_signals import (
    HistorySignals,
    history_names,
    observed_history,
    with_history,
)


def luck(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def source(points: tuple[str, ...] = ()) -> SteadyDemand:
    return SteadyDemand(Poisson(torch.tensor([3.0, 5.0])), points)


def told(scenario: Scenario, name: str) -> Tensor:
    assert scenario.signals is not None
    return scenario.signals[..., scenario.signal_names.index(name)]


def test_each_signal_is_the_demand_of_its_own_day() -> None:
    scenario = HistorySignals(source(), 3).sample(4, 10, luck())
    assert scenario.periods == 10
    assert scenario.signal_names == ("scale", "demand-3", "demand-2", "demand-1")
    for ago in (1, 2, 3):
        past = told(scenario, f"demand-{ago}")
        assert torch.equal(past[:, ago:], scenario.demand[:, :-ago, :, 0])
    assert bool((told(scenario, "demand-3")[:, 0] > 0).any())  # of before the first day


def test_demand_from_a_day_on_changes_no_signal_up_to_it() -> None:
    demand = torch.poisson(torch.full((2, 12, 1, 1), 4.0), generator=luck())
    other = demand.clone()
    other[:, 7:] += 1
    one, two = (with_history(Scenario(paths), 3) for paths in (demand, other))
    assert one.signals is not None
    assert two.signals is not None
    # after the first 3 periods are cut off, period 7 is period 4
    assert torch.equal(one.signals[:, :5], two.signals[:, :5])
    assert not torch.equal(one.signals[:, 5], two.signals[:, 5])


def test_the_demand_of_all_points_is_told_together() -> None:
    scenario = HistorySignals(source(("north", "south")), 2).sample(3, 6, luck())
    assert torch.equal(told(scenario, "demand-1")[:, 1:], scenario.demand.sum(-1)[:, :-1])


def test_a_season_goes_around_the_history_and_not_into_it() -> None:
    season = SellingSeason(HistorySignals(source(), 3), periods=5).sample(1, 5, luck())
    assert told(season, "periods_left")[0, 0].tolist() == [5.0, 5.0]
    with pytest.raises(ConfigurationError, match="must not be a season"):
        HistorySignals(SellingSeason(source(), periods=5), 3)


@pytest.mark.parametrize("periods", [0, 6, 9])
def test_a_history_as_long_as_the_record_is_refused(periods: int) -> None:
    with pytest.raises(ConfigurationError, match=f"got {periods}"):
        with_history(source().sample(1, 6, luck()), periods)


def test_a_policy_reads_its_history_oldest_first_or_is_told_what_is_missing() -> None:
    scenario = HistorySignals(source(), 3).sample(4, 10, luck())
    stock = torch.zeros(4, 2, 1)
    seen = Observation(
        stock, stock, (), stock.long(), None, scenario.signals_at(5), scenario.signal_names
    )
    assert torch.equal(observed_history(seen, 3), scenario.demand[:, 2:5, :, 0].transpose(1, 2))
    assert torch.equal(observed_history(seen, 2), observed_history(seen, 3)[..., 1:])
    with pytest.raises(ConfigurationError, match=r"'demand-4' is not observed.*HistorySignals"):
        observed_history(seen, 4)
    assert history_names(2) == scenario.signal_names[2:]
