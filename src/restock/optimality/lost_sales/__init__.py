"""Lost sales, one product: the exact optimum, the exact cost of any rule, the best simple rules."""

from restock.optimality.lost_sales.base_stock import (
    BestBaseStock,
    BestCappedBaseStock,
    best_base_stock,
    best_capped_base_stock,
)
from restock.optimality.lost_sales.chain import Decide, evaluate
from restock.optimality.lost_sales.problem import LostSales
from restock.optimality.lost_sales.program import LostSalesOptimum, solve
from restock.optimality.lost_sales.reordering import (
    CappedReorder,
    ReorderLots,
    best_modified_s_s,
    best_s_nq,
    best_s_s,
)

__all__ = [
    "BestBaseStock",
    "BestCappedBaseStock",
    "CappedReorder",
    "Decide",
    "LostSales",
    "LostSalesOptimum",
    "ReorderLots",
    "best_base_stock",
    "best_capped_base_stock",
    "best_modified_s_s",
    "best_s_nq",
    "best_s_s",
    "evaluate",
    "solve",
]
