"""The world, assembled from the smallest mechanisms that an instance needs."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import InstanceError, require
from restock.problem import Instance, Lane
from restock.shapes import LaneIntegers
from restock.simulation.arrivals import Arrivals, arrivals_for
from restock.simulation.ordering import FreeOrders, Ordering, PackedOrders, WholeUnitOrders
from restock.simulation.state import State
from restock.simulation.unmet import Unmet, unmet_for

__all__ = ["Economics", "World"]


@dataclass(frozen=True, slots=True)
class Economics:
    """Money per unit, per product and location ``[P, L]``; per order and lane ``[P, E]``."""

    list_price: Tensor
    unit_cost: Tensor
    holding_cost: Tensor
    shortage_cost: Tensor
    fixed_order_cost: Tensor


@dataclass(frozen=True)
class World:
    """One location, one lane per product; each step is done by the mechanism picked for it.

    ``arrivals`` moves orders (steps 1 and 3), ``ordering`` makes wishes feasible (step 2 to 3),
    ``unmet`` serves demand (step 5), ``economics`` prices it (step 6).
    """

    product_ids: tuple[str, ...]
    economics: Economics
    arrivals: Arrivals
    ordering: Ordering
    unmet: Unmet

    @classmethod
    def from_instance(cls, instance: Instance, dtype: torch.dtype = torch.float32) -> "World":
        """Assemble the world of an instance with one stock location and one lane per product.

        Raises :class:`InstanceError` when the instance has more locations or lanes than that.
        """
        places = [place.id for place in instance.locations if place.holds_stock]
        require(
            len(places) == 1,
            InstanceError,
            f"this world holds stock in one location; instance '{instance.name}' has"
            f" {len(places)}: {', '.join(places)}. Plan each location as its own instance.",
        )
        require(
            len(instance.lanes) == len(instance.products),
            InstanceError,
            f"this world has one lane per product; instance '{instance.name}' has"
            f" {len(instance.lanes)} lanes for {len(instance.products)} products."
            " Keep one supplier per product.",
        )
        by_product = {lane.product_id: lane for lane in instance.lanes}
        lanes = [by_product[product.id] for product in instance.products]

        def column(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=dtype).unsqueeze(-1)

        products = instance.products
        economics = Economics(
            list_price=column([product.list_price for product in products]),
            unit_cost=column([product.unit_cost for product in products]),
            holding_cost=column([product.holding_cost for product in products]),
            shortage_cost=column([product.shortage_cost for product in products]),
            fixed_order_cost=column([lane.fixed_order_cost for lane in lanes]),
        )
        lead_time = torch.tensor([[[lane.lead_time_periods] for lane in lanes]], dtype=torch.long)
        return cls(
            product_ids=tuple(product.id for product in products),
            economics=economics,
            arrivals=arrivals_for(lead_time, economics.holding_cost),
            ordering=_ordering_for(lanes, dtype),
            unmet=unmet_for(column([product.lost_share for product in products])),
        )

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.product_ids)

    @cached_property
    def has_fixed_costs(self) -> bool:
        """Whether any lane charges per order."""
        return bool((self.economics.fixed_order_cost > 0).any())

    def with_lead_times(self, lead_time: LaneIntegers) -> "World":
        """Return the same world with other lead times, which may differ by path.

        States of the one world do not fit the other, whose pipeline may reach further.
        """
        return replace(self, arrivals=arrivals_for(lead_time, self.economics.holding_cost))

    def with_cost_weights(self, weight: Float[Tensor, " P"]) -> "World":
        """Return the same world with each product's costs multiplied by its ``weight``."""
        costs = self.economics
        factor = weight.to(costs.holding_cost).unsqueeze(-1)
        weighted = replace(
            costs,
            holding_cost=costs.holding_cost * factor,
            shortage_cost=costs.shortage_cost * factor,
            fixed_order_cost=costs.fixed_order_cost * factor,
        )
        return replace(self, economics=weighted)

    def empty_state(self, paths: int) -> State:
        """Return the state of B ``paths`` with nothing on hand, on order or owed."""
        return self.state_with(torch.zeros(paths, self.n_products, 1))

    def state_with(self, on_hand: Tensor) -> State:
        """Return the state with ``on_hand`` units ``[B, P, L]`` and nothing on order."""
        on_hand = on_hand.to(self.economics.holding_cost)
        zero = torch.zeros_like(on_hand)
        backlog = zero if self.unmet.keeps_backlog else None
        return State(on_hand, zero, (None,) * self.arrivals.slots, backlog)


def _ordering_for(lanes: list[Lane], dtype: torch.dtype) -> Ordering:
    terms = {(lane.case_pack_units, lane.minimum_units, lane.capacity_units) for lane in lanes}
    if terms == {(0, 0, torch.inf)}:
        return FreeOrders()
    if terms == {(1, 0, torch.inf)}:
        return WholeUnitOrders()
    columns = (
        [lane.case_pack_units for lane in lanes],
        [lane.minimum_units for lane in lanes],
        [lane.capacity_units for lane in lanes],
    )
    return PackedOrders(*(torch.tensor(values, dtype=dtype).unsqueeze(-1) for values in columns))
