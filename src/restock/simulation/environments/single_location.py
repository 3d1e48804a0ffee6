"""Textbook problems of one product at one location."""

import math
from dataclasses import dataclass

import torch

from restock.demand.processes import Normal, Poisson, RoundedGamma, UniformUnits
from restock.problem import Instance, Lane, Location, Product
from restock.simulation.environments.config import OrderingConfig
from restock.simulation.environments.setup import Setup
from restock.simulation.scenario import SteadyDemand
from restock.simulation.world import World

__all__ = [
    "BackordersConfig",
    "DualSourcingConfig",
    "FixedCostConfig",
    "LostSalesConfig",
    "PerishablesConfig",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSalesConfig(OrderingConfig):
    """Poisson demand, a lead time, lost sales, whole units; nobody knows the best rule's form.

    ``mean_demand`` is units per period, costs are money per unit and period (lost).

    Source: P. Zipkin (2008), Old and new methods for lost-sales inventory systems, Operations
    Research 56(5):1256–1263.
    """

    mean_demand: float = 5.0
    lead_time_periods: int = 4
    holding_cost: float = 1.0
    shortage_cost: float = 9.0
    reward_scale: float = 10.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(
            id="item", holding_cost=self.holding_cost, shortage_cost=self.shortage_cost
        )
        source = SteadyDemand(Poisson(torch.tensor([self.mean_demand])))
        world = World.from_instance(_whole_units(product, self.lead_time_periods))
        return _ordering_setup("LostSales", self, world, source, self.mean_demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackordersConfig(OrderingConfig):
    """Normal demand clipped at zero, a lead time, backorders: base stock is optimal.

    ``mean_demand`` and ``sd_demand`` are units per period before clipping.
    """

    mean_demand: float = 5.0
    sd_demand: float = 1.6
    lead_time_periods: int = 4
    holding_cost: float = 1.0
    shortage_cost: float = 9.0
    reward_scale: float = 6.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(
            id="item",
            holding_cost=self.holding_cost,
            shortage_cost=self.shortage_cost,
            lost_share=0.0,
        )
        demand = Normal(torch.tensor([self.mean_demand]), torch.tensor([self.sd_demand]))
        shop = Instance.single_location([product], self.lead_time_periods)
        world = World.from_instance(shop)
        return _ordering_setup("Backorders", self, world, SteadyDemand(demand), self.mean_demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCostConfig(OrderingConfig):
    """Poisson demand, a cost per order, backorders, whole units: an (s, S) rule is optimal.

    An action is a level S and a batch S − s: nothing is ordered while less than the batch is
    wanted.

    Source: Y.-S. Zheng & A. Federgruen (1991), Finding optimal (s, S) policies is about as simple
    as evaluating a single policy, Operations Research 39(4):654–665.
    """

    mean_demand: float = 15.0
    lead_time_periods: int = 0
    fixed_order_cost: float = 64.0
    holding_cost: float = 1.0
    shortage_cost: float = 9.0
    reward_scale: float = 45.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(
            id="item",
            holding_cost=self.holding_cost,
            shortage_cost=self.shortage_cost,
            lost_share=0.0,
        )
        shop = _whole_units(product, self.lead_time_periods, self.fixed_order_cost)
        source = SteadyDemand(Poisson(torch.tensor([self.mean_demand])))
        # the economic order quantity, the order of magnitude of a good batch
        batch = math.sqrt(
            2 * self.fixed_order_cost * self.mean_demand / max(self.holding_cost, 1e-9)
        )
        return _ordering_setup(
            "FixedCost", self, World.from_instance(shop), source, self.mean_demand, batch
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PerishablesConfig(OrderingConfig):
    """Rounded gamma demand, goods that expire, lost sales, whole units.

    Goods can be sold for ``shelf_life_periods``; ``fifo_share`` of what is sold are the oldest
    units (1: FIFO, 0: LIFO). ``unit_cost`` is paid per unit ordered, ``waste_cost`` per unit
    expired.

    Source: B. J. De Moor, J. Gijsbrechts & R. N. Boute (2022), European Journal of Operational
    Research 301(2):535–545.
    """

    mean_demand: float = 4.0
    variation: float = 0.5
    lead_time_periods: int = 1
    shelf_life_periods: int = 2
    fifo_share: float = 0.0
    unit_cost: float = 3.0
    holding_cost: float = 1.0
    shortage_cost: float = 5.0
    waste_cost: float = 7.0
    largest_order: float | None = 10.0
    reward_scale: float = 15.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(
            id="item",
            unit_cost=self.unit_cost,
            holding_cost=self.holding_cost,
            shortage_cost=self.shortage_cost,
            shelf_life_periods=self.shelf_life_periods,
            waste_cost=self.waste_cost,
            fifo_share=self.fifo_share,
        )
        source = SteadyDemand(RoundedGamma(self.mean_demand, self.variation))
        world = World.from_instance(_whole_units(product, self.lead_time_periods))
        return _ordering_setup("Perishables", self, world, source, self.mean_demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class DualSourcingConfig(OrderingConfig):
    """A cheap supplier who is slow and a dear one who delivers at once; backorders, whole units.

    Demand is uniform on 0 … ``largest_demand`` units. Costs are money per unit.

    Source: J. Gijsbrechts, R. N. Boute, J. A. Van Mieghem & D. J. Zhang (2022), Can deep
    reinforcement learning improve inventory management?, M&SOM 24(3):1349–1368, section 6.2.
    """

    largest_demand: int = 4
    regular_lead_time_periods: int = 2
    regular_cost: float = 100.0
    expedited_cost: float = 105.0
    holding_cost: float = 5.0
    shortage_cost: float = 495.0
    reward_scale: float = 220.0

    def setup(self) -> Setup:
        """Assemble the world; the expedited lane comes first."""
        demand = UniformUnits(self.largest_demand)
        product = Product(
            id="item",
            unit_cost=self.regular_cost,
            holding_cost=self.holding_cost,
            shortage_cost=self.shortage_cost,
            lost_share=0.0,
        )
        places = [Location(id=place, holds_stock=False) for place in ("expedited", "regular")]
        premium = self.expedited_cost - self.regular_cost
        terms = {"expedited": (0, premium), "regular": (self.regular_lead_time_periods, 0.0)}
        lanes = tuple(
            Lane(
                product_id="item",
                origin=origin,
                destination="shop",
                lead_time_periods=periods,
                unit_cost=cost,
            )
            for origin, (periods, cost) in terms.items()
        )
        shop = Instance(
            name="dual sourcing",
            products=(product,),
            locations=(*places, Location(id="shop")),
            lanes=lanes,
        )
        world = World.from_instance(shop)
        most = 2.0 * self.largest_demand
        regular = most + 2.0 * float(demand.mean) * self.regular_lead_time_periods
        return Setup(
            name="DualSourcing",
            world=world,
            source=SteadyDemand(demand),
            periods=self.periods,
            mean=demand.mean.unsqueeze(0),
            controls=self.ordering(torch.tensor([[most, regular]]), torch.full((1, 2), most)),
            weights=self.weights,
            shows=_shown(world),
            opening=self.opening(demand.mean.unsqueeze(0) * (self.regular_lead_time_periods + 1)),
        )


def _whole_units(product: Product, lead_time_periods: int, fixed_cost: float = 0.0) -> Instance:
    lane = Lane(
        product_id=product.id,
        origin="supplier",
        destination="shop",
        lead_time_periods=lead_time_periods,
        fixed_order_cost=fixed_cost,
    )
    places = (Location(id="supplier", holds_stock=False), Location(id="shop"))
    return Instance(name="shop", products=(product,), locations=places, lanes=(lane,))


def _ordering_setup(
    name: str,
    config: OrderingConfig,
    world: World,
    source: SteadyDemand,
    mean_demand: float,
    batch: float = 0.0,
) -> Setup:
    """Return the setup of one lane: levels up to twice the lead-time demand and batch."""
    periods = int(world.arrivals.lead_time) + 1
    one = torch.ones(1, 1)
    controls = config.ordering(
        2 * (mean_demand * periods + batch) * one,
        (4 * mean_demand + 2 * batch) * one,
        2 * batch * one if batch > 0 and config.action == "level" and not config.discrete else None,
    )
    return Setup(
        name=name,
        world=world,
        source=source,
        periods=config.periods,
        mean=mean_demand * one,
        controls=controls,
        weights=config.weights,
        shows=_shown(world),
        opening=config.opening(mean_demand * periods * one),
    )


def _shown(world: World) -> tuple[str, ...]:
    """Return the fields that make up the state of a world with steady demand."""
    stock = "stock" if world.empty_state(1).memory is None else "ages"
    names = [stock]
    if world.unmet.keeps_backlog:
        names.append("backlog")
    if world.arrivals.slots > 1:
        names.append("pipeline")
    return tuple(names)
