"""The period: six steps, one function each, in the order in which they happen.

(1) what is due arrives; (2) the policy observes and decides; (3) orders enter the lanes;
(4) demand comes, given price and satisfaction; (5) demand is served, the rest is lost, waits or
goes to a substitute; (6) stock ages, costs are charged, satisfaction moves.

A mechanism that an instance does not need is ``None`` in its world and is not asked for.
"""

import torch
from torch import Tensor

from restock.shapes import LaneIntegers, LaneValues
from restock.simulation.flows import Extras, Flows
from restock.simulation.fulfilment import Fulfilment
from restock.simulation.observation import Decision, Observation, Policy
from restock.simulation.ordering import DUST_UNITS
from restock.simulation.scenario import Scenario
from restock.simulation.state import State
from restock.simulation.unmet import Served
from restock.simulation.world import World

__all__ = [
    "arrive",
    "charge",
    "conclude",
    "decide",
    "demand_of",
    "observe",
    "place",
    "serve",
    "step",
]


def arrive(world: World, state: State) -> State:
    """(1) Take what is due today out of the pipeline and onto the shelf."""
    due = state.pipeline[0]
    pipeline = (*state.pipeline[1:], None)
    if due is None:
        state = State(state.on_hand, state.on_order, pipeline, state.backlog, state.memory)
    else:
        inflow = world.network.inflow
        on_hand = state.on_hand + (due if inflow is None else due @ inflow)
        state = State(on_hand, state.on_order - due, pipeline, state.backlog, state.memory)
    for mechanism in world.openings:
        state = mechanism.open(state)
    return state


def observe(world: World, state: State, scenario: Scenario, period: int) -> Observation:
    """(2a) Show the policy stock and signals; today's demand is not among them."""
    always_open = scenario.lane_open is None and world.order_days is None
    return Observation(
        state.on_hand,
        state.on_order,
        state.pipeline[:-1],
        world.arrivals.lead_time,
        state.backlog,
        scenario.signals_at(period),
        scenario.signal_names,
        world.shown_network,
        state.memory,
        None if always_open else world.lane_open(scenario, period),
    )


def decide(world: World, observation: Observation, decision: Decision) -> LaneValues:
    """(2b) Turn the wish for a level into a feasible order: min(cap, target − position)."""
    wish = (decision.target - observation.lane_position).clamp_min(0)
    if decision.batch is not None:
        wish = torch.where(wish >= decision.batch, wish, torch.zeros_like(wish))
    if decision.cap is not None:
        wish = torch.minimum(wish, decision.cap)
    order = world.ordering.order(wish)
    if observation.lane_open is not None:
        order = order * observation.lane_open
    for coupling in world.couplings:
        order = coupling.limit(order, observation, world.ordering)
    return order


def place(
    world: World,
    state: State,
    order: LaneValues,
    observation: Observation,
    decision: Decision,
    lead_time: LaneIntegers | None = None,
) -> tuple[State, LaneValues]:
    """(3) Let the orders enter their lanes; a lane with lead time 0 delivers at once.

    Return the state and what was shipped: of an order to another location no more than it has.
    ``lead_time`` is today's draw in a world of uncertain lead times.
    """
    if world.supply is not None:
        return world.supply.place(state, order, observation, decision, lead_time)
    pipeline, at_once = world.arrivals.place(state.pipeline, order)
    on_order = state.on_order + order
    if at_once is None:
        return State(state.on_hand, on_order, pipeline, state.backlog, state.memory), order
    on_hand = state.on_hand + at_once
    return State(on_hand, on_order - at_once, pipeline, state.backlog, state.memory), order


def demand_of(
    world: World, state: State, decision: Decision, scenario: Scenario, period: int
) -> tuple[State, Tensor]:
    """(4) Let demand come, ``[B, P, D]``, given today's price and yesterday's satisfaction."""
    demand = scenario.demand.select(1, period)
    if world.market is None:
        return state, demand
    return world.market.ask(state, demand, decision.price)


def serve(
    world: World, state: State, demand: Tensor, decision: Decision
) -> tuple[State, Served, Extras | None]:
    """(5) Serve demand from stock; lose or keep the rest, or offer a substitute."""
    extras = None
    if world.fulfilment is None:
        served = world.unmet.serve(state.on_hand, demand, state.backlog)
    else:
        served, extras = _serve_regions(world, world.fulfilment, state, demand, decision)
    for mechanism in world.substitutions:
        served, extras = mechanism.replace(served, extras, decision)
    state = State(served.left, state.on_order, state.pipeline, served.backlog, state.memory)
    return state, served, extras


def _serve_regions(
    world: World, fulfilment: Fulfilment, state: State, demand: Tensor, decision: Decision
) -> tuple[Served, Extras]:
    parcels = fulfilment.serve(
        state.on_hand,
        demand,
        state.backlog,
        lost_share=world.lost_share if world.unmet.keeps_backlog else None,
        score=decision.region_score,
        share=decision.region_share,
    )
    return parcels.served, Extras().with_parcels(parcels)


def charge(
    world: World,
    state: State,
    order: LaneValues,
    demand: Tensor,
    served: Served,
    extras: Extras | None = None,
) -> tuple[State, Flows]:
    """(6) Let stock age and satisfaction move; charge what is left, was missing, was ordered."""
    for mechanism in world.closings:
        state, served, extras = mechanism.close(state, demand, served, extras or Extras())
    prices = world.economics
    if world.has_lane_costs:
        extras = (extras or Extras())._replace(lane_cost=prices.lane_cost * order)
    fixed = prices.fixed_order_cost * (order > DUST_UNITS) if world.has_fixed_costs else None
    holding = prices.holding_cost * served.left
    shortage = prices.shortage_cost * served.short
    return state, Flows(order, demand, served, holding, shortage, fixed, extras)


def step(
    world: World, policy: Policy, state: State, scenario: Scenario, period: int
) -> tuple[State, Flows]:
    """Run one period and return the state at its end with everything that moved."""
    state = arrive(world, state)
    observation = observe(world, state, scenario, period)
    return conclude(world, state, observation, policy.decide(observation), scenario, period)


def conclude(
    world: World,
    state: State,
    observation: Observation,
    decision: Decision,
    scenario: Scenario,
    period: int,
) -> tuple[State, Flows]:
    """Run the rest of a period, steps (2b) to (6), once a decision is made."""
    order = decide(world, observation, decision)
    lead_time = None if scenario.lead_time is None else scenario.lead_time[:, period]
    state, order = place(world, state, order, observation, decision, lead_time)
    state, demand = demand_of(world, state, decision, scenario, period)
    state, served, extras = serve(world, state, demand, decision)
    return charge(world, state, order, demand, served, extras)
