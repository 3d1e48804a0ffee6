"""The same network in restock: the instance, its world and the echelon base-stock policy."""

import torch
from benchmarks.network.shop import (
    DISTRIBUTION_CENTRES,
    FULFILMENT_CENTRES,
    HOLDING_COST,
    PARENT,
    SHORTAGE_COST,
    SUPPLIER_LEAD_TIME,
    TRANSFER_LEAD_TIME,
    echelon_levels,
    opening_stock,
    region_choices,
)
from torch import Tensor

from restock.policies import EchelonBaseStock
from restock.problem import Instance, Lane, Location, Product, Region, Shipping
from restock.simulation import CostTally, Scenario, World, rollout

__all__ = ["RestockShop", "the_instance"]

ABOVE = tuple(f"dc{n}" for n in range(DISTRIBUTION_CENTRES))
BELOW = tuple(f"fc{n}" for n in range(FULFILMENT_CENTRES))


def the_instance(products: int, *, regions: bool, whole_units: bool) -> Instance:
    """Return the network with its products; each has the same lanes."""
    ids = [f"p{n}" for n in range(products)]
    pack = 1 if whole_units else 0
    ways = [("supplier", centre, SUPPLIER_LEAD_TIME) for centre in ABOVE]
    ways += [(ABOVE[PARENT[n]], centre, TRANSFER_LEAD_TIME) for n, centre in enumerate(BELOW)]
    return Instance(
        name="network",
        products=tuple(
            Product(id=name, holding_cost=HOLDING_COST, shortage_cost=SHORTAGE_COST) for name in ids
        ),
        locations=(
            Location(id="supplier", holds_stock=False),
            *(Location(id=centre) for centre in ABOVE + BELOW),
        ),
        lanes=tuple(
            Lane(
                product_id=name,
                origin=origin,
                destination=destination,
                lead_time_periods=lead_time,
                case_pack_units=pack,
            )
            for name in ids
            for origin, destination, lead_time in ways
        ),
        regions=_regions() if regions else (),
        shipping=_shipping() if regions else (),
    )


def _regions() -> tuple[Region, ...]:
    return tuple(Region(id=f"region{n}") for n in range(FULFILMENT_CENTRES))


def _shipping() -> tuple[Shipping, ...]:
    return tuple(
        Shipping(region=f"region{n}", location=BELOW[centre], cost_per_unit=cost)
        for n in range(FULFILMENT_CENTRES)
        for centre, cost in region_choices(n)
    )


class RestockShop:
    """A world with its policy and the state of B paths, which carry on from call to call."""

    def __init__(self, world: World, paths: int) -> None:
        self.world = world
        products, dtype = world.n_products, world.economics.holding_cost.dtype
        levels = torch.tensor([echelon_levels(n) for n in range(products)], dtype=dtype)
        stock = torch.tensor([opening_stock(n) for n in range(products)], dtype=dtype)
        self.policy = EchelonBaseStock(levels[None])
        self.state = world.state_with(stock.repeat(paths, 1, 1))
        self.tally = CostTally()

    @torch.no_grad()
    def run(self, demand: Tensor) -> None:
        """Let the days of ``demand`` ``[B, T, P, D]`` happen."""
        self.state = rollout(self.world, self.policy, Scenario(demand), self.state, self.tally)

    @property
    def cost(self) -> float:
        """Money so far, over all paths and products."""
        return 0.0 if self.tally.total is None else float(self.tally.total.double().sum())
