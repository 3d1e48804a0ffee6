"""How each method is called: ours, and Stable-Baselines3's."""

from dataclasses import replace
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


def settings_of(table: Parameters, task: str) -> dict[str, Any]:
    """Return the settings of all tasks, overridden by those of one."""
    special: dict[str, Any] = table[task].as_dict() if task in table else {}
    everywhere: dict[str, Any] = table["all"].as_dict()
    return everywhere | special


def kind_of(method: str, parameters: Parameters) -> str:
    """Return which kind of method it is, by which budgets and seeds go."""
    return next(str(kind) for kind, names in parameters["kinds"].items() if method in names)


def train_ours(method: str, name: str, parameters: Parameters, seeds: Seeds) -> TrainingRun[Any]:
    """Train one of our methods on the task ``name``."""
    task = parameters["tasks"][name]
    fit, shape = FITS[method]
    given = settings_of(parameters["restock"][method], name)
    config = shape(**_typed(given), validation_episodes=task["validation_episodes"])
    steps = task["steps"][kind_of(method, parameters)]
    if isinstance(config, OffPolicyConfig):
        steps -= config.warm_up
    updates = max(1, round(steps / _steps_per_update(config, task["episode"])))
    every = max(1, -(-updates // parameters["validations"]))
    config = replace(config, updates=updates, validate_every=every, patience=updates)
    run: TrainingRun[Any] = fit(arena_of(task), config, seeds)
    return run


def train_rival(
    algorithm: str, kind: str, name: str, parameters: Parameters, seeds: Seeds, *, tuned: bool
) -> TrainingRun[Any]:
    """Train an algorithm of Stable-Baselines3 on the task ``name``."""
    task = parameters["tasks"][name]
    given = settings_of(parameters["baselines"][algorithm], name) if tuned else {}
    config = StableBaselinesConfig(
        algorithm=algorithm,
        steps=task["steps"][kind],
        environments=given.pop("environments", 1),
        normalises=given.pop("normalises", False),
        validations=parameters["validations"],
        validation_episodes=task["validation_episodes"],
        settings=given,
    )
    return fit_stable_baselines(arena_of(task), config, seeds)


def _typed(given: dict[str, Any]) -> dict[str, Any]:
    """Return settings as configurations take them: tuples, a grid, an exploration."""
    typed: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in given.items()
    }
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
