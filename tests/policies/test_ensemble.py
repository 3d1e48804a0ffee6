"""An ensemble decides the mean of all that its members decide, prices and shares too."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies import Ensemble
from restock.simulation import Decision, Observation


@dataclass(frozen=True)
class Says:
    """Decides the same whatever it sees."""

    decision: Decision

    def decide(self, observation: Observation) -> Decision:
        del observation
        return self.decision


def of(value: float) -> Tensor:
    return torch.full((1, 1, 1), value)


def together(*decisions: Decision) -> Decision:
    empty = torch.zeros(1, 1, 1)
    seen = Observation(empty, empty, (), empty.long())
    return Ensemble([Says(decision) for decision in decisions]).decide(seen)


def test_prices_are_averaged_over_the_members_that_ask_one() -> None:
    wish = together(
        Decision(of(4.0), price=of(10.0)), Decision(of(8.0)), Decision(of(6.0), price=of(14.0))
    )
    assert wish.target.item() == 6.0
    assert wish.price is not None
    assert wish.price.item() == 12.0
    assert together(Decision(of(1.0)), Decision(of(2.0))).price is None


def test_shares_scores_and_weights_are_averaged() -> None:
    one = torch.tensor([[[[1.0, 0.0]]]])
    wish = together(
        Decision(of(1.0), region_share=one, region_score=one, lane_weight=of(2.0)),
        Decision(of(1.0), region_share=one.flip(-1), region_score=3 * one, lane_weight=of(4.0)),
    )
    assert wish.region_share is not None
    assert wish.region_share.flatten().tolist() == [0.5, 0.5]
    assert wish.region_score is not None
    assert wish.region_score.flatten().tolist() == [2.0, 0.0]
    assert wish.lane_weight is not None
    assert wish.lane_weight.item() == 3.0


def test_a_substitute_is_proposed_where_half_of_the_members_propose_it() -> None:
    shown = [torch.tensor([[[1.0, 0.0, 1.0]]]), torch.tensor([[[0.0, 0.0, 1.0]]])]
    wish = together(*(Decision(of(1.0), proposal=each) for each in shown))
    assert wish.proposal is not None
    assert wish.proposal.flatten().tolist() == [1.0, 0.0, 1.0]
    wish = together(*(Decision(of(1.0), proposal=each) for each in [*shown, shown[1]]))
    assert wish.proposal is not None
    assert wish.proposal.flatten().tolist() == [0.0, 0.0, 1.0]


def test_a_member_without_a_cap_takes_it_away_and_one_without_a_batch_counts_as_0() -> None:
    wish = together(Decision(of(4.0), cap=of(2.0), batch=of(3.0)), Decision(of(8.0)))
    assert wish.cap is None
    assert wish.batch is not None
    assert wish.batch.item() == 1.5


def test_an_ensemble_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`members` must be at least one policy"):
        Ensemble([])
