"""The rules that a backtest compares, each with its own way of being tuned.

A rule is a way to a policy: ``tune(ground)`` looks at the tuning days and returns the policy that
will face the test. All see the same signals and the same forecasts, and all are judged by the
same cost, so none has an advantage but its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from restock.planning.tuning import TuningGround, grid
from restock.policies import (
    BaseStock,
    ReorderPoint,
    SignalLevel,
    quantile_signal,
    quantile_weights,
)
from restock.simulation import Policy

__all__ = [
    "BATCHES",
    "CAPS",
    "CLASSICAL_RULES",
    "NO_CAP",
    "Rule",
    "TunedBaseStock",
    "TunedLevel",
    "TunedReorderPoint",
    "by_lead_time",
    "by_lead_time_and_class",
    "forecast_quantile",
    "mean_plus_safety",
    "recent_demand",
    "tune_anchor",
    "tune_signal_level",
]

Groups = Callable[[TuningGround], Int[Tensor, " P"]]

NO_CAP = 1e6
"""An order cap in periods of demand that never binds."""

CAPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, NO_CAP)
"""Order caps that are tried, in periods of recent demand."""

BATCHES = (0.0, 2.0, 4.0, 7.0, 11.0, 16.0)
"""Least orders that are tried where an order costs something, in periods of recent demand."""


@runtime_checkable
class Rule(Protocol):
    """A named way to a tuned policy."""

    @property
    def name(self) -> str:
        """The rule's name in tables."""
        ...

    def tune(self, ground: TuningGround) -> Policy:
        """Return the policy that is best on the tuning days."""
        ...


def _each_product(ground: TuningGround) -> Int[Tensor, " P"]:
    return torch.arange(ground.case.history.n_products)


def by_lead_time(ground: TuningGround) -> Int[Tensor, " P"]:
    """Group the products that share a lead time."""
    return ground.case.lead_time.unique(return_inverse=True)[1]  # type: ignore[no-untyped-call,no-any-return]


def by_lead_time_and_class(ground: TuningGround) -> Int[Tensor, " P"]:
    """Group the products that share a lead time and a class of variability."""
    kind = ground.case.variability_classes(ground.stop)
    return (by_lead_time(ground) * 4 + kind).unique(return_inverse=True)[1]  # type: ignore[no-untyped-call,no-any-return]


def _lane(values: Tensor) -> Tensor:
    """Give candidates ``[B]`` the axes ``[B, P, E]``, or chosen values ``[P]`` likewise."""
    return values[:, None, None]


@dataclass(frozen=True)
class TunedBaseStock:
    """Base stock, S tuned for each product in multiples of its mean demand over L + 1 days."""

    name: str = "base_stock"

    def tune(self, ground: TuningGround) -> BaseStock:
        """Return the best level for each product."""
        multiples = torch.cat([torch.linspace(0, 4, 41), torch.linspace(4.5, 10, 12)])
        unit = (ground.daily_mean * (ground.case.lead_time + 1))[None, :, None]
        levels = torch.floor(_lane(multiples) * unit + 0.5)
        chosen = ground.best(BaseStock(levels), len(multiples), _each_product(ground))
        return BaseStock(levels[chosen, torch.arange(len(chosen))].unsqueeze(0))


@dataclass(frozen=True)
class TunedReorderPoint:
    """(s, S), both tuned for each product in multiples of its mean demand over L + 1 days."""

    name: str = "reorder_point"

    def tune(self, ground: TuningGround) -> ReorderPoint:
        """Return the best pair for each product."""
        multiples = torch.linspace(0, 5, 26).tolist()
        pairs = grid(multiples, [0.0, 0.2, 0.4, 0.6, 0.8, 0.95])
        unit = (ground.daily_mean * (ground.case.lead_time + 1))[None, :, None]
        level = torch.floor(_lane(pairs[:, 0]) * unit + 0.5)
        point = torch.floor(level * _lane(pairs[:, 1]))
        candidates = ReorderPoint(point, level)
        chosen = ground.best(candidates, len(pairs), _each_product(ground))
        every = torch.arange(len(chosen))
        return ReorderPoint(point[chosen, every].unsqueeze(0), level[chosen, every].unsqueeze(0))


Family = Callable[[TuningGround], tuple[tuple[str, ...], Tensor]]
"""Gives the signals of a family of levels, and its candidates' weights ``[B, P, K]``."""


def recent_demand(ground: TuningGround) -> tuple[tuple[str, ...], Tensor]:
    """Return levels from 0.4 to 5 times recent demand over L + 1 days."""
    multiples = torch.linspace(0.4, 5.0, 24)[:, None, None]
    return ("scale",), multiples * (ground.case.lead_time + 1)[None, :, None]


def mean_plus_safety(ground: TuningGround) -> tuple[tuple[str, ...], Tensor]:
    """Return levels of forecast mean + z·sd, z from −1 to 5."""
    factors = torch.linspace(-1.0, 5.0, 25)[:, None]
    weights = torch.cat([torch.ones_like(factors), factors], dim=-1)[:, None, :]
    products = ground.case.history.n_products
    return ("forecast_mean", "forecast_sd"), weights.expand(-1, products, -1)


def forecast_quantile(ground: TuningGround) -> tuple[tuple[str, ...], Tensor]:
    """Return levels at quantiles of the forecast, over all that it gives."""
    levels = ground.case.quantile_levels
    quantiles = torch.linspace(levels[0], levels[-1], 25).clamp(levels[0], levels[-1])
    products = ground.case.history.n_products
    weights = quantile_weights(quantiles[:, None].expand(-1, products), levels)
    return tuple(quantile_signal(level) for level in levels), weights


def tune_signal_level(
    ground: TuningGround,
    family: Family,
    groups: Groups = by_lead_time,
    caps: Sequence[float] = CAPS,
) -> SignalLevel:
    """Return the best level of a family, cap and batch for each group of products.

    Batches are only tried where orders cost something by themselves.
    """
    signals, weights = family(ground)
    batches = BATCHES if ground.case.world.has_fixed_costs else (0.0,)
    choices = grid(range(len(weights)), caps, batches)
    which = choices[:, 0].long()
    candidates = SignalLevel(signals, weights[which], _lane(choices[:, 1]), _lane(choices[:, 2]))
    chosen = ground.best(candidates, len(choices), groups(ground))
    every = torch.arange(len(chosen))
    best = choices[chosen][None, :, :, None]
    return SignalLevel(
        signals, weights[which[chosen], every].unsqueeze(0), best[:, :, 1], best[:, :, 2]
    )


def tune_anchor(ground: TuningGround) -> SignalLevel:
    """Return the level that a network departs from: the cheapest of three families."""
    tuned = [
        tune_signal_level(ground, family)
        for family in (recent_demand, mean_plus_safety, forecast_quantile)
    ]
    return min(tuned, key=lambda policy: ground.replay(policy, 1).cost().total)


@dataclass(frozen=True)
class TunedLevel:
    """A family of levels with an order cap, tuned together for each group of products."""

    name: str
    family: Family
    groups: Groups = by_lead_time
    caps: tuple[float, ...] = CAPS

    def tune(self, ground: TuningGround) -> SignalLevel:
        """Return the best level, cap and batch for each group."""
        return tune_signal_level(ground, self.family, self.groups, self.caps)


CLASSICAL_RULES: tuple[Rule, ...] = (
    TunedBaseStock(),
    TunedReorderPoint(),
    TunedLevel("mean_plus_safety", mean_plus_safety, caps=(NO_CAP,)),
    TunedLevel("scaled_level", recent_demand),
    TunedLevel("forecast_quantile", forecast_quantile, caps=(NO_CAP,)),
    TunedLevel("capped_quantile", forecast_quantile),
    TunedLevel("capped_quantile_by_class", forecast_quantile, by_lead_time_and_class),
)
