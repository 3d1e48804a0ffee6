"""How each method is called: ours, and Stable-Baselines3's."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from restock.evaluation import Parameters
from restock.learning import LoopConfig, StableBaselinesConfig, TrainingRun
from restock.learning.exploration import Exploration
from restock.learning.off_policy import OffPolicyConfig
from restock.learning.policy_methods import actor_critic, ddpg, ppo, reinforce, sac, td3
from restock.learning.stable_baselines import fit as fit_stable_baselines
from restock.learning.value_methods import dqn, linear_q, naf, q_learning, sarsa
from restock.learning.value_methods.tabular import Grid
from restock.learning.value_methods.temporal_difference import TDConfig
from restock.seeds import Seeds

from .tasks import arena_of

Settings = dict[str, Any]

#: What is told to the environments around an algorithm of Stable-Baselines3, not to itself.
ADAPTER = ("environments", "scales_observations", "scales_rewards", "noise")

FITS: dict[str, tuple[Any, Any]] = {
    "q_learning": (q_learning.fit, q_learning.QLearningConfig),
    "sarsa": (sarsa.fit, sarsa.SarsaConfig),
    "linear_q": (linear_q.fit, linear_q.LinearQConfig),
    "dqn": (dqn.fit, dqn.DQNConfig),
    "naf": (naf.fit, naf.NAFConfig),
    "reinforce": (reinforce.fit, reinforce.ReinforceConfig),
    "actor_critic": (actor_critic.fit, actor_critic.ActorCriticConfig),
    "ppo": (ppo.fit, ppo.PPOConfig),
    "ddpg": (ddpg.fit, ddpg.DDPGConfig),
    "td3": (td3.fit, td3.TD3Config),
    "sac": (sac.fit, sac.SACConfig),
}


OURS, DEFAULT, TUNED = "restock", "sb3", "sb3-tuned"
SEARCHED = Path(__file__).resolve().parents[1] / "algorithm-settings" / "results.json"


def settings_by_hand(task: str, method: str, library: str, parameters: Parameters) -> Settings:
    """Return the settings of all tasks, overridden by those of one; none of what is by default."""
    if library == DEFAULT:
        return {}
    table = parameters[library][method]
    special: Settings = table[task].as_dict() if task in table else {}
    everywhere: Settings = table["all"].as_dict()
    return everywhere | special


def settings_for(task: str, method: str, library: str, parameters: Parameters) -> Settings:
    """Return the settings that the search chose, those by hand where it did not search."""
    chosen = _chosen().get((task, method, library))
    return settings_by_hand(task, method, library, parameters) if chosen is None else chosen


def kind_of(method: str, parameters: Parameters) -> str:
    """Return which kind of method it is, by which budgets and seeds go."""
    return next(str(kind) for kind, names in parameters["kinds"].items() if method in names)


def train(
    task: str, method: str, library: str, given: Settings, parameters: Parameters, seeds: Seeds
) -> TrainingRun[Any]:
    """Train a method with the settings ``given`` for the steps of its task."""
    if library == OURS:
        return _train_ours(task, method, given, parameters, seeds)
    return _train_rival(task, method, given, parameters, seeds)


def kind_of_rival(algorithm: str, parameters: Parameters) -> str:
    """Return which kind of method an algorithm of Stable-Baselines3 is."""
    return "on_policy" if algorithm in ("PPO", "A2C") else kind_of(algorithm.lower(), parameters)


def _train_ours(
    name: str, method: str, given: Settings, parameters: Parameters, seeds: Seeds
) -> TrainingRun[Any]:
    task = parameters["tasks"][name]
    fit, shape = FITS[method]
    config = shape(**_typed(given), validation_episodes=task["validation_episodes"])
    steps = task["steps"][kind_of(method, parameters)]
    if isinstance(config, OffPolicyConfig):
        steps -= config.warm_up
    updates = max(1, round(steps / _steps_per_update(config, task["episode"])))
    every = max(1, -(-updates // parameters["validations"]))
    config = replace(config, updates=updates, validate_every=every, patience=updates)
    run: TrainingRun[Any] = fit(arena_of(task), config, seeds)
    return run


def _train_rival(
    name: str, algorithm: str, given: Settings, parameters: Parameters, seeds: Seeds
) -> TrainingRun[Any]:
    task = parameters["tasks"][name]
    ours = {knob: given[knob] for knob in ADAPTER if knob in given}
    config = StableBaselinesConfig(
        algorithm=algorithm,
        steps=task["steps"][kind_of_rival(algorithm, parameters)],
        validations=parameters["validations"],
        validation_episodes=task["validation_episodes"],
        settings={knob: value for knob, value in given.items() if knob not in ADAPTER},
        **ours,
    )
    return fit_stable_baselines(arena_of(task), config, seeds)


@cache
def _chosen() -> dict[tuple[str, str, str], Settings]:
    rows = json.loads(SEARCHED.read_text(encoding="utf-8"))["rows"]
    return {(row["task"], row["method"], row["library"]): row["settings"] for row in rows}


def _typed(given: Settings) -> Settings:
    """Return settings as configurations take them: tuples, a grid, an exploration."""
    typed: Settings = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    if "grid" in typed:
        typed["grid"] = Grid(**{name: tuple(v) for name, v in typed["grid"].items()})
    if "exploration" in typed:
        typed["exploration"] = Exploration(**typed["exploration"])
    return typed


def _steps_per_update(config: LoopConfig, episode: int) -> int:
    match config:
        case TDConfig():
            return config.environments * config.window * config.windows
        case OffPolicyConfig():
            return config.environments * config.horizon * config.rounds
        case reinforce.ReinforceConfig():
            return config.environments * episode
        case actor_critic.ActorCriticConfig() | ppo.PPOConfig():
            return config.environments * config.horizon
    raise TypeError(type(config).__name__)
