"""What the world remembers from one period to the next."""

from dataclasses import dataclass

from torch import Tensor

from restock.shapes import StockValues

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """Stock on hand, on the way and owed.

    ``on_hand`` and ``on_order`` are units ``[B, P, L]``. ``pipeline[k]`` are the units that
    arrive k + 1 periods from the last one (``None`` where nothing can be on the way); they sum to
    ``on_order``. ``backlog`` is ``None`` in a world where unmet demand is lost.
    """

    on_hand: StockValues
    on_order: StockValues
    pipeline: tuple[Tensor | None, ...]
    backlog: StockValues | None = None

    def detach(self) -> "State":
        """Return the same state cut off from the gradient's past."""
        return State(
            self.on_hand.detach(),
            self.on_order.detach(),
            tuple(None if slot is None else slot.detach() for slot in self.pipeline),
            None if self.backlog is None else self.backlog.detach(),
        )
