"""What happens? The state, what a policy sees and decides, the period, rollouts, the ledger."""

from restock.simulation.gymnasium_env import RestockEnv
from restock.simulation.ledger import LedgerDay, Wish, keep_ledger
from restock.simulation.observation import Decision, Observation, Policy
from restock.simulation.ordering import PackedOrders, Rule, feasible_order
from restock.simulation.period import Flows, step
from restock.simulation.recorded import BootstrappedDemand, ReplayedDemand, recorded_scenario
from restock.simulation.rollout import (
    BusinessTally,
    CostTally,
    Tally,
    Trace,
    average_cost,
    rollout,
)
from restock.simulation.scenario import Scenario, ScenarioSource, SteadyDemand
from restock.simulation.state import State
from restock.simulation.world import Economics, World

__all__ = [
    "BootstrappedDemand",
    "BusinessTally",
    "CostTally",
    "Decision",
    "Economics",
    "Flows",
    "LedgerDay",
    "Observation",
    "PackedOrders",
    "Policy",
    "ReplayedDemand",
    "RestockEnv",
    "Rule",
    "Scenario",
    "ScenarioSource",
    "State",
    "SteadyDemand",
    "Tally",
    "Trace",
    "Wish",
    "World",
    "average_cost",
    "feasible_order",
    "keep_ledger",
    "recorded_scenario",
    "rollout",
    "step",
]
