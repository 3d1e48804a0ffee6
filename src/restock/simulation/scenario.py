"""What the outside world brings: demand paths and the signals that go before them."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.shapes import DemandPaths, SignalPaths

__all__ = ["Scenario", "ScenarioSource", "SellingSeason", "SteadyDemand"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Demand over T periods on B paths, with F named signals known before each period's demand.

    ``demand`` is in units ``[B, T, P, D]`` at the demand points D (the locations, or the regions
    where an instance has them), best laid out time-major in memory so that one period's slice is
    contiguous. ``signals[:, t]`` uses nothing of demand at or after t. In a world of uncertain
    supply ``lead_time`` ``[#B, T, P, E]`` is what an order placed in t takes, and ``lane_open`` is
    0 where a lane takes no order in t. ``first_period`` counts the periods before this window.
    """

    demand: DemandPaths
    signals: SignalPaths | None = None
    signal_names: tuple[str, ...] = ()
    lead_time: Int[Tensor, "#B T P E"] | None = None
    lane_open: Float[Tensor, "#B T P E"] | None = None
    first_period: int = 0

    @property
    def periods(self) -> int:
        """T, the number of periods."""
        return self.demand.shape[1]

    @property
    def paths(self) -> int:
        """B, the number of paths."""
        return self.demand.shape[0]

    def signals_at(self, period: int) -> Float[Tensor, "#B P F"] | None:
        """Return the signals that are known before the demand of ``period``."""
        return None if self.signals is None else self.signals.select(1, period)

    def window(self, start: int, stop: int) -> "Scenario":
        """Return the periods ``start`` (included) to ``stop`` (excluded); a view."""

        def cut(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[:, start:stop]

        return Scenario(
            self.demand[:, start:stop],
            cut(self.signals),
            self.signal_names,
            cut(self.lead_time),
            cut(self.lane_open),
            self.first_period + start,
        )

    def path_slice(self, start: int, stop: int) -> "Scenario":
        """Return the paths ``start`` (included) to ``stop`` (excluded); a view."""

        def cut(values: Tensor | None) -> Tensor | None:
            return values if values is None or values.shape[0] == 1 else values[start:stop]

        return Scenario(
            self.demand[start:stop],
            cut(self.signals),
            self.signal_names,
            cut(self.lead_time),
            cut(self.lane_open),
            self.first_period,
        )


@runtime_checkable
class ScenarioSource(Protocol):
    """Where a trainer's paths come from."""

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return ``paths`` fresh paths of ``periods`` periods."""
        ...


@runtime_checkable
class _Process(Protocol):
    @property
    def mean(self) -> Tensor: ...

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> DemandPaths: ...


@dataclass(frozen=True, slots=True)
class SteadyDemand:
    """A demand process as a textbook gives it; its signal ``scale`` is its mean, in units.

    ``points`` name the demand points D of a network, its locations or regions; the process then
    has one mean for each product and point, point by point within a product, and the signals
    ``scale@point`` tell the mean of each, ``scale`` that of all points together.

    >>> from restock.demand.processes import Poisson
    >>> shops = SteadyDemand(Poisson(torch.tensor([3.0, 5.0])), points=("north", "south"))
    >>> scenario = shops.sample(4, 7, torch.Generator())
    >>> tuple(scenario.demand.shape), scenario.signal_names
    ((4, 7, 1, 2), ('scale', 'scale@north', 'scale@south'))
    """

    process: _Process
    points: tuple[str, ...] = ()

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return fresh paths."""
        demand = self.process.sample(paths, periods, generator)
        mean = self.process.mean.to(demand).reshape(1, 1, -1, max(len(self.points), 1))
        scale = mean.sum(-1, keepdim=True)
        if self.points:
            demand = demand.reshape(*demand.shape[:2], -1, len(self.points))
            scale = torch.cat([scale, mean], dim=-1)
        names = ("scale", *(f"scale@{point}" for point in self.points))
        return Scenario(demand, scale.expand(1, periods, -1, -1), names)


@dataclass(frozen=True, slots=True)
class SellingSeason:
    """Demand of a season that ends: the signal ``periods_left`` counts down, today included.

    A path begins on the season's first day; ``periods`` is the season's length.

    >>> from restock.demand.processes import Poisson
    >>> season = SellingSeason(SteadyDemand(Poisson(torch.tensor([3.0]))), periods=3)
    >>> scenario = season.sample(1, 4, torch.Generator())
    >>> scenario.signals[0, :, 0, -1].tolist()
    [3.0, 2.0, 1.0, 0.0]
    """

    source: ScenarioSource
    periods: int

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return fresh paths of the source, with the clock among their signals."""
        scenario = self.source.sample(paths, periods, generator)
        demand = scenario.demand
        left = (self.periods - torch.arange(periods, device=demand.device)).clamp_min(0)
        clock = left.to(demand).reshape(1, -1, 1, 1).expand(1, -1, demand.shape[2], -1)
        signals = clock
        if scenario.signals is not None:
            shape = scenario.signals.shape[0]
            signals = torch.cat([scenario.signals, clock.expand(shape, -1, -1, -1)], dim=-1)
        names = (*scenario.signal_names, "periods_left")
        return replace(scenario, signals=signals, signal_names=names)
