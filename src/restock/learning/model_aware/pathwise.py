r"""Pathwise gradient: the derivative of simulated cost through the simulator itself.

Demand does not depend on decisions, so for a fixed path the average cost of a window

    C(θ) = 1/(B·T·P) Σ_b Σ_t Σ_p c(s_t, a_θ(o_t), d_t),   s_{t+1} = f(s_t, a_θ(o_t), d_t)

is differentiable almost everywhere in the policy's weights θ, and its gradient is unbiased for
the window (infinitesimal perturbation analysis: Glasserman and Tayur, Sensitivity analysis for
base-stock levels in multiechelon production-inventory systems, Management Science 41, 1995,
§3; with networks: Alvo, Russo, Kanoria and Lee, arXiv 2306.11246, 2023, eq. 4).

Two choices make it cheap. Windows are short, and chains are never reset: the stock at the end of
one window, cut off from its past, is the start of the next, so states come from the policy's own
stationary distribution. And the policy starts at the best classical rule and learns a departure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.chains import Episodes, state_from_tree, state_tree
from restock.learning.deciding import deciding
from restock.learning.descent import descend
from restock.learning.fingerprint import fingerprint_of
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.model_aware.playing import held_out_paths, played_chains
from restock.learning.objective import tally_of
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Policy,
    Scenario,
    ScenarioSource,
    State,
    World,
    average_cost,
    rollout,
)

__all__ = ["PathwiseConfig", "PathwiseLearner", "fit"]


@runtime_checkable
class _Anchored(Protocol):
    """A policy that departs from a classical one, by u = 0 not at all."""

    def departure(self, observation: Observation) -> Tensor:
        """Return u."""
        ...

    def compose(self, observation: Observation, departure: Tensor) -> Decision:
        """Return the decision for a departure."""
        ...


P = TypeVar("P", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwiseConfig(LoopConfig):
    """How the pathwise gradient is followed.

    ``updates`` gradient steps on ``chains`` parallel paths (B), each step through ``window``
    periods (T), after ``warm_up`` periods from empty shelves. Chains are never reset: each window
    goes on from the last one's stock. New paths are drawn every ``episode_windows`` windows. The
    step size falls from ``learning_rate`` to 0 by a cosine. ``departure_penalty`` pulls the policy
    towards its classical anchor: it adds penalty × mean u² to the loss, in units of the first
    window's cost. ``gradient_clip`` bounds the gradient's norm. Validation runs
    ``validation_paths`` over ``validation_periods`` after ``validation_warm_up`` periods. The
    ``objective`` is "cost", or "loss" = cost + purchases − revenue where prices are decided.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    chains: int = 512
    warm_up: int = 0
    window: int = 32
    episode_windows: int = 1
    learning_rate: float = 1e-2
    departure_penalty: float = 0.0
    gradient_clip: float = 1.0
    validation_paths: int = 1024
    validation_periods: int = 200
    validation_warm_up: int = 50
    objective: str = "cost"

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        self.require_counts("chains", "window", "episode_windows")
        self.require_counts("validation_paths", "validation_periods")
        self.require_counts("warm_up", "validation_warm_up", least=0)
        self.require_positive(learning_rate=0.01)
        require(
            0 <= self.departure_penalty < float("inf"),
            ConfigurationError,
            f"`departure_penalty` must be ≥ 0 and finite; got {self.departure_penalty}."
            " Use 0 to switch it off.",
        )
        require(
            self.gradient_clip > 0,
            ConfigurationError,
            f"`gradient_clip` must be > 0; got {self.gradient_clip}. Try 1.0.",
        )
        tally_of(self.objective)


def fit(
    policy: P,
    world: World,
    source: ScenarioSource,
    config: PathwiseConfig,
    seeds: Seeds,
    *,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Minimise the average cost of ``policy`` in a differentiable ``world``.

    ``policy`` is a module that decides, differentiably. ``source`` gives the training paths;
    ``validation`` the held-out ones (default: paths of the source under another seed). With a
    ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted goes
    on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` when windows end before the first order arrives or the
    policy's decisions carry no gradient, :class:`TrainingError` when the loss stops being finite
    (the last good checkpoint is kept) and :class:`CheckpointError` when the folder holds another
    run's checkpoint.
    """
    learner = PathwiseLearner(policy, world, source, config, seeds, validation)
    fingerprint = fingerprint_of(policy, world, source, learner.validation, config, seeds)
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class PathwiseLearner(Generic[P]):
    """The pathwise gradient on windows of chains that are never reset."""

    def __init__(
        self,
        policy: P,
        world: World,
        source: ScenarioSource,
        config: PathwiseConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        longest = int(world.arrivals.lead_time.max())
        require(
            config.window > longest,
            ConfigurationError,
            f"`window` must be above the longest lead time, {longest} periods, or no order pays"
            f" off within it; got {config.window}. Use {2 * longest + 8} or more.",
        )
        self.policy, self.world, self.config = policy, world, config
        self.actor = _actor(policy, shrinks=config.departure_penalty > 0)
        self.episodes = Episodes(
            source, seeds, config.chains, config.window, config.episode_windows
        )
        periods = config.validation_warm_up + config.validation_periods
        self.validation = held_out_paths(
            source, seeds, config.validation_paths, periods, validation
        )
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self.chains = played_chains(world, self.actor, source, seeds, config.chains, config.warm_up)
        self.cost_unit = 1.0

    def update(self, number: int) -> Update:
        """Take one gradient step on one window and advance the chains."""
        config = self.config
        scenario = self.episodes.window(number)
        loss, chains = self.window_loss(number, scenario)
        require(
            loss.requires_grad,
            ConfigurationError,
            "the cost of a window does not depend on the policy's weights: this world or this"
            " policy is not differentiable. Train it with a model-free method, or give the policy"
            " outputs that carry a gradient.",
        )
        size = config.learning_rate * config.cosine(number)
        norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        self.chains = chains.detach()
        return Update(
            loss=loss.item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=scenario.paths * scenario.periods,
        )

    def window_loss(self, number: int, scenario: Scenario) -> tuple[Tensor, State]:
        """Return the window's average cost, in units of the first window's, and its last state."""
        tally = tally_of(self.config.objective)()
        chains = rollout(self.world, self.actor, scenario, self.chains, tally)
        cost = tally.mean()
        if number == 0:
            self.cost_unit = max(abs(cost.item()), 1e-12)
        loss = cost / self.cost_unit
        if isinstance(self.actor, _Shrinking):
            loss = loss + self.config.departure_penalty * self.actor.mean()
        return loss, chains

    def validate(self) -> float:
        """Return the average cost on the held-out paths."""
        warm_up, tally = self.config.validation_warm_up, tally_of(self.config.objective)
        costs = average_cost(self.world, self.actor, self.validation, warm_up, tally=tally)
        return float(costs.mean())

    def begin(self, update: int) -> None:
        """Go on: chains are part of the state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the chains and the unit of cost."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "chains": state_tree(self.chains),
            "cost_unit": self.cost_unit,
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.chains = state_from_tree(tree["chains"])
        self.cost_unit = tree["cost_unit"]

    def evidence(self) -> dict[str, Tensor]:
        """Return the demand of the last window and the stock that it began with."""
        return {**self.episodes.evidence(), "on_hand": self.chains.on_hand}


class _Shrinking:
    """The policy while it trains, averaging the square of its departure from the anchor."""

    def __init__(self, policy: _Anchored) -> None:
        self.policy = policy
        self.squares: list[Tensor] = []

    def decide(self, observation: Observation) -> Decision:
        departure = self.policy.departure(observation)
        if torch.is_grad_enabled():
            self.squares.append(departure.square().mean())
        return self.policy.compose(observation, departure)

    def mean(self) -> Tensor:
        """Return mean u² since the last call."""
        squares, self.squares = self.squares, []
        return torch.stack(squares).mean()


def _actor(policy: nn.Module, *, shrinks: bool) -> Policy:
    """Return the policy as a world sees it, or one that also sums its departures.

    Raises :class:`ConfigurationError` for a module that does not decide, or that has no departure
    to shrink.
    """
    if not shrinks:
        return deciding(policy)
    if not isinstance(policy, _Anchored):
        raise ConfigurationError(
            f"`departure_penalty` needs a policy with a departure; {type(policy).__name__} has"
            " none. Set it to 0."
        )
    return _Shrinking(policy)
