"""What a period was worth: the reward, and every part of it by name."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restock.simulation.environments.setup import RewardWeights
from restock.simulation.flows import Extras, Flows
from restock.simulation.world import World

__all__ = ["PARTS", "Accounts", "reward_of"]

#: Each number of ``info``, always there and always under this name, and what it says.
PARTS: Mapping[str, str] = MappingProxyType(
    {
        "profit": "revenue less purchases, fixed, lane, waste and shipping cost, money",
        "satisfaction": "mean satisfaction of the demand points; where customers do not remember, "
        "the share of today's demand that was served",
        "inventory_cost": "holding and shortage cost, money",
        "cost": "holding, shortage, fixed, lane, waste and shipping cost, money",
        "revenue": "units sold times price, less refunds, money",
        "purchases": "what the suppliers are paid, money",
        "holding_cost": "for what is left on hand, money",
        "shortage_cost": "for what was lost or waits, money",
        "fixed_cost": "for placing orders, money",
        "lane_cost": "for units on their lanes, money",
        "waste_cost": "for what expired, money",
        "shipping_cost": "for parcels to regions, money",
        "order": "units ordered on all lanes",
        "demand": "units asked for",
        "sold": "units sold",
        "lost": "units of demand that left unserved",
        "stock": "units left on hand",
        "backlog": "units that customers wait for",
    }
)
NONE = Extras()
LOGISTICS = slice(8, 12)
"""The rows of fixed, lane, waste and shipping cost in :data:`PARTS`."""
LEAST_UNITS = 1e-9
"""Where nothing was asked, nothing was missed."""


class Accounts:
    """Adds up a period's flows in one world; what the world does not have is 0."""

    def __init__(self, world: World) -> None:
        prices = world.economics
        self.list_price = prices.list_price
        self.purchase_cost = prices.purchase_cost
        self.sells = bool((prices.list_price > 0).any())
        self.buys = bool((prices.purchase_cost > 0).any())

    def parts(self, flows: Flows) -> Float[np.ndarray, "K B"]:
        """Return the numbers of :data:`PARTS` in their order, each summed over the whole shop."""
        sums = self._sums(flows)
        parts = np.zeros((len(PARTS), len(flows.order)))
        part = dict(zip(PARTS, parts, strict=True))
        for name, values in sums.items():
            if name in part:
                part[name][:] = values
        logistics = parts[LOGISTICS].sum(0)
        part["inventory_cost"][:] = part["holding_cost"] + part["shortage_cost"]
        part["cost"][:] = part["inventory_cost"] + logistics
        part["profit"][:] = part["revenue"] - part["purchases"] - logistics
        if "satisfaction" not in sums:
            # what customers feel who remember nothing: the fill rate of today
            missed = sums["short"] / np.maximum(sums["demand"], LEAST_UNITS)
            part["satisfaction"][:] = 1 - np.minimum(missed, 1)
        return parts

    def _sums(self, flows: Flows) -> dict[str, Float[np.ndarray, " B"]]:
        served = flows.served
        extras = NONE if flows.extras is None else flows.extras
        values: dict[str, Tensor | None] = {
            "revenue": flows.revenue(self.list_price) if self.sells else None,
            "purchases": self.purchase_cost * flows.order if self.buys else None,
            "holding_cost": flows.holding_cost,
            "shortage_cost": flows.shortage_cost,
            "fixed_cost": flows.fixed_cost,
            "lane_cost": extras.lane_cost,
            "waste_cost": extras.waste_cost,
            "shipping_cost": extras.shipping_cost,
            "order": flows.order,
            "demand": flows.demand,
            "sold": served.sold,
            "lost": served.lost,
            "short": served.short,
            "stock": served.left,
            "backlog": served.backlog,
        }
        there = {name: value for name, value in values.items() if value is not None}
        totals = [_total(value) for value in there.values()]
        if extras.satisfaction is not None:
            there["satisfaction"] = extras.satisfaction
            totals.append(extras.satisfaction.mean((1, 2), keepdim=True))
        columns: np.ndarray = torch.cat(totals, dim=-1)[:, 0].numpy().astype(np.float64)
        return dict(zip(there, columns.T, strict=True))


def reward_of(parts: Float[np.ndarray, "K B"], weights: RewardWeights) -> Float[np.ndarray, " B"]:
    """Return (w₁ profit + w₂ satisfaction − w₃ inventory cost) / scale, float64."""
    profit, satisfaction, inventory = parts[:3]
    worth = weights.profit * profit + weights.satisfaction * satisfaction
    reward: np.ndarray = (worth - weights.inventory_cost * inventory) / weights.scale
    return reward


def _total(values: Tensor) -> Float[Tensor, "B 1 1"]:
    """Return the sum over products and places."""
    _, products, places = values.shape
    return values if products == places == 1 else values.sum((1, 2), keepdim=True)
