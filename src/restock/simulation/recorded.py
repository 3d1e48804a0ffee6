"""Scenarios made from a recorded history: the record replayed, and futures drawn from it."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.demand import (
    SIGNAL_NAMES,
    WARM_UP_DAYS,
    BlockBootstrap,
    DemandHistory,
    ReplayedHistory,
    trailing_signals,
)
from restock.errors import InputError, require
from restock.simulation.scenario import Scenario

__all__ = ["BootstrappedDemand", "ReplayedDemand", "recorded_scenario"]


def _weekdays(history: DemandHistory) -> Int[Tensor, " T"]:
    return torch.tensor([day.weekday() for day in history.dates])


def recorded_scenario(
    history: DemandHistory, extra: Float[Tensor, "T P F"] | None = None, names: tuple[str, ...] = ()
) -> Scenario:
    """Return the record as one path with the trailing signals of every day.

    ``extra`` signals ``[T, P, F]`` called ``names`` (forecasts) are put behind the trailing ones.
    Signals of the first ``WARM_UP_DAYS`` days are not yet meaningful.
    """
    demand = ReplayedHistory(history).paths(0, history.n_days)
    signals = trailing_signals(demand.squeeze(-1), _weekdays(history).unsqueeze(0))
    if extra is not None:
        signals = torch.cat([signals, extra.unsqueeze(0).to(signals)], dim=-1)
    return Scenario(demand, signals, (*SIGNAL_NAMES, *names))


@dataclass(frozen=True, eq=False)
class BootstrappedDemand:
    """Endless futures for training: blocks of the record with the signals that they would show.

    Each sampled path is ``WARM_UP_DAYS`` longer than asked for; the extra days only feed the
    signals of the others.
    """

    bootstrap: BlockBootstrap

    def __post_init__(self) -> None:
        """Refuse a record that is too short to show signals."""
        days = self.bootstrap.history.n_days
        require(
            days > WARM_UP_DAYS,
            InputError,
            f"training needs more than {WARM_UP_DAYS} trading days of history; got {days}."
            " Give a longer history.",
        )

    @cached_property
    def weekday(self) -> Int[Tensor, " T"]:
        """Weekday of each recorded day, Monday 0."""
        return _weekdays(self.bootstrap.history)

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return ``paths`` fresh futures of ``periods`` trading days."""
        drawn = self.bootstrap.sample(paths, WARM_UP_DAYS + periods, generator)
        source = drawn.source_day if drawn.source_day.dim() == 2 else drawn.source_day[..., 0]
        signals = trailing_signals(drawn.demand.squeeze(-1), self.weekday[source])
        return Scenario(drawn.demand[:, WARM_UP_DAYS:], signals[:, WARM_UP_DAYS:], SIGNAL_NAMES)


@dataclass(frozen=True, eq=False)
class ReplayedDemand:
    """The record itself for training, with the forecasts that were made of it at the time.

    ``record`` is one path with its signals. Each path of a sample starts on another day for every
    product, goes round the record, and has each product's units, in demand and in the signals
    ``in_units``, scaled by e^(g z − g²/2) with g = ``growth_sd`` and z ~ N(0, 1).
    """

    record: Scenario
    in_units: tuple[str, ...]
    growth_sd: float = 0.0

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return ``paths`` replays of ``periods`` trading days."""
        demand = self.record.demand[0, :, :, 0]
        days, products = demand.shape
        start = torch.randint(days, (paths, products), generator=generator)
        source = (torch.arange(periods)[:, None, None] + start) % days
        every = torch.arange(products)
        noise = torch.randn((paths, products), generator=generator)
        factor = torch.exp(self.growth_sd * noise - self.growth_sd**2 / 2)
        replayed = (demand[source, every] * factor).unsqueeze(-1)
        if self.record.signals is None:
            return Scenario(replayed.transpose(0, 1))
        units = torch.tensor([name in self.in_units for name in self.record.signal_names])
        scaling = torch.where(units, factor.unsqueeze(-1), torch.ones(()))
        signals = self.record.signals[0][source, every] * scaling
        return Scenario(replayed.transpose(0, 1), signals.transpose(0, 1), self.record.signal_names)
