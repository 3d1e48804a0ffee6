"""What an optional mechanism of the world is: the places in a period where it may act."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation.flows import Extras
from restock.simulation.observation import Decision, Observation
from restock.simulation.ordering import Ordering
from restock.simulation.state import Memory, State
from restock.simulation.unmet import Served

__all__ = ["Closing", "Coupling", "Opening", "Substituting"]


@runtime_checkable
class Opening(Protocol):
    """Acts at the end of step (1), when what was due has arrived."""

    def open(self, state: State) -> State:
        """Return the state with its own arrivals."""
        ...


@runtime_checkable
class Coupling(Protocol):
    """Ties products together at the end of step (2): a budget, a capacity."""

    def limit(self, order: LaneValues, observation: Observation, ordering: Ordering) -> LaneValues:
        """Return orders that keep the limit; gradients pass through."""
        ...


@runtime_checkable
class Substituting(Protocol):
    """Acts at the end of step (5), on what found no stock."""

    def replace(
        self, served: Served, extras: Extras | None, decision: Decision
    ) -> tuple[Served, Extras]:
        """Return what was served in the end."""
        ...


@runtime_checkable
class Closing(Protocol):
    """Acts in step (6), before costs are charged, and remembers."""

    def begin(self, memory: Memory, like: Tensor, demand_points: int) -> Memory:
        """Return the memory that a run begins with; ``like`` is stock on hand ``[B, P, L]``."""
        ...

    def close(
        self, state: State, demand: Tensor, served: Served, extras: Extras
    ) -> tuple[State, Served, Extras]:
        """Return the state at the end of the period."""
        ...
