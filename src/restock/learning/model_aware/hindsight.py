r"""Hindsight as a teacher: orders of linear programs that knew the future, learned by regression.

From states s that the policy visits, demand of H periods is drawn and the linear program of
:mod:`restock.optimality.network_bound` finds the best orders of one who knows it; y is what it
orders first. The policy's own order q_θ(s), which knows nothing, is fitted to y by the pinball loss

    L(θ) = mean_s ρ_τ(y − q_θ(s)),   ρ_τ(e) = max(τ e, (τ − 1) e),   τ = p / (p + h).

Why not least squares: the mean of hindsight's orders serves the mean of demand. Hindsight needs no
safety stock, so its mean is *biased*, towards too little where a shortage is dearer than a unit
left over. For one location, y is what demand of the lead time and today lacks, hindsight being just
in time; the pinball loss at τ is then the cost of the period in which the order arrives, h for each
unit above y and p for each below, and its minimum is the newsvendor's quantile: the optimal base
stock with backorders, and with lost sales the myopic order (Morton, The near-myopic nature of the
lagged-proportional-cost inventory problem with lost sales, Operations Research 19, 1971), an upper
bound on the optimal one. It is R. Koenker and G. Bassett's regression quantile (Econometrica 46,
1978), censored at zero as in J. Powell (Censored regression quantiles, Journal of
Econometrics 32, 1986); hindsight as a teacher: Sinclair, Frujeri, Cheng, Marshall,
Barbalho, Li, Neville, Menache and Swaminathan, Hindsight learning for MDPs with exogenous inputs,
ICML 2023.

States are the policy's own, not hindsight's: a shelf that hindsight has filled tells tomorrow's
demand. In networks, with fixed costs or shared capacities, quantiles of hindsight's orders are no
more than a good start. So this is a *pre-training*; afterwards train by ``pathwise.fit``, whose
gradient is that of the cost itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.chains import state_from_tree, state_tree
from restock.learning.deciding import deciding
from restock.learning.descent import descend
from restock.learning.fingerprint import fingerprint_of
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.model_aware.hindsight_orders import HindsightOrders
from restock.learning.model_aware.playing import check_playing, held_out_paths, played_chains
from restock.learning.run import Listener, TrainingRun
from restock.problem import Instance
from restock.seeds import Seeds
from restock.shapes import LaneValues
from restock.simulation import Scenario, ScenarioSource, World, average_cost, rollout
from restock.simulation.period import arrive, observe

__all__ = ["HindsightConfig", "HindsightLearner", "fit", "pinball"]

P = TypeVar("P", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class HindsightConfig(LoopConfig):
    """One update is a round: states, their linear programs, and the regression.

    A round looks at ``chains`` states (B) of the policy's own chains, ``spacing`` periods after
    those of the last (the first after ``warm_up``), and knows ``horizon`` periods (H), by default
    the longest way of the goods and eight periods more. The regression takes ``epochs`` steps of
    Adam, of a size that falls from ``learning_rate`` to 0 by a cosine over all rounds.
    ``quantile`` is τ in (0, 1), by default each product's p / (p + h). A round costs B linear
    programs, about 10 ms each. Validation is as in :class:`~restock.learning.PathwiseConfig`.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    updates: int = 8
    validate_every: int = 2
    patience: int = 4
    chains: int = 128
    warm_up: int = 30
    spacing: int = 3
    horizon: int | None = None
    epochs: int = 30
    quantile: float | None = None
    learning_rate: float = 2e-2
    gradient_clip: float = 1.0
    validation_paths: int = 512
    validation_periods: int = 100
    validation_warm_up: int = 50

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        check_playing(self)
        self.require_counts("spacing", "epochs", *(() if self.horizon is None else ("horizon",)))
        if self.quantile is not None:
            require(
                0 < self.quantile < 1,
                ConfigurationError,
                f"`quantile` must be above 0 and below 1; got {self.quantile}. Leave it out for"
                " each product's p / (p + h).",
            )


def fit(  # noqa: PLR0913 - the arguments of every trainer, and the instance
    policy: P,
    world: World,
    source: ScenarioSource,
    config: HindsightConfig,
    seeds: Seeds,
    *,
    instance: Instance,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Fit the orders of ``policy`` to those of hindsight; other arguments as in ``pathwise.fit``.

    ``instance`` is what the world was made of. The log's ``loss`` is the pinball loss after a
    round, in units of mean orders, and the best policy is that with the least cost.

    Raises :class:`ConfigurationError` for an instance of another world, a world whose demand
    answers prices, a horizon within which no order arrives, and decisions without a gradient.
    """
    learner = HindsightLearner(policy, world, instance, source, config, seeds, validation)
    fingerprint = fingerprint_of(policy, world, source, learner.validation, config, seeds)
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class HindsightLearner(Generic[P]):
    """Rounds of linear programs and regressions, on chains that are never reset."""

    def __init__(
        self,
        policy: P,
        world: World,
        instance: Instance,
        source: ScenarioSource,
        config: HindsightConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        longest = world.arrivals.slots * len(world.network.tiers)
        self.horizon = longest + 8 if config.horizon is None else config.horizon
        require(
            self.horizon > int(world.arrivals.lead_time.max()),
            ConfigurationError,
            f"`horizon` must be above the longest lead time, {int(world.arrivals.lead_time.max())}"
            f" periods, or hindsight never orders; got {self.horizon}. Leave it out.",
        )
        self.policy, self.world, self.config = policy, world, config
        self.actor = deciding(policy)
        self.source, self.seeds = source, seeds
        self.orders = HindsightOrders(instance, world)
        periods = config.validation_warm_up + config.validation_periods
        self.validation = held_out_paths(
            source, seeds, config.validation_paths, periods, validation
        )
        self.chains = played_chains(world, self.actor, source, seeds, config.chains, config.warm_up)
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self.quantile = self._quantile()
        self.hindsight: LaneValues = torch.zeros(0, 0, 0)

    def _quantile(self) -> LaneValues | float:
        """Return τ, on each lane that of its destination."""
        if self.config.quantile is not None:
            return self.config.quantile
        costs = self.world.economics
        shortage = costs.shortage_cost.amax(-1, keepdim=True)
        both = shortage + costs.holding_cost
        ratio = torch.where(both > 0, shortage / torch.where(both > 0, both, 1), 0.5)
        places = ratio.expand(-1, self.world.n_locations).unsqueeze(0)
        return self.world.network.at_destination(places)

    def update(self, number: int) -> Update:
        """Advance the chains, ask hindsight, and fit the policy to its answer."""
        config = self.config
        generator = self.seeds.torch(f"round {number}")
        scenario = self.source.sample(config.chains, config.spacing + self.horizon, generator)
        past = scenario.window(0, config.spacing)
        future = scenario.window(config.spacing, scenario.periods)
        with torch.no_grad():
            self.chains = rollout(self.world, self.actor, past, self.chains)
        self.hindsight = self.orders.first(self.chains, future)
        state = arrive(self.world, self.chains)
        seen = observe(self.world, state, future, 0)
        unit = max(self.hindsight.mean().item(), 1e-12)
        norm, size, loss = 0.0, config.learning_rate, torch.zeros(())
        for epoch in range(config.epochs):
            wish = self.actor.decide(seen).wished_order(seen)
            loss = pinball(self.hindsight, wish, self.quantile) / unit
            require(
                loss.requires_grad,
                ConfigurationError,
                "the policy's orders carry no gradient, so that they cannot be fitted. Give it"
                " outputs that are differentiable in its weights.",
            )
            share = epoch / config.epochs
            left = (1 - share) * config.cosine(number) + share * config.cosine(number + 1)
            size = config.learning_rate * left
            norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        return Update(
            loss=loss.item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=config.chains * scenario.periods,
        )

    def validate(self) -> float:
        """Return the average cost on the held-out paths."""
        warm_up = self.config.validation_warm_up
        return float(average_cost(self.world, self.actor, self.validation, warm_up).mean())

    def begin(self, update: int) -> None:
        """Go on: chains are part of the state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer and the chains."""
        return {"optimizer": self.optimizer.state_dict(), "chains": state_tree(self.chains)}

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.chains = state_from_tree(tree["chains"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the stock of the last round's states and what hindsight ordered there."""
        return {"on_hand": self.chains.on_hand, "hindsight": self.hindsight}


def pinball(order: LaneValues, wish: LaneValues, quantile: LaneValues | float) -> Float[Tensor, ""]:
    """Return mean ρ_τ(y − q) of orders y ≥ 0 and wishes, of which one below 0 is q = 0.

    Where y = 0 a wish below 0 is right, whatever it is. Where y > 0 it is not taken for 0, which
    would leave it without a gradient.

    >>> pinball(torch.full((1, 1, 1), 5.0), torch.full((1, 1, 1), 3.0), 0.9).item()  # 0.9 × 2
    1.7999999523162842
    >>> pinball(torch.zeros(1, 1, 1), torch.full((1, 1, 1), -3.0), 0.9).item()
    0.0
    """
    error = order - torch.where(order > 0, wish, wish.clamp_min(0))
    return torch.maximum(quantile * error, (quantile - 1) * error).mean()
