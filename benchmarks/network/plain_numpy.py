"""The same network as a plain numpy loop over days, vectorised over paths and products.

Places come first, so that each distribution centre's sums run over whole rows; with paths and
products first, as restock has them, numpy is slower on sums over a few places.
"""

import numpy as np
from benchmarks.network.shop import (
    DISTRIBUTION_CENTRES,
    FULFILMENT_CENTRES,
    HOLDING_COST,
    PARENT,
    REGION_CHOICES,
    SHORTAGE_COST,
    SUPPLIER_LEAD_TIME,
    TRANSFER_LEAD_TIME,
    echelon_levels,
    opening_stock,
    region_choices,
)
from numpy.typing import NDArray

__all__ = ["NumpyShop"]

Values = NDArray[np.floating]


class NumpyShop:
    """Stock, lanes and one day of the network; arrays are ``[places, paths, products]``.

    ``cost`` is money per path and product so far.
    """

    def __init__(self, paths: int, products: int, dtype: type, *, regions: bool) -> None:
        def of_products(values: list[list[float]]) -> Values:
            return np.array(values, dtype=dtype).T[:, None]

        shape = (paths, products)
        levels = of_products([echelon_levels(product) for product in range(products)])
        stock = of_products([opening_stock(product) for product in range(products)])
        stock = np.repeat(stock, paths, axis=1)
        above, below = slice(DISTRIBUTION_CENTRES), slice(DISTRIBUTION_CENTRES, None)
        self.level_above, self.level_below = levels[above], levels[below]
        self.stock_above, self.stock_below = stock[above], stock[below]
        self.coming_above: Values = np.zeros((DISTRIBUTION_CENTRES, *shape), dtype)
        self.coming_below: Values = np.zeros((FULFILMENT_CENTRES, *shape), dtype)
        self.lanes_above = [np.zeros_like(self.coming_above) for _ in range(SUPPLIER_LEAD_TIME)]
        self.lanes_below = [np.zeros_like(self.coming_below) for _ in range(TRANSFER_LEAD_TIME)]
        parent = np.array(PARENT)
        self.children = [np.flatnonzero(parent == n) for n in range(DISTRIBUTION_CENTRES)]
        self.choices = [region_choices(r) for r in range(FULFILMENT_CENTRES)] if regions else None
        self.cost: Values = np.zeros(shape, dtype)
        self.today = 0

    def day(self, demand: Values) -> None:
        """Let one day happen; ``demand`` is ``[places or regions, paths, products]``."""
        self._receive()
        self._order()
        if self.choices is None:
            sold = np.minimum(self.stock_below, demand)
            self.stock_below = self.stock_below - sold
            lost = (demand - sold).sum(0)
        else:
            lost = self._ship_to_regions(demand, self.choices)
        stock = self.stock_above.sum(0) + self.stock_below.sum(0)
        self.cost += HOLDING_COST * stock + SHORTAGE_COST * lost
        self.today += 1

    def _receive(self) -> None:
        due_above = self.lanes_above[self.today % SUPPLIER_LEAD_TIME]
        due_below = self.lanes_below[self.today % TRANSFER_LEAD_TIME]
        self.stock_above = self.stock_above + due_above
        self.coming_above = self.coming_above - due_above
        self.stock_below = self.stock_below + due_below
        self.coming_below = self.coming_below - due_below

    def _order(self) -> None:
        position = self.stock_below + self.coming_below
        wish = np.maximum(self.level_below - position, 0)
        order = self.level_above - self.stock_above - self.coming_above
        for n, children in enumerate(self.children):
            order[n] -= position[children].sum(0)
            asked = wish[children].sum(0)
            has = self.stock_above[n]
            wish[children] *= np.minimum(has / np.maximum(asked, 1e-12), 1)
            self.stock_above[n] = np.maximum(has - asked, 0)
        order = np.maximum(order, 0)
        self.lanes_above[self.today % SUPPLIER_LEAD_TIME] = order
        self.lanes_below[self.today % TRANSFER_LEAD_TIME] = wish
        self.coming_above = self.coming_above + order
        self.coming_below = self.coming_below + wish

    def _ship_to_regions(self, demand: Values, choices: list[list[tuple[int, float]]]) -> Values:
        wanted = demand.copy()
        for choice in range(REGION_CHOICES):
            for centre in range(FULFILMENT_CENTRES):
                asking = [r for r, ways in enumerate(choices) if ways[choice][0] == centre]
                if not asking:
                    continue
                asked = wanted[asking].sum(0)
                has = self.stock_below[centre]
                share = np.minimum(has / np.maximum(asked, 1e-12), 1)
                for region in asking:
                    units = wanted[region] * share
                    wanted[region] -= units
                    self.cost += choices[region][choice][1] * units
                self.stock_below[centre] = np.maximum(has - asked, 0)
        lost: Values = wanted.sum(0)
        return lost
