"""Step 5: what becomes of demand that finds no stock. One mechanism per answer."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from restock.shapes import StockValues

__all__ = ["Backorders", "LostSales", "PartialBackorders", "Served", "Unmet", "unmet_for"]


class Served(NamedTuple):
    """The outcome of serving a period's demand, in units ``[B, P, L]``.

    ``short`` is what the shortage cost is charged on: units lost in this period plus units that
    wait at its end.
    """

    sold: Tensor
    left: Tensor
    lost: Tensor
    short: Tensor
    backlog: Tensor | None


@runtime_checkable
class Unmet(Protocol):
    """Serves demand from stock."""

    @property
    def keeps_backlog(self) -> bool:
        """Whether the state carries waiting demand."""
        ...

    def serve(self, on_hand: StockValues, demand: Tensor, backlog: StockValues | None) -> Served:
        """Serve what stock allows; lose or keep the rest."""
        ...


@dataclass(frozen=True, slots=True)
class LostSales:
    """Unmet demand leaves for good."""

    keeps_backlog: bool = False

    def serve(self, on_hand: StockValues, demand: Tensor, backlog: StockValues | None) -> Served:
        """Sell min(on hand, demand)."""
        del backlog
        sold = torch.minimum(on_hand, demand)
        lost = demand - sold
        return Served(sold, on_hand - sold, lost, lost, None)


@dataclass(frozen=True, slots=True)
class Backorders:
    """Unmet demand waits and is served first."""

    keeps_backlog: bool = True

    def serve(self, on_hand: StockValues, demand: Tensor, backlog: StockValues | None) -> Served:
        """Sell min(on hand, backlog + demand); the rest waits."""
        wanted = demand if backlog is None else demand + backlog
        sold = torch.minimum(on_hand, wanted)
        waiting = wanted - sold
        return Served(sold, on_hand - sold, torch.zeros_like(sold), waiting, waiting)


@dataclass(frozen=True, slots=True)
class PartialBackorders:
    """A share of unmet new demand is lost, the rest waits; who waits is served first."""

    lost_share: Tensor
    keeps_backlog: bool = True

    def serve(self, on_hand: StockValues, demand: Tensor, backlog: StockValues | None) -> Served:
        """Serve the backlog, then new demand; split what is left over."""
        owed = torch.zeros_like(on_hand) if backlog is None else backlog
        settled = torch.minimum(on_hand, owed)
        fresh = torch.minimum(on_hand - settled, demand)
        unmet = demand - fresh
        lost = self.lost_share * unmet
        waiting = owed - settled + unmet - lost
        sold = settled + fresh
        return Served(sold, on_hand - sold, lost, lost + waiting, waiting)


def unmet_for(lost_share: Tensor) -> Unmet:
    """Pick the smallest mechanism for these shares ``[P, L]``."""
    if bool((lost_share == 1).all()):
        return LostSales()
    if bool((lost_share == 0).all()):
        return Backorders()
    return PartialBackorders(lost_share)
