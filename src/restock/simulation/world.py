"""The world, assembled from the smallest mechanisms that an instance needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response import PriceResponse
from restock.demand.satisfaction import Satisfaction
from restock.errors import ConfigurationError, require
from restock.problem import Instance, Lane
from restock.shapes import LaneIntegers
from restock.simulation.arrivals import Arrivals, RandomLeadTimes, arrivals_for
from restock.simulation.coupling import couplings_for
from restock.simulation.fulfilment import Fulfilment, fulfilment_for
from restock.simulation.market import Market, market_for
from restock.simulation.mechanism import Closing, Coupling, Opening, Substituting
from restock.simulation.network import OUTSIDE, Network, network_of
from restock.simulation.ordering import FreeOrders, Ordering, PackedOrders, WholeUnitOrders
from restock.simulation.perishing import shelf_for
from restock.simulation.returns import returns_for
from restock.simulation.scenario import Scenario
from restock.simulation.state import Memory, State
from restock.simulation.substitution import Substitution
from restock.simulation.supply import NetworkSupply
from restock.simulation.switching import SubstituteSales
from restock.simulation.unmet import Unmet, unmet_for

__all__ = ["Economics", "OrderDays", "World"]

Mechanism = TypeVar("Mechanism")


@dataclass(frozen=True, slots=True)
class Economics:
    """Money per unit; per product ``[P, 1]``, location ``[P, L]``, demand point ``[P, D]`` or lane.

    ``list_price`` and ``unit_cost`` ``[P, 1]``, ``holding_cost`` ``[P, L]``, ``shortage_cost``
    ``[P, D]``. Per lane ``[P, E]``: ``fixed_order_cost`` per order, ``lane_cost`` per unit on top
    of the purchase, and ``purchase_cost``, which is ``unit_cost`` on lanes from outside, else 0.
    """

    list_price: Tensor
    unit_cost: Tensor
    holding_cost: Tensor
    shortage_cost: Tensor
    fixed_order_cost: Tensor
    lane_cost: Tensor
    purchase_cost: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class OrderDays:
    """On which days of its cycle ``[1, P, E]`` a lane takes orders, ``[C, P, E]`` of 0 and 1."""

    cycle: LaneIntegers
    opens: Float[Tensor, "C P E"]

    def at(self, period: int) -> Float[Tensor, "1 P E"]:
        """Return 1 where a lane takes orders in ``period``, counted from the very first."""
        return self.opens.gather(0, period % self.cycle)


@dataclass(frozen=True)
class World:
    """Locations, lanes and customers; each step is done by the mechanism picked for it.

    ``network`` says which lane leads where, ``arrivals`` moves orders (steps 1 and 3),
    ``ordering`` makes wishes feasible (step 2 to 3), ``unmet`` serves demand (step 5),
    ``economics`` prices it (step 6). The rest is there only where an instance needs it: ``supply``
    ships in a network, ``fulfilment`` serves regions, ``market`` lets demand answer price and
    service, and the tuples hold what acts at the end of a step.
    """

    product_ids: tuple[str, ...]
    network: Network
    economics: Economics
    arrivals: Arrivals
    ordering: Ordering
    unmet: Unmet
    lost_share: Float[Tensor, "P 1"]
    supply: NetworkSupply | None = None
    fulfilment: Fulfilment | None = None
    market: Market | None = None
    openings: tuple[Opening, ...] = ()
    couplings: tuple[Coupling, ...] = ()
    substitutions: tuple[Substituting, ...] = ()
    closings: tuple[Closing, ...] = ()
    order_days: OrderDays | None = None
    has_uncertain_supply: bool = False

    @classmethod
    def from_instance(
        cls,
        instance: Instance,
        dtype: torch.dtype = torch.float32,
        *,
        price_response: PriceResponse | None = None,
        satisfaction: Satisfaction | None = None,
    ) -> "World":
        """Assemble the world of an instance, and of customers who answer price and service.

        Raises :class:`InstanceError` when lanes with lead time 0 go round in a circle.
        """
        network = network_of(instance, dtype)
        lanes = _LaneTable(instance, network, dtype)
        arrivals = _arrivals_for(instance, lanes, dtype)
        ordering = _ordering_for(instance, lanes)
        lost_share = torch.tensor([[p.lost_share] for p in instance.products], dtype=dtype)
        shelf, returns = shelf_for(instance, network, dtype), returns_for(instance, dtype)
        market = market_for(instance, dtype, price_response, satisfaction)
        substitution = Substitution.of(instance, dtype)
        # responses to prices and substitutes make demand divisible, whatever the lanes carry
        divisible = market is not None or substitution is not None
        whole_units = not divisible and all(lane.case_pack_units > 0 for lane in instance.lanes)
        fulfilment = fulfilment_for(instance, network.locations, dtype, whole_units=whole_units)
        is_uncertain = isinstance(arrivals, RandomLeadTimes)
        plain = network.is_direct and shelf is None and not is_uncertain
        return cls(
            product_ids=tuple(product.id for product in instance.products),
            network=network,
            economics=_economics(instance, network, lanes, dtype),
            arrivals=arrivals,
            ordering=ordering,
            unmet=unmet_for(lost_share),
            lost_share=lost_share,
            supply=None
            if plain
            else NetworkSupply(
                network,
                arrivals,
                tuple(ordering.among(slice(tier.start, tier.stop)) for tier in network.tiers),
                instance.rationing,
                shelf,
            ),
            fulfilment=fulfilment,
            market=market,
            openings=_present(returns, shelf),
            couplings=couplings_for(instance, network, dtype),
            substitutions=()
            if substitution is None
            else (SubstituteSales(substitution, fulfilment),),
            closings=_present(returns, shelf, market),
            order_days=_order_days_for(lanes),
            has_uncertain_supply=is_uncertain
            or any(lane.outage is not None for lane in instance.lanes),
        )

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return len(self.product_ids)

    @property
    def n_locations(self) -> int:
        """L, the number of locations that hold stock."""
        return len(self.network.locations)

    @property
    def n_lanes(self) -> int:
        """E, the number of lanes."""
        return len(self.network.lanes)

    @property
    def n_demand_points(self) -> int:
        """D: the number of regions, or of locations where there are none."""
        return len(self.network.regions) or self.n_locations

    @cached_property
    def shown_network(self) -> Network | None:
        """The network as a policy sees it: ``None`` where each location has a lane of its own."""
        plain = self.network.is_direct and not self.network.has_regions
        return None if plain and self.n_locations == 1 else self.network

    @cached_property
    def has_fixed_costs(self) -> bool:
        """Whether any lane charges per order."""
        return bool((self.economics.fixed_order_cost > 0).any())

    @cached_property
    def has_lane_costs(self) -> bool:
        """Whether any lane charges per unit."""
        return bool((self.economics.lane_cost > 0).any())

    def lane_open(self, scenario: Scenario, period: int) -> Tensor | None:
        """Return 0 where a lane takes no order in ``period``, by its order days or an outage."""
        drawn = None if scenario.lane_open is None else scenario.lane_open[:, period]
        if self.order_days is None:
            return drawn
        days = self.order_days.at(scenario.first_period + period)
        return days if drawn is None else drawn * days

    def check(self, scenario: Scenario) -> None:
        """Require what the supply of this world asks of a scenario.

        Raises :class:`ConfigurationError` when lead times or outages are uncertain and the
        scenario has not drawn them, or when it has drawn some that nothing here would use.
        """
        drawn = scenario.lead_time is not None or scenario.lane_open is not None
        require(
            drawn == self.has_uncertain_supply,
            ConfigurationError,
            "this world's lead times or outages are uncertain and the scenario has none drawn."
            " Take scenarios from `UncertainSupply.of(source, instance)`."
            if not drawn
            else "the scenario has lead times or outages drawn, and this world's are certain."
            " Take scenarios from the demand source itself.",
        )

    def with_lead_times(self, lead_time: LaneIntegers) -> "World":
        """Return the same world with other fixed lead times, which may differ by path.

        States of the one world do not fit the other, whose pipeline may reach further.
        """
        arrivals = arrivals_for(lead_time, self.economics.holding_cost)
        supply = None if self.supply is None else replace(self.supply, arrivals=arrivals)
        return replace(self, arrivals=arrivals, supply=supply)

    def with_cost_weights(self, weight: Float[Tensor, " P"]) -> "World":
        """Return the same world with each product's costs multiplied by its ``weight``."""
        costs = self.economics
        factor = weight.to(costs.holding_cost).unsqueeze(-1)
        weighted = replace(
            costs,
            holding_cost=costs.holding_cost * factor,
            shortage_cost=costs.shortage_cost * factor,
            fixed_order_cost=costs.fixed_order_cost * factor,
            lane_cost=costs.lane_cost * factor,
        )
        return replace(self, economics=weighted)

    def empty_state(self, paths: int) -> State:
        """Return the state of B ``paths`` with nothing on hand, on order or owed."""
        return self.state_with(torch.zeros(paths, self.n_products, self.n_locations))

    def state_with(self, on_hand: Tensor) -> State:
        """Return the state with ``on_hand`` units ``[B, P, L]`` and nothing on order."""
        on_hand = on_hand.to(self.economics.holding_cost)
        paths, products, _ = on_hand.shape
        on_order = on_hand.new_zeros(paths, products, self.n_lanes)
        points = self.n_demand_points
        backlog = on_hand.new_zeros(paths, products, points) if self.unmet.keeps_backlog else None
        memory = Memory() if self.closings else None
        for mechanism in self.closings:
            memory = mechanism.begin(memory or Memory(), on_hand, points)
        return State(on_hand, on_order, (None,) * self.arrivals.slots, backlog, memory)


class _LaneTable:
    """Lane terms as tensors ``[P, E]``; where a product has no such lane, the value for absent."""

    def __init__(self, instance: Instance, network: Network, dtype: torch.dtype) -> None:
        rows = {product.id: row for row, product in enumerate(instance.products)}
        columns = network.columns
        self.shape = (len(rows), len(network.lanes))
        self.dtype = dtype
        self.lanes = instance.lanes
        places = [
            (rows[lane.product_id], columns[lane.origin, lane.destination])
            for lane in instance.lanes
        ]
        self.index = tuple(torch.tensor(places, dtype=torch.long).T)
        self.is_full = len(places) == self.shape[0] * self.shape[1]

    def numbers(self, of: Callable[[Lane], float], absent: float = 0.0) -> Tensor:
        table = torch.full(self.shape, absent, dtype=self.dtype)
        table[self.index] = torch.tensor([of(lane) for lane in self.lanes], dtype=self.dtype)
        return table

    def integers(self, of: Callable[[Lane], int]) -> LaneIntegers:
        values = torch.tensor([of(lane) for lane in self.lanes], dtype=torch.long)
        table = torch.full(self.shape, int(values.min()), dtype=torch.long)
        table[self.index] = values
        return table.unsqueeze(0)


def _economics(
    instance: Instance, network: Network, lanes: _LaneTable, dtype: torch.dtype
) -> Economics:
    products = instance.products

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=dtype).unsqueeze(-1)

    unit_cost = column([product.unit_cost for product in products])
    holding = column([product.holding_cost for product in products])
    shortage = column([product.shortage_cost for product in products])
    if instance.stock_terms:
        rows = {product.id: row for row, product in enumerate(products)}
        holding = holding.repeat(1, len(network.locations))
        places = {place: n for n, place in enumerate(network.locations)}
        for terms in instance.stock_terms:
            if terms.holding_cost is not None:
                holding[rows[terms.product_id], places[terms.location]] = terms.holding_cost
        if not network.has_regions:
            shortage = shortage.repeat(1, len(network.locations))
            for terms in instance.stock_terms:
                if terms.shortage_cost is not None:
                    shortage[rows[terms.product_id], places[terms.location]] = terms.shortage_cost
    outside = torch.tensor([origin == OUTSIDE for origin in network.origin], dtype=dtype)
    return Economics(
        list_price=column([product.list_price for product in products]),
        unit_cost=unit_cost,
        holding_cost=holding,
        shortage_cost=shortage,
        fixed_order_cost=lanes.numbers(lambda lane: lane.fixed_order_cost),
        lane_cost=lanes.numbers(lambda lane: lane.unit_cost),
        purchase_cost=unit_cost * outside,
    )


def _arrivals_for(instance: Instance, lanes: _LaneTable, dtype: torch.dtype) -> Arrivals:
    planned = lanes.integers(lambda lane: lane.lead_time_periods)
    if all(lane.lead_time_distribution is None for lane in instance.lanes):
        return arrivals_for(planned, torch.zeros((), dtype=dtype))
    possible: set[int] = set()
    for lane in instance.lanes:
        random = lane.lead_time_distribution
        possible.update((lane.lead_time_periods,) if random is None else random.support)
    return RandomLeadTimes(planned, tuple(sorted(possible)))


def _ordering_for(instance: Instance, lanes: _LaneTable) -> Ordering:
    terms = {
        (lane.case_pack_units, lane.minimum_units, lane.capacity_units) for lane in instance.lanes
    }
    if lanes.is_full and terms == {(0, 0, torch.inf)}:
        return FreeOrders()
    if lanes.is_full and terms == {(1, 0, torch.inf)}:
        return WholeUnitOrders()
    return PackedOrders(
        case_pack=lanes.numbers(lambda lane: lane.case_pack_units),
        minimum=lanes.numbers(lambda lane: lane.minimum_units),
        capacity=lanes.numbers(lambda lane: lane.capacity_units, absent=0.0),
    )


def _order_days_for(lanes: _LaneTable) -> OrderDays | None:
    longest = max(lane.order_cycle_periods for lane in lanes.lanes)
    if longest == 1:
        return None

    def opens(day: int) -> Tensor:
        return lanes.numbers(lambda lane: float(day in lane.order_offsets))

    cycle = lanes.integers(lambda lane: lane.order_cycle_periods)
    return OrderDays(cycle, torch.stack([opens(day) for day in range(longest)]))


def _present(*mechanisms: "Mechanism | None") -> tuple["Mechanism", ...]:
    return tuple(mechanism for mechanism in mechanisms if mechanism is not None)
