"""What the world remembers from one period to the next."""

from dataclasses import dataclass
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError
from restock.shapes import LaneValues, StockValues

__all__ = ["Ages", "Customers", "Memory", "Prices", "State", "remembered"]

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Ages:
    """Stock by the periods of life that it has left, class 0 expiring at the end of this period.

    ``on_hand`` is units ``[B, P, L, A]``; ``pipeline[k]`` ``[B, P, E, A]`` are the units that
    other locations sent, due k + 1 periods from the last one. What comes from outside is fresh.
    """

    on_hand: Float[Tensor, "B P L A"]
    pipeline: tuple[Tensor | None, ...]

    def detach(self) -> "Ages":
        """Return the same ages cut off from the gradient's past."""
        slots = tuple(None if slot is None else slot.detach() for slot in self.pipeline)
        return Ages(self.on_hand.detach(), slots)


@dataclass(frozen=True, slots=True)
class Prices:
    """Yesterday's ``price`` and what customers expect, ``reference``, money ``[B, P, 1]``.

    ``periods_since_change`` counts the periods for which the price has been asked.
    """

    price: Float[Tensor, "B P 1"]
    periods_since_change: Float[Tensor, "B P 1"]
    reference: Float[Tensor, "B P 1"]

    def detach(self) -> "Prices":
        """Return the same prices cut off from the gradient's past."""
        return Prices(
            self.price.detach(), self.periods_since_change.detach(), self.reference.detach()
        )


@dataclass(frozen=True, slots=True)
class Customers:
    """How satisfied the customers of each demand point are, in [0, 1], and how many they are.

    ``number`` is relative to the start; both are ``[B, 1, D]``.
    """

    satisfaction: Float[Tensor, "B 1 D"]
    number: Float[Tensor, "B 1 D"]

    def detach(self) -> "Customers":
        """Return the same customers cut off from the gradient's past."""
        return Customers(self.satisfaction.detach(), self.number.detach())


@dataclass(frozen=True, slots=True)
class Memory:
    """What optional mechanisms remember; a field is ``None`` in a world that lacks its mechanism.

    ``ages`` splits stock and pipeline by remaining life; ``returning[k]`` are the units ``[B, P,
    L]`` that customers send back to arrive k + 1 periods from the last one.
    """

    ages: Ages | None = None
    returning: tuple[Tensor | None, ...] = ()
    prices: Prices | None = None
    customers: Customers | None = None

    def detach(self) -> "Memory":
        """Return the same memory cut off from the gradient's past."""
        return Memory(
            None if self.ages is None else self.ages.detach(),
            tuple(None if slot is None else slot.detach() for slot in self.returning),
            None if self.prices is None else self.prices.detach(),
            None if self.customers is None else self.customers.detach(),
        )


@dataclass(frozen=True, slots=True)
class State:
    """Stock on hand, on the way and owed.

    ``on_hand`` is units ``[B, P, L]``, ``on_order`` units ``[B, P, E]`` on each lane.
    ``pipeline[k]`` ``[B, P, E]`` are the units that arrive k + 1 periods from the last one
    (``None`` where nothing can be on the way); they sum to ``on_order``. ``backlog`` ``[B, P, D]``
    is ``None`` in a world where unmet demand is lost, ``memory`` in a world without optional
    mechanisms.
    """

    on_hand: StockValues
    on_order: LaneValues
    pipeline: tuple[Tensor | None, ...]
    backlog: Tensor | None = None
    memory: Memory | None = None

    def detach(self) -> "State":
        """Return the same state cut off from the gradient's past."""
        return State(
            self.on_hand.detach(),
            self.on_order.detach(),
            tuple(None if slot is None else slot.detach() for slot in self.pipeline),
            None if self.backlog is None else self.backlog.detach(),
            None if self.memory is None else self.memory.detach(),
        )


def remembered(value: Value | None) -> Value:
    """Return what a mechanism has remembered since the run began.

    Raises :class:`ConfigurationError` for a state that another world began.
    """
    if value is None:
        raise ConfigurationError(
            "this state lacks what the world's mechanisms remember (ages, prices, customers): it"
            " was begun by another world. Start from `world.empty_state` or `world.state_with`."
        )
    return value
