from collections.abc import Callable

import numpy as np
import pytest

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError
from restock.forecasting import uncensor


def test_a_censored_day_is_lifted_to_the_mean_of_its_uncensored_weekdays(
    history_of: Callable[..., DemandHistory],
) -> None:
    units = np.ones((22, 1))
    units[[0, 7, 14, 21], 0] = [4.0, 8.0, 90.0, 2.0]  # Mondays
    censored = np.zeros((22, 1), dtype=bool)
    censored[[14, 21], 0] = True
    lifted = uncensor(history_of(units, censored))
    assert lifted[14, 0] == 90.0  # its sale is above (4 + 8) / 2
    assert lifted[21, 0] == 6.0  # (4 + 8) / 2; the censored 90 does not count
    assert (lifted[~censored] == units[~censored]).all()


def test_without_uncensored_weekdays_any_earlier_day_counts(
    history_of: Callable[..., DemandHistory],
) -> None:
    units = np.array([[3.0], [5.0], [0.0]])
    assert uncensor(history_of(units, np.array([[False], [False], [True]])))[2, 0] == 4.0


def test_a_product_that_was_always_censored_keeps_its_sales(
    history_of: Callable[..., DemandHistory],
) -> None:
    units = np.array([[3.0], [5.0], [0.0]])
    assert (uncensor(history_of(units, np.ones((3, 1), dtype=bool))) == units).all()


def test_lifting_a_day_uses_earlier_days_only(busy_shop: DemandHistory) -> None:
    whole = uncensor(busy_shop)
    assert busy_shop.censored[:90].any()
    assert (uncensor(busy_shop.days(0, 90)) == whole[:90]).all()


def test_weeks_must_be_at_least_one(history_of: Callable[..., DemandHistory]) -> None:
    with pytest.raises(ConfigurationError, match="`weeks`"):
        uncensor(history_of(np.ones((3, 1))), weeks=0)
