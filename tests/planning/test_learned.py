"""The learned rule: the same from the same seed, blind to the test, anchored, and resumable."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from restock.demand import WARM_UP_DAYS
from restock.errors import ConfigurationError
from restock.learning import LogRow, PathwiseConfig
from restock.planning import VIEWS, LearnedConfig, LearnedRule, PlanningCase, TuningGround
from restock.planning.learned import train_policy
from restock.planning.rules import recent_demand, tune_anchor, tune_signal_level
from restock.policies import NeuralOrderUpTo
from restock.seeds import Seeds
from restock.simulation import Observation
from restock.simulation.period import observe

MakeCase = Callable[..., PlanningCase]
MakeUnits = Callable[..., np.ndarray]

TINY = LearnedConfig(
    hidden=(8,),
    pathwise=PathwiseConfig(
        updates=4,
        chains=4,
        window=14,
        learning_rate=5e-3,
        departure_penalty=0.2,
        validate_every=2,
        validation_paths=4,
        validation_periods=20,
        validation_warm_up=6,
    ),
)

each_view = pytest.mark.parametrize("view", VIEWS)


def trained(ground: TuningGround, view: str, seed: int = 0, **settings: float) -> NeuralOrderUpTo:
    pathwise = replace(TINY.pathwise, **settings)  # type: ignore[arg-type]
    return train_policy(ground, replace(TINY, pathwise=pathwise), Seeds(seed), view).policy


def same(one: NeuralOrderUpTo, other: NeuralOrderUpTo) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def on_the_stop(ground: TuningGround) -> Observation:
    """Return what is seen on the first day of the test, from its opening stock."""
    case, day = ground.case, ground.stop
    return observe(case.world, case.opening_state(day), case.scenario, day)


def departures(policy: NeuralOrderUpTo, ground: TuningGround) -> Tensor:
    with torch.no_grad():
        return policy.departure(on_the_stop(ground))


@each_view
def test_the_same_seed_trains_the_same_network_and_another_another(
    ground: TuningGround, view: str
) -> None:
    first = trained(ground, view)
    assert same(first, trained(ground, view))
    assert not same(first, trained(ground, view, seed=1))


@each_view
def test_training_does_not_look_at_the_days_from_its_stop_on(
    case_of: MakeCase, units_of: MakeUnits, view: str
) -> None:
    stop = WARM_UP_DAYS + 32
    units = units_of(21)
    later = units.copy()
    later[stop:] = 4 * later[stop:] + 9
    earlier = units.copy()
    earlier[stop - 1] += 30
    one, two, three = (
        trained(TuningGround(case_of(each), WARM_UP_DAYS, stop), view)
        for each in (units, later, earlier)
    )
    assert same(one, two)
    assert not same(one, three)


def test_after_training_under_mixed_lead_times_each_product_has_its_own_anchor(
    ground: TuningGround,
) -> None:
    policy = trained(ground, "futures")
    anchor = tune_signal_level(ground, recent_demand)
    assert torch.equal(policy.anchor_weights, anchor.weights)
    assert torch.equal(policy.cap_periods, anchor.cap_periods)
    assert torch.equal(policy.batch_periods, anchor.batch_periods)
    assert policy.config.anchor_signals == anchor.signals


def test_a_network_of_the_record_departs_from_the_cheapest_family(ground: TuningGround) -> None:
    policy, anchor = trained(ground, "record"), tune_anchor(ground)
    assert policy.config.anchor_signals == anchor.signals
    assert torch.equal(policy.anchor_weights, anchor.weights)


@each_view
def test_one_penalised_step_stays_near_the_anchor(ground: TuningGround, view: str) -> None:
    policy = trained(ground, view, updates=1, validate_every=1, learning_rate=1e-3)
    anchor = tune_signal_level(ground, recent_demand) if view == "futures" else tune_anchor(ground)
    wish, classical = (each.decide(on_the_stop(ground)) for each in (policy, anchor))
    torch.testing.assert_close(wish.target, classical.target, rtol=0.05, atol=0.0)
    assert wish.cap is not None
    assert classical.cap is not None
    torch.testing.assert_close(wish.cap, classical.cap, rtol=0.05, atol=0.0)


def test_a_heavier_penalty_keeps_the_network_nearer_to_its_anchor(ground: TuningGround) -> None:
    def departed(penalty: float) -> Tensor:
        policy = trained(
            ground,
            "record",
            updates=40,
            validate_every=40,
            learning_rate=2e-2,
            departure_penalty=penalty,
        )
        return departures(policy, ground)

    free, held = departed(0.0), departed(100.0)
    assert free.abs().max() > 0.02  # it did learn
    assert held.square().mean() < 0.1 * free.square().mean()


class Stopped(Exception):  # noqa: N818
    """Stands for a kill in the middle of a run."""


@each_view
def test_an_interrupted_training_goes_on_to_the_same_network(
    ground: TuningGround, tmp_path: Path, view: str
) -> None:
    def stop_at_three(row: LogRow) -> None:
        if row.update == 3:
            raise Stopped

    with pytest.raises(Stopped):
        train_policy(ground, TINY, Seeds(0), view, folder=tmp_path, listeners=(stop_at_three,))
    assert (tmp_path / "checkpoint.pt").is_file()
    heard: list[int] = []
    resumed = train_policy(
        ground,
        TINY,
        Seeds(0),
        view,
        folder=tmp_path,
        listeners=(lambda row: heard.append(row.update),),
    )
    assert heard == [3, 4]  # it went on from the checkpoint of update 2
    assert same(resumed.policy, trained(ground, view))
    assert [row.update for row in resumed.log] == [1, 2, 3, 4]


def test_the_rule_is_the_mean_of_one_network_per_seed_and_view(
    ground: TuningGround, tmp_path: Path
) -> None:
    rule = LearnedRule("learned", TINY, seeds=(3, 4), folder=tmp_path)
    ensemble = rule.tune(ground)
    assert len(ensemble.members) == 4
    assert {folder.name for folder in tmp_path.iterdir()} == {
        f"learned-{view}-{ground.stop}-{seed}" for view in VIEWS for seed in (3, 4)
    }
    with torch.no_grad():
        wishes = [member.decide(on_the_stop(ground)) for member in ensemble.members]
        mean = ensemble.decide(on_the_stop(ground))
    torch.testing.assert_close(mean.target, torch.stack([w.target for w in wishes]).mean(0))


def test_the_linear_rule_has_no_hidden_layer(ground: TuningGround) -> None:
    rule = LearnedRule("learned", TINY, seeds=(0,)).linear("linear")
    (network, _) = rule.tune(ground).members
    assert rule.name == "linear"
    assert isinstance(network, NeuralOrderUpTo)
    assert [len(weight) for weight in network.body.parameters()] == [2, 2]


def test_windows_reach_well_beyond_the_longest_lead_time(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    case = case_of(units_of(2), lead_times=(2, 12))
    ground = TuningGround(case, WARM_UP_DAYS, WARM_UP_DAYS + 32)
    assert trained(ground, "record", window=2).config.pipeline_slots == 11


def test_an_unknown_view_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'futures'"):
        LearnedConfig(views=("future",))


def test_a_product_that_never_sold_does_not_break_training(
    case_of: MakeCase, units_of: MakeUnits
) -> None:
    units = units_of(5)
    units[:, 0] = 0.0
    ground = TuningGround(case_of(units), WARM_UP_DAYS, WARM_UP_DAYS + 32)
    for view in VIEWS:
        assert departures(trained(ground, view), ground).isfinite().all()


def test_futures_need_as_many_held_out_paths_as_chains() -> None:
    pathwise = replace(TINY.pathwise, validation_paths=8)
    with pytest.raises(ConfigurationError, match=r"must be `chains` = 4 .* got 8"):
        replace(TINY, pathwise=pathwise)
    assert replace(TINY, pathwise=pathwise, views=("record",)).views == ("record",)
