"""Problems with a price: with orders beside it, or with a stock that cannot be reordered."""

from dataclasses import dataclass

import torch

from restock.demand.price_response import AdditiveNoise, LinearResponse
from restock.demand.processes import Normal, Poisson
from restock.errors import ConfigurationError, require
from restock.problem import Instance, PriceRules, Product
from restock.simulation.environments.config import EpisodeConfig, OrderingConfig
from restock.simulation.environments.setup import Controls, Setup
from restock.simulation.scenario import SellingSeason, SteadyDemand
from restock.simulation.world import World

__all__ = ["ClearanceConfig", "JointPricingConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointPricingConfig(OrderingConfig):
    """Price and order decided together, backorders: base stock with a list price is optimal.

    Mean demand is ``mean_demand`` at ``list_price`` and falls linearly, by ``elasticity`` percent
    for the first percent of price; its noise, of standard deviation ``sd_demand``, is the same at
    each price. Prices lie between ``lowest_price`` and ``highest_price``.

    Source: A. Federgruen & A. Heching (1999), Combined pricing and inventory control under
    uncertainty, Operations Research 47(3):454–475.
    """

    mean_demand: float = 10.0
    sd_demand: float = 3.0
    elasticity: float = -2.0
    list_price: float = 10.0
    lowest_price: float = 6.0
    highest_price: float = 14.0
    lead_time_periods: int = 0
    unit_cost: float = 4.0
    holding_cost: float = 0.5
    shortage_cost: float = 4.0
    reward_scale: float = 50.0

    def setup(self) -> Setup:
        """Assemble the world."""
        product = Product(
            id="item",
            list_price=self.list_price,
            unit_cost=self.unit_cost,
            holding_cost=self.holding_cost,
            shortage_cost=self.shortage_cost,
            lost_share=0.0,
            price_rules=PriceRules(floor=self.lowest_price, ceiling=self.highest_price),
        )
        shop = Instance.single_location([product], self.lead_time_periods)
        answer = LinearResponse(torch.tensor([self.list_price]), torch.tensor([self.elasticity]))
        one = torch.ones(1, 1)
        demand = Normal(torch.tensor([self.mean_demand]), torch.tensor([self.sd_demand]))
        response = AdditiveNoise(answer, demand.mean.unsqueeze(0))
        ordering = self.ordering(
            3 * self.mean_demand * (self.lead_time_periods + 1) * one, 4 * self.mean_demand * one
        )
        world = World.from_instance(shop, price_response=response)
        return Setup(
            name="JointPricing",
            world=world,
            source=SteadyDemand(demand),
            periods=self.periods,
            mean=self.mean_demand * one,
            controls=Controls(
                most=ordering.most,
                are_levels=ordering.are_levels,
                is_discrete=ordering.is_discrete,
                prices=(self.lowest_price * one, self.highest_price * one),
            ),
            weights=self.weights,
            shows=("stock", "backlog", *(("pipeline",) if world.arrivals.slots > 1 else ())),
            opening=self.opening(self.mean_demand * (self.lead_time_periods + 1) * one),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceConfig(EpisodeConfig):
    """A fixed stock to be sold by price alone before the season ends.

    An episode ends (`terminated`) with the season of ``periods`` or when all is sold; what is left
    is worth nothing. Customers are Poisson with ``mean_demand`` at ``list_price``; price moves how
    much they buy, linearly. (In the source it moves how many come: the same mean, and a variance
    that differs by the same factor.)

    Source: G. Gallego & G. van Ryzin (1994), Optimal dynamic pricing of inventories with stochastic
    demand over finite horizons, Management Science 40(8):999–1020.
    """

    periods: int = 30
    opening_stock: float = 75.0
    mean_demand: float = 2.0
    elasticity: float = -2.0
    list_price: float = 10.0
    lowest_price: float = 4.0
    highest_price: float = 14.0
    reward_scale: float = 20.0

    def setup(self) -> Setup:
        """Assemble the world."""
        require(
            0 < self.opening_stock < float("inf"),
            ConfigurationError,
            f"`opening_stock` must be > 0 and finite; got {self.opening_stock}. Give the units"
            " that the season begins with.",
        )
        product = Product(
            id="item",
            list_price=self.list_price,
            price_rules=PriceRules(floor=self.lowest_price, ceiling=self.highest_price),
        )
        response = LinearResponse(torch.tensor([self.list_price]), torch.tensor([self.elasticity]))
        one = torch.ones(1, 1)
        source = SteadyDemand(Poisson(torch.tensor([self.mean_demand])))
        return Setup(
            name="Clearance",
            world=World.from_instance(
                Instance.single_location([product], 1), price_response=response
            ),
            source=SellingSeason(source, self.periods),
            periods=self.periods,
            mean=self.mean_demand * one,
            controls=Controls(prices=(self.lowest_price * one, self.highest_price * one)),
            weights=self.weights,
            shows=("stock", "periods_left"),
            opening=self.opening_stock * one,
            is_season=True,
        )
