"""Mass functions are distributions, with the moments that their names promise."""

import numpy as np
import pytest

from restock.errors import InstanceError
from restock.optimality.pmf import check_pmf, geometric_pmf, poisson_pmf, quantile, total_pmf


@pytest.mark.parametrize("mean", [0.01, 0.5, 5.0, 80.0, 900.0])
def test_poisson_and_geometric_have_the_mean_and_variance_of_their_formulas(mean: float) -> None:
    for pmf, variance in ((poisson_pmf(mean), mean), (geometric_pmf(mean), mean * (1 + mean))):
        demand = np.arange(pmf.size)
        assert pmf.sum() == pytest.approx(1, abs=1e-14)
        assert demand @ pmf == pytest.approx(mean, rel=1e-9)
        assert (demand - mean) ** 2 @ pmf == pytest.approx(variance, rel=1e-7)


def test_zero_mean_puts_all_mass_on_zero() -> None:
    assert poisson_pmf(0.0).tolist() == [1.0]
    assert geometric_pmf(0.0).tolist() == [1.0]


def test_less_than_the_tail_is_cut_and_not_a_point_too_early() -> None:
    # P(D > d) = (5/6)^(d + 1): 0.0007 at d = 39, 0.0009 at d = 38 and 0.0010 at d = 37.
    assert (5 / 6) ** 38 < 1e-3 < (5 / 6) ** 37
    assert geometric_pmf(5, tail=1e-3).size == 38


def test_the_total_of_two_poisson_periods_is_poisson_of_twice_the_mean() -> None:
    total, direct = total_pmf(poisson_pmf(3.0), 2), poisson_pmf(6.0)
    assert total[: direct.size] == pytest.approx(direct, abs=1e-11)


def test_a_quantile_of_one_is_the_last_value() -> None:
    assert quantile(geometric_pmf(5), 1.0) <= geometric_pmf(5).size - 1


@pytest.mark.parametrize("mean", [-1.0, float("nan"), float("inf")])
def test_a_mean_that_is_no_amount_is_refused(mean: float) -> None:
    with pytest.raises(InstanceError, match=f"got {mean}"):
        poisson_pmf(mean)
    with pytest.raises(InstanceError, match=f"got {mean}"):
        geometric_pmf(mean)


@pytest.mark.parametrize("tail", [0.0, 1.0, float("nan")])
def test_a_tail_outside_zero_and_one_is_refused(tail: float) -> None:
    with pytest.raises(InstanceError, match="tail"):
        poisson_pmf(5, tail=tail)


@pytest.mark.parametrize("pmf", [[0.5, 0.6], [1.5, -0.5], [float("nan"), 1.0], []])
def test_what_is_no_distribution_is_refused(pmf: list[float]) -> None:
    with pytest.raises(InstanceError, match="`pmf` must be"):
        check_pmf(np.array(pmf))
