"""Clearing a fixed stock: the closed form, the dynamic program, bounds and simple plans agree."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import poisson

from restock.errors import InstanceError
from restock.optimality.clearance import (
    Clearance,
    Markdown,
    best_clearance,
    fixed_price_revenues,
    fluid_clearance,
    fluid_markdown,
    markdown_revenue,
    price_table_revenue,
)
from restock.optimality.clearance_exponential import ExponentialClearance


def random_season(rng: np.random.Generator) -> Clearance:
    n_prices = int(rng.integers(1, 6))
    return Clearance(
        prices=np.sort(rng.uniform(1, 10, n_prices)),
        rates=np.sort(rng.uniform(0.2, 12, n_prices))[::-1].copy(),
        stock=int(rng.integers(1, 15)),
        horizon=rng.uniform(0.3, 3),
    )


@pytest.mark.parametrize("seed", range(12))
def test_markdown_is_below_the_optimum_which_is_below_the_fluid_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    season = random_season(rng)
    best = best_clearance(season)
    optimum, fluid = best.revenue[-1], fluid_clearance(season).value
    assert best.lower[-1] <= optimum + 1e-6
    assert optimum <= best.upper[-1] + 1e-6
    assert optimum <= fluid + 1e-6
    for _ in range(10):
        parts = int(rng.integers(1, 5))
        plan = Markdown(
            durations=rng.dirichlet(np.ones(parts)) * season.horizon,
            price_index=rng.integers(0, season.prices.size, parts),
        )
        assert markdown_revenue(season, plan) <= optimum + 1e-6
        table = rng.integers(0, season.prices.size, (parts, season.stock + 1))
        assert price_table_revenue(season, table) <= optimum + 1e-6
    assert fixed_price_revenues(season).max() <= optimum + 1e-6
    assert markdown_revenue(season, fluid_markdown(season)) <= optimum + 1e-6


def test_the_program_on_a_fine_price_set_finds_the_closed_form() -> None:
    smooth = ExponentialClearance(scale=30.0, sensitivity=0.5)
    prices = np.linspace(0.5, 16, 400)
    season = Clearance(prices=prices, rates=smooth.rate(prices), stock=12, horizon=2.0)
    best = best_clearance(season, parts=800)
    closed = smooth.revenue(12, 2.0)
    # a set of prices earns no more, and with steps of 0.04 hardly less
    assert (best.revenue <= closed + 1e-6).all()
    assert best.revenue == pytest.approx(closed, rel=1e-4)
    assert best.lower[-1] == pytest.approx(closed[-1], rel=3e-4)
    # with half the demand it would not be
    half = ExponentialClearance(scale=15.0, sensitivity=0.5)
    assert half.revenue(12, 2.0)[-1] < 0.9 * closed[-1]


def test_the_closed_form_solves_the_equation_of_the_optimum() -> None:
    # ∂J/∂t = max λ(p) (p − ΔJ), by central difference and at the price that is said to be best
    smooth = ExponentialClearance(scale=7.0, sensitivity=2.0)
    step = 1e-5
    slope = (smooth.revenue(6, 1 + step) - smooth.revenue(6, 1 - step)) / (2 * step)
    price, marginal = smooth.price(6, 1.0), np.diff(smooth.revenue(6, 1.0))
    assert slope[1:] == pytest.approx(smooth.rate(price) * (price - marginal), rel=1e-6)
    for off in (-0.05, 0.05):
        assert (smooth.rate(price + off) * (price + off - marginal) < slope[1:]).all()


def test_prices_fall_with_stock_and_rise_with_time_left() -> None:
    smooth = ExponentialClearance(scale=20.0, sensitivity=1.0)
    assert (np.diff(smooth.price(9, 1.0)) < 0).all()
    assert (smooth.price(9, 2.0) > smooth.price(9, 1.0)).all()
    prices = np.linspace(0.5, 5, 30)
    season = Clearance(prices=prices, rates=smooth.rate(prices), stock=9, horizon=1.0)
    table = best_clearance(season).price_index[:, 1:]
    assert (np.diff(table, axis=1) <= 0).all()
    assert (np.diff(table, axis=0) <= 0).all()
    assert table.max() > table.min()


@pytest.mark.parametrize("scale", [1, 4, 16, 64])
def test_one_fixed_price_is_nearly_best_for_many_units(scale: int) -> None:
    smooth = ExponentialClearance(scale=30.0, sensitivity=1.0)
    stock, horizon = 5 * scale, float(scale)
    best = smooth.revenue(stock, horizon)[-1]
    fixed = smooth.fixed_price_revenue(stock, horizon, smooth.fluid_price(stock, horizon))
    # Gallego & van Ryzin (1994), theorem 3: at least 1 − 1 / (2 √min(c, λ* T)) of the best
    most = min(stock, 30.0 / math.e * horizon)
    assert 1 - 1 / (2 * math.sqrt(most)) <= fixed / best <= 1
    assert best <= smooth.fluid_bound(stock, horizon)
    # and what is missing to the fluid bound melts away
    assert 1 - fixed / smooth.fluid_bound(stock, horizon) <= 0.5 / math.sqrt(most)


def test_a_bad_fixed_price_stays_bad_for_many_units() -> None:
    smooth = ExponentialClearance(scale=30.0, sensitivity=1.0)
    wrong = 2 * smooth.fluid_price(320, 64.0)
    ratio = smooth.fixed_price_revenue(320, 64.0, wrong) / smooth.revenue(320, 64.0)[-1]
    assert ratio < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_a_price_table_earns_what_the_chain_s_generator_says(seed: int) -> None:
    # in each part the prices are fixed when it begins: one chain per (price, units) pair, solved
    # by the matrix exponential of sales and earnings together (the last column gathers earnings)
    rng = np.random.default_rng(seed)
    season = random_season(rng)
    size, parts = season.stock + 1, 3
    table = rng.integers(0, season.prices.size, (parts, size))
    value = np.zeros(size)
    for row in table[::-1]:
        earned = np.zeros(size)
        for units in range(size):
            rate, price = season.rates[row[units]], season.prices[row[units]]
            generator = np.zeros((size + 1, size + 1))
            for n in range(1, size):
                generator[n, n], generator[n, n - 1] = -rate, rate
                generator[n, size] = rate * price
            moved = expm(generator * season.horizon / parts)
            earned[units] = moved[units] @ np.append(value, 1.0)
        value = earned
    assert price_table_revenue(season, table) == pytest.approx(value[-1], rel=1e-9)


def test_a_constant_table_a_constant_markdown_and_a_fixed_price_earn_the_same() -> None:
    season = random_season(np.random.default_rng(4))
    for index, fixed in enumerate(fixed_price_revenues(season)):
        mean = season.rates[index] * season.horizon
        units = np.arange(200)
        sales = np.minimum(units, season.stock) @ poisson.pmf(units, mean)
        assert fixed == pytest.approx(season.prices[index] * sales)
        table = np.full((7, season.stock + 1), index)
        thirds = Markdown(durations=np.full(3, season.horizon / 3), price_index=np.full(3, index))
        assert price_table_revenue(season, table) == pytest.approx(fixed)
        assert markdown_revenue(season, thirds) == pytest.approx(fixed)


def test_a_markdown_earns_what_a_simulation_of_it_earns() -> None:
    season = Clearance(
        prices=np.array([2.0, 5.0]), rates=np.array([9.0, 3.0]), stock=6, horizon=1.5
    )
    plan = Markdown(durations=np.array([1.0, 0.5]), price_index=np.array([1, 0]))
    rng = np.random.default_rng(0)
    n_paths = 200_000
    early = np.minimum(rng.poisson(3.0, n_paths), 6)
    late = np.minimum(rng.poisson(4.5, n_paths), 6 - early)
    revenue = 5 * early + 2 * late
    error = revenue.std() / math.sqrt(n_paths)
    assert markdown_revenue(season, plan) == pytest.approx(revenue.mean(), abs=4 * error)
    up = Markdown(durations=plan.durations[::-1].copy(), price_index=plan.price_index[::-1].copy())
    assert markdown_revenue(season, up) < revenue.mean() - 4 * error


def test_changing_prices_more_often_earns_more_and_once_is_the_fixed_price() -> None:
    season = Clearance(
        prices=np.array([1.0, 2.0, 4.0]), rates=np.array([9.0, 5.0, 2.0]), stock=6, horizon=1.5
    )
    earned = [best_clearance(season, parts=parts).lower[-1] for parts in (1, 2, 4, 16, 64)]
    assert earned == sorted(earned)
    assert earned[0] == pytest.approx(fixed_price_revenues(season).max())
    assert earned[-1] > earned[0] + 1e-3
    best = best_clearance(season, parts=64)
    assert price_table_revenue(season, best.price_index) == pytest.approx(earned[-1])


def test_the_bounds_close_in_as_parts_grow() -> None:
    season = random_season(np.random.default_rng(10))
    gaps = []
    for parts in (100, 400, 1600):
        best = best_clearance(season, parts=parts)
        gaps.append(best.upper[-1] - best.lower[-1])
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2] > 0


def test_the_fluid_markdown_sells_out_and_is_dear_first() -> None:
    season = Clearance(
        prices=np.array([1.0, 2.0]), rates=np.array([8.0, 3.0]), stock=4, horizon=1.0
    )
    plan = fluid_markdown(season)
    assert season.prices[plan.price_index].tolist() == [2, 1]
    assert season.rates[plan.price_index] @ plan.durations == pytest.approx(4)
    # with little stock the dear price alone sells it, and is asked all season
    scarce = fluid_markdown(replace(season, stock=2))
    assert scarce.durations.tolist() == pytest.approx([1.0])
    assert season.prices[scarce.price_index].tolist() == [2]


def test_wrong_seasons_and_plans_are_refused() -> None:
    season = random_season(np.random.default_rng(0))
    with pytest.raises(InstanceError, match="`rates` must be finite"):
        replace(season, rates=np.full(season.prices.size, np.nan))
    with pytest.raises(InstanceError, match="`stock` must be ≥ 1"):
        replace(season, stock=0)
    with pytest.raises(InstanceError, match="sum to the horizon"):
        markdown_revenue(
            season, Markdown(durations=np.array([season.horizon / 2]), price_index=np.array([0]))
        )
    with pytest.raises(InstanceError, match="`price_index` must have"):
        price_table_revenue(season, np.zeros((2, season.stock), dtype=np.int64))
    with pytest.raises(InstanceError, match="`scale` must be finite"):
        ExponentialClearance(scale=0.0, sensitivity=1.0)
