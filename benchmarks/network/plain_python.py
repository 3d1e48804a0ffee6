"""The same network as a plain Python loop over locations, one product on one path.

It imports no library, so that the rival's own interpreter can compare itself with it.
"""

from collections import deque
from collections.abc import Sequence

from benchmarks.network.shop import (
    DISTRIBUTION_CENTRES,
    FULFILMENT_CENTRES,
    HOLDING_COST,
    PARENT,
    PLACES,
    REGION_CHOICES,
    SHORTAGE_COST,
    SUPPLIER_LEAD_TIME,
    TRANSFER_LEAD_TIME,
    region_choices,
)

__all__ = ["PythonShop"]


class PythonShop:
    """One product's stock and lanes in lists of floats; ``cost`` is money so far."""

    def __init__(
        self, levels: Sequence[float], stock: Sequence[float], *, regions: bool = False
    ) -> None:
        self.levels = list(levels)
        self.stock = list(stock)
        self.coming = [0.0] * PLACES
        lead_times = [SUPPLIER_LEAD_TIME] * DISTRIBUTION_CENTRES
        lead_times += [TRANSFER_LEAD_TIME] * FULFILMENT_CENTRES
        self.lanes = [deque([0.0] * periods) for periods in lead_times]
        self.choices = [region_choices(r) for r in range(FULFILMENT_CENTRES)] if regions else None
        self.cost = 0.0

    def day(self, demand: Sequence[float]) -> None:
        """Let one day happen; ``demand`` is units at each fulfilment centre or region."""
        for place, lane in enumerate(self.lanes):
            due = lane.popleft()
            self.stock[place] += due
            self.coming[place] -= due
        self._order()
        if self.choices is None:
            lost = 0.0
            for centre, units in enumerate(demand):
                place = DISTRIBUTION_CENTRES + centre
                sold = min(self.stock[place], units)
                self.stock[place] -= sold
                lost += units - sold
        else:
            lost = self._ship_to_regions(demand, self.choices)
        self.cost += HOLDING_COST * sum(self.stock) + SHORTAGE_COST * lost

    def _order(self) -> None:
        asked = [0.0] * DISTRIBUTION_CENTRES
        echelon = [self.stock[n] + self.coming[n] for n in range(DISTRIBUTION_CENTRES)]
        wishes = []
        for centre, parent in enumerate(PARENT):
            place = DISTRIBUTION_CENTRES + centre
            position = self.stock[place] + self.coming[place]
            wish = max(self.levels[place] - position, 0.0)
            wishes.append(wish)
            asked[parent] += wish
            echelon[parent] += position
        shares = []
        for n in range(DISTRIBUTION_CENTRES):
            shares.append(min(self.stock[n] / asked[n], 1.0) if asked[n] > 0 else 1.0)
            self._send(n, max(self.levels[n] - echelon[n], 0.0))
            self.stock[n] = max(self.stock[n] - asked[n], 0.0)
        for centre, parent in enumerate(PARENT):
            self._send(DISTRIBUTION_CENTRES + centre, wishes[centre] * shares[parent])

    def _send(self, place: int, units: float) -> None:
        self.lanes[place].append(units)
        self.coming[place] += units

    def _ship_to_regions(
        self, demand: Sequence[float], choices: list[list[tuple[int, float]]]
    ) -> float:
        wanted = list(demand)
        for choice in range(REGION_CHOICES):
            asked = [0.0] * FULFILMENT_CENTRES
            for region, ways in enumerate(choices):
                asked[ways[choice][0]] += wanted[region]
            has = self.stock[DISTRIBUTION_CENTRES:]
            for region, ways in enumerate(choices):
                centre, cost = ways[choice]
                if asked[centre] > 0:
                    units = wanted[region] * min(has[centre] / asked[centre], 1.0)
                    wanted[region] -= units
                    self.cost += cost * units
            for centre in range(FULFILMENT_CENTRES):
                left = max(has[centre] - asked[centre], 0.0)
                self.stock[DISTRIBUTION_CENTRES + centre] = left
        return sum(wanted)
