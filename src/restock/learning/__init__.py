"""How do we get better? One algorithm a file, one shape for all: fit → TrainingRun.

Methods that use the differentiable or replayable world: ``pathwise``, ``terminal_value``,
``improvement``, ``warm_start``, ``hindsight``, ``lagrange``. Methods for any Gymnasium
environment: ``q_learning``, ``sarsa``, ``linear_q``, ``dqn``, ``naf``, ``reinforce``,
``actor_critic``, ``ppo``, ``ddpg``, ``td3``, ``sac``; and ``stable_baselines`` runs those of
Stable-Baselines3 in the same shape.
"""

from restock.learning import stable_baselines
from restock.learning.exploration import Exploration
from restock.learning.interaction import Arena
from restock.learning.loop import Learner, LoopConfig, Update, train
from restock.learning.model_aware import (
    hindsight,
    improvement,
    lagrange,
    pathwise,
    terminal_value,
    warm_start,
)
from restock.learning.model_aware.hindsight import HindsightConfig
from restock.learning.model_aware.improvement import ImprovementConfig
from restock.learning.model_aware.lagrange import LagrangeConfig
from restock.learning.model_aware.pathwise import PathwiseConfig
from restock.learning.model_aware.terminal_value import TerminalValueConfig
from restock.learning.model_aware.warm_start import WarmStartConfig
from restock.learning.policy_methods import actor_critic, ddpg, ppo, reinforce, sac, td3
from restock.learning.policy_methods.actor_critic import ActorCriticConfig
from restock.learning.policy_methods.ddpg import DDPGConfig
from restock.learning.policy_methods.ppo import PPOConfig
from restock.learning.policy_methods.reinforce import ReinforceConfig
from restock.learning.policy_methods.sac import SACConfig
from restock.learning.policy_methods.td3 import TD3Config
from restock.learning.run import Listener, LogRow, TrainingRun
from restock.learning.stable_baselines_config import StableBaselinesConfig
from restock.learning.tensorboard import TensorBoardLog
from restock.learning.value_methods import dqn, linear_q, naf, q_learning, sarsa
from restock.learning.value_methods.dqn import DQNConfig
from restock.learning.value_methods.linear_q import LinearQConfig
from restock.learning.value_methods.naf import NAFConfig
from restock.learning.value_methods.q_learning import QLearningConfig
from restock.learning.value_methods.sarsa import SarsaConfig
from restock.learning.value_methods.tabular import Grid

__all__ = [
    "ActorCriticConfig",
    "Arena",
    "DDPGConfig",
    "DQNConfig",
    "Exploration",
    "Grid",
    "HindsightConfig",
    "ImprovementConfig",
    "LagrangeConfig",
    "Learner",
    "LinearQConfig",
    "Listener",
    "LogRow",
    "LoopConfig",
    "NAFConfig",
    "PPOConfig",
    "PathwiseConfig",
    "QLearningConfig",
    "ReinforceConfig",
    "SACConfig",
    "SarsaConfig",
    "StableBaselinesConfig",
    "TD3Config",
    "TensorBoardLog",
    "TerminalValueConfig",
    "TrainingRun",
    "Update",
    "WarmStartConfig",
    "actor_critic",
    "ddpg",
    "dqn",
    "hindsight",
    "improvement",
    "lagrange",
    "linear_q",
    "naf",
    "pathwise",
    "ppo",
    "q_learning",
    "reinforce",
    "sac",
    "sarsa",
    "stable_baselines",
    "td3",
    "terminal_value",
    "train",
    "warm_start",
]
