"""Acting in environments: what an ended episode saw last, first episodes only, what is refused."""

from dataclasses import replace

import pytest
import torch

from restock.errors import ConfigurationError
from restock.learning import Arena, interaction
from restock.learning.interaction import Interaction
from restock.simulation.environments import setup_for

PERIODS = 5


class Zero:
    def act(self, observation: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(observation), dtype=torch.long)


def played(*, ends: bool, steps: int) -> list[interaction.Transitions]:
    arena = Arena("toy/Steady-v0", {"periods": PERIODS, "ends": ends, "shows_clock": True})
    envs = Interaction(arena, 2)
    envs.begin(1)
    moves = [envs.step(torch.zeros(2, dtype=torch.long)) for _ in range(steps)]
    envs.close()
    return moves


@pytest.mark.parametrize("ends", [True, False])
def test_an_ended_episode_shows_what_it_saw_last_and_the_next_begins_anew(*, ends: bool) -> None:
    *_, last, fresh = played(ends=ends, steps=PERIODS + 1)
    assert bool((last.terminated == ends).all())
    assert bool((last.truncated != ends).all())
    # the clock of the ended episode, not that of the one which follows
    assert bool((last.next_observation > last.observation).all())
    assert bool((fresh.observation < last.observation).all())


def test_a_mean_return_counts_each_environments_first_episode_alone() -> None:
    arena = Arena("toy/Steady-v0", {"periods": PERIODS})
    assert arena.mean_return(Zero(), 3, 1) == PERIODS


def test_an_episode_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interaction, "LONGEST", 20)
    arena = Arena("toy/Steady-v0", {"periods": 21})
    with pytest.raises(ConfigurationError, match=r"2 of 2 .* 20 steps\. Give it a time limit"):
        arena.mean_return(Zero(), 2, 1)
    assert Arena("toy/Steady-v0", {"periods": 20}).mean_return(Zero(), 2, 1) == 20


def test_setups_of_one_name_are_told_apart_by_what_they_are() -> None:
    setup = setup_for("LostSales", {})
    dearer = setup_for("LostSales", {"shortage_cost": 40.0})
    assert Arena(setup).identity == Arena(setup_for("LostSales", {})).identity
    others = (
        dearer,
        replace(setup, periods=setup.periods + 1),
        setup_for("LostSales", {"mean_demand": 6.0}),
    )
    identities = {Arena(each).identity for each in (setup, *others)}
    assert len(identities) == 4
    assert setup.name == dearer.name


def test_an_unknown_id_is_refused_with_the_closest() -> None:
    with pytest.raises(ConfigurationError, match=r"Did you mean 'restock/LostSales-v0'"):
        Arena("restock/LostSale-v0")
