"""ε-greedy actions come with the probabilities that are said, and ε falls as it is told."""

from typing import Any

import pytest
import torch

from restock.errors import ConfigurationError
from restock.learning.exploration import Exploration, epsilon_greedy, greedy_probabilities
from restock.seeds import Seeds

DRAWS = 40_000


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_actions_come_as_often_as_their_probabilities_say(epsilon: float) -> None:
    values = torch.tensor([0.0, 2.0, -1.0, 2.0])  # of the two best the first is taken
    drawn = epsilon_greedy(values.expand(DRAWS, 4), epsilon, Seeds(0).torch("actions"))
    shares = torch.bincount(drawn, minlength=4) / DRAWS
    # four standard errors of a share of a half
    assert float((shares - greedy_probabilities(values, epsilon)).abs().max()) < 4 * 0.5 / 200
    # the control: another ε's probabilities are seen to be wrong
    other = greedy_probabilities(values, 0.5)
    assert float((shares - other).abs().max()) > 0.05


def test_an_exponential_fall_keeps_its_ratio_and_then_its_end() -> None:
    fall = Exploration(start=0.8, end=0.2, share=0.5, shape="exponential")
    assert fall.at(0.25) == pytest.approx(0.4)  # half the way is √(0.2 / 0.8) of 0.8
    assert fall.at(0.5) == fall.at(1.0) == pytest.approx(0.2)
    assert Exploration(start=0.8, end=0.2, share=0.5).at(0.25) == pytest.approx(0.5)


def test_with_no_share_epsilon_is_at_its_end_at_once() -> None:
    assert Exploration(start=1.0, end=0.1, share=0.0).at(0.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 1.5}, r"`start` of exploration must be in \[0, 1\]; got 1.5. Try 1.0."),
        ({"end": float("nan")}, r"`end` of exploration .* got nan"),
        ({"share": -0.1}, r"`share` of exploration .* got -0.1"),
        ({"shape": "cosine"}, "must be one of linear, exponential; got 'cosine'"),
        ({"shape": "exponential", "end": 0.0}, "must stay > 0; got 1.0 to 0.0"),
    ],
)
def test_what_makes_no_schedule_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Exploration(**change)
