"""Demand of the latest periods as signals, for networks that read a product's history.

A policy has no memory of its own: what it knows of the past is in the observation. So the demand
of the last H periods comes as H signals, ``demand-H`` (the oldest) to ``demand-1`` (yesterday's).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation.observation import Observation
from restock.simulation.scenario import Scenario, ScenarioSource, SellingSeason

__all__ = ["HistorySignals", "history_names", "observed_history", "with_history"]


def history_names(periods: int) -> tuple[str, ...]:
    """Return the names of the signals of so many periods, oldest first.

    >>> history_names(3)
    ('demand-3', 'demand-2', 'demand-1')
    """
    return tuple(f"demand-{ago}" for ago in range(periods, 0, -1))


def observed_history(observation: Observation, periods: int) -> Float[Tensor, "#B P H"]:
    """Return the demand of the last ``periods`` (H) that is among the signals, oldest first.

    Raises :class:`ConfigurationError` where the world does not show as many.
    """
    first = f"demand-{periods}"
    if observation.signals is None or first not in observation.signal_names:
        raise ConfigurationError(
            f"signal '{first}' is not observed in this world, and the policy reads {periods}"
            " periods of demand. Draw paths from `HistorySignals(source, periods)`."
        )
    start = observation.signal_names.index(first)
    return observation.signals[..., start : start + periods]


def with_history(scenario: Scenario, periods: int) -> Scenario:
    """Return the scenario without its first ``periods`` (H), with the demand of the last H shown.

    Demand is in units, of all demand points together, and before price or satisfaction answer.

    Raises :class:`ConfigurationError` for a history that is not shorter than the scenario.

    >>> record = Scenario(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1))
    >>> with_history(record, 2).signals.tolist()
    [[[[1.0, 2.0]], [[2.0, 3.0]]]]
    """
    require(
        1 <= periods < scenario.periods,
        ConfigurationError,
        f"`periods` must be ≥ 1 and below the scenario's {scenario.periods}; got {periods}."
        " Shorten the history or lengthen the paths.",
    )
    # [B, T + 1, P, H]: window t holds the H periods before period H + t
    past = scenario.demand.sum(-1).unfold(1, periods, 1)[:, :-1]
    later = scenario.window(periods, scenario.periods)
    signals: Tensor = past
    if later.signals is not None:
        told = later.signals.expand(len(past), -1, past.shape[2], -1)
        signals = torch.cat([told, past], dim=-1)
    return replace(
        later, signals=signals, signal_names=(*scenario.signal_names, *history_names(periods))
    )


@dataclass(frozen=True, slots=True)
class HistorySignals:
    """Paths of a ``source`` that show the demand of the last ``periods``, from the first day on.

    Each path is drawn ``periods`` longer than asked for; the extra ones only feed the signals. A
    path's past is its own: chains that go on with the next path's demand see that path's past.
    A season is put around this source, not into it, so that its clock starts on the first day.

    Raises :class:`ConfigurationError` for fewer than one period, or a season inside.

    >>> from restock.demand.processes import Poisson
    >>> from restock.simulation.scenario import SteadyDemand
    >>> source = HistorySignals(SteadyDemand(Poisson(torch.tensor([3.0]))), periods=2)
    >>> scenario = source.sample(1, 4, torch.Generator())
    >>> scenario.signal_names
    ('scale', 'demand-2', 'demand-1')
    >>> bool((scenario.signals[0, 1:, 0, 2] == scenario.demand[0, :-1, 0, 0]).all())
    True
    """

    source: ScenarioSource
    periods: int

    def __post_init__(self) -> None:
        """Check the history and what it is taken from."""
        require(
            self.periods >= 1 and self.periods % 1 == 0,
            ConfigurationError,
            f"`periods` must be an integer ≥ 1; got {self.periods}. Give a whole number.",
        )
        require(
            not isinstance(self.source, SellingSeason),
            ConfigurationError,
            "`source` must not be a season: its first days would be spent on the history."
            " Take SellingSeason(HistorySignals(source, …), …).",
        )

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return fresh paths of the source, with what was asked before among their signals."""
        drawn = self.source.sample(paths, self.periods + periods, generator)
        return replace(with_history(drawn, self.periods), first_period=drawn.first_period)
