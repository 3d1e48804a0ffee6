"""The rules that a backtest compares, each with its own way of being tuned.

A rule is a way to a policy: ``tune(ground)`` looks at the tuning days and returns the policy that
will face the test. All see the same signals and the same forecasts, and all are judged by the
same cost, so none has an advantage but its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from restock.planning.tuning import TuningGround, grid
from restock.policies import (
    BaseStock,
    ForecastQuantile,
    MeanPlusSafety,
    ReorderPoint,
    ScaledLevel,
)
from restock.simulation import Policy

__all__ = ["CLASSICAL_RULES", "Rule", "tune_scaled_level"]

Groups = Callable[[TuningGround], Int[Tensor, " P"]]

NO_CAP = 1e6
"""An order cap in periods of demand that never binds."""


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


def _by_lead_time(ground: TuningGround) -> Int[Tensor, " P"]:
    return ground.case.lead_time.unique(return_inverse=True)[1]  # type: ignore[no-untyped-call,no-any-return]


def _by_lead_time_and_class(ground: TuningGround) -> Int[Tensor, " P"]:
    kind = ground.case.variability_classes(ground.stop)
    return (_by_lead_time(ground) * 4 + kind).unique(return_inverse=True)[1]  # type: ignore[no-untyped-call,no-any-return]


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


@dataclass(frozen=True)
class TunedSafetyStock:
    """Mean + z·sd of the forecast, z tuned for each lead time."""

    name: str = "mean_plus_safety"

    def tune(self, ground: TuningGround) -> MeanPlusSafety:
        """Return the best safety factor for each lead time."""
        factors = torch.linspace(-1.0, 5.0, 61)
        chosen = ground.best(MeanPlusSafety(_lane(factors)), len(factors), _by_lead_time(ground))
        return MeanPlusSafety(factors[chosen][None, :, None])


@dataclass(frozen=True)
class TunedQuantile:
    """Order up to a forecast quantile, with an order cap; both tuned together for each group.

    ``caps`` are in days of forecast demand. ``groups`` says which products share a choice.
    """

    name: str
    caps: tuple[float, ...]
    groups: Groups

    def tune(self, ground: TuningGround) -> ForecastQuantile:
        """Return the best quantile and cap for each group."""
        levels = ground.case.quantile_levels
        pairs = grid(torch.linspace(levels[0], levels[-1], 31).tolist(), self.caps)
        products = ground.case.history.n_products
        quantiles = pairs[:, :1].expand(-1, products).clamp(levels[0], levels[-1])
        candidates = ForecastQuantile.at(quantiles, levels, _lane(pairs[:, 1]))
        chosen = ground.best(candidates, len(pairs), self.groups(ground))
        best = pairs[chosen]
        quantile = best[:, 0].clamp(levels[0], levels[-1])
        return ForecastQuantile.at(quantile, levels, best[:, 1][None, :, None])


def tune_scaled_level(ground: TuningGround) -> ScaledLevel:
    """Return the best level, cap and batch for each lead time, in periods of recent demand.

    Batches are only tried where orders cost something by themselves.
    """
    batches = _BATCHES if ground.case.world.has_fixed_costs else (0.0,)
    choices = grid(torch.linspace(0.4, 5.0, 24).tolist(), _CAPS, batches)
    unit = (ground.case.lead_time + 1)[None, :, None].float()
    level = _lane(choices[:, 0]) * unit
    # a level must leave room for the batch: s = S − q stays at the level without it
    candidates = ScaledLevel(
        level + _lane(choices[:, 2]), _lane(choices[:, 1]), _lane(choices[:, 2])
    )
    chosen = ground.best(candidates, len(choices), _by_lead_time(ground))
    every = torch.arange(len(chosen))
    best = choices[chosen][None, :, :, None]
    return ScaledLevel(
        candidates.level_periods[chosen, every].unsqueeze(0), best[:, :, 1], best[:, :, 2]
    )


@dataclass(frozen=True)
class TunedScaledLevel:
    """Level and cap in days of recent demand, tuned together for each lead time."""

    name: str = "scaled_level"

    def tune(self, ground: TuningGround) -> Policy:
        """Return the best level and cap for each lead time."""
        return tune_scaled_level(ground)


_BATCHES = (0.0, 2.0, 4.0, 7.0, 11.0, 16.0)
_CAPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, NO_CAP)

CLASSICAL_RULES: tuple[Rule, ...] = (
    TunedBaseStock(),
    TunedReorderPoint(),
    TunedSafetyStock(),
    TunedScaledLevel(),
    TunedQuantile("forecast_quantile", (NO_CAP,), _by_lead_time),
    TunedQuantile("capped_quantile", _CAPS, _by_lead_time),
    TunedQuantile("capped_quantile_by_class", _CAPS, _by_lead_time_and_class),
)
