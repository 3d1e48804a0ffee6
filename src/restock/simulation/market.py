"""Steps 4 and 6 where customers respond: to the price today, and to the service they remember."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response import PriceResponse
from restock.demand.satisfaction import Satisfaction
from restock.problem import Instance
from restock.shapes import StockValues
from restock.simulation.flows import Extras
from restock.simulation.pricing import PriceLimits, feasible_price, periods_at_price
from restock.simulation.state import Customers, Memory, Prices, State, remembered
from restock.simulation.unmet import Served

__all__ = ["Market", "market_for"]

LEAST_UNITS = 1e-9
"""Where nothing was asked, nothing was missed."""


@dataclass(frozen=True)
class Market:
    """Prices as they may move, demand as it answers, satisfaction as it is remembered.

    ``list_price`` is money ``[P, 1]``; ``limits`` are the price rules, ``response`` how demand
    answers price, ``satisfaction`` how customers remember service; the last two may be ``None``.
    Satisfaction is one number per demand point: products weigh by what was asked of them.
    """

    list_price: Float[Tensor, "P 1"]
    limits: PriceLimits
    response: PriceResponse | None = None
    satisfaction: Satisfaction | None = None

    def begin(self, memory: Memory, on_hand: StockValues, demand_points: int) -> Memory:
        """Start at list prices that may change at once, with customers of the first day."""
        price = self.list_price.expand(len(on_hand), -1, -1)
        customers = None
        if self.satisfaction is not None:
            one = on_hand.new_ones(len(on_hand), 1, demand_points)
            customers = Customers(one * self.satisfaction.initial, one)
        prices = Prices(price, torch.full_like(price, torch.inf), price)
        return replace(memory, prices=prices, customers=customers)

    def ask(
        self, state: State, base: Float[Tensor, "B P D"], wish: Float[Tensor, "#B P 1"] | None
    ) -> tuple[State, Float[Tensor, "B P D"]]:
        """Set today's price as near to the ``wish`` as the rules allow; return what is asked."""
        memory = remembered(state.memory)
        old = remembered(memory.prices)
        price = old.price
        if wish is not None:
            price, _ = feasible_price(wish, old.price, old.periods_since_change, self.limits)
        since = periods_at_price(old.periods_since_change, price, old.price)
        demand = base
        if self.response is not None:
            demand = self.response.demand(demand, price, old.reference)
        if self.satisfaction is not None:
            customers = remembered(memory.customers)
            demand = demand * self.satisfaction.multiplier(customers.satisfaction)
            demand = demand * customers.number
        prices = Prices(price, since, old.reference)
        return replace(state, memory=replace(memory, prices=prices)), demand

    def close(
        self, state: State, demand: Float[Tensor, "B P D"], served: Served, extras: Extras
    ) -> tuple[State, Served, Extras]:
        """Let reference prices and satisfaction move with what customers met with today."""
        memory = remembered(state.memory)
        prices = remembered(memory.prices)
        extras = extras._replace(price=prices.price)
        if self.response is not None:
            moved = self.response.next_reference(prices.reference, prices.price)
            memory = replace(memory, prices=replace(prices, reference=moved))
        if self.satisfaction is not None:
            customers = self._remember(self.satisfaction, memory, demand, served, extras)
            memory = replace(memory, customers=customers)
            extras = extras._replace(
                satisfaction=customers.satisfaction, customers=customers.number
            )
        return replace(state, memory=memory), served, extras

    def _remember(
        self,
        satisfaction: Satisfaction,
        memory: Memory,
        demand: Tensor,
        served: Served,
        extras: Extras,
    ) -> Customers:
        """Return tomorrow's customers."""
        customers, prices = remembered(memory.customers), remembered(memory.prices)
        asked = demand.sum(-2, keepdim=True)
        units = asked.clamp_min(LEAST_UNITS)
        # who waits has not been served: shortage counts against the fill rate every day
        fill_rate = (1 - served.short.sum(-2, keepdim=True) / units).clamp(0, 1)
        relative_price = prices.price / self.list_price.clamp_min(LEAST_UNITS)
        delay = None if extras.delay is None else extras.delay.sum(-2, keepdim=True) / units
        moved = satisfaction.next(
            customers.satisfaction,
            fill_rate,
            delay,
            extras.split_share,
            (demand * relative_price).sum(-2, keepdim=True) / units,
            (asked > 0).to(units.dtype),
        )
        return Customers(moved, satisfaction.next_customers(customers.number, moved))


def market_for(
    instance: Instance,
    dtype: torch.dtype,
    response: PriceResponse | None,
    satisfaction: Satisfaction | None,
) -> Market | None:
    """Return the market of an instance, ``None`` where neither price nor service matters."""
    products = instance.products
    if (
        response is None
        and satisfaction is None
        and all(product.price_rules is None for product in products)
    ):
        return None
    prices = torch.tensor([[product.list_price] for product in products], dtype=dtype)
    return Market(prices, PriceLimits.of(products, dtype), response, satisfaction)
