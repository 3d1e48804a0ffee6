"""What is the best possible? Exact answers and bounds; never policies.

Problems that a dynamic program solves have a package each, with the same words in it: ``solve``
for the optimum with its certificate, ``evaluate`` for the exact cost of any rule, ``best_…`` for
the best rule of a kind: :mod:`lost_sales`, :mod:`dual_sourcing`, :mod:`perishables` and
:mod:`joint_pricing`.
"""

from restock.optimality import dual_sourcing, joint_pricing, lost_sales, perishables
from restock.optimality.average_cost import ExactCost, average_cost
from restock.optimality.clearance import (
    Clearance,
    ClearanceOptimum,
    Markdown,
    best_clearance,
    fixed_price_revenues,
    fluid_clearance,
    fluid_markdown,
    markdown_revenue,
    price_table_revenue,
)
from restock.optimality.clearance_exponential import ExponentialClearance
from restock.optimality.eoq import EconomicOrder, economic_order_quantity
from restock.optimality.fluid import RateMix, best_mix
from restock.optimality.fluid_plan import FluidPlan, FluidTerms, fluid_plan
from restock.optimality.gridded import GridDemand, counted, normal_on_grid
from restock.optimality.network_bound import Certificate, Hindsight, NetworkBound, network_bound
from restock.optimality.newsvendor import Newsvendor, Normal, newsvendor
from restock.optimality.perfect_information import (
    PerfectInformation,
    SupplyTerms,
    perfect_information_bound,
)
from restock.optimality.pmf import geometric_pmf, poisson_pmf
from restock.optimality.r_q import ContinuousReview, ReorderQuantity, optimal_r_q, r_q_cost
from restock.optimality.s_s import Backorders, ReorderUpTo, optimal_s_s, s_s_cost
from restock.optimality.serial import (
    EchelonBaseStock,
    SerialStage,
    SerialSystem,
    clark_scarf,
    serial_cost,
)
from restock.optimality.wagner_whitin import LotSizes, wagner_whitin

__all__ = [
    "Backorders",
    "Certificate",
    "Clearance",
    "ClearanceOptimum",
    "ContinuousReview",
    "EchelonBaseStock",
    "EconomicOrder",
    "ExactCost",
    "ExponentialClearance",
    "FluidPlan",
    "FluidTerms",
    "GridDemand",
    "Hindsight",
    "LotSizes",
    "Markdown",
    "NetworkBound",
    "Newsvendor",
    "Normal",
    "PerfectInformation",
    "RateMix",
    "ReorderQuantity",
    "ReorderUpTo",
    "SerialStage",
    "SerialSystem",
    "SupplyTerms",
    "average_cost",
    "best_clearance",
    "best_mix",
    "clark_scarf",
    "counted",
    "dual_sourcing",
    "economic_order_quantity",
    "fixed_price_revenues",
    "fluid_clearance",
    "fluid_markdown",
    "fluid_plan",
    "geometric_pmf",
    "joint_pricing",
    "lost_sales",
    "markdown_revenue",
    "network_bound",
    "newsvendor",
    "normal_on_grid",
    "optimal_r_q",
    "optimal_s_s",
    "perfect_information_bound",
    "perishables",
    "poisson_pmf",
    "price_table_revenue",
    "r_q_cost",
    "s_s_cost",
    "serial_cost",
    "wagner_whitin",
]
