"""What a policy sees, what it may wish, and what a policy is."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean
from restock.shapes import LaneIntegers, LaneValues, StockValues

__all__ = ["Decision", "Observation", "Policy"]


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that is known when a period's orders are decided, and nothing else.

    Stock is seen after the period's arrivals and before its demand. ``pipeline[k]`` are the units
    due k + 1 periods from now. ``signals`` are named numbers known before the period's demand
    (forecasts, recent demand, weekday); a textbook world has none.
    """

    on_hand: StockValues
    on_order: StockValues
    pipeline: tuple[Tensor | None, ...]
    lead_time: LaneIntegers
    backlog: StockValues | None = None
    signals: Float[Tensor, "#B P F"] | None = None
    signal_names: tuple[str, ...] = ()

    @property
    def inventory_position(self) -> StockValues:
        """On hand + on order − backlog, in units."""
        position = self.on_hand + self.on_order
        return position if self.backlog is None else position - self.backlog

    def signal(self, name: str) -> StockValues:
        """Return one named signal as ``[B, P, 1]``.

        Raises :class:`ConfigurationError` for a signal that this world does not give.
        """
        if self.signals is None or name not in self.signal_names:
            raise ConfigurationError(
                f"signal '{name}' is not observed in this world."
                f"{did_you_mean(name, self.signal_names)}"
            )
        return self.signals[..., self.signal_names.index(name), None]

    def pipeline_stack(self, slots: int) -> Float[Tensor, "B P K"]:
        """Return the units due 1 … ``slots`` periods from now, zero where nothing can be due."""
        zero = torch.zeros_like(self.on_hand)
        due = list(self.pipeline[:slots])
        due += [None] * (slots - len(due))
        return torch.cat([zero if slot is None else slot for slot in due], dim=-1)


@dataclass(frozen=True, slots=True)
class Decision:
    """Wishes: order up to ``target`` units of inventory position, at most ``cap`` at once.

    While less than ``batch`` units are wanted nothing is ordered, which saves fixed costs: with
    S the target and q the batch this is (s, S) with s = S − q. The world turns the wish
    min(cap, target − inventory position) into a feasible order.
    """

    target: LaneValues
    cap: LaneValues | None = None
    batch: LaneValues | None = None


@runtime_checkable
class Policy(Protocol):
    """A pure, batched function from what is seen to what is wished."""

    def decide(self, observation: Observation) -> Decision:
        """Return the wish for every path, product and lane."""
        ...
