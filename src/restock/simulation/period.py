"""The period: six steps, one function each, in the order in which they happen.

(1) what is due arrives; (2) the policy observes and decides; (3) orders enter the lanes;
(4) demand comes; (5) demand is served, the rest is lost or waits; (6) costs are charged.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from restock.shapes import LaneValues, StockValues
from restock.simulation.observation import Decision, Observation, Policy
from restock.simulation.scenario import Scenario
from restock.simulation.state import State
from restock.simulation.unmet import Served
from restock.simulation.world import World

__all__ = [
    "Flows",
    "arrive",
    "charge",
    "decide",
    "demand_of",
    "observe",
    "place",
    "serve",
    "step",
]


@dataclass(frozen=True, slots=True)
class Flows:
    """What moved in one period, in units ``[B, P, L]``, and what it cost, in money.

    ``cost`` is what decisions minimise: holding + shortage + fixed order cost. Purchases and
    revenue are kept apart; they follow from ``order`` and ``served``.
    """

    order: Tensor
    demand: Tensor
    served: Served
    holding_cost: Tensor
    shortage_cost: Tensor
    fixed_cost: Tensor | None

    @property
    def cost(self) -> Tensor:
        """Holding + shortage + fixed order cost of the period, money ``[B, P, L]``."""
        cost = self.holding_cost + self.shortage_cost
        return cost if self.fixed_cost is None else cost + self.fixed_cost


def arrive(state: State) -> State:
    """(1) Take what is due today out of the pipeline and onto the shelf."""
    due = state.pipeline[0]
    pipeline = (*state.pipeline[1:], None)
    if due is None:
        return State(state.on_hand, state.on_order, pipeline, state.backlog)
    return State(state.on_hand + due, state.on_order - due, pipeline, state.backlog)


def observe(world: World, state: State, scenario: Scenario, period: int) -> Observation:
    """(2a) Show the policy stock and signals; today's demand is not among them."""
    return Observation(
        on_hand=state.on_hand,
        on_order=state.on_order,
        pipeline=state.pipeline[:-1],
        lead_time=world.arrivals.lead_time,
        backlog=state.backlog,
        signals=scenario.signals_at(period),
        signal_names=scenario.signal_names,
    )


def decide(world: World, observation: Observation, decision: Decision) -> LaneValues:
    """(2b) Turn the wish for a level into a feasible order: min(cap, target − position)."""
    wish = (decision.target - observation.inventory_position).clamp_min(0)
    if decision.batch is not None:
        wish = torch.where(wish >= decision.batch, wish, torch.zeros_like(wish))
    if decision.cap is not None:
        wish = torch.minimum(wish, decision.cap)
    return world.ordering.order(wish)


def place(world: World, state: State, order: LaneValues) -> State:
    """(3) Let the orders enter their lanes; a lane with lead time 0 delivers at once."""
    pipeline, at_once = world.arrivals.place(state.pipeline, order)
    on_order = state.on_order + order
    if at_once is None:
        return State(state.on_hand, on_order, pipeline, state.backlog)
    return State(state.on_hand + at_once, on_order - at_once, pipeline, state.backlog)


def demand_of(scenario: Scenario, period: int) -> StockValues:
    """(4) Let demand come, ``[B, P, L]``."""
    return scenario.demand[:, period]


def serve(world: World, state: State, demand: StockValues) -> tuple[State, Served]:
    """(5) Serve demand from stock; lose or keep the rest."""
    served = world.unmet.serve(state.on_hand, demand, state.backlog)
    return State(served.left, state.on_order, state.pipeline, served.backlog), served


def charge(world: World, order: LaneValues, demand: StockValues, served: Served) -> Flows:
    """(6) Charge what is left and what was missing, and each order that was placed."""
    prices = world.economics
    fixed = prices.fixed_order_cost * (order > 0) if world.has_fixed_costs else None
    holding = prices.holding_cost * served.left
    return Flows(order, demand, served, holding, prices.shortage_cost * served.short, fixed)


def step(
    world: World, policy: Policy, state: State, scenario: Scenario, period: int
) -> tuple[State, Flows]:
    """Run one period and return the state at its end with everything that moved."""
    state = arrive(state)
    observation = observe(world, state, scenario, period)
    order = decide(world, observation, policy.decide(observation))
    state = place(world, state, order)
    demand = demand_of(scenario, period)
    state, served = serve(world, state, demand)
    return state, charge(world, order, demand, served)
