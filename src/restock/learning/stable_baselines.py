"""Stable-Baselines3 trains in our arenas, and its policies are policies like any other.

A run of it has the shape of our own trainers: the policy with the best validation, the same log
fields, an ``act`` that takes tensors. It needs the extra ``compare``. Training cannot be resumed.

A. Raffin et al., Stable-Baselines3: Reliable Reinforcement Learning Implementations, Journal of
Machine Learning Research 22(268), 2021.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.interaction import Arena, require_continuous, require_discrete
from restock.learning.run import Listener, LogRow, TrainingRun
from restock.learning.stable_baselines_config import ALGORITHMS, StableBaselinesConfig
from restock.seeds import Seeds

__all__ = ["StableBaselinesPolicy", "fit"]

LIMIT = 10.0
"""Normalised observations are clipped here, as VecNormalize does."""


class StableBaselinesPolicy(nn.Module):
    """A policy of Stable-Baselines3, ``net``, with the normalisation that it learned under.

    ``mean`` and ``deviation`` are of observations; 0 and 1 where nothing is normalised.
    """

    mean: Float[Tensor, "..."]
    deviation: Float[Tensor, "..."]

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net: Any = net
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def normalise(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Take over the moments that a VecNormalize has seen."""
        self.mean = torch.from_numpy(np.array(mean))
        self.deviation = torch.from_numpy(np.sqrt(variance + 1e-8))

    @torch.no_grad()
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Shaped[Tensor, "B *A"]:
        """Return the deterministic action, in the environment's own units."""
        rows = observation
        if self.mean.ndim > 0:
            rows = ((observation - self.mean) / self.deviation).clamp(-LIMIT, LIMIT).float()
        actions, _ = self.net.predict(rows.numpy(), deterministic=True)
        return torch.from_numpy(np.array(actions))


def fit(
    arena: Arena,
    config: StableBaselinesConfig,
    seeds: Seeds,
    *,
    listeners: Sequence[Listener] = (),
) -> TrainingRun[StableBaselinesPolicy]:
    """Train an algorithm of Stable-Baselines3 in ``arena`` and return its best policy.

    In the log ``update`` counts what Stable-Baselines3 calls updates (epochs or gradient steps),
    ``loss`` is its loss (the critic's, or A2C's policy loss), ``episode_return`` the mean of its
    last 100 episodes and ``gradient_norm`` NaN: it does not tell.

    Raises :class:`ConfigurationError` when Stable-Baselines3 is not installed, for an action space
    that the algorithm cannot serve, and for an unknown setting.
    """
    require(
        find_spec("stable_baselines3") is not None,
        ConfigurationError,
        f"{config.algorithm} of Stable-Baselines3 needs the package stable-baselines3, which is"
        " not installed. Install the extra: pip install 'restock[compare]'.",
    )
    needs = ALGORITHMS[config.algorithm]
    if needs == "discrete":
        require_discrete(arena, config.algorithm)
    if needs == "continuous":
        require_continuous(arena, config.algorithm)
    from restock.learning.stable_baselines_side import build, learn, moments

    model, envs = build(arena, config, seeds.integer("stable-baselines3") % 2**31)
    session = _Session(
        arena, config, seeds, listeners, StableBaselinesPolicy(model.policy), lambda: moments(envs)
    )
    try:
        session.validate()
        learn(model, config, session.stepped, session.told)
        return session.end()
    finally:
        envs.close()


@dataclass(slots=True)
class _Session:
    """One run: hears of steps and figures, validates, keeps the best.

    ``moments`` are mean and variance of observations as far as a VecNormalize has seen them.
    """

    arena: Arena
    config: StableBaselinesConfig
    seeds: Seeds
    listeners: Sequence[Listener]
    policy: StableBaselinesPolicy
    moments: Callable[[], tuple[np.ndarray, np.ndarray] | None]
    log: list[LogRow] = field(default_factory=list)
    best: tuple[float, int, dict[str, Tensor]] = (math.inf, 0, {})
    validation_cost: float | None = None
    next_validation: int = 0
    updates: int = 0
    steps: int = 0
    elsewhere_seconds: float = 0.0
    since: float = field(default_factory=time.perf_counter)

    def stepped(self, steps: int) -> None:
        """Hear that so many environment steps have been played."""
        self.steps = steps
        if steps >= self.next_validation and steps < self.config.steps:
            self.validate()

    def told(self, figures: Mapping[str, Any]) -> None:
        """Hear of Stable-Baselines3's figures by name."""
        if "train/n_updates" in figures:
            self.updates = int(figures["train/n_updates"])
            self.row(figures)

    def validate(self) -> None:
        """Measure the policy as it is; keep it if it is the best so far."""
        seen = self.moments()
        if seen is not None:
            self.policy.normalise(*seen)
        self.next_validation = self.steps + math.ceil(self.config.steps / self.config.validations)
        episodes, seed = self.config.validation_episodes, self.seeds.integer("validation")
        self.validation_cost = cost = -self.arena.mean_return(self.policy, episodes, seed)
        if cost < self.best[0]:
            weights = {name: v.detach().clone() for name, v in self.policy.state_dict().items()}
            self.best = cost, self.updates, weights

    def end(self) -> TrainingRun[StableBaselinesPolicy]:
        """Validate a last time, go back to the best policy, and return the run."""
        self.validate()
        self.row({})
        cost, update, weights = self.best
        if weights:
            self.policy.mean, self.policy.deviation = weights["mean"], weights["deviation"]
            self.policy.load_state_dict(weights)
        return TrainingRun(self.policy, cost, update, self.updates, self.seconds, self.log)

    @property
    def seconds(self) -> float:
        """Training time so far, listeners left out."""
        return time.perf_counter() - self.since - self.elsewhere_seconds

    def row(self, figures: Mapping[str, Any]) -> None:
        """Write a row of the log and tell listeners."""
        row = LogRow(
            update=self.updates,
            steps=self.steps,
            seconds=self.seconds,
            loss=_known(figures, "train/loss", "train/critic_loss", "train/policy_loss"),
            gradient_norm=math.nan,
            learning_rate=_known(figures, "train/learning_rate"),
            validation_cost=self.validation_cost,
            value_loss=_first(figures, "train/value_loss", "train/critic_loss"),
            entropy=_minus(_first(figures, "train/entropy_loss")),
            temperature=_first(figures, "train/ent_coef"),
            exploration=_first(figures, "rollout/exploration_rate", "train/std"),
            episode_return=_first(figures, "rollout/ep_rew_mean"),
        )
        self.validation_cost = None
        self.log.append(row)
        before = time.perf_counter()
        for listener in self.listeners:
            listener(row)
        self.elsewhere_seconds += time.perf_counter() - before


def _first(figures: Mapping[str, Any], *names: str) -> float | None:
    return next((float(figures[name]) for name in names if name in figures), None)


def _known(figures: Mapping[str, Any], *names: str) -> float:
    value = _first(figures, *names)
    return math.nan if value is None else value


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
