"""Step 1 and step 3: how orders travel. One mechanism per kind of lead time."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from restock.errors import ConfigurationError, InstanceError, require
from restock.shapes import LaneIntegers

__all__ = [
    "Arrivals",
    "MixedLeadTimes",
    "RandomLeadTimes",
    "Slots",
    "UniformLeadTime",
    "arrivals_for",
]

Slots = tuple[Tensor | None, ...]


@runtime_checkable
class Arrivals(Protocol):
    """Places orders into the pipeline."""

    @property
    def lead_time(self) -> LaneIntegers:
        """L in periods, ``[#B, P, E]``."""
        ...

    @property
    def slots(self) -> int:
        """How many periods ahead the pipeline reaches: the longest lead time, at least 1."""
        ...

    def place(self, pipeline: Slots, order: Tensor) -> tuple[Slots, Tensor | None]:
        """Return the pipeline with the order in it, and what arrives at once (L = 0)."""
        ...


@dataclass(frozen=True, slots=True)
class UniformLeadTime:
    """Every order takes the same L periods: the pipeline is a queue and costs no arithmetic."""

    lead_time: LaneIntegers
    periods: int

    @property
    def slots(self) -> int:
        """The pipeline's length."""
        return max(self.periods, 1)

    def place(self, pipeline: Slots, order: Tensor) -> tuple[Slots, Tensor | None]:
        """Append the order at the end of the queue, or hand it over at once."""
        return (pipeline, order) if self.periods == 0 else ((*pipeline[:-1], order), None)


@dataclass(frozen=True, slots=True)
class MixedLeadTimes:
    """Lead times differ by product (or path): one masked addition per distinct lead time."""

    lead_time: LaneIntegers
    masks: tuple[tuple[int, Tensor], ...] = field(repr=False)

    @property
    def slots(self) -> int:
        """The pipeline's length."""
        return max(1, *(periods for periods, _ in self.masks))

    def place(self, pipeline: Slots, order: Tensor) -> tuple[Slots, Tensor | None]:
        """Add each product's order to the slot of its lead time."""
        slots = list(pipeline)
        at_once = None
        for periods, mask in self.masks:
            part = order * mask
            if periods == 0:
                at_once = part
            else:
                waiting = slots[periods - 1]
                slots[periods - 1] = part if waiting is None else waiting + part
        return tuple(slots), at_once


@dataclass(frozen=True, slots=True)
class RandomLeadTimes:
    """Each order's lead time is drawn; ``lead_time`` is what planners count with.

    ``support`` are the lead times that can happen, in periods. Where orders keep their order, an
    order that waits for an earlier one may also take any time between two of them.
    """

    lead_time: LaneIntegers
    support: tuple[int, ...]

    @property
    def slots(self) -> int:
        """The pipeline's length."""
        return max(1, *self.support)

    def place(self, pipeline: Slots, order: Tensor) -> tuple[Slots, Tensor | None]:
        """Refuse: without a draw nobody knows when the order arrives."""
        del pipeline, order
        raise ConfigurationError(
            "this world's lead times are uncertain, and the scenario has none drawn. Take"
            " scenarios from `UncertainSupply`."
        )

    def place_drawn(
        self, pipeline: Slots, order: Tensor, lead_time: LaneIntegers
    ) -> tuple[Slots, Tensor | None]:
        """Add each order to the slot of the lead time that was drawn for it today.

        Raises :class:`ConfigurationError` for a draw that the pipeline has no place for.
        """
        shortest, longest = (int(periods) for periods in torch.aminmax(lead_time))
        require(
            shortest >= 0 and longest <= self.slots,
            ConfigurationError,
            f"drawn lead times must lie within 0 … {self.slots} periods in this world; got"
            f" {shortest} … {longest}. Take scenarios from `UncertainSupply.of` its instance.",
        )
        drawn = torch.bincount(lead_time.flatten()).nonzero().flatten().tolist()
        masks = tuple((periods, (lead_time == periods).to(order.dtype)) for periods in drawn)
        return MixedLeadTimes(self.lead_time, masks).place(pipeline, order)


def arrivals_for(lead_time: LaneIntegers, like: Tensor) -> Arrivals:
    """Pick the smallest mechanism for these lead times; masks take ``like``'s dtype.

    Raises :class:`InstanceError` for a negative lead time.
    """
    distinct = sorted(set(lead_time.flatten().tolist()))
    require(
        distinct[0] >= 0,
        InstanceError,
        f"`lead_time` must be ≥ 0 periods; got {distinct[0]}. Enter the days from order to"
        " receipt.",
    )
    if len(distinct) == 1:
        return UniformLeadTime(lead_time, distinct[0])
    masks = tuple((periods, (lead_time == periods).to(like.dtype)) for periods in distinct)
    return MixedLeadTimes(lead_time, masks)
