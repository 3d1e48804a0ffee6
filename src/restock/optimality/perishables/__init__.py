"""One perishable product, lost sales: the exact optimum, any rule's exact cost, best levels."""

from restock.optimality.perishables.best import (
    BestLevel,
    best_base_stock,
    best_effective_base_stock,
)
from restock.optimality.perishables.chain import Decide, DiscountedCost, evaluate
from restock.optimality.perishables.demand import rounded_gamma_pmf
from restock.optimality.perishables.issuing import Issued, issue
from restock.optimality.perishables.problem import Perishable, PerishableCosts
from restock.optimality.perishables.program import PerishableOptimum, solve
from restock.optimality.perishables.rules import (
    base_stock,
    effective_base_stock,
    estimated_expiry,
)

__all__ = [
    "BestLevel",
    "Decide",
    "DiscountedCost",
    "Issued",
    "Perishable",
    "PerishableCosts",
    "PerishableOptimum",
    "base_stock",
    "best_base_stock",
    "best_effective_base_stock",
    "effective_base_stock",
    "estimated_expiry",
    "evaluate",
    "issue",
    "rounded_gamma_pmf",
    "solve",
]
