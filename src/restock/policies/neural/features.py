"""What the networks of one location read, in numbers that products of every size share.

With x the demand scale (units a period) of a product, its features are, in this order,

    log(1 + units / x)        on hand; due in 1, 2, … periods; owed
    log(1 + lead time)
    signals                   as they are
    log((units + 0.1 x) / x)  signals in units
    traits                    what tells products apart and never changes
    log((units + 0.1 x) / x)  demand of the latest periods

as far as a configuration asks for them. The history comes last and oldest first, as bodies read it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.policies.neural.bodies import HistoryConfig
from restock.shapes import StockValues
from restock.simulation import Observation
from restock.simulation.history_signals import observed_history

__all__ = ["NeuralConfig", "feature_count", "features_of", "one_location", "owed"]

# units a period: stock of a product without demand is many, not infinitely many, periods of it
LEAST_SCALE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralConfig:
    """What a network reads and how large it is.

    ``pipeline_slots`` is how many coming arrivals it sees (the longest lead time less one),
    ``signals`` the names of the world's signals it reads beside the stock and ``relative_signals``
    those in units, read as logarithms relative to the scale. Where it ``owes``, it reads what
    customers wait for. ``history`` says how it reads the demand of the latest periods, if at all.

    ``hidden`` are the widths of its hidden layers; an empty tuple makes the departure linear in
    the features. With ``normalises`` features pass a :class:`~.normalising.Normaliser`, to be
    fitted before training. ``limit`` is the most that it departs from the classical decision, as a
    logarithm: 0.7 is from half to double; by default any.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    pipeline_slots: int
    signals: tuple[str, ...] = ()
    relative_signals: tuple[str, ...] = ()
    owes: bool = False
    history: HistoryConfig | None = None
    hidden: tuple[int, ...] = (32, 32)
    normalises: bool = False
    limit: float = float("inf")

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        require(
            self.pipeline_slots >= 0,
            ConfigurationError,
            f"`pipeline_slots` must be ≥ 0; got {self.pipeline_slots}."
            " Use the longest lead time less one.",
        )
        require(
            all(width >= 1 for width in self.hidden),
            ConfigurationError,
            f"`hidden` widths must be ≥ 1; got {self.hidden}. Leave a layer out instead.",
        )
        require(
            self.limit > 0,
            ConfigurationError,
            f"`limit` must be > 0; got {self.limit}. Use 0.7 for half to double, or leave it out.",
        )


def feature_count(config: NeuralConfig, traits: Float[Tensor, "#B #P K"]) -> int:
    """Return how many features a network reads.

    >>> feature_count(NeuralConfig(pipeline_slots=3, owes=True), torch.zeros(1, 1, 2))
    8
    """
    periods = 0 if config.history is None else config.history.periods
    units = 1 + config.pipeline_slots + config.owes
    named = len(config.signals) + len(config.relative_signals)
    return units + 1 + named + traits.shape[-1] + periods


def features_of(
    observation: Observation,
    config: NeuralConfig,
    traits: Float[Tensor, "#B #P K"],
    *more: StockValues,
) -> Float[Tensor, "B P F"]:
    """Return the features, with ``more`` of a policy's own behind the traits.

    Raises :class:`ConfigurationError` for more than one location or lane, and for a signal that
    this world does not give.
    """
    one_location(observation)
    scale = observation.signal("scale").clamp_min(LEAST_SCALE)
    shape = (*observation.on_hand.shape[:-1], 1)
    parts = [torch.log1p(torch.cat(_units(observation, config), dim=-1) / scale)]
    parts.append(torch.log1p(observation.lead_time.to(scale)).expand(shape))
    parts += [observation.signal(name).expand(shape) for name in config.signals]
    for name in config.relative_signals:
        parts.append(_relative(observation.signal(name), scale).expand(shape))
    if traits.shape[-1]:
        parts.append(traits.expand(*shape[:-1], -1))
    parts += [column.expand(shape) for column in more]
    if config.history is not None:
        past = observed_history(observation, config.history.periods)
        parts.append(_relative(past, scale).expand(*shape[:-1], -1))
    return torch.cat(parts, dim=-1)


def one_location(observation: Observation) -> None:
    """Raise :class:`ConfigurationError` unless there is one location with one lane."""
    locations, lanes = observation.on_hand.shape[-1], observation.on_order.shape[-1]
    if locations != 1 or lanes != 1:
        raise ConfigurationError(
            f"this policy decides for one location with one lane; got {locations} locations and"
            f" {lanes} lanes. Take `GraphLevels` for a network of locations, `NeuralDeparture` for"
            " several lanes into one."
        )


def owed(observation: Observation) -> StockValues:
    """Return the units that all customers wait for, ``[B, P, 1]``.

    Raises :class:`ConfigurationError` in a world where unmet demand is lost.
    """
    if observation.backlog is None:
        raise ConfigurationError(
            "`owes` reads what customers wait for, and nobody waits in this world: unmet demand is"
            " lost. Leave it out of the network's config."
        )
    return observation.backlog.sum(-1, keepdim=True)


def _units(observation: Observation, config: NeuralConfig) -> list[Tensor]:
    """Return the columns in units: on hand, due in each slot, owed."""
    slots, stock = config.pipeline_slots, [observation.on_hand]
    due = [slot for slot in observation.pipeline[:slots] if slot is not None]
    # one copy less where something can be due in each slot, and no broadcasting between paths
    if len(due) == slots and all(slot.shape == observation.on_hand.shape for slot in due):
        stock += due
    elif slots:
        stock.append(observation.pipeline_stack(slots))
    if config.owes:
        stock.append(owed(observation))
    return stock


def _relative(units: Tensor, scale: Tensor) -> Tensor:
    return torch.log((units.clamp_min(0) + 0.1 * scale) / scale)
