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

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError, TrainingError, require
from restock.learning.checkpoint import Progress, load_progress, save_progress
from restock.learning.config import PathwiseConfig
from restock.learning.fingerprint import Fingerprint, fingerprint_of
from restock.learning.run import Listener, LogRow, TrainingRun, write_log
from restock.policies import NeuralOrderUpTo
from restock.seeds import Seeds
from restock.simulation import (
    CostTally,
    Decision,
    Observation,
    Scenario,
    ScenarioSource,
    State,
    World,
    average_cost,
    rollout,
)

__all__ = ["fit"]


def fit(
    policy: NeuralOrderUpTo,
    world: World,
    source: ScenarioSource,
    config: PathwiseConfig,
    seeds: Seeds,
    *,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
) -> TrainingRun:
    """Minimise the average cost of ``policy`` in a differentiable ``world``.

    ``source`` gives the training paths; ``validation`` the held-out ones (default: paths of the
    source under another seed). With a ``folder``, a checkpoint and ``log.jsonl`` are kept there,
    and a run that was interrupted goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` when windows end before the first order arrives,
    :class:`TrainingError` when the loss stops being finite (the last good checkpoint is kept) and
    :class:`CheckpointError` when the folder holds another run's checkpoint.
    """
    longest = int(world.arrivals.lead_time.max())
    require(
        config.window > longest,
        ConfigurationError,
        f"`window` must be above the longest lead time, {longest} periods, or no order pays off"
        f" within it; got {config.window}. Use {2 * longest + 8} or more.",
    )
    if validation is None:
        periods = config.validation_warm_up + config.validation_periods
        generator = seeds.torch("validation")
        validation = source.sample(config.validation_paths, periods, generator)
    optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
    fingerprint = fingerprint_of(policy, world, source, validation, config, seeds)
    progress = _begin(policy, world, optimizer, config, folder, fingerprint)
    episodes = _Episodes(source, config, seeds)
    clock = time.perf_counter() - progress.seconds

    def validate() -> float:
        cost = float(average_cost(world, policy, validation, config.validation_warm_up).mean())
        if cost < progress.best_cost:
            progress.best_cost, progress.best_update = cost, progress.update
            progress.best_weights = _copy(policy)
        return cost

    if progress.update == 0:
        validate()  # the start is a candidate too: training never returns worse than it was given
    while not _finished(progress, config):
        row = _update(policy, world, episodes, optimizer, config, progress)
        if row.update % config.validate_every == 0 or row.update == config.updates:
            row = replace(row, validation_cost=validate())
        progress.seconds = time.perf_counter() - clock
        row = replace(row, seconds=progress.seconds)
        progress.log.append(row)
        if folder is not None and row.validation_cost is not None:
            progress.weights, progress.optimizer = _copy(policy), optimizer.state_dict()
            save_progress(progress, fingerprint, folder / "checkpoint.pt")
            write_log(progress.log, folder / "log.jsonl")
        for listener in listeners:
            listener(row)
    policy.load_state_dict(progress.best_weights)
    return TrainingRun(
        policy=policy,
        best_validation_cost=progress.best_cost,
        best_update=progress.best_update,
        updates=progress.update,
        seconds=progress.seconds,
        log=progress.log,
    )


class _Episodes:
    """Windows of training paths, each a function of the seed and its number alone."""

    def __init__(self, source: ScenarioSource, config: PathwiseConfig, seeds: Seeds) -> None:
        self.source, self.config, self.seeds = source, config, seeds
        self.number = -1
        self.episode: Scenario

    def window(self, update: int) -> Scenario:
        number, part = divmod(update, self.config.episode_windows)
        length = self.config.window
        if number != self.number:
            generator = self.seeds.torch(f"episode {number}")
            periods = length * self.config.episode_windows
            self.episode = self.source.sample(self.config.chains, periods, generator)
            self.number = number
        return self.episode.window(part * length, (part + 1) * length)


class _Shrinking:
    """The policy while it trains, summing the square of its departure from the anchor."""

    def __init__(self, policy: NeuralOrderUpTo) -> None:
        self.policy = policy
        self.total: Tensor = torch.zeros(())

    def decide(self, observation: Observation) -> Decision:
        departure = self.policy.departure(observation)
        self.total = self.total + departure.square().mean()
        return self.policy.compose(observation, departure)


def _begin(
    policy: NeuralOrderUpTo,
    world: World,
    optimizer: torch.optim.Optimizer,
    config: PathwiseConfig,
    folder: Path | None,
    fingerprint: Fingerprint,
) -> Progress:
    """Return the progress saved in the folder, or a fresh start from empty shelves."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = folder / "checkpoint.pt"
        if checkpoint.exists():
            progress = load_progress(checkpoint, fingerprint)
            policy.load_state_dict(progress.weights)
            optimizer.load_state_dict(progress.optimizer)
            return progress
    chains = world.empty_state(config.chains)
    return Progress(_copy(policy), optimizer.state_dict(), chains, best_weights=_copy(policy))


def _finished(progress: Progress, config: PathwiseConfig) -> bool:
    waited = progress.update - progress.best_update
    return progress.update >= config.updates or waited >= config.patience * config.validate_every


def _update(
    policy: NeuralOrderUpTo,
    world: World,
    episodes: _Episodes,
    optimizer: torch.optim.Optimizer,
    config: PathwiseConfig,
    progress: Progress,
) -> LogRow:
    """Take one gradient step on one window and advance the chains."""
    size = config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress.update / config.updates))
    for group in optimizer.param_groups:
        group["lr"] = size
    loss, chains = _window_loss(policy, world, episodes.window(progress.update), config, progress)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_(policy.parameters(), config.gradient_clip))
    require(
        math.isfinite(loss.item()) and math.isfinite(norm),
        TrainingError,
        f"the loss is {loss.item()} (gradient norm {norm}) at update {progress.update + 1}; both"
        f" must be finite. Lower `learning_rate` (now {config.learning_rate}) or check the"
        " instance's costs; the last good checkpoint is kept.",
    )
    optimizer.step()
    progress.chains = chains
    progress.update += 1
    return LogRow(progress.update, progress.seconds, loss.item(), norm, size)


def _window_loss(
    policy: NeuralOrderUpTo,
    world: World,
    scenario: Scenario,
    config: PathwiseConfig,
    progress: Progress,
) -> tuple[Tensor, State]:
    """Return the window's average cost, in units of the first window's, and its last state."""
    tally, shrinking = CostTally(), _Shrinking(policy)
    actor = shrinking if config.departure_penalty > 0 else policy
    chains = rollout(world, actor, scenario, progress.chains, tally)
    cost = tally.mean()
    if progress.update == 0:
        progress.cost_unit = max(cost.item(), 1e-12)
    penalty = config.departure_penalty * shrinking.total / scenario.periods
    return cost / progress.cost_unit + penalty, chains.detach()


def _copy(policy: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in policy.state_dict().items()}
