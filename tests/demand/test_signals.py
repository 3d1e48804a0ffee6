"""The trailing signals: by hand, without knowledge of the day, and alike for every product."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand import (
    SIGNAL_NAMES,
    WARM_UP_DAYS,
    BlockBootstrap,
    DemandHistory,
    trailing_signals,
)
from restock.seeds import Seeds
from restock.simulation import BootstrappedDemand, recorded_scenario


def weekdays(days: int) -> Tensor:
    return torch.arange(days).remainder(7).unsqueeze(0)


def signals_of(units: Tensor) -> Tensor:
    return trailing_signals(units, weekdays(units.shape[1]))


def random_units(seed: int, days: int, products: int) -> Tensor:
    rng = np.random.default_rng(seed)
    means = rng.gamma(0.7, 6.0, products)
    return torch.from_numpy(rng.poisson(means, (1, days, products))).float()


def test_the_signals_of_a_day_are_those_worked_out_by_hand() -> None:
    # 100 days: 0, 4, 0, 4, … and, on the last six days before day 100, 6 units a day
    series = [4.0 * (day % 2) for day in range(94)] + [6.0] * 6 + [99.0]
    told = dict(
        zip(SIGNAL_NAMES, signals_of(torch.tensor(series)[None, :, None])[0, 100, 0], strict=True)
    )
    # 42 days: 36 of the alternation (18 fours) and six sixes: (72 + 36) / 42
    mean = 108 / 42
    scale = mean + 0.1
    assert told["scale"].item() == pytest.approx(scale)
    # squares: 18 · 16 + 6 · 36 = 504
    assert told["variability"].item() == pytest.approx(
        math.log1p(math.sqrt(504 / 42 - mean**2) / scale)
    )
    # 6 days: 6; 12 days: (12 + 36)/12 = 4; 24 days: (36 + 36)/24 = 3; 84 days: (156 + 36)/84
    for days, level in {6: 6.0, 12: 4.0, 24: 3.0, 84: 192 / 84}.items():
        expected = math.log((level + 0.1 * scale) / scale)
        assert told[f"level_{days}"].item() == pytest.approx(expected, rel=1e-5)
    # of 24 days 18 alternate, 9 of them without a sale; of 84 days 39
    assert told["zero_share_24"].item() == pytest.approx(9 / 24)
    assert told["zero_share_84"].item() == pytest.approx(39 / 84)
    assert [told[f"weekday_{day}"].item() for day in range(7)] == [0, 0, 1, 0, 0, 0, 0]  # 100 % 7


def test_before_a_window_is_full_it_uses_the_days_that_there_are() -> None:
    series = torch.tensor([3.0, 5.0, 7.0, 100.0])[None, :, None]
    scale = signals_of(series)[0, :, 0, SIGNAL_NAMES.index("scale")]
    # day 0 knows nothing, day 1 the 3, day 2 (3 + 5)/2, day 3 (3 + 5 + 7)/3; and 0.1 each
    assert scale.tolist() == pytest.approx([0.1, 3.1, 4.1, 5.1])


@given(st.integers(0, 2**32), st.integers(0, 118), st.floats(0, 500))
@settings(max_examples=60)
def test_demand_from_a_day_on_changes_no_signal_until_that_day(
    seed: int, day: int, other: float
) -> None:
    units = random_units(seed, 120, 3)
    changed = units.clone()
    changed[:, day:] = other
    one, two = signals_of(units), signals_of(changed)
    assert torch.equal(one[:, : day + 1], two[:, : day + 1])
    if not torch.equal(units[:, day], changed[:, day]):
        assert not torch.equal(one[:, day + 1], two[:, day + 1])


@given(st.integers(0, 2**32), st.permutations(range(5)))
@settings(max_examples=40)
def test_products_in_another_order_have_their_signals_in_that_order(
    seed: int, order: list[int]
) -> None:
    units = random_units(seed, 100, 5)
    torch.testing.assert_close(signals_of(units[..., order]), signals_of(units)[:, :, order])


@given(st.integers(0, 2**32), st.floats(1.5, 50))
@settings(max_examples=40)
def test_shares_of_days_and_weekdays_do_not_depend_on_the_unit_of_demand(
    seed: int, factor: float
) -> None:
    units = random_units(seed, 100, 4)
    free = [
        index
        for index, name in enumerate(SIGNAL_NAMES)
        if name.startswith(("zero_share", "weekday"))
    ]
    one, two = signals_of(units), signals_of(units * factor)
    torch.testing.assert_close(one[..., free], two[..., free])


def test_every_signal_is_finite_where_nothing_was_ever_sold() -> None:
    silent = signals_of(torch.zeros(1, 200, 2))
    assert silent.isfinite().all()
    assert silent[0, -1, 0, SIGNAL_NAMES.index("scale")].item() == pytest.approx(0.1)


def test_a_drawn_future_that_is_the_record_itself_has_the_signals_of_the_record() -> None:
    days = 300
    opening = date(2024, 1, 1)
    shape = (days, 3)
    units = np.random.default_rng(3).poisson(3.0, shape).astype(float)
    units[:, 0] = np.arange(days)  # tells the day that it was drawn from
    history = DemandHistory(
        product_ids=("clock", "a", "b"),
        dates=tuple(opening + timedelta(days=day) for day in range(days)),
        units=units,
        censored=np.zeros(shape, dtype=bool),
        list_price=np.ones(shape),
        promoted=np.zeros(shape, dtype=bool),
    )
    # one block as long as the record, whose start no other day may stand for
    whole = BlockBootstrap(history, block_days=days, season_window_days=0)
    periods = 40
    drawn = BootstrappedDemand(whole).sample(60, periods, Seeds(4).torch("demand"))
    recorded = recorded_scenario(history)
    assert drawn.signals is not None
    assert recorded.signals is not None
    starts = drawn.demand[:, 0, 0, 0].long()
    # after the record's end a path goes on within its first week: leave out those that did
    straight = (starts >= WARM_UP_DAYS + 7) & (starts + periods <= days)
    inside = straight.nonzero()[:, 0].tolist()
    assert len(inside) > 20
    for path in inside:
        span = slice(int(starts[path]), int(starts[path]) + periods)
        assert torch.equal(drawn.demand[path], recorded.demand[0, span])
        torch.testing.assert_close(drawn.signals[path], recorded.signals[0, span])
