"""Demand processes: their distributions, their seasons and what they refuse."""

import math

import pytest
import torch

from restock.demand.paths import DemandProcess
from restock.demand.processes import (
    Compound,
    Geometric,
    GeometricSize,
    LognormalSize,
    NegativeBinomial,
    Normal,
    Poisson,
    Seasonal,
    process_class,
)
from restock.demand.processes.parameters import check_vector
from restock.demand.processes.seasonal import DAYS_PER_YEAR
from restock.errors import ConfigurationError
from restock.seeds import Seeds

DRAWS = 200_000
FIVE = torch.tensor([5.0])


def draws_of(process: DemandProcess, seed: int = 3) -> torch.Tensor:
    return process.sample(DRAWS, 1, Seeds(seed).torch("demand")).flatten().double()


def within_four_standard_errors(samples: torch.Tensor, expected: float) -> bool:
    return abs(float(samples.mean()) - expected) <= 4 * float(samples.std()) / len(samples) ** 0.5


def frequencies_match(demand: torch.Tensor, probabilities: list[float]) -> bool:
    """Compare P(D=0), P(D=1), … with relative frequencies, four standard errors each."""
    return all(
        abs(float((demand == k).double().mean()) - p) <= 4 * math.sqrt(p * (1 - p) / DRAWS)
        for k, p in enumerate(probabilities)
    )


def test_poisson_frequencies_are_the_formulas() -> None:
    expected = [math.exp(-5) * 5**k / math.factorial(k) for k in range(12)]
    assert frequencies_match(draws_of(Poisson(FIVE)), expected)


def test_geometric_frequencies_are_the_formulas() -> None:
    # r = 1/6: P(0) = 1/6, P(1) = 5/36, …
    expected = [(5 / 6) ** k / 6 for k in range(12)]
    assert frequencies_match(draws_of(Geometric(FIVE)), expected)


def test_frequencies_of_another_distribution_do_not_match() -> None:
    expected = [(5 / 6) ** k / 6 for k in range(12)]
    assert not frequencies_match(draws_of(Poisson(FIVE)), expected)


def test_negative_binomial_with_dispersion_one_is_geometric() -> None:
    expected = [(5 / 6) ** k / 6 for k in range(12)]
    assert frequencies_match(draws_of(NegativeBinomial(FIVE, torch.ones(1))), expected)


def test_negative_binomial_variance_is_mean_plus_dispersion_times_squared_mean() -> None:
    demand = draws_of(NegativeBinomial(FIVE, torch.tensor([0.4])))
    # 5 + 0.4 · 25 = 15
    assert within_four_standard_errors((demand - 5).square(), 15.0)


def test_compound_demand_is_zero_as_often_as_no_order_comes() -> None:
    lumpy = Compound(torch.tensor([0.1]), GeometricSize(torch.tensor([6.0])))
    demand = draws_of(lumpy)
    assert within_four_standard_errors((demand == 0).double(), 0.9)
    # S = 1 + G with E G = 5, Var G = 5 + 25 = 30; E S² = 36 + 30; E D² = 0.1 · 66
    assert within_four_standard_errors(demand.square(), 6.6)


def test_lognormal_sizes_have_the_variation_asked_for() -> None:
    sizes = draws_of(Compound(torch.ones(1), LognormalSize(FIVE, torch.tensor([0.5]))))
    # Var S = (0.5 · 5)² = 6.25
    assert within_four_standard_errors((sizes - 5).square(), 6.25)


def test_scaled_compound_demand_keeps_its_mean_when_orders_come_every_period() -> None:
    lumpy = Compound(torch.tensor([0.4]), GeometricSize(torch.tensor([2.0])))
    factor = torch.tensor([0.5, 4.0]).view(2, 1, 1)
    demand = lumpy.draw(factor, DRAWS, Seeds(1).torch("demand")).double()
    # mean 0.4 · 2 = 0.8, times 0.5 and times 4; four orders in 2.5 periods exceed one a period
    assert within_four_standard_errors(demand[0].flatten(), 0.4)
    assert within_four_standard_errors(demand[1].flatten(), 3.2)
    assert demand[1].min() >= 1


def test_clipped_normal_mean_is_the_formula_not_the_location() -> None:
    normal = Normal(torch.tensor([1.0]), torch.tensor([2.0]))
    # 1 · Φ(0.5) + 2 · φ(0.5) = 0.69146 + 2 · 0.35207
    assert float(normal.mean) == pytest.approx(1.39560, abs=1e-4)
    assert within_four_standard_errors(draws_of(normal), 1.39560)


def test_normal_without_spread_is_its_location() -> None:
    normal = Normal(FIVE, torch.zeros(1))
    assert float(normal.mean) == 5.0
    assert (draws_of(normal) == 5.0).all()


def test_a_season_multiplies_weekday_week_and_growth() -> None:
    weekdays = torch.arange(7.0).unsqueeze(1)
    weeks = torch.ones(52, 1)
    weeks[1] = 10.0
    seasonal = Seasonal(Poisson(FIVE), weekdays, weeks, torch.tensor([0.5]), first_day=8)
    factors = seasonal.factors(DAYS_PER_YEAR + 1).flatten()
    # day 8 is the Tuesday of the second week: 1 · 10; a year later the same, half as much more
    assert float(factors[0]) == pytest.approx(10.0)
    assert float(factors[DAYS_PER_YEAR]) == pytest.approx(15.0)
    # day 14 is the Monday of the third week: 0
    assert float(factors[6]) == 0.0


def test_seasonal_demand_follows_its_weekdays() -> None:
    weekdays = torch.tensor([0.5, 1.0, 1.0, 1.0, 1.0, 2.5, 0.0]).unsqueeze(1)
    seasonal = Seasonal(Geometric(FIVE), weekdays)
    demand = seasonal.sample(20_000, 7, Seeds(2).torch("demand")).double()
    for day, factor in enumerate(weekdays.flatten().tolist()):
        assert within_four_standard_errors(demand[:, day].flatten(), 5 * factor)


def test_products_may_have_their_own_weekdays() -> None:
    weekdays = torch.ones(7, 2)
    weekdays[:, 1] = 0.0
    seasonal = Seasonal(Poisson(torch.tensor([5.0, 5.0])), weekdays)
    demand = seasonal.sample(50, 7, Seeds(2).torch("demand"))
    assert demand[:, :, 0].sum() > 0
    assert demand[:, :, 1].sum() == 0


NAN, BELOW = torch.tensor([1.0, math.nan]), torch.tensor([1.0, -0.3])
TWO = torch.tensor([2.0, 2.0])


@pytest.mark.parametrize("bad", [NAN, BELOW, torch.tensor([1.0, math.inf])])
def test_every_process_refuses_numbers_that_are_nan_negative_or_infinite(
    bad: torch.Tensor,
) -> None:
    builders = [
        lambda: Poisson(bad),
        lambda: Geometric(bad),
        lambda: NegativeBinomial(bad, TWO),
        lambda: NegativeBinomial(TWO, bad),
        lambda: Normal(bad, TWO),
        lambda: Normal(TWO, bad),
        lambda: GeometricSize(bad),
        lambda: LognormalSize(bad, TWO),
        lambda: LognormalSize(TWO, bad),
        lambda: Compound(bad, GeometricSize(TWO)),
        lambda: Seasonal(Poisson(TWO), weekday_factors=bad.expand(7, 2)),
        lambda: Seasonal(Poisson(TWO), week_factors=bad.expand(52, 2)),
        lambda: Seasonal(Poisson(TWO), growth_per_year=bad - 1),
    ]
    for build in builders:
        with pytest.raises(ConfigurationError, match=r"got (nan|-|inf).* product number 1\. "):
            build()


def test_numbers_just_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"`dispersion` must be > 0; got 0 .*Poisson"):
        NegativeBinomial(FIVE, torch.zeros(1))
    with pytest.raises(ConfigurationError, match=r"`occurrence` must be a probability"):
        Compound(torch.tensor([1.01]), GeometricSize(FIVE))
    with pytest.raises(ConfigurationError, match=r"`mean` must be finite and ≥ 1; got 0\.9"):
        GeometricSize(torch.tensor([0.9]))
    with pytest.raises(ConfigurationError, match=r"`first_day`"):
        Seasonal(Poisson(FIVE), first_day=-1)


def test_parameters_of_different_products_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'occurrence': 1, 'size': 2"):
        Compound(torch.tensor([0.5]), GeometricSize(TWO))
    with pytest.raises(ConfigurationError, match=r"`weekday_factors` must have shape"):
        Seasonal(Poisson(FIVE), weekday_factors=torch.ones(7, 2))


def test_a_parameter_without_a_product_axis_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match=r"got shape \(\) .*torch\.tensor\(\[5\.0\]\)"):
        check_vector("mean", torch.tensor(5.0))


def test_an_unknown_process_gets_a_suggestion() -> None:
    assert process_class("geometric") is Geometric
    with pytest.raises(ConfigurationError, match=r"Did you mean 'negative_binomial'"):
        process_class("negativ_binomial")
