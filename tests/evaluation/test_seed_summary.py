"""Runs repeated over seeds: the middle half's mean, and an interval that covers."""

import math

import numpy as np
import pytest

from restock.errors import InputError
from restock.evaluation.across_seeds import seed_summary


def test_the_best_and_the_worst_quarter_do_not_count() -> None:
    # sorted 0 1 2 3 4 5 6 700: two are cut at each end, (2 + 3 + 4 + 5) / 4 is left
    spread = seed_summary([700.0, 3.0, 0.0, 5.0, 1.0, 2.0, 6.0, 4.0])
    assert spread.interquartile_mean == 3.5
    assert spread.seeds == 8
    # the plain mean, 90.125, is far outside
    assert spread.low < 3.5 < spread.high


def test_seeds_are_drawn_within_each_instance_so_that_instances_do_not_widen_the_interval() -> None:
    # two instances of very different size, no luck in either: nothing to be unsure of
    steady = seed_summary([[1.0, 1000.0]] * 5)
    assert steady.low == steady.interquartile_mean == steady.high
    # negative control: the same numbers as if they were seeds
    mixed = seed_summary([1.0, 1000.0] * 5)
    assert mixed.high - mixed.low > 100


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        spread = seed_summary(draw.normal(7.0, 2.0, size=20), draws=400)
        held += spread.low <= 7.0 <= spread.high
    # 95 % is meant; a percentile bootstrap of 20 falls a little short; sd of the share is 1.5 %
    assert 0.87 <= held / 200 <= 0.99


def test_the_same_scores_give_the_same_interval() -> None:
    assert seed_summary([1.0, 5.0, 9.0]) == seed_summary([1.0, 5.0, 9.0])


def test_one_seed_has_no_interval() -> None:
    spread = seed_summary([4.0])
    assert spread.interquartile_mean == 4.0
    assert math.isnan(spread.low)
    assert math.isnan(spread.high)


@pytest.mark.parametrize("scores", [[], [1.0, math.nan], [[[1.0]]]])
def test_what_is_no_table_of_scores_is_refused(scores: list[float]) -> None:
    with pytest.raises(InputError, match="scores"):
        seed_summary(scores)
