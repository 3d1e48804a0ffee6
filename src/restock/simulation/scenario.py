"""What the outside world brings: demand paths and the signals that go before them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import DemandPaths, SignalPaths

__all__ = ["Scenario", "ScenarioSource", "SteadyDemand"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Demand over T periods on B paths, with F named signals known before each period's demand.

    ``demand`` is in units ``[B, T, P, L]``, best laid out time-major in memory so that one
    period's slice is contiguous. ``signals[:, t]`` uses nothing of demand at or after t.
    """

    demand: DemandPaths
    signals: SignalPaths | None = None
    signal_names: tuple[str, ...] = ()

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
        return None if self.signals is None else self.signals[:, period]

    def window(self, start: int, stop: int) -> "Scenario":
        """Return the periods ``start`` (included) to ``stop`` (excluded); a view."""
        signals = None if self.signals is None else self.signals[:, start:stop]
        return Scenario(self.demand[:, start:stop], signals, self.signal_names)

    def path_slice(self, start: int, stop: int) -> "Scenario":
        """Return the paths ``start`` (included) to ``stop`` (excluded); a view."""
        signals = self.signals
        if signals is not None and signals.shape[0] > 1:
            signals = signals[start:stop]
        return Scenario(self.demand[start:stop], signals, self.signal_names)


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
    """A demand process as a textbook gives it; its one signal ``scale`` is its mean, in units."""

    process: _Process

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return fresh paths."""
        demand = self.process.sample(paths, periods, generator)
        scale = self.process.mean.to(demand).reshape(1, 1, -1, 1).expand(1, periods, -1, 1)
        return Scenario(demand, scale, ("scale",))
