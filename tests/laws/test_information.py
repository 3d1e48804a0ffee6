"""What a day's signals know: nothing of demand on that day or after it.

That no policy knows more than its observation is tested for each of them in ``conformance``.
"""

from datetime import date, timedelta

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand import WARM_UP_DAYS, BlockBootstrap, DemandHistory, trailing_signals
from restock.demand.processes import Poisson
from restock.seeds import Seeds
from restock.simulation import (
    BootstrappedDemand,
    Scenario,
    SteadyDemand,
    recorded_scenario,
)

DAYS = WARM_UP_DAYS + 60


def history_of(units: np.ndarray) -> DemandHistory:
    days, products = units.shape
    opening = date(2010, 1, 4)
    return DemandHistory(
        product_ids=tuple(f"p{n}" for n in range(products)),
        dates=tuple(opening + timedelta(days=day) for day in range(days)),
        units=units,
        censored=np.zeros(units.shape, dtype=bool),
        list_price=np.ones(units.shape),
        promoted=np.zeros(units.shape, dtype=bool),
    )


def units_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2.0, (DAYS, 2)).astype(float)


def signals_of(scenario: Scenario) -> Tensor:
    assert scenario.signals is not None
    return scenario.signals


def last_equal_day(one: Tensor, other: Tensor) -> int:
    """Return the last day until which two series of signals ``[B, T, P, F]`` are the same."""
    differs = (one != other).any(0).any(-1).any(-1).nonzero()
    return int(differs[0]) - 1 if len(differs) else one.shape[1] - 1


@given(st.integers(0, 2**32), st.integers(WARM_UP_DAYS, DAYS - 2))
@settings(max_examples=40)
def test_the_records_signals_of_a_day_know_nothing_of_that_day_or_later(
    seed: int, day: int
) -> None:
    units = units_of(seed)
    changed = units.copy()
    changed[day:] += 3
    one, other = (recorded_scenario(history_of(these)) for these in (units, changed))
    # the first day that may differ is the day after the first changed one, and it does
    assert last_equal_day(signals_of(one), signals_of(other)) == day


def test_signals_that_count_today_in_are_caught() -> None:
    def leaky(units: np.ndarray) -> Tensor:
        seen = torch.from_numpy(units).float().unsqueeze(0)
        weekday = torch.zeros(1, DAYS, dtype=torch.long)
        return trailing_signals(seen.roll(-1, dims=1), weekday)

    units = units_of(0)
    changed = units.copy()
    changed[100:] += 3
    assert last_equal_day(leaky(units), leaky(changed)) == 99


def test_bootstrapped_futures_carry_the_signals_of_their_own_past() -> None:
    source = BootstrappedDemand(BlockBootstrap(history_of(units_of(1))))
    scenario = source.sample(4, 120, Seeds(2).torch("demand"))
    alone = trailing_signals(scenario.demand.squeeze(-1), torch.zeros(1, 120, dtype=torch.long))
    scale = signals_of(scenario)[..., 0]
    # after 42 days the scale depends on days of the path alone
    torch.testing.assert_close(scale[:, 42:], alone[:, 42:, :, 0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mean", [0.0, 5.0])
def test_a_textbook_world_signals_its_mean_and_nothing_of_its_draws(mean: float) -> None:
    scenario = SteadyDemand(Poisson(torch.tensor([mean]))).sample(3, 7, Seeds(0).torch("demand"))
    assert (signals_of(scenario) == mean).all()
