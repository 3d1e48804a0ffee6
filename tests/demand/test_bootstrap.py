"""Bootstrapped and replayed histories: weekday, season, what products share, and growth."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
import torch

from restock.demand import BlockBootstrap, DemandHistory, ReplayedHistory
from restock.errors import ConfigurationError, InputError
from restock.seeds import Seeds

MONDAY = date(2024, 1, 1)


def a_history(
    days: int,
    n_products: int = 3,
    *,
    is_open: Callable[[date], bool] = lambda _: True,
    units: np.ndarray | None = None,
) -> DemandHistory:
    """Record ``days`` calendar days from a Monday on; demand is random unless given."""
    calendar = [MONDAY + timedelta(days=day) for day in range(days)]
    dates = tuple(day for day in calendar if is_open(day))
    if units is None:
        rng = np.random.default_rng(5)
        units = rng.poisson(4.0, (len(dates), n_products)).astype(np.float64)
    shape = units.shape
    return DemandHistory(
        product_ids=tuple(f"product {index}" for index in range(shape[1])),
        dates=dates,
        units=units,
        censored=np.zeros(shape, dtype=np.bool_),
        list_price=np.arange(len(dates), dtype=np.float64)[:, None].repeat(shape[1], 1),
        promoted=np.zeros(shape, dtype=np.bool_),
    )


def generator(seed: int = 0) -> torch.Generator:
    return Seeds(seed).torch("bootstrap")


def weekdays_of(history: DemandHistory) -> torch.Tensor:
    return torch.tensor([day.weekday() for day in history.dates])


def test_paths_are_time_first_in_memory_and_say_where_each_day_came_from() -> None:
    history = a_history(400)
    sampled = BlockBootstrap(history).sample(20, 45, generator())
    assert sampled.demand.shape == (20, 45, 3, 1)
    assert sampled.demand.dtype == torch.float32
    assert sampled.demand[:, 7].is_contiguous()
    recorded = torch.from_numpy(history.units).float()
    assert torch.equal(sampled.demand.squeeze(-1), recorded[sampled.source_day])


def test_signals_follow_the_sampled_days() -> None:
    history = a_history(400)
    for joint in (True, False):
        sampled = BlockBootstrap(history, joint=joint).sample(20, 45, generator())
        demand = sampled.follow(torch.from_numpy(history.units))
        assert torch.equal(demand.float(), sampled.demand.squeeze(-1))
        price = sampled.follow(torch.from_numpy(history.list_price))
        days = sampled.source_day if not joint else sampled.source_day.unsqueeze(-1)
        assert torch.equal(price.long(), days.expand(20, 45, 3))


def test_every_sampled_day_has_the_weekday_of_the_calendar() -> None:
    # without closed days the weekday of period t is that of Monday + start + t
    history = a_history(500)
    sampled = BlockBootstrap(history, block_days=10).sample(50, 60, generator(), start_day=3)
    expected = (3 + torch.arange(60)) % 7
    assert (weekdays_of(history)[sampled.source_day] == expected).all()


def test_closed_weekdays_stay_closed_and_the_others_keep_their_turn() -> None:
    history = a_history(728, is_open=lambda day: day.weekday() != 5)
    sampled = BlockBootstrap(history, block_days=9).sample(50, 60, generator())
    weekday = weekdays_of(history)[sampled.source_day]
    follower = torch.tensor([1, 2, 3, 4, 6, -1, 0])
    assert torch.equal(weekday[:, 1:], follower[weekday[:, :-1]])


def test_weekdays_would_be_lost_without_the_rule() -> None:
    # negative control: a plain block bootstrap, starting blocks anywhere, breaks the turn
    history = a_history(500)
    starts = torch.randint(490, (50, 6, 1), generator=generator())
    weekday = weekdays_of(history)[(starts + torch.arange(10)).flatten(1)]
    assert not torch.equal(weekday[:, 1:], (weekday[:, :-1] + 1) % 7)


def test_a_holiday_shifts_no_block_start() -> None:
    holidays = {MONDAY + timedelta(days=30), MONDAY + timedelta(days=200)}
    history = a_history(400, is_open=lambda day: day not in holidays)
    sampled = BlockBootstrap(history, block_days=10).sample(200, 50, generator(), start_day=0)
    weekday = weekdays_of(history)
    starts = torch.arange(0, 50, 10)
    assert (weekday[sampled.source_day[:, starts]] == weekday[starts]).all()


def test_blocks_are_consecutive_recorded_days() -> None:
    sampled = BlockBootstrap(a_history(500), block_days=10).sample(50, 60, generator(), 0)
    blocks = sampled.source_day.reshape(50, 6, 10)
    step = blocks.diff(dim=2)
    # a block that reaches the record's last day goes on 52 weeks before: 499 → 136
    assert ((step == 1) | (blocks[:, :, :-1] == 499)).all()
    assert (blocks.diff(dim=1)[:, :, 0] != 10).any()


def test_source_days_stay_within_the_season() -> None:
    history = a_history(3 * 365)
    window, block = 14, 10
    bootstrap = BlockBootstrap(history, block_days=block, season_window_days=window)
    sampled = bootstrap.sample(300, 40, generator(), start_day=100)
    starts = torch.arange(0, 40, block)
    apart = (sampled.source_day[:, starts] - (100 + starts)).abs() % 365.25
    assert (torch.minimum(apart, 365.25 - apart) <= window).all()
    years = sampled.source_day[:, starts].div(365, rounding_mode="floor").unique()
    assert years.tolist() == [0, 1, 2]


def test_each_day_that_may_stand_in_is_drawn_equally_often() -> None:
    # ± 14 days of day 100 hold five days of its weekday: 86, 93, 100, 107, 114
    bootstrap = BlockBootstrap(a_history(300), block_days=7, season_window_days=14)
    paths = 20_000
    first = bootstrap.sample(paths, 1, generator(), start_day=100).source_day[:, 0]
    days, counts = first.unique(return_counts=True)
    assert days.tolist() == [86, 93, 100, 107, 114]
    four_errors = 4 * (0.2 * 0.8 * paths) ** 0.5
    assert ((counts - paths / 5).abs() <= four_errors).all()


def test_after_the_last_day_the_calendar_goes_on_as_52_weeks_before() -> None:
    bootstrap = BlockBootstrap(a_history(500), block_days=7, season_window_days=0)
    tomorrow = bootstrap.sample(1, 14, generator(), start_day=500).source_day[0]
    # day 500 is day 136 of the year before; ± 0 days leaves it alone
    assert tomorrow.tolist() == list(range(136, 150))
    a_year_on = bootstrap.sample(1, 7, generator(), start_day=500 + 364).source_day[0]
    assert a_year_on.tolist() == list(range(136, 143))


def test_a_history_of_weeks_starts_again_after_whole_weeks() -> None:
    # 45 days hold six whole weeks: day 45 is day 3, the same weekday
    bootstrap = BlockBootstrap(a_history(45), block_days=7, season_window_days=0)
    days = bootstrap.sample(1, 7, generator(), start_day=45).source_day[0]
    assert days.tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_expected_demand_of_each_period_is_the_average_of_its_stand_ins() -> None:
    history = a_history(300)
    bootstrap = BlockBootstrap(history, block_days=7, season_window_days=14, growth_sd=0.3)
    demand = bootstrap.sample(20_000, 7, generator(), start_day=100).demand.squeeze(-1).double()
    blocks = [torch.from_numpy(history.units[day : day + 7]) for day in (86, 93, 100, 107, 114)]
    error = demand.std(dim=0) / 20_000**0.5
    assert ((demand.mean(dim=0) - torch.stack(blocks).mean(dim=0)).abs() <= 4 * error).all()


def test_joint_paths_keep_what_products_share_and_separate_ones_do_not() -> None:
    alike = np.random.default_rng(1).poisson(4.0, (500, 1)).astype(np.float64).repeat(2, 1)
    history = a_history(500, units=alike)
    together = BlockBootstrap(history).sample(200, 30, generator()).demand.squeeze(-1)
    apart = BlockBootstrap(history, joint=False).sample(200, 30, generator()).demand.squeeze(-1)
    assert torch.equal(together[..., 0], together[..., 1])
    correlation = torch.corrcoef(torch.stack([apart[..., 0].ravel(), apart[..., 1].ravel()]))
    # both draw among the same few weeks, so one in seven blocks agrees by chance
    assert 0.0 < float(correlation[0, 1]) < 0.4


def test_growth_is_lognormal_around_one_constant_on_a_path_and_own_to_each_product() -> None:
    history = a_history(100, n_products=2, units=np.ones((100, 2)))
    demand = BlockBootstrap(history, growth_sd=0.5).sample(40_000, 5, generator()).demand
    level = demand[:, 0, :, 0].double()
    assert torch.equal(demand, demand[:, :1].expand_as(demand))
    # log level ~ N(−0.125, 0.25): four standard errors of a mean of 40,000 are 0.01
    assert float(level.log().mean() + 0.125) == pytest.approx(0, abs=0.01)
    assert float(level.log().std()) == pytest.approx(0.5, abs=4 * 0.5 / 80_000**0.5)
    assert abs(float(torch.corrcoef(level.log().T)[0, 1])) < 4 / 200


def test_without_growth_demand_stays_in_whole_units() -> None:
    history = a_history(100)
    whole = BlockBootstrap(history).sample(10, 20, generator()).demand
    grown = BlockBootstrap(history, growth_sd=0.1).sample(10, 20, generator()).demand
    assert torch.equal(whole, whole.round())
    assert not torch.equal(grown, grown.round())


@pytest.mark.parametrize("joint", [True, False])
def test_the_same_seed_gives_the_same_paths_and_another_seed_others(*, joint: bool) -> None:
    bootstrap = BlockBootstrap(a_history(400), growth_sd=0.1, joint=joint)
    first = bootstrap.sample(10, 20, generator())
    again = bootstrap.sample(10, 20, generator())
    other = bootstrap.sample(10, 20, generator(1))
    assert torch.equal(first.demand, again.demand)
    assert torch.equal(first.source_day, again.source_day)
    assert not torch.equal(first.demand, other.demand)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"block_days": 0}, "`block_days` must be an integer ≥ 1; got 0"),
        ({"season_window_days": -1}, "`season_window_days` must be an integer ≥ 0; got -1"),
        ({"growth_sd": float("nan")}, "`growth_sd` must be finite and ≥ 0; got nan"),
        ({"growth_sd": -0.1}, "`growth_sd` must be finite and ≥ 0; got -0.1"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        BlockBootstrap(a_history(100), **settings)  # type: ignore[arg-type]


def test_a_start_before_the_history_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"`start_day` must be ≥ 0; got -1"):
        BlockBootstrap(a_history(100)).sample(1, 5, generator(), start_day=-1)


def test_histories_shorter_than_a_block_or_a_week_are_refused() -> None:
    with pytest.raises(InputError, match=r"one block of 14 trading days; got 13"):
        BlockBootstrap(a_history(13))
    with pytest.raises(InputError, match=r"at least one week; got 2024-01-01 to 2024-01-05"):
        BlockBootstrap(a_history(5), block_days=2)


def test_a_replayed_history_is_the_record_itself() -> None:
    history = a_history(50)
    path = ReplayedHistory(history).paths(10, 30)
    assert path.shape == (1, 20, 3, 1)
    assert torch.equal(path[0, :, :, 0], torch.from_numpy(history.units[10:30]).float())


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (40, 51)])
def test_days_outside_the_record_cannot_be_replayed(start: int, stop: int) -> None:
    with pytest.raises(InputError, match=r"0 ≤ start < stop ≤ 50"):
        ReplayedHistory(a_history(50)).paths(start, stop)
