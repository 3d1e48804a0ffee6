"""A lower bound: stores whose warehouse never runs out and holds for nothing.

Every policy of the network gives each store a stream of deliveries, each ordered its lead time
before and each known to be possible where the warehouse has unlimited stock. So the store's own
holding and shortage cost is at least that of the best policy of a single location with the same
lead time, and the warehouse's holding cost is at least 0:

    cost of the network ≥ Σ_s V_s,   V_s the optimal lost-sales cost of store s alone.

Correlation between stores does not matter to the sum. V_s comes from the exact dynamic program,
with demand on a grid; its error falls with the square of the grid's step δ, so that

    V = V(δ) − (V(2δ) − V(δ)) / 3

is taken for δ → 0 (Richardson extrapolation; on the smallest instance δ = 0.25 gives 5.1017, and
δ = 0.125 5.1017 again). It is the Lagrangian relaxation of the warehouse's stock at the constant
price h_w, the only constant price at which the relaxation is bounded.
"""

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from restock.optimality.lost_sales import LostSales, solve

from .stores import Stores  # type: ignore[import-not-found]

__all__ = ["decoupled_bound"]

TOLERANCE = 1e-4
TAIL_DEVIATIONS = 4.5


def decoupled_bound(stores: Stores, step: float) -> float:
    """Return Σ V_s per store and period, from grids of ``step`` units (δ) and of two steps."""
    fine, coarse = _on_grids(stores, step), _on_grids(stores, 2 * step)
    return fine - (coarse - fine) / 3


def _on_grids(stores: Stores, step: float) -> float:
    terms = zip(
        stores.mean,
        stores.sd,
        stores.lead_time,
        stores.holding_cost,
        stores.shortage_cost,
        strict=True,
    )
    costs = [
        solve(
            LostSales(_on_grid(mean, sd, step), lead_time, holding * step, shortage * step),
            TOLERANCE,
        ).cost
        for mean, sd, lead_time, holding, shortage in terms
    ]
    return float(np.mean(costs))


def _on_grid(mean: float, sd: float, step: float) -> Float[np.ndarray, " D"]:
    """Return the chances of 0, 1, … steps: normal demand clipped at 0, to the nearest step."""
    most = int((mean + TAIL_DEVIATIONS * sd) / step) + 1
    edges = (np.arange(most) + 0.5) * step
    below = np.concatenate([[0.0], norm.cdf(edges, mean, sd), [1.0]])
    pmf: Float[np.ndarray, " D"] = np.diff(below)
    return pmf
