"""Textbook problems of one product in a network: a chain of stages, a warehouse with stores."""

from dataclasses import dataclass

import torch

from restock.demand.processes import CorrelatedNormal, Normal
from restock.errors import ConfigurationError, require
from restock.problem import Instance, Product, StockTerms
from restock.simulation.environments.config import OrderingConfig
from restock.simulation.environments.setup import Setup
from restock.simulation.scenario import SteadyDemand
from restock.simulation.world import World

__all__ = ["OneWarehouseConfig", "SerialConfig"]

Numbers = tuple[float, ...] | list[float]
Periods = tuple[int, ...] | list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialConfig(OrderingConfig):
    """A chain of stages, the last of which sells to backorders: echelon base stock is optimal.

    ``lead_times`` in periods and (local) ``holding_costs`` are those of the stages from the
    supplier downwards. Demand is normal, clipped at zero.

    Source: A. J. Clark & H. Scarf (1960), Management Science 6(4):475–490; the parameters are
    those of M. Alvo, D. Russo, Y. Kanoria & M. Lee (2023), arXiv 2306.11246.
    """

    lead_times: Periods = (2, 4, 3, 1)
    holding_costs: Numbers = (0.1, 0.2, 0.5, 1.0)
    mean_demand: float = 5.0
    sd_demand: float = 2.0
    shortage_cost: float = 9.0
    reward_scale: float = 10.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(id="item", shortage_cost=self.shortage_cost, lost_share=0.0)
        world = World.from_instance(
            Instance.serial(product, tuple(self.lead_times), tuple(self.holding_costs))
        )
        stages = world.network.locations
        mean = torch.tensor([0.0] * (len(stages) - 1) + [self.mean_demand])
        sd = torch.where(mean > 0, self.sd_demand, 0.0)
        leads = torch.tensor([float(periods) for periods in self.lead_times])
        below = leads.flip(0).cumsum(0).flip(0)
        return Setup(
            name="Serial",
            world=world,
            source=SteadyDemand(Normal(mean, sd), points=stages),
            periods=self.periods,
            mean=mean.unsqueeze(0),
            controls=self.ordering(
                2 * self.mean_demand * (below + 1).unsqueeze(0),
                torch.full((1, len(stages)), 4 * self.mean_demand),
            ),
            weights=self.weights,
            shows=("stock", "backlog", "pipeline"),
            opening=self.opening((self.mean_demand * leads + mean).unsqueeze(0)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWarehouseConfig(OrderingConfig):
    """A warehouse that supplies several stores with lost sales; shortage is shared pro rata.

    ``means``, ``sds``, ``shortage_costs``, ``store_holding_costs`` and ``store_lead_times`` hold
    one number for each store. Demand is normal, clipped at zero, with the same ``correlation``
    between every two stores.

    Source: M. Alvo, D. Russo, Y. Kanoria & M. Lee (2023), arXiv 2306.11246, their instance with
    three stores.
    """

    means: Numbers = (3.743, 4.75, 4.555)
    sds: Numbers = (1.765, 2.124, 1.622)
    shortage_costs: Numbers = (10.236674, 9.330694, 6.974822)
    store_holding_costs: Numbers = (1.085614, 1.023173, 1.007139)
    store_lead_times: Periods = (2, 3, 2)
    correlation: float = 0.5
    warehouse_lead_time: int = 3
    warehouse_holding_cost: float = 0.3
    reward_scale: float = 20.0

    def __post_init__(self) -> None:
        """Require one number of each kind for each store."""
        # a dataclass with slots is a new class, which `super()` without arguments does not know
        OrderingConfig.__post_init__(self)
        for name in ("sds", "shortage_costs", "store_holding_costs", "store_lead_times"):
            given = len(getattr(self, name))
            require(
                given == len(self.means) > 0,
                ConfigurationError,
                f"`{name}` must hold one number for each of {len(self.means)} stores in `means`;"
                f" got {given}. Give all of them for the same stores.",
            )

    def setup(self) -> Setup:
        """Assemble the world; the warehouse comes first."""
        stores = [f"store {n}" for n in range(1, len(self.means) + 1)]
        costs = zip(stores, self.store_holding_costs, self.shortage_costs, strict=True)
        instance = Instance.warehouse_and_stores(
            Product(id="item", holding_cost=self.warehouse_holding_cost),
            self.warehouse_lead_time,
            dict(zip(stores, self.store_lead_times, strict=True)),
            stock_terms=tuple(
                StockTerms(
                    product_id="item", location=store, holding_cost=holding, shortage_cost=shortage
                )
                for store, holding, shortage in costs
            ),
        )
        world = World.from_instance(instance)
        mean = torch.tensor([0.0, *self.means])
        demand = CorrelatedNormal(mean, torch.tensor([0.0, *self.sds]), self.correlation)
        leads = torch.tensor([float(periods) for periods in self.store_lead_times])
        store_levels = torch.tensor(list(self.means)) * (leads + 1)
        on_the_way = mean.sum(0, keepdim=True) * self.warehouse_lead_time
        levels = 2 * torch.cat([on_the_way + store_levels.sum(), store_levels])
        return Setup(
            name="OneWarehouse",
            world=world,
            source=SteadyDemand(demand, points=world.network.locations),
            periods=self.periods,
            mean=mean.unsqueeze(0),
            controls=self.ordering(
                levels.unsqueeze(0), 4 * torch.cat([mean.sum().unsqueeze(0), mean[1:]]).unsqueeze(0)
            ),
            weights=self.weights,
            opening=self.opening(torch.cat([on_the_way, store_levels]).unsqueeze(0)),
        )
