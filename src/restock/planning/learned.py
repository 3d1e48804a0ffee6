"""The learned rule: a neural order-up-to policy trained on futures drawn from the past."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from restock.demand import SIGNAL_NAMES, BlockBootstrap
from restock.learning import Listener, PathwiseConfig, fit
from restock.planning.rules import tune_scaled_level
from restock.planning.tuning import TuningGround
from restock.policies import Ensemble, NeuralOrderUpTo, NeuralOrderUpToConfig, ScaledLevel
from restock.seeds import Seeds
from restock.simulation import BootstrappedDemand, World

__all__ = ["LearnedConfig", "LearnedRule", "train_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedConfig:
    """How policies are learned from a shop's history.

    ``hidden`` are the network's layer widths (none: the departure is linear in the signals).
    Training futures are drawn in blocks of ``block_days`` within ``season_window_days`` of the
    same time of the year, each product's demand scaled by e^(g z) with g = ``growth_sd``. Every
    product is trained under the lead times of all products, so that the weights are shared
    across them. A product weighs in training by the money at stake in it, its mean demand times
    its shortage cost, to the power ``money_exponent``: 1 minimises the shop's cost, 0 lets every
    product count alike. ``pathwise`` are the trainer's settings.
    """

    hidden: tuple[int, ...] = (32, 32)
    block_days: int = 24
    season_window_days: int = 21
    growth_sd: float = 0.2
    money_exponent: float = 1.0
    pathwise: PathwiseConfig = field(
        default_factory=lambda: PathwiseConfig(
            updates=300,
            chains=8,
            window=32,
            episode_windows=4,
            learning_rate=5e-3,
            departure_penalty=0.05,
            validate_every=50,
            validation_paths=8,
            validation_periods=96,
            validation_warm_up=32,
        )
    )


def train_policy(
    ground: TuningGround,
    config: LearnedConfig,
    seeds: Seeds,
    *,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
) -> NeuralOrderUpTo:
    """Train one network on the history before ``ground.stop`` and return it, ready to decide.

    The network departs from the scaled level that is best on the tuning days.
    """
    case, world = ground.case, ground.case.planning_world
    anchor = tune_scaled_level(ground)
    history = case.history.days(0, ground.stop)
    source = BootstrappedDemand(
        BlockBootstrap(
            history,
            block_days=config.block_days,
            season_window_days=config.season_window_days,
            growth_sd=config.growth_sd,
            joint=False,
        )
    )
    generator = seeds.torch("network")
    lead_time, donated = _mixed_lead_times(world, anchor, config.pathwise.chains, generator)
    policy = NeuralOrderUpTo(
        NeuralOrderUpToConfig(
            pipeline_slots=max(world.arrivals.slots - 1, 0),
            signals=SIGNAL_NAMES[1:],
            hidden=config.hidden,
        ),
        donated.level_periods,
        donated.cap_periods,
        generator,
        batch_periods=donated.batch_periods,
        traits=_traits(world),
    )
    training_world = world.with_lead_times(lead_time).with_cost_weights(
        _money_at_stake(ground) ** (config.money_exponent - 1)
    )
    fit(policy, training_world, source, config.pathwise, seeds, folder=folder, listeners=listeners)
    policy.anchor_periods, policy.cap_periods = anchor.level_periods, anchor.cap_periods
    policy.batch_periods = anchor.batch_periods
    return policy


def _money_at_stake(ground: TuningGround) -> Tensor:
    """Mean demand × shortage cost of each product, money a day, with a floor against zeros."""
    shortage_cost = ground.case.world.economics.shortage_cost[:, 0]
    money = ground.daily_mean.clamp_min(0.01) * shortage_cost
    return money.clamp_min(1e-3 * float(money.mean()) + 1e-9)


def _mixed_lead_times(
    world: World, anchor: ScaledLevel, chains: int, generator: torch.Generator
) -> tuple[Tensor, ScaledLevel]:
    """Draw a lead time ``[B, P, E]`` for every chain, with the anchor tuned for that lead time."""
    own = world.arrivals.lead_time[0, :, 0]
    donor = torch.randint(len(own), (chains, len(own)), generator=generator)
    donor[0] = torch.arange(len(own))
    return own[donor].unsqueeze(-1), ScaledLevel(
        anchor.level_periods[0][donor],
        anchor.cap_periods[0][donor],
        anchor.batch_periods[0][donor],
    )


def _traits(world: World) -> Tensor:
    """Standardised log of shortage to holding cost ``[P, 1]``; 0 where all products are alike."""
    costs = world.economics
    ratio = torch.log((costs.shortage_cost + 1e-9) / (costs.holding_cost + 1e-9))
    return (ratio - ratio.mean()) / ratio.std(unbiased=False).clamp_min(1e-3)


@dataclass(frozen=True)
class LearnedRule:
    """The mean decision of networks trained from several seeds.

    With a ``folder``, each network's checkpoints are kept in ``folder/DAY-SEED``, DAY being the
    day on which tuning stops, so that an interrupted backtest goes on where it was.
    """

    name: str
    config: LearnedConfig
    seeds: tuple[int, ...] = (0, 1, 2)
    folder: Path | None = None
    listeners: tuple[Listener, ...] = ()

    def tune(self, ground: TuningGround) -> Ensemble:
        """Train one network per seed."""
        return Ensemble([self.member(ground, seed) for seed in self.seeds])

    def member(self, ground: TuningGround, seed: int) -> NeuralOrderUpTo:
        """Train the network of one seed."""
        folder = None if self.folder is None else self.folder / f"{self.name}-{ground.stop}-{seed}"
        return train_policy(
            ground, self.config, Seeds(seed), folder=folder, listeners=self.listeners
        )

    def linear(self, name: str) -> "LearnedRule":
        """Return the same rule with a departure that is linear in the signals."""
        return replace(self, name=name, config=replace(self.config, hidden=()))
