r"""Budgets and capacities by prices that are learned with the policy.

Products that share a budget or a capacity are one large problem. A price takes it apart: with
u_r(s_t, a_t) the use of resource r in a period and b_r its limit, the problem

    min C(θ)   subject to   E u_r ≤ b_r   for every r

has the Lagrangian

    L(θ, λ) = E Σ_p c_p + Σ_r λ_r (E u_r − b_r),   λ ≥ 0,

which splits into a problem for each product whose unit costs λ_r a_rp more (H. Everett, Generalized
Lagrange multiplier method, Operations Research 11, 1963; with policies: E. Altman, Constrained
Markov decision processes, 1999, ch. 3). The saddle point is found by descent in θ along the
pathwise gradient and projected ascent in λ (K. Arrow, L. Hurwicz and H. Uzawa, Studies in linear
and non-linear programming, 1958; with policy gradients: Tessler, Mankowitz and Mannor, Reward
constrained policy optimization, ICLR 2019). Plain, the two go round in circles; a price that
answers the excess at once damps them (Stooke, Achiam and Abbeel, Responsive safety in reinforcement
learning by PID Lagrangian methods, ICML 2020, without its D; it is the augmented Lagrangian's):

    e_r = κ_r (E u_r / b_r − 1),   μ_r = (λ_r + ρ e_r)₊,
    θ ← θ − η ∇_θ L(θ, μ),   λ_r ← (λ_r + η_λ e_r)₊,

κ_r being what the first window cost per period and unit of b_r. η and η_λ fall by a cosine.

The policy may read its price: the signal ``resource_price`` of a product is Σ_r λ_r a_rp as a share
of p + h, so that one network for many products coordinates them through one number. Limits hold on
average, not in each period, in which the world cuts what is above. Validation, too, is the cost
where nothing is cut, plus a penalty for limits that are exceeded on average: Σ_p c_p times
1 + w Σ_r (E u_r / b_r − 1)₊, which is exact where w is above λ_r b_r / Σ_p c_p. For a choice by the
cost with cuts give ``evaluate``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from restock.errors import CheckpointError, ConfigurationError, require
from restock.learning.deciding import deciding
from restock.learning.fingerprint import fingerprint_of
from restock.learning.loop import Update, train
from restock.learning.model_aware.pathwise import PathwiseConfig, PathwiseLearner
from restock.learning.model_aware.resources import Resources, Use, measure_use
from restock.learning.objective import tally_of
from restock.learning.run import Listener, TrainingRun
from restock.policies.neural.packing import Made, Recipe, register
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Scenario,
    ScenarioSource,
    State,
    World,
    rollout,
)

__all__ = [
    "PRICE_SIGNAL",
    "LagrangeConfig",
    "LagrangeLearner",
    "ResourcePriced",
    "fit",
    "resource_use",
]

PRICE_SIGNAL = "resource_price"

P = TypeVar("P", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class LagrangeConfig(PathwiseConfig):
    """Settings of the pathwise gradient, and of prices: η_λ > 0, ρ ≥ 0 and w > 0.

    A limit that is exceeded by all of itself raises its price in one update by ``price_rate`` (η_λ)
    times what the first window cost per unit of the limit, and at once, as long as it is exceeded,
    by ``price_damping`` (ρ) times that. ``excess_weight`` is w. The departure penalty is not for
    policies with a price: it must be 0.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    price_rate: float = 0.5
    price_damping: float = 4.0
    excess_weight: float = 10.0

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        PathwiseConfig.__post_init__(self)
        self.require_positive(price_rate=0.5, excess_weight=10.0)
        require(
            0 <= self.price_damping < float("inf"),
            ConfigurationError,
            f"`price_damping` must be ≥ 0 and finite; got {self.price_damping}. Try 4.0.",
        )


class ResourcePriced(nn.Module):
    """A policy that is shown what the resources of its world cost.

    ``prices`` ``[R]`` are money of cost per unit of a resource, a buffer that is learned and saved
    with the weights of ``policy``. They are shown as the signal ``resource_price``.
    """

    prices: Tensor
    shown: Tensor

    def __init__(self, policy: nn.Module, world: World) -> None:
        super().__init__()
        deciding(policy)
        self.policy = policy
        shared, costs = Resources(world), world.economics
        self.names = shared.names
        unit = (costs.shortage_cost.amax(-1) + costs.holding_cost.amax(-1)).clamp_min(1e-12)
        self.register_buffer("prices", torch.zeros_like(shared.limits))
        self.register_buffer("shown", shared.per_unit / unit, persistent=False)

    @property
    def config(self) -> str:
        """What tells this policy from others but for its weights."""
        return f"ResourcePriced({getattr(self.policy, 'config', type(self.policy).__name__)})"

    def decide(self, observation: Observation) -> Decision:
        """Return the policy's decision at today's prices."""
        price = (self.prices @ self.shown).view(1, -1, 1)
        names = (*observation.signal_names, PRICE_SIGNAL)
        signals = observation.signals
        if signals is not None:
            shape = (*signals.shape[:-1], 1)
            price = torch.cat([signals, price.expand(shape)], -1)
        shown = replace(observation, signals=price, signal_names=names)
        return deciding(self.policy).decide(shown)


def resource_use(policy: ResourcePriced, world: World, scenario: Scenario, warm_up: int) -> Use:
    """Return what the policy would use of each resource if nothing were cut, with its prices."""
    return replace(measure_use(policy, world, scenario, warm_up), price=policy.prices.clone())


def fit(
    policy: nn.Module,
    world: World,
    source: ScenarioSource,
    config: LagrangeConfig,
    seeds: Seeds,
    *,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[ResourcePriced], float] | None = None,
) -> TrainingRun[ResourcePriced]:
    """Minimise the average cost of ``policy`` in a world whose products share limits.

    Arguments and errors are those of :func:`restock.learning.pathwise.fit`. The run's policy
    holds ``policy`` with its prices; :func:`resource_use` tells whether limits are kept. The log's
    ``loss`` is the Lagrangian, per product, in units of the first window's cost.

    Raises :class:`ConfigurationError` also for a world whose products share nothing.
    """
    learner = LagrangeLearner(
        ResourcePriced(policy, world), world, source, config, seeds, validation
    )
    fingerprint = fingerprint_of(learner.policy, world, source, learner.validation, config, seeds)
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class LagrangeLearner(PathwiseLearner[ResourcePriced]):
    """Descent in the weights, ascent in the prices, window by window."""

    config: LagrangeConfig

    def __init__(
        self,
        policy: ResourcePriced,
        world: World,
        source: ScenarioSource,
        config: LagrangeConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        self.shared = Resources(world)
        super().__init__(policy, self.shared.open_world, source, config, seeds, validation)
        self.excess = torch.zeros_like(self.shared.limits)
        if config.warm_up:
            self.shared.take_use()

    def window_loss(self, number: int, scenario: Scenario) -> tuple[Tensor, State]:
        """Return the Lagrangian at the damped prices, per product, and the last state."""
        loss, chains = super().window_loss(number, scenario)
        limits = self.shared.limits
        over = self.shared.take_use().mean((0, 1)) - limits
        # in units of the first window's cost of all products, per unit of a limit
        unit = self.cost_unit * self.world.n_products / limits.clamp_min(1e-12)
        self.excess = unit * over.detach() / limits.clamp_min(1e-12)
        damped = self.policy.prices + self.config.price_damping * self.excess
        money = (damped.clamp_min(0) * over).sum() / self.world.n_products
        return loss + money / self.cost_unit, chains

    def update(self, number: int) -> Update:
        """Take a step with the weights, then one with the prices."""
        told = super().update(number)
        size = self.config.price_rate * self.config.cosine(number)
        self.policy.prices.add_(size * self.excess).clamp_min_(0)
        return told

    @torch.no_grad()
    def validate(self) -> float:
        """Return the average cost on the held-out paths, with the penalty of what is exceeded."""
        scenario, warm_up = self.validation, self.config.validation_warm_up
        tally = tally_of(self.config.objective)()
        state = self.world.empty_state(scenario.paths)
        state = rollout(self.world, self.actor, scenario.window(0, warm_up), state)
        if warm_up:
            self.shared.take_use()
        rollout(self.world, self.actor, scenario.window(warm_up, scenario.periods), state, tally)
        use = self.shared.take_use().mean((0, 1)) / self.shared.limits.clamp_min(1e-12)
        cost = tally.mean().item()
        return cost + self.config.excess_weight * abs(cost) * float((use - 1).clamp_min(0).sum())


def _restored(made: Made) -> ResourcePriced:
    if made.world is None:
        raise CheckpointError(
            "a policy with resource prices is made for a world with limits. Give `world=`."
        )
    return ResourcePriced(made.parts["policy"], made.world)


register(Recipe(ResourcePriced, _restored, None, ("policy",), None))
