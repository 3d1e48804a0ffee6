"""Where trainers of a model find themselves: chains past their empty shelves, held-out paths."""

import torch

from restock.learning.loop import LoopConfig
from restock.seeds import Seeds
from restock.simulation import Policy, Scenario, ScenarioSource, State, World, rollout

__all__ = ["check_playing", "held_out_paths", "played_chains"]


@torch.no_grad()
def played_chains(
    world: World, policy: Policy, source: ScenarioSource, seeds: Seeds, paths: int, periods: int
) -> State:
    """Return B ``paths`` that ``policy`` has led through ``periods`` periods from empty shelves."""
    empty = world.empty_state(paths)
    if periods == 0:
        return empty
    return rollout(world, policy, source.sample(paths, periods, seeds.torch("warm-up")), empty)


def held_out_paths(
    source: ScenarioSource, seeds: Seeds, paths: int, periods: int, given: Scenario | None
) -> Scenario:
    """Return the held-out paths ``given``, or paths of the source under a seed of their own."""
    return source.sample(paths, periods, seeds.torch("validation")) if given is None else given


def check_playing(config: LoopConfig) -> None:
    """Require counts of the settings that trainers of a model share."""
    config.require_counts("chains", "validation_paths", "validation_periods")
    config.require_counts("warm_up", "validation_warm_up", least=0)
    config.require_positive(learning_rate=1e-2, gradient_clip=1.0)
