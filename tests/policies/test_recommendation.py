"""Proposals: what goes well, is there and earns money, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies.recommendation import InStockRecommender, Recommending
from restock.simulation import Decision, Observation
from restock.simulation.state import Memory, Prices

NAN = float("nan")

# product 0 has candidates 1, 2, 3; product 1 has 0; the others have none
CANDIDATE = torch.tensor([[1, 2, 3], [0, -1, -1], [-1, -1, -1], [-1, -1, -1]])
AFFINITY = torch.tensor([[0.5, 0.4, 0.3], [0.2, 0, 0], [0, 0, 0], [0, 0, 0]])


def recommender(proposals: int = 1, enough: float = 10.0) -> InStockRecommender:
    return InStockRecommender(CANDIDATE, AFFINITY, torch.full((4,), enough), proposals)


def stock(*units: float) -> Tensor:
    return torch.tensor(units, dtype=torch.float32).reshape(1, -1, 1)


def margins(*money: float) -> Tensor:
    return torch.tensor(money, dtype=torch.float32).unsqueeze(-1)


def first(proposal: Tensor) -> list[float]:
    """Return what is proposed to customers of product 0 on path 0."""
    shown: list[float] = proposal[0, 0].tolist()
    return shown


@pytest.mark.parametrize(
    ("units", "money", "shown"),
    [
        ((9, 10, 10, 10), (1, 1, 1, 1), [1, 0, 0]),  # the highest affinity
        ((9, 0, 10, 10), (1, 1, 1, 1), [0, 1, 0]),  # candidate 1 is out of stock
        ((9, 7, 10, 10), (1, 1, 1, 1), [0, 1, 0]),  # 0.5 · 0.7 < 0.4
        ((9, 10, 10, 10), (1, 1, 1, 2), [0, 0, 1]),  # 0.3 · 2 > 0.5
        ((9, 10, 10, 10), (1, -1, 0, 1), [0, 0, 1]),  # no money is made on 1 and 2
        ((9, 0, 0, 0), (1, 1, 1, 1), [0, 0, 0]),  # nothing to propose
    ],
)
def test_candidates_are_ranked_by_affinity_stock_and_margin(
    units: tuple[float, ...], money: tuple[float, ...], shown: list[float]
) -> None:
    assert first(recommender().proposal(stock(*units), margins(*money))) == shown


def test_scores_are_the_product_of_the_three() -> None:
    score = recommender().score(stock(9, 5, 20, 1), margins(1, 2, 3, 4))
    # 0.5 · 0.5 · 2, 0.4 · 1 · 3, 0.3 · 0.1 · 4; product 1: 0.2 · 0.9 · 1
    torch.testing.assert_close(score[0, 0], torch.tensor([0.5, 1.2, 0.12]))
    torch.testing.assert_close(score[0, 1], torch.tensor([0.18, 0.0, 0.0]))
    assert bool((score[0, 2:] == 0).all())


@pytest.mark.parametrize(("proposals", "shown"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_no_more_than_so_many_are_proposed(proposals: int, shown: int) -> None:
    proposal = recommender(proposals).proposal(stock(9, 10, 10, 10), margins(1, 1, 1, 1))
    assert proposal.shape == (1, 4, 3)
    assert proposal[0, 0].sum() == shown
    assert proposal[0, 1].tolist() == [1, 0, 0]
    assert bool((proposal[0, 2:] == 0).all())


def test_stock_counts_over_all_locations_and_paths_are_apart() -> None:
    units = torch.zeros(2, 4, 2)
    units[0, 1] = torch.tensor([4.0, 6.0])
    units[1, 2] = 10.0
    proposal = recommender().proposal(units, torch.ones(2, 4, 1))
    assert proposal[0, 0].tolist() == [1, 0, 0]
    assert proposal[1, 0].tolist() == [0, 1, 0]


@dataclass(frozen=True)
class _Pricing:
    """Orders nothing and asks a price."""

    price: Tensor | None

    def decide(self, observation: Observation) -> Decision:
        return Decision(torch.zeros_like(observation.on_hand), price=self.price)


@pytest.mark.parametrize(
    ("asked", "yesterday", "shown"),
    [
        (None, None, [1, 0, 0]),  # at list price 2 candidate 1 earns most, 0.5
        (3.0, None, [0, 0, 1]),  # asked 3 for product 3: 0.3 · 2
        (None, 3.0, [0, 0, 1]),  # it was 3 yesterday and stays
        (2.0, 3.0, [1, 0, 0]),  # it was 3 yesterday and falls
    ],
)
def test_any_policy_can_recommend_at_the_prices_it_asks(
    asked: float | None, yesterday: float | None, shown: list[float]
) -> None:
    def prices(last: float) -> Tensor:
        return torch.tensor([2.0, 2.0, 2.0, last]).reshape(1, 4, 1)

    policy = Recommending(
        _Pricing(None if asked is None else prices(asked)),
        recommender(),
        unit_cost=torch.ones(4, 1),
        list_price=2 * torch.ones(4, 1),
    )
    memory = None
    if yesterday is not None:
        old = prices(yesterday)
        memory = Memory(prices=Prices(old, torch.ones_like(old), old))
    on_hand = stock(9, 10, 10, 10)
    seen = Observation(
        on_hand,
        torch.zeros_like(on_hand),
        (),
        torch.ones(1, 4, 1, dtype=torch.long),
        memory=memory,
    )
    decision = policy.decide(seen)
    assert decision.proposal is not None
    assert first(decision.proposal) == shown
    assert decision.target.equal(torch.zeros_like(on_hand))


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "candidate": (
        lambda: InStockRecommender(torch.tensor([[4]]), torch.ones(1, 1), torch.ones(1)),
        r"must name products 0 … 0 or be −1; got \[4\]",
    ),
    "affinity": (
        lambda: InStockRecommender(torch.tensor([[-1]]), torch.tensor([[NAN]]), torch.ones(1)),
        r"`affinity` must be finite and ≥ 0; got \[nan\]",
    ),
    "enough": (
        lambda: recommender(enough=0.0),
        r"`enough_units` must be finite and > 0; got \[0.0, 0.0, 0.0\]",
    ),
    "proposals": (lambda: recommender(0), "`proposals` must be an integer ≥ 1; got 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_number_outside_its_range_is_refused(case: str) -> None:
    build, message = BAD[case]
    with pytest.raises(ConfigurationError, match=message):
        build()
