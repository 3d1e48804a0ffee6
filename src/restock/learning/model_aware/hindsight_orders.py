"""What hindsight would order first: one linear program for each path into the future."""

import numpy as np
import torch
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.optimality import Hindsight
from restock.optimality.linear_program import solve_linear
from restock.optimality.network_bound.path_data import PathData, path_data
from restock.optimality.network_bound.program import PathProgram
from restock.optimality.network_bound.terms import NetworkTerms
from restock.problem import Instance
from restock.shapes import LaneValues
from restock.simulation import Scenario, State, World

__all__ = ["HindsightOrders"]

PRODUCTS_AT_ONCE = 256
"""Paths whose products share nothing are solved side by side in one program of about this size."""


_JOINED = (
    *("rows", "lane", "origin", "destination", "is_open"),
    *("demand", "waiting", "arrivals", "position", "late"),
)


class HindsightOrders:
    """Solves for the best orders of one who knows the future, from where the chains are.

    Raises :class:`ConfigurationError` when the instance is not the world's, or demand answers
    prices, so that there is no linear program.

    >>> from restock.problem import Product
    >>> product = Product(id="A", holding_cost=1.0, shortage_cost=9.0)
    >>> instance = Instance.single_location([product], 1)
    >>> world = World.from_instance(instance)
    >>> future = Scenario(torch.tensor([3.0, 4.0, 5.0]).view(1, 3, 1, 1))
    >>> HindsightOrders(instance, world).first(world.state_with(torch.ones(1, 1, 1)), future)
    tensor([[[4.]]])
    """

    def __init__(self, instance: Instance, world: World) -> None:
        require(
            tuple(product.id for product in instance.products) == world.product_ids
            and {(lane.origin, lane.destination) for lane in instance.lanes}
            == set(world.network.columns),
            ConfigurationError,
            f"`instance` must be the one that the world was made of; '{instance.name}' has other"
            " products or lanes. Give the instance of `World.from_instance`.",
        )
        require(
            world.market is None,
            ConfigurationError,
            "hindsight is a linear program only where demand is given; here it answers prices or"
            " satisfaction. Pre-train by imitation of a classical policy (`warm_start.fit`).",
        )
        self.instance = instance
        columns = world.network.columns
        self.lanes = tuple(sorted(columns, key=lambda pair: columns[pair]))
        self.terms = NetworkTerms.of(instance, self.lanes)
        rows = {product: row for row, product in enumerate(world.product_ids)}
        lanes = self.terms.lanes
        self.row = np.array([rows[lane.product_id] for lane in lanes.lanes])
        self.column = lanes.column
        limits = [*self.terms.storage, *self.terms.inbound, instance.budget_per_period]
        self.is_untied = bool(np.isinf(limits).all()) and not instance.substitutes

    def first(self, state: State, future: Scenario) -> LaneValues:
        """Return the orders of the first period of ``future`` in each path's best plan.

        ``state`` is that at the end of the period before; it is on the same paths.
        """
        known = self._known(state, future)
        orders = np.zeros((future.paths, future.demand.shape[2], len(self.lanes)))
        everything = np.arange(len(self.instance.products))
        parts = [
            path_data(self.instance, self.terms, known, path, everything)
            for path in range(future.paths)
        ]
        size = max(1, PRODUCTS_AT_ONCE // everything.size) if self.is_untied else 1
        for start in range(0, future.paths, size):
            some = parts[start : start + size]
            model = PathProgram(self.instance, self.terms, _side_by_side(some), whole=False)
            first = solve_linear(model.program()).plan[model.order[:, 0]]
            paths = np.repeat(np.arange(start, start + len(some)), [p.lane.size for p in some])
            lane = np.concatenate([part.lane for part in some])
            orders[paths, self.row[lane], self.column[lane]] = first
        return torch.from_numpy(orders).to(future.demand)

    def _known(self, state: State, future: Scenario) -> Hindsight:
        due = [
            torch.zeros_like(state.on_order) if slot is None else slot for slot in state.pipeline
        ]
        return Hindsight(
            demand=_array(future.demand),
            initial_stock=_array(state.on_hand),
            backlog=0.0 if state.backlog is None else _array(state.backlog),
            pipeline=_array(torch.stack(due, 1)) if due else None,
            lead_time=None
            if future.lead_time is None
            else future.lead_time.detach().numpy().astype(np.int64),
            lane_open=None if future.lane_open is None else _array(future.lane_open),
            lanes=self.lanes,
            first_period=future.first_period,
        )


def _side_by_side(parts: list[PathData]) -> PathData:
    """Return several paths as one of more products, which share nothing."""
    if len(parts) == 1:
        return parts[0]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    offsets = np.cumsum([0, *(part.rows.size for part in parts[:-1])])
    member = [part.member + offset for part, offset in zip(parts, offsets, strict=True)]
    return PathData(
        products=tuple(product for part in parts for product in part.products),
        member=np.concatenate(member),
        lead_times=tuple(times for part in parts for times in part.lead_times),
        **{name: joined(name) for name in _JOINED},
    )


def _array(values: Tensor) -> np.ndarray:
    """Return values ≥ 0 as numpy; what rounding left below zero is nothing."""
    return values.detach().clamp_min(0).double().numpy()
