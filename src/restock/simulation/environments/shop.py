"""The full shop: several products, a network, regions, prices, customers who remember."""

from dataclasses import dataclass

import torch

from restock.demand.goodwill import PowerGoodwill
from restock.demand.price_response import LinearResponse
from restock.demand.satisfaction import Satisfaction, ServiceWeights
from restock.problem import (
    Instance,
    Lane,
    Location,
    PriceRules,
    Product,
    Region,
    Shipping,
)
from restock.simulation.environments.config import OrderingConfig
from restock.simulation.environments.demand import SeasonalShop
from restock.simulation.environments.setup import Controls, Setup
from restock.simulation.world import World

__all__ = ["InventoryConfig"]

# id, list price, unit cost, and demand per period in each region
PRODUCTS = (
    ("tea", 10.0, 6.0, (6.0, 5.0, 4.0)),
    ("kettle", 40.0, 26.0, (1.5, 2.0, 2.5)),
    ("cup", 5.0, 2.5, (8.0, 8.0, 12.0)),
)
REGIONS = ("north", "middle", "south")
# money per unit and per parcel, periods on the way: location by region
SHIPPING = {
    "fc north": ((0.2, 1.0, 1), (0.3, 1.5, 2), (0.6, 3.0, 3)),
    "fc south": ((0.6, 3.0, 3), (0.3, 1.5, 2), (0.2, 1.0, 1)),
}
LEAD_TIMES = {("supplier", "dc"): 4, ("dc", "fc north"): 1, ("dc", "fc south"): 2}
WEEKDAY = (1.2, 1.1, 1.0, 1.0, 1.1, 0.9, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryConfig(OrderingConfig):
    """Three products, one distribution and two fulfilment centres, three regions, prices.

    What is asked for and not in stock is lost. Customers remember fill rate, lateness, split
    parcels and prices, and buy more or less by it. ``elasticity`` is that of every product at its
    list price; prices lie within ``price_range`` (a share of list price) and move by at most
    ``largest_price_step`` (a share of list price) per period. ``holding_rate`` is the part of a
    unit's cost that a period on the shelf costs. ``satisfaction_weight`` is the money that a point
    of satisfaction is worth per period.
    """

    elasticity: float = -2.0
    price_range: tuple[float, float] | list[float] = (0.8, 1.2)
    largest_price_step: float = 0.1
    holding_rate: float = 0.005
    demand_swing: float = 0.3
    satisfaction_weight: float = 50.0
    reward_scale: float = 200.0

    def setup(self) -> Setup:
        """Assemble the world."""
        mean = torch.tensor([demand for *_, demand in PRODUCTS])
        prices = torch.tensor([price for _, price, *_ in PRODUCTS])
        response = LinearResponse(prices, torch.full_like(prices, self.elasticity))
        weights = ServiceWeights(fill_rate=0.6, punctuality=0.2, whole_orders=0.1, fair_price=0.1)
        world = World.from_instance(
            self._instance(),
            price_response=response,
            satisfaction=Satisfaction(weights=weights, effect=PowerGoodwill(0.5)),
        )
        cover = self._usual_cover(mean)
        stores = cover[:, 1:].sum(-1, keepdim=True)
        ordering = self.ordering(2 * cover, 4 * cover)
        low, high = (share * prices.unsqueeze(-1) for share in self.price_range)
        horizon = LEAD_TIMES["supplier", "dc"] + 1
        return Setup(
            name="Inventory",
            world=world,
            source=SeasonalShop(mean, torch.tensor(WEEKDAY), self.demand_swing, 91, horizon),
            periods=self.periods,
            mean=mean,
            controls=Controls(
                most=ordering.most,
                are_levels=ordering.are_levels,
                is_discrete=ordering.is_discrete,
                prices=(low, high),
                allocates=True,
            ),
            weights=self.weights,
            shows=("stock", "pipeline", "forecast", "satisfaction", "orders_received", "price"),
            forecasts=("today", "ahead"),
            opening=self.opening(torch.cat([cover[:, :1] - stores, cover[:, 1:]], dim=-1)),
        )

    def _instance(self) -> Instance:
        low, high = self.price_range
        products = tuple(
            Product(
                id=name,
                list_price=price,
                unit_cost=cost,
                holding_cost=self.holding_rate * cost,
                price_rules=PriceRules(
                    floor=low * price,
                    ceiling=high * price,
                    largest_step=self.largest_price_step * price,
                ),
            )
            for name, price, cost, _ in PRODUCTS
        )
        lanes = tuple(
            Lane(
                product_id=product.id,
                origin=origin,
                destination=destination,
                lead_time_periods=periods,
                case_pack_units=0,
            )
            for product in products
            for (origin, destination), periods in LEAD_TIMES.items()
        )
        shipping = tuple(
            Shipping(
                region=region,
                location=location,
                cost_per_unit=unit,
                cost_per_shipment=parcel,
                transit_periods=transit,
            )
            for location, terms in SHIPPING.items()
            for region, (unit, parcel, transit) in zip(REGIONS, terms, strict=True)
        )
        return Instance(
            name="shop",
            products=products,
            locations=(
                Location(id="supplier", holds_stock=False),
                *(Location(id=place) for place in ("dc", *SHIPPING)),
            ),
            lanes=lanes,
            regions=tuple(Region(id=region, promise_periods=2) for region in REGIONS),
            shipping=shipping,
        )

    @staticmethod
    def _usual_cover(mean: torch.Tensor) -> torch.Tensor:
        """Return the usual demand until an order of each lane is there and the next due, [P, E].

        The middle region is counted half at each fulfilment centre.
        """
        north, middle, south = mean.unbind(-1)
        shares = (north + middle / 2, south + middle / 2)
        first, *last = LEAD_TIMES.values()
        stores = [share * (lead + 1) for share, lead in zip(shares, last, strict=True)]
        everything = mean.sum(-1) * first + stores[0] + stores[1]
        return torch.stack([everything, *stores], dim=-1)
