import numpy as np
import pytest

from restock.errors import InputError
from restock.forecasting import (
    Predictive,
    bias,
    central_coverage,
    root_mean_squared_scaled_error,
    weighted_absolute_percentage_error,
    weighted_quantile_loss,
)

NAN = float("nan")


def _belief(quantiles: list[list[list[float]]], levels: tuple[float, ...]) -> Predictive:
    return Predictive.monotone(np.array(levels), np.array(quantiles))


def test_wql_by_hand() -> None:
    # level 0.5: |10 − 8| / 2 + |2 − 6| / 2 = 3; level 0.9: 0.1 · (12 − 10) + 0.1 · (9 − 2) = 0.9
    # 2 · 3 / 12 = 0.5 and 2 · 0.9 / 12 = 0.15, in the mean 0.325
    belief = _belief([[[8.0, 12.0], [6.0, 9.0]]], (0.5, 0.9))
    assert weighted_quantile_loss(np.array([[10.0, 2.0]]), belief) == pytest.approx(0.325)


def test_wql_is_least_for_the_true_quantiles() -> None:
    rng = np.random.default_rng(0)
    observed = rng.gamma(2.0, 5.0, (4000, 1))
    levels = (0.1, 0.5, 0.9)
    true = np.quantile(observed, levels)

    def loss(factor: float) -> float:
        return weighted_quantile_loss(
            observed, _belief(np.tile(true * factor, (4000, 1, 1)).tolist(), levels)
        )

    assert loss(1.0) < min(loss(0.9), loss(1.1))


def test_cells_without_an_observation_are_not_scored() -> None:
    observed = np.array([[10.0, NAN]])
    point = np.array([[8.0, 500.0]])
    belief = _belief([[[8.0, 12.0], [400.0, 500.0]]], (0.1, 0.9))
    alone = _belief([[[8.0, 12.0]]], (0.1, 0.9))
    assert weighted_quantile_loss(observed, belief) == weighted_quantile_loss(
        np.array([[10.0]]), alone
    )
    assert weighted_absolute_percentage_error(observed, point) == pytest.approx(0.2)
    assert bias(observed, point) == pytest.approx(-0.2)
    assert central_coverage(observed, belief, 0.8) == 1.0


def test_rmsse_by_hand() -> None:
    # product 0: errors 3 and 4, mean square 12.5, scale 12.5: 1. Product 1: error 4, scale 4: 2.
    observed = np.array([[3.0, 4.0], [4.0, NAN]])
    scale = np.array([12.5, 4.0])
    assert root_mean_squared_scaled_error(observed, np.zeros((2, 2)), scale) == 1.5


def test_a_product_of_constant_training_demand_is_left_out_of_rmsse() -> None:
    observed, scale = np.array([[3.0, 8.0]]), np.array([9.0, 0.0])
    assert root_mean_squared_scaled_error(observed, np.zeros((1, 2)), scale) == 1.0


def test_scores_that_divide_by_demand_refuse_days_without_any() -> None:
    with pytest.raises(InputError, match="WAPE"):
        weighted_absolute_percentage_error(np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(InputError, match="WQL"):
        weighted_quantile_loss(np.array([[NAN]]), _belief([[[1.0, 2.0]]], (0.1, 0.9)))


def test_coverage_counts_the_ends_of_the_interval() -> None:
    belief = _belief([[[2.0, 9.0]] * 4], (0.1, 0.9))
    assert central_coverage(np.array([[2.0, 9.0, 1.0, 10.0]]), belief, 0.8) == 0.5
