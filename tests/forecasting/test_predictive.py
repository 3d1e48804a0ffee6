import numpy as np
import pytest
from scipy.stats import expon, norm

from restock.errors import InputError
from restock.forecasting import LEVELS, Predictive

GRID = np.array(LEVELS)


def _belief(quantiles: np.ndarray) -> Predictive:
    return Predictive.monotone(GRID, quantiles[None, None, :])


@pytest.mark.parametrize(
    ("levels", "quantiles", "mean", "message"),
    [
        ([0.1, 0.9], [3.0, 2.0], 1.0, "cross"),
        ([0.1, 0.9], [-1.0, 2.0], 1.0, "≥ 0"),
        ([0.1, 0.9], [np.nan, 2.0], 1.0, "finite"),
        ([0.1, 0.9], [1.0, np.inf], 1.0, "finite"),
        ([0.9, 0.1], [1.0, 2.0], 1.0, "increase"),
        ([0.0, 0.9], [1.0, 2.0], 1.0, "inside"),
        ([0.1, 0.9], [1.0, 2.0], np.nan, "`mean`"),
    ],
)
def test_what_is_no_distribution_is_refused_with_the_rule(
    levels: list[float], quantiles: list[float], mean: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Predictive(np.array(levels), np.array([[quantiles]]), np.array([[mean]]))


def test_monotone_mends_crossing_and_negative_quantiles() -> None:
    mended = Predictive.monotone(np.array([0.1, 0.5, 0.9]), np.array([[[-2.0, 7.0, 4.0]]]))
    assert mended.quantiles.tolist() == [[[0.0, 4.0, 7.0]]]


def test_quantile_refuses_levels_beyond_those_held() -> None:
    with pytest.raises(InputError, match=r"0\.999"):
        _belief(np.arange(11.0)).quantile(0.999)


def test_quantile_returns_the_held_value_at_a_held_level() -> None:
    held = np.arange(11.0) ** 2
    belief = _belief(held)
    assert [belief.quantile(level)[0, 0] for level in LEVELS] == pytest.approx(held)


def test_moments_of_a_normal_are_recovered_from_its_quantiles() -> None:
    belief = _belief(norm.ppf(GRID, 1000.0, 30.0))
    assert belief.mean[0, 0] == pytest.approx(1000.0, abs=1.5)
    assert belief.sd[0, 0] == pytest.approx(30.0, rel=0.05)


def test_an_exponential_keeps_its_tail_because_the_tail_rule_is_exponential() -> None:
    # mean and sd of an exponential are equal; linear pieces between the levels add a little
    belief = _belief(expon.ppf(GRID, scale=10.0))
    assert belief.mean[0, 0] == pytest.approx(10.0, rel=0.03)
    assert belief.sd[0, 0] == pytest.approx(10.0, rel=0.03)
    drawn = belief.sample(np.random.default_rng(0), 40_000)
    assert np.quantile(drawn, 0.999) == pytest.approx(expon.ppf(0.999, scale=10.0), rel=0.06)


def test_samples_have_the_quantiles_mean_and_sd_of_the_distribution() -> None:
    belief = _belief(norm.ppf(GRID, 50.0, 10.0))
    drawn = belief.sample(np.random.default_rng(1), 40_000)
    assert drawn.shape == (40_000, 1, 1)
    assert np.quantile(drawn, GRID) == pytest.approx(belief.quantiles[0, 0], rel=0.02)
    assert drawn.mean() == pytest.approx(belief.mean[0, 0], rel=0.01)
    assert drawn.std() == pytest.approx(belief.sd[0, 0], rel=0.02)


def test_samples_are_never_negative_even_when_the_lowest_quantile_is_zero() -> None:
    belief = _belief(np.maximum(norm.ppf(GRID, 0.0, 5.0), 0.0))
    assert belief.sample(np.random.default_rng(2), 5_000).min() >= 0.0
