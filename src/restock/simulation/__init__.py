"""What happens? The state, what a policy sees and decides, the period, rollouts, the ledger."""

from restock.simulation.flows import Extras, Flows
from restock.simulation.history_signals import HistorySignals
from restock.simulation.ledger import LedgerDay, Wish, keep_ledger
from restock.simulation.network import OUTSIDE, Network
from restock.simulation.observation import Decision, Observation, Policy
from restock.simulation.ordering import PackedOrders, Rule, feasible_order
from restock.simulation.period import step
from restock.simulation.pricing import PriceLimits, PriceRule, feasible_price
from restock.simulation.recorded import BootstrappedDemand, ReplayedDemand, recorded_scenario
from restock.simulation.rollout import (
    BusinessTally,
    CostTally,
    CustomerTally,
    LossTally,
    Tally,
    Trace,
    average_cost,
    rollout,
)
from restock.simulation.scenario import Scenario, ScenarioSource, SellingSeason, SteadyDemand
from restock.simulation.state import Ages, Customers, Memory, Prices, State
from restock.simulation.supply_risk import UncertainSupply
from restock.simulation.world import Economics, World

__all__ = [
    "OUTSIDE",
    "Ages",
    "BootstrappedDemand",
    "BusinessTally",
    "CostTally",
    "CustomerTally",
    "Customers",
    "Decision",
    "Economics",
    "Extras",
    "Flows",
    "HistorySignals",
    "LedgerDay",
    "LossTally",
    "Memory",
    "Network",
    "Observation",
    "PackedOrders",
    "Policy",
    "PriceLimits",
    "PriceRule",
    "Prices",
    "ReplayedDemand",
    "Rule",
    "Scenario",
    "ScenarioSource",
    "SellingSeason",
    "State",
    "SteadyDemand",
    "Tally",
    "Trace",
    "UncertainSupply",
    "Wish",
    "World",
    "average_cost",
    "feasible_order",
    "feasible_price",
    "keep_ledger",
    "recorded_scenario",
    "rollout",
    "step",
]
