"""A network that departs from a rule reads the stock that its config names, and no other."""

import pytest
import torch

from restock.errors import ConfigurationError
from restock.policies import BaseStock, NeuralDeparture, NeuralDepartureConfig, ReorderPoint
from restock.simulation import Observation

RULE = BaseStock(torch.tensor([[[9.0]]]))


def seen(backlog: torch.Tensor | None = None, locations: int = 1) -> Observation:
    return Observation(
        torch.ones(2, 1, locations),
        torch.zeros(2, 1, locations),
        (),
        torch.ones(1, 1, locations, dtype=torch.long),
        backlog=backlog,
    )


def network(*, owes: bool = False) -> NeuralDeparture:
    config = NeuralDepartureConfig(scale=1.0, owes=owes, hidden=(4,))
    return NeuralDeparture(RULE, config, torch.Generator())


def test_what_all_regions_wait_for_is_one_number() -> None:
    one = network(owes=True).state(seen(torch.tensor([[[5.0]], [[0.0]]])))
    regions = network(owes=True).state(seen(torch.tensor([[[2.0, 3.0]], [[0.0, 0.0]]])))
    assert torch.equal(one, regions)


def test_debts_are_read_only_where_the_config_says_so() -> None:
    assert network().state(seen(torch.ones(2, 1, 1))).shape[-1] == 1
    with pytest.raises(ConfigurationError, match="`owes`"):
        network(owes=True).decide(seen())


def test_another_number_of_locations_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"reads 1 numbers .* has 2.*Change"):
        network().decide(seen(locations=2))


def test_a_fresh_departure_keeps_its_rules_least_batch() -> None:
    rule = ReorderPoint(torch.tensor([[[4.0]]]), torch.tensor([[[9.0]]]))
    policy = NeuralDeparture(rule, NeuralDepartureConfig(scale=1.0), torch.Generator())
    for stock in (1.0, 6.0):
        here = Observation(
            torch.full((1, 1, 1), stock),
            torch.zeros(1, 1, 1),
            (),
            torch.ones(1, 1, 1, dtype=torch.long),
        )
        ordered = policy.decide(here).target.item() - stock
        assert ordered == (8.0 if stock < 4 else 0.0)
