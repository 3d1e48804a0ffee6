"""The echelon recursion agrees with hand, with enumeration and with a simulated system."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from restock.errors import InstanceError
from restock.optimality import Normal, geometric_pmf, newsvendor, poisson_pmf
from restock.optimality.gridded import GridDemand, counted, normal_on_grid
from restock.optimality.serial import (
    EchelonBaseStock,
    SerialStage,
    SerialSystem,
    clark_scarf,
    serial_cost,
)

PMF = geometric_pmf(2.0, tail=1e-10)
LEAD_TIMES, HOLDING_COSTS, SHORTAGE_COST = (2, 1, 3), (0.3, 0.5, 1.0), 9.0


def _system(lead_times: tuple[int, ...] = LEAD_TIMES) -> SerialSystem:
    return SerialSystem.periodic(
        counted(PMF),
        lead_times=lead_times,
        holding_costs=HOLDING_COSTS,
        shortage_cost=SHORTAGE_COST,
    )


def _simulated(
    lead_times: tuple[int, ...], levels: tuple[float, ...], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return average cost on hand, and in transit, of 2,000 chains of 300 periods.

    Events: arrivals; every stage orders and its supplier ships what it has; demand; costs.
    """
    n_chains, warm_up, n_periods = 2000, 60, 300
    rng = np.random.default_rng(seed)
    n_stages = len(lead_times)
    on_hand = np.full((n_stages, n_chains), 10.0)
    pipes = [np.zeros((lead_time, n_chains)) for lead_time in lead_times]
    held, moving = np.zeros(n_chains), np.zeros(n_chains)
    for period in range(warm_up + n_periods):
        for stage, pipe in enumerate(pipes):
            on_hand[stage] += pipe[0]
            pipe[:-1], pipe[-1] = pipe[1:].copy(), 0.0
        local = on_hand + np.array([pipe.sum(axis=0) for pipe in pipes])
        echelon = np.cumsum(local[::-1], axis=0)[::-1]
        shipped = np.maximum(np.array(levels)[:, None] - echelon, 0.0)
        shipped[1:] = np.minimum(shipped[1:], np.maximum(on_hand[:-1], 0.0))
        on_hand[:-1] -= shipped[1:]
        for pipe, units in zip(pipes, shipped, strict=True):
            pipe[-1] = units
        on_hand[-1] -= rng.choice(PMF.size, size=n_chains, p=PMF)
        if period >= warm_up:
            held += np.array(HOLDING_COSTS) @ np.maximum(on_hand, 0.0)
            held += SHORTAGE_COST * np.maximum(-on_hand[-1], 0.0)
            moving += np.array(HOLDING_COSTS[:-1]) @ [pipe.sum(axis=0) for pipe in pipes[1:]]
    return held / n_periods, moving / n_periods


@pytest.mark.parametrize(("shift", "seed"), [((0, 0, 0), 0), ((-4, 2, -3), 1), ((3, -5, 4), 2)])
def test_costs_agree_with_a_simulation_of_our_order_of_events(
    shift: tuple[int, ...], seed: int
) -> None:
    best = clark_scarf(_system())
    levels = tuple(level + step for level, step in zip(best.levels, shift, strict=True))
    exact = serial_cost(_system(), levels)
    held, moving = _simulated(LEAD_TIMES, levels, seed)
    assert abs(held.mean() - exact.cost_on_hand) < 4 * held.std() / math.sqrt(held.size)
    everything = held + moving
    assert abs(everything.mean() - exact.cost) < 4 * everything.std() / math.sqrt(held.size)


def test_a_simulation_that_delivers_a_period_early_does_not_agree() -> None:
    best = clark_scarf(_system())
    held, _ = _simulated((2, 1, 2), best.levels, seed=0)
    assert abs(held.mean() - best.cost_on_hand) > 7 * held.std() / math.sqrt(held.size)


def test_no_levels_of_a_small_system_cost_less() -> None:
    system = SerialSystem.periodic(
        counted(np.array([0.3, 0.4, 0.3])),
        lead_times=(1, 1),
        holding_costs=(1.0, 2.0),
        shortage_cost=7.0,
    )
    best = clark_scarf(system)
    every = {levels: serial_cost(system, levels).cost for levels in product(range(-2, 9), repeat=2)}
    assert best.cost == pytest.approx(min(every.values()), abs=1e-12)
    assert every[best.levels] == pytest.approx(best.cost, abs=1e-12)  # type: ignore[index]


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(lambda w: sum(w[1:]) > 0),
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.05, 2.0), st.integers(-4, 4)),
        min_size=1,
        max_size=4,
    ),
    st.floats(0.5, 40.0),
)
def test_the_optimum_costs_at_most_what_other_levels_cost(
    weights: list[int], stages: list[tuple[int, float, int]], shortage_cost: float
) -> None:
    system = SerialSystem.periodic(
        counted(np.array(weights, dtype=np.float64) / sum(weights)),
        lead_times=[lead_time for lead_time, _, _ in stages],
        holding_costs=np.cumsum([cost for _, cost, _ in stages]).tolist(),
        shortage_cost=shortage_cost,
    )
    best = clark_scarf(system)
    others = [level + shift for level, (_, _, shift) in zip(best.levels, stages, strict=True)]
    assert serial_cost(system, best.levels).cost == pytest.approx(best.cost, abs=1e-9)
    assert best.cost <= serial_cost(system, others).cost + 1e-9
    assert best.cost_on_hand <= best.cost + 1e-9


@pytest.mark.parametrize("lead_time", [0, 1, 4])
def test_one_stage_is_the_newsvendor(lead_time: int) -> None:
    pmf = poisson_pmf(3.0)
    system = SerialSystem.periodic(
        counted(pmf), lead_times=(lead_time,), holding_costs=(1.0,), shortage_cost=9.0
    )
    alone = newsvendor(pmf, holding_cost=1.0, shortage_cost=9.0, lead_time=lead_time)
    best = clark_scarf(system)
    assert best.levels == (alone.level,)
    assert best.cost == best.cost_on_hand == pytest.approx(alone.cost, abs=1e-9)


def test_continuous_review_faces_one_period_less() -> None:
    demand = counted(poisson_pmf(3.0))
    system = SerialSystem.continuous(
        demand, lead_times=(2,), holding_costs=(1.0,), shortage_cost=9.0
    )
    alone = newsvendor(poisson_pmf(3.0), holding_cost=1.0, shortage_cost=9.0, lead_time=1)
    assert clark_scarf(system).cost == pytest.approx(alone.cost, abs=1e-9)


def test_where_upstream_stock_is_no_cheaper_the_stages_are_one() -> None:
    # Nothing is gained by waiting upstream: the best is to pass everything on, and to hold as
    # one stage with lead time 2 + 3.
    pmf = poisson_pmf(2.0)
    system = SerialSystem.periodic(
        counted(pmf), lead_times=(2, 3), holding_costs=(1.0, 1.0), shortage_cost=9.0
    )
    alone = newsvendor(pmf, holding_cost=1.0, shortage_cost=9.0, lead_time=5)
    best = clark_scarf(system)
    assert best.cost_on_hand == pytest.approx(alone.cost, abs=1e-6)
    assert best.levels[0] == alone.level
    # in transit to the last stage: 3 periods of demand at 1
    assert best.cost - best.cost_on_hand == pytest.approx(3 * 2.0, abs=1e-6)


def test_levels_above_those_upstream_count_as_those() -> None:
    system = _system()
    plain, nested = serial_cost(system, (14, 20, 12)), serial_cost(system, (14, 14, 12))
    assert plain.cost == pytest.approx(nested.cost, abs=1e-9)
    assert plain.local_levels == nested.local_levels == (0.0, 2.0, 12.0)


def test_a_normal_newsvendor_on_the_grid_has_the_cost_of_its_formula() -> None:
    system = SerialSystem.periodic(
        normal_on_grid(Normal(50, 8)), lead_times=(4,), holding_costs=(0.18,), shortage_cost=0.7
    )
    formula = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7, lead_time=4)
    best = clark_scarf(system)
    assert best.cost == pytest.approx(formula.cost, abs=1e-5)
    assert best.levels[0] == pytest.approx(formula.level, abs=8 / 200)


def test_a_finer_grid_changes_the_cost_by_less_than_a_ten_thousandth() -> None:
    costs = [
        clark_scarf(
            SerialSystem.periodic(
                normal_on_grid(Normal(5, 2), clipped=True, points_per_sd=points),
                lead_times=(2, 4, 3, 2),
                holding_costs=(0.1, 0.2, 0.5, 1.0),
                shortage_cost=19.0,
            )
        ).cost
        for points in (100, 200, 400)
    ]
    assert abs(costs[1] - costs[2]) < abs(costs[0] - costs[2]) < 1e-4 * costs[2]


def test_a_clipped_normal_has_the_moments_of_its_formula() -> None:
    # E max(0, X) = μ Φ(μ/σ) + σ φ(μ/σ)
    grid = normal_on_grid(Normal(2, 2), clipped=True)
    mean = 2 * norm.cdf(1) + 2 * norm.pdf(1)
    second = (2**2 + 2**2) * norm.cdf(1) + 2 * 2 * norm.pdf(1)
    points = np.arange(grid.first, grid.last + 1) * grid.step
    assert grid.first == 0
    assert grid.mean == pytest.approx(mean, abs=1e-5)
    assert points**2 @ grid.chances == pytest.approx(second, abs=1e-4)
    unclipped = normal_on_grid(Normal(2, 2))
    assert unclipped.mean == pytest.approx(2, abs=1e-12)
    assert unclipped.first < 0


def test_demand_of_several_periods_has_as_many_times_the_mean_and_variance() -> None:
    grid = normal_on_grid(Normal(5, 2)).over(7)
    points = np.arange(grid.first, grid.last + 1) * grid.step
    assert grid.mean == pytest.approx(35, abs=1e-9)
    assert (points - 35) ** 2 @ grid.chances == pytest.approx(28, abs=1e-8)
    assert counted(PMF).over(0).chances.tolist() == [1.0]


def test_lumping_moves_what_is_above_the_quantile_onto_it() -> None:
    lumped = counted(np.array([0.2, 0.5, 0.2, 0.1])).lumped(0.6)
    assert lumped.chances == pytest.approx([0.2, 0.8])


def test_local_levels_add_up_to_echelon_levels() -> None:
    levels = EchelonBaseStock(levels=(25.0, 15.0, 9.0), cost=1.0, cost_on_hand=1.0)
    assert levels.local_levels == (10.0, 6.0, 9.0)


GOOD = {
    "lead_times": (1, 2),
    "holding_costs": (1.0, 2.0),
    "shortage_cost": 5.0,
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"shortage_cost": 0.0}, "`shortage_cost` must be finite and > 0; got 0"),
        ({"shortage_cost": float("nan")}, "`shortage_cost`.*got nan"),
        ({"holding_costs": (0.0, 1.0)}, r"`holding_cost` must be > 0.*got \[0.0, 1.0\]"),
        ({"holding_costs": (2.0, 1.0)}, "must not fall on the way down"),
        ({"holding_costs": (1.0, float("nan"))}, "`holding_cost`.*nan"),
        ({"holding_costs": (1.0,)}, "`lead_times` must be one integer ≥ 0 for each of the 1"),
        ({"lead_times": (1, -1)}, r"`lead_times`.*got \[1, -1\]"),
        ({"lead_times": (), "holding_costs": ()}, "at least one stage"),
    ],
)
def test_a_system_that_contradicts_the_model_is_refused(
    changed: dict[str, object], named: str
) -> None:
    for build in (SerialSystem.periodic, SerialSystem.continuous):
        with pytest.raises(InstanceError, match=named):
            build(counted(PMF), **{**GOOD, **changed})  # type: ignore[arg-type]


def test_levels_that_are_no_numbers_or_too_few_are_refused() -> None:
    with pytest.raises(InstanceError, match="one finite number for each of the 3 stages"):
        serial_cost(_system(), (1, 2))
    with pytest.raises(InstanceError, match="one finite number"):
        serial_cost(_system(), (1, float("nan"), 3))


def test_grids_of_different_steps_are_refused() -> None:
    stages = tuple(
        SerialStage(
            lead_time_demand=GridDemand(np.array([0.5, 0.5]), 0, step),
            holding_cost=1.0,
            units_in_transit=0.0,
        )
        for step in (1.0, 0.5)
    )
    with pytest.raises(InstanceError, match=r"on one grid; got steps \[0.5, 1.0\]"):
        SerialSystem(stages, 4.0)


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan")])
def test_a_grid_without_a_step_is_refused(step: float) -> None:
    with pytest.raises(InstanceError, match=f"`step`.*got {step}"):
        GridDemand(np.array([1.0]), 0, step)
    with pytest.raises(InstanceError, match="`points_per_sd` must be ≥ 1; got 0"):
        normal_on_grid(Normal(5, 1), points_per_sd=0)
