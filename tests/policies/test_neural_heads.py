"""Heads are bounded and feasible whatever a body answers, and classical where it answers 0."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies.neural import PriceHead, QuantityHead, shares_within
from restock.policies.neural.heads import bounded

ANSWERS = st.floats(-1e6, 1e6)


def column(*values: float) -> Tensor:
    return torch.tensor(values).unsqueeze(-1)


def prices() -> PriceHead:
    """Return the head of three products, the last without a highest price."""
    top = float("inf")
    return PriceHead(column(6.0, 0.0, 1.0), column(14.0, 9.0, top), column(10.0, 1.0, 4.0))


@given(ANSWERS)
def test_a_price_stays_between_lowest_and_highest(answer: float) -> None:
    price = prices()(torch.full((1, 3, 1), answer)).flatten()
    assert bool((price >= torch.tensor([6.0, 0.0, 1.0])).all())
    # e^0.5 = 1.6487 times the anchor of 4 where there is no highest price
    assert bool((price <= torch.tensor([14.0, 9.0, 4 * 1.64873])).all())


def test_the_answer_zero_asks_the_anchor_price_and_more_asks_more() -> None:
    torch.testing.assert_close(prices()(torch.zeros(1, 3, 1)).flatten(), torch.tensor([10.0, 1, 4]))
    assert bool((prices()(torch.ones(1, 3, 1)) > prices()(torch.zeros(1, 3, 1))).all())


def test_a_price_has_a_gradient_everywhere_a_world_would_cut_it_off() -> None:
    answer = torch.tensor([[[-3.0]], [[0.0]], [[3.0]]], requires_grad=True)
    PriceHead(column(6.0), column(14.0), column(10.0))(answer).sum().backward()
    # (h − l) σ(v) (1 − σ(v)) with σ(v) = 1/(1 + e^−v): 8 · 0.0452 and 8 / 4
    torch.testing.assert_close(
        answer.grad.flatten(), torch.tensor([0.36141, 2.0, 0.36141]), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("anchor", [6.0, 5.0, 14.0, float("nan")])
def test_an_anchor_price_outside_the_rules_is_refused(anchor: float) -> None:
    with pytest.raises(ConfigurationError, match="`anchor` and `highest` price must rise"):
        PriceHead(column(6.0), column(14.0), column(anchor))


@pytest.mark.parametrize("limit", [0.0, float("nan"), float("inf")])
def test_a_price_limit_must_be_a_number(limit: float) -> None:
    with pytest.raises(ConfigurationError, match="`limit` must be > 0 and finite"):
        PriceHead(column(6.0), column(14.0), column(10.0), limit)


@given(ANSWERS, st.floats(0.01, 1000))
def test_a_quantity_is_never_negative_and_starts_at_its_anchor(
    answer: float, periods: float
) -> None:
    head, scale = QuantityHead(torch.full((1, 1, 1), periods)), torch.full((1, 1, 1), 5.0)
    assert head(torch.full((1, 1, 1), answer), scale).item() >= 0
    assert head(torch.zeros(1, 1, 1), scale).item() == pytest.approx(5 * periods, rel=1e-3)


def test_a_quantity_of_nothing_is_no_anchor() -> None:
    with pytest.raises(ConfigurationError, match="`anchor_periods` must be finite and > 0"):
        QuantityHead(torch.tensor([[[0.0]]]))


@given(st.lists(st.tuples(ANSWERS, st.booleans()), min_size=1, max_size=5))
def test_shares_add_up_to_one_within_reach(pairs: list[tuple[float, bool]]) -> None:
    logits = torch.tensor([answer for answer, _ in pairs])
    reach = torch.tensor([within for _, within in pairs])
    shares = shares_within(logits, reach)
    assert bool((shares[~reach] == 0).all())
    assert shares.sum().item() == pytest.approx(float(reach.any()), abs=1e-5)


@given(ANSWERS, st.floats(0.1, 3))
def test_a_departure_stays_within_its_limit(answer: float, limit: float) -> None:
    assert abs(bounded(torch.tensor([answer]), limit).item()) <= limit * (1 + 1e-6)
    assert bounded(torch.tensor([answer]), float("inf")).item() == pytest.approx(answer)
