"""Units that customers send back, and that are sold again."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from restock.problem import Instance
from restock.shapes import StockValues
from restock.simulation.flows import Extras
from restock.simulation.state import Memory, State, remembered
from restock.simulation.unmet import Served

__all__ = ["Returns", "returns_for"]


@dataclass(frozen=True, eq=False)
class Returns:
    """A share of what is sold comes back to where it was sold from, and is refunded when sold.

    ``share`` is ``[P, 1]``; ``delays`` holds each delay in periods with the products, ``[P, 1]``,
    that it belongs to: units sold in period t are on hand again in step (1) of period t + delay.
    Refunds are at the price of the day of the sale, ``list_price`` ``[P, 1]`` where it is fixed.
    """

    share: Float[Tensor, "P 1"]
    list_price: Float[Tensor, "P 1"]
    delays: tuple[tuple[int, Bool[Tensor, "P 1"]], ...]

    def begin(self, memory: Memory, on_hand: StockValues, demand_points: int) -> Memory:
        """Start with nothing on its way back."""
        del on_hand, demand_points
        return replace(memory, returning=(None,) * max(delay for delay, _ in self.delays))

    def open(self, state: State) -> State:
        """Put what comes back today on hand."""
        memory = remembered(state.memory)
        due, *later = memory.returning
        memory = replace(memory, returning=(*later, None))
        on_hand = state.on_hand if due is None else state.on_hand + due
        return replace(state, on_hand=on_hand, memory=memory)

    def close(
        self, state: State, demand: Tensor, served: Served, extras: Extras
    ) -> tuple[State, Served, Extras]:
        """Send a share of today's sales on its way back."""
        del demand
        memory = remembered(state.memory)
        returned = self.share * served.sold
        slots = list(memory.returning)
        for delay, products in self.delays:
            part = torch.where(products, returned, torch.zeros_like(returned))
            waiting = slots[delay - 1]
            slots[delay - 1] = part if waiting is None else waiting + part
        price = self.list_price if memory.prices is None else memory.prices.price
        extras = extras._replace(returned=returned, refund=price * returned.sum(-1, keepdim=True))
        memory = replace(memory, returning=tuple(slots))
        return replace(state, memory=memory), served, extras


def returns_for(instance: Instance, dtype: torch.dtype) -> Returns | None:
    """Return the returns of an instance, ``None`` where nothing comes back."""
    products = instance.products
    if all(product.return_share == 0 for product in products):
        return None
    share = torch.tensor([[product.return_share] for product in products], dtype=dtype)
    price = torch.tensor([[product.list_price] for product in products], dtype=dtype)
    delay = torch.tensor([[product.return_delay_periods] for product in products])
    distinct = sorted(set(delay[share > 0].tolist()))
    return Returns(share, price, tuple((periods, delay == periods) for periods in distinct))
