"""The learned rule: neural order-up-to policies trained on the past, and what they learn from.

Two views of the past make the members of the rule, and their decisions are averaged:

* **futures** drawn from recorded demand in blocks. The network departs from so many days of recent
  demand, and every product is trained under the lead times of all products.
* the **record** replayed with the forecasts that were made of it at the time. The network departs
  from the best level that a forecast gives, and reads the forecast beside the signals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from restock.demand import SIGNAL_NAMES, BlockBootstrap
from restock.errors import ConfigurationError, did_you_mean, require
from restock.learning import Listener, PathwiseConfig, TrainingRun, pathwise
from restock.planning.rules import recent_demand, tune_anchor, tune_signal_level
from restock.planning.tuning import TuningGround
from restock.policies import Ensemble, NeuralOrderUpTo, NeuralOrderUpToConfig, SignalLevel
from restock.seeds import Seeds
from restock.simulation import BootstrappedDemand, ReplayedDemand, ScenarioSource, World

__all__ = ["VIEWS", "LearnedConfig", "LearnedRule", "train_policy"]

VIEWS = ("futures", "record")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedConfig:
    """How policies are learned from a shop's history.

    ``hidden`` are the network's layer widths (none: the departure is linear in the signals).
    ``views`` are what the networks learn from. Futures are drawn in blocks of ``block_days``
    within ``season_window_days`` of the same time of the year; in both views each product's
    demand is scaled by e^(g z), g = ``growth_sd``. A product weighs in training by the money at
    stake in it, its mean demand times its shortage cost, to the power ``money_exponent``: 1
    minimises the shop's cost, 0 lets every product count alike. ``pathwise`` are the trainer's
    settings.

    Raises :class:`ConfigurationError` for an unknown view, or where futures are validated on
    another number of paths than they are learned on: each path has lead times of its own.
    """

    hidden: tuple[int, ...] = (32, 32)
    views: tuple[str, ...] = VIEWS
    block_days: int = 24
    season_window_days: int = 10
    growth_sd: float = 0.3
    money_exponent: float = 0.5
    pathwise: PathwiseConfig = field(
        default_factory=lambda: PathwiseConfig(
            updates=300,
            chains=8,
            window=32,
            episode_windows=4,
            learning_rate=5e-3,
            departure_penalty=0.2,
            validate_every=50,
            validation_paths=8,
            validation_periods=96,
            validation_warm_up=32,
        )
    )

    def __post_init__(self) -> None:
        """Check the views, and that held-out paths fit the chains' lead times."""
        for view in self.views:
            if view not in VIEWS:
                raise ConfigurationError(
                    f"`views` holds '{view}', which is none.{did_you_mean(view, VIEWS)}"
                )
        chains, held_out = self.pathwise.chains, self.pathwise.validation_paths
        require(
            "futures" not in self.views or chains == held_out,
            ConfigurationError,
            f"`validation_paths` must be `chains` = {chains} to learn from futures, since every"
            f" chain has lead times of its own; got {held_out}. Give both the same number.",
        )


@dataclass(frozen=True)
class _Lesson:
    """What a network starts from and learns in; ``anchor`` is its classical level afterwards."""

    policy: NeuralOrderUpTo
    world: World
    source: ScenarioSource
    anchor: SignalLevel


def train_policy(
    ground: TuningGround,
    config: LearnedConfig,
    seeds: Seeds,
    view: str,
    *,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
) -> TrainingRun[NeuralOrderUpTo]:
    """Train one network on the history before ``ground.stop``; its policy is ready to decide."""
    lesson = (_futures if view == "futures" else _record)(ground, config, seeds)
    weight = _money_at_stake(ground) ** (config.money_exponent - 1)
    # a window must reach well beyond the longest lead time to show what an order leads to
    window = max(config.pathwise.window, 2 * lesson.world.arrivals.slots + 8)
    run = pathwise.fit(
        lesson.policy,
        lesson.world.with_cost_weights(weight),
        lesson.source,
        replace(config.pathwise, window=window),
        seeds,
        folder=folder,
        listeners=listeners,
    )
    lesson.policy.anchor_weights = lesson.anchor.weights
    lesson.policy.cap_periods = lesson.anchor.cap_periods
    lesson.policy.batch_periods = lesson.anchor.batch_periods
    return run


def _futures(ground: TuningGround, config: LearnedConfig, seeds: Seeds) -> _Lesson:
    """Learn from futures drawn from all days before ``ground.stop``, under mixed lead times."""
    world = ground.case.planning_world
    anchor = tune_signal_level(ground, recent_demand)
    source = BootstrappedDemand(
        BlockBootstrap(
            ground.case.history.days(0, ground.stop),
            block_days=config.block_days,
            season_window_days=config.season_window_days,
            growth_sd=config.growth_sd,
            joint=False,
        )
    )
    generator = seeds.torch("network")
    own = world.arrivals.lead_time[0, :, 0]
    donor = torch.randint(len(own), (config.pathwise.chains, len(own)), generator=generator)
    donor[0] = torch.arange(len(own))
    donated = SignalLevel(
        anchor.signals,
        anchor.weights[0][donor],
        anchor.cap_periods[0][donor],
        anchor.batch_periods[0][donor],
    )
    policy = _network(world, donated, config.hidden, (), generator)
    return _Lesson(policy, world.with_lead_times(own[donor].unsqueeze(-1)), source, anchor)


def _record(ground: TuningGround, config: LearnedConfig, seeds: Seeds) -> _Lesson:
    """Learn from the tuning days, replayed with their forecasts."""
    world = ground.case.planning_world
    anchor = tune_anchor(ground)
    names = ground.scenario.signal_names
    forecasts = tuple(name for name in names if name.startswith("forecast"))
    source = ReplayedDemand(ground.scenario, ("scale", *forecasts), config.growth_sd)
    policy = _network(world, anchor, config.hidden, forecasts, seeds.torch("network"))
    return _Lesson(policy, world, source, anchor)


def _network(
    world: World,
    anchor: SignalLevel,
    hidden: tuple[int, ...],
    forecasts: tuple[str, ...],
    generator: torch.Generator,
) -> NeuralOrderUpTo:
    return NeuralOrderUpTo(
        NeuralOrderUpToConfig(
            pipeline_slots=max(world.arrivals.slots - 1, 0),
            signals=SIGNAL_NAMES[1:],
            relative_signals=forecasts,
            anchor_signals=anchor.signals,
            hidden=hidden,
        ),
        anchor.weights,
        anchor.cap_periods,
        generator,
        batch_periods=anchor.batch_periods,
        traits=_traits(world),
    )


def _money_at_stake(ground: TuningGround) -> Tensor:
    """Mean demand × shortage cost of each product, money a day, with a floor against zeros."""
    shortage_cost = ground.case.world.economics.shortage_cost[:, 0]
    money = ground.daily_mean.clamp_min(0.01) * shortage_cost
    return money.clamp_min(1e-3 * float(money.mean()) + 1e-9)


def _traits(world: World) -> Tensor:
    """Standardised log of shortage to holding cost ``[P, 1]``; 0 where all products are alike."""
    costs = world.economics
    ratio = torch.log((costs.shortage_cost + 1e-9) / (costs.holding_cost + 1e-9))
    return (ratio - ratio.mean()) / ratio.std(unbiased=False).clamp_min(1e-3)


@dataclass(frozen=True)
class LearnedRule:
    """The mean decision of networks trained from several seeds, in each view of the past.

    With a ``folder``, each network's checkpoints are kept in ``folder/NAME-VIEW-DAY-SEED``, DAY
    being the day on which tuning stops, so that an interrupted backtest goes on where it was.
    ``on_run`` is called with every network's finished run.
    """

    name: str
    config: LearnedConfig
    seeds: tuple[int, ...] = (0, 1, 2)
    folder: Path | None = None
    listeners: tuple[Listener, ...] = ()
    on_run: Callable[[TrainingRun[NeuralOrderUpTo]], None] = lambda _run: None

    def tune(self, ground: TuningGround) -> Ensemble:
        """Train every network and let them decide as one."""
        return Ensemble([net for seed in self.seeds for net in self.networks(ground, seed)])

    def networks(self, ground: TuningGround, seed: int) -> list[NeuralOrderUpTo]:
        """Train the networks of one seed, one in each view."""
        trained = []
        for view in self.config.views:
            name = f"{self.name}-{view}-{ground.stop}-{seed}"
            folder = None if self.folder is None else self.folder / name
            run = train_policy(
                ground, self.config, Seeds(seed), view, folder=folder, listeners=self.listeners
            )
            self.on_run(run)
            trained.append(run.policy)
        return trained

    def linear(self, name: str) -> "LearnedRule":
        """Return the same rule with a departure that is linear in the signals."""
        return replace(self, name=name, config=replace(self.config, hidden=()))
