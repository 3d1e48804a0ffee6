"""What is the best possible? Exact answers and bounds; never policies."""

from restock.optimality.eoq import EconomicOrder, economic_order_quantity
from restock.optimality.lost_sales import (
    BestBaseStock,
    BestCappedBaseStock,
    ExactCost,
    LostSales,
    LostSalesOptimum,
    best_base_stock,
    best_capped_base_stock,
    evaluate,
    solve,
)
from restock.optimality.newsvendor import Newsvendor, Normal, newsvendor
from restock.optimality.perfect_information import (
    PerfectInformation,
    SupplyTerms,
    perfect_information_bound,
)
from restock.optimality.pmf import geometric_pmf, poisson_pmf

__all__ = [
    "BestBaseStock",
    "BestCappedBaseStock",
    "EconomicOrder",
    "ExactCost",
    "LostSales",
    "LostSalesOptimum",
    "Newsvendor",
    "Normal",
    "PerfectInformation",
    "SupplyTerms",
    "best_base_stock",
    "best_capped_base_stock",
    "economic_order_quantity",
    "evaluate",
    "geometric_pmf",
    "newsvendor",
    "perfect_information_bound",
    "poisson_pmf",
    "solve",
]
