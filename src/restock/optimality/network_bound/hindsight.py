"""All that somebody with hindsight knows: demand, and where stock was at the start."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.problem import Instance

__all__ = ["Hindsight"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hindsight:
    """Demand paths and the state before their first period.

    ``demand`` is units asked per period at each demand point: the instance's regions in their
    order, or the locations that hold stock where there are none. ``initial_stock`` is units on
    hand before period 0, ``backlog`` units waiting then, ``pipeline[:, k]`` units that arrive at
    the start of period k. The axis E is ``lanes``, (origin, destination) names, needed where an
    array has it. ``lead_time`` is what an order placed in each period takes, ``lane_open`` is 0
    where a lane takes no order. ``first_period`` is the number of the paths' first period in the
    cycles of order days.

    Raises :class:`InstanceError` for a number that is negative or not finite, or an axis E without
    ``lanes``.
    """

    demand: Float[np.ndarray, "B T P D"]
    initial_stock: Float[np.ndarray, "#B #P #L"] | float = 0.0
    backlog: Float[np.ndarray, "#B #P #D"] | float = 0.0
    pipeline: Float[np.ndarray, "#B K #P E"] | None = None
    lead_time: Int[np.ndarray, "#B T #P E"] | None = None
    lane_open: Float[np.ndarray, "#B T #P E"] | None = None
    lanes: tuple[tuple[str, str], ...] = ()
    first_period: int = 0

    def __post_init__(self) -> None:
        """Check every number, written so that NaN fails."""
        for name in ("demand", "initial_stock", "backlog", "pipeline", "lead_time", "lane_open"):
            values = getattr(self, name)
            if values is None:
                continue
            numbers = np.asarray(values)
            good = np.isfinite(numbers) & (numbers >= 0)
            require(
                bool(good.all()),
                InstanceError,
                f"`{name}` must be finite and ≥ 0; got {numbers[~good].ravel()[:1].tolist()}."
                " Correct it before asking for the bound.",
            )
            if name in ("pipeline", "lead_time", "lane_open"):
                require(
                    len(self.lanes) == numbers.shape[-1],
                    InstanceError,
                    f"`lanes` must name the {numbers.shape[-1]} lanes of `{name}`; got"
                    f" {len(self.lanes)}. Give the (origin, destination) pairs in their order.",
                )

    def check(self, instance: Instance) -> None:
        """Raise :class:`InstanceError` unless the axes are those of ``instance``."""
        stocking = [place.id for place in instance.locations if place.holds_stock]
        points = len(instance.regions) or len(stocking)
        expected = (len(instance.products), points)
        require(
            self.demand.shape[2:] == expected and min(self.demand.shape) > 0,
            InstanceError,
            f"`demand` must have axes (B, T, P, D) with (P, D) = {expected}; got shape"
            f" {self.demand.shape}. Order points as the instance does.",
        )
        pairs = {(lane.origin, lane.destination) for lane in instance.lanes}
        missing = sorted(pairs - set(self.lanes)) if self.lanes else []
        require(
            not missing,
            InstanceError,
            f"`lanes` must name every lane of the instance; {missing[:1]} is missing. Add it.",
        )

    @property
    def paths(self) -> int:
        """B, the number of paths."""
        return len(self.demand)

    @property
    def periods(self) -> int:
        """T, the number of periods."""
        return int(self.demand.shape[1])
