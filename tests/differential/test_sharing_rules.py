"""Who gets what of a shortage: the batched rules and the ledger's, on numbers with many ties."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.simulation.grouping import FixedGroups
from restock.simulation.ledger import sharing
from restock.simulation.rationing import (
    Shared,
    by_weight,
    least_cover,
    proportional,
    round_shares,
)

few = st.integers(0, 4)
askers = st.lists(st.tuples(few, st.integers(-3, 5), st.integers(0, 2)), min_size=1, max_size=4)


def row(values: Any) -> Tensor:  # noqa: ANN401 - any numbers
    return torch.tensor([[list(values)]], dtype=torch.float64)


def one_source(count: int) -> FixedGroups:
    return FixedGroups.of(torch.zeros(count, dtype=torch.long), 1, torch.float64)


def told(values: Any) -> dict[int, float]:  # noqa: ANN401 - any numbers
    return {n: float(value) for n, value in enumerate(values)}


def compare(shared: Shared, booked: dict[int, float], least: float) -> None:
    """Require that both rules give everybody the same, and ``least`` in all."""
    assert shared.units.flatten().tolist() == pytest.approx(list(booked.values()))
    assert shared.units.sum().item() == pytest.approx(least)


@given(askers, st.integers(0, 12))
@settings(max_examples=100)
def test_shortage_is_shared_in_proportion_as_the_ledger_does(
    asked: list[tuple[int, int, int]], available: int
) -> None:
    wish, _, _ = zip(*asked, strict=True)
    shared = proportional(row(wish), row([available]), one_source(len(asked)))
    compare(shared, sharing.in_proportion(told(wish), available), min(sum(wish), available))


@given(askers, st.integers(0, 12))
@settings(max_examples=200)
def test_shortage_is_shared_by_cover_as_the_ledger_does(
    asked: list[tuple[int, int, int]], available: int
) -> None:
    wish, position, rate = zip(*asked, strict=True)
    there, groups = row([available]), one_source(len(asked))
    shared = least_cover(row(wish), there, row(position), row(rate), groups)
    booked = sharing.by_cover(told(wish), available, told(position), told(rate))
    compare(shared, booked, min(sum(wish), available))


@given(askers, st.integers(0, 12))
@settings(max_examples=200)
def test_shortage_is_shared_by_weight_as_the_ledger_does(
    asked: list[tuple[int, int, int]], available: int
) -> None:
    wish, _, weight = zip(*asked, strict=True)
    shared = by_weight(row(wish), row([available]), row(weight), one_source(len(asked)))
    booked = sharing.by_weight(told(wish), available, told(weight))
    compare(shared, booked, min(sum(wish), available))


def test_wishes_that_just_fit_are_met_when_others_without_weight_wish_more() -> None:
    shared = by_weight(row([4, 4, 2]), row([8]), row([1, 1, 0]), one_source(3))
    assert shared.units.flatten().tolist() == [4.0, 4.0, 0.0]


@given(st.lists(st.integers(0, 20).map(lambda n: n / 6), min_size=1, max_size=5))
@settings(max_examples=200)
def test_shares_are_rounded_as_the_ledger_rounds_them(shares: list[float]) -> None:
    booked = sharing.in_whole_units(told(shares))
    assert round_shares(row(shares), one_source(len(shares))).flatten().tolist() == list(
        booked.values()
    )
