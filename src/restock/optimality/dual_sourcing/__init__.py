"""Two sources, one fast and dear: the exact optimum, any rule's exact cost, the best rules."""

from restock.optimality.dual_sourcing.best import (
    BestCappedDualIndex,
    BestDualIndex,
    BestSingleIndex,
    best_capped_dual_index,
    best_dual_index,
    best_single_index,
)
from restock.optimality.dual_sourcing.chain import Decide, evaluate
from restock.optimality.dual_sourcing.problem import DualSourcing
from restock.optimality.dual_sourcing.program import DualSourcingOptimum, solve
from restock.optimality.dual_sourcing.rules import (
    capped_dual_index,
    dual_index,
    single_index,
    tailored_base_surge,
)
from restock.optimality.dual_sourcing.surge import (
    BestTailoredBaseSurge,
    best_tailored_base_surge,
    evaluate_tailored_base_surge,
)

__all__ = [
    "BestCappedDualIndex",
    "BestDualIndex",
    "BestSingleIndex",
    "BestTailoredBaseSurge",
    "Decide",
    "DualSourcing",
    "DualSourcingOptimum",
    "best_capped_dual_index",
    "best_dual_index",
    "best_single_index",
    "best_tailored_base_surge",
    "capped_dual_index",
    "dual_index",
    "evaluate",
    "evaluate_tailored_base_surge",
    "single_index",
    "solve",
    "tailored_base_surge",
]
