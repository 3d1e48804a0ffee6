"""Newsvendor, economic order quantity, Wagner–Whitin and (r, Q): textbook examples."""

from collections.abc import Iterator

from restock.evaluation import StudySettings
from restock.optimality import (
    ContinuousReview,
    Normal,
    economic_order_quantity,
    newsvendor,
    poisson_pmf,
    r_q_cost,
    wagner_whitin,
)

from .figure import Figure

__all__ = ["figures"]

BOOK = "Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed. [P]"
# demand per period, cost per order, holding cost: orders and their cost
PLANS = [
    ((90, 120, 80, 70), 500, 2.0, ("210", "0", "150", "0"), "1380"),
    ((150, 100, 80, 200), 120, 0.8, (), "424"),
    ((730, 580, 445, 650, 880), 100, 0.1, ("1310", "0", "1095", "0", "880"), "423"),
]


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List every figure of the section "Classics"."""
    del settings
    yield from _newsvendors()
    lot = economic_order_quantity(fixed_order_cost=8, holding_cost=0.225, demand_rate=1300)
    yield _figure("economic order quantity", "304.04678", lot.quantity)
    yield _figure("economic order quantity, cost", "68.4105255", lot.cost)
    for demand, fixed, holding, orders, cost in PLANS:
        plan = wagner_whitin(demand, fixed_order_cost=fixed, holding_cost=holding)
        name = f"Wagner–Whitin h={holding:g} K={fixed}"
        for period, order in enumerate(orders):
            yield _figure(f"{name}, order {period + 1}", order, plan.orders[period])
        yield _figure(f"{name}, cost", cost, plan.cost)
    shop = ContinuousReview(Normal(1300, 150), 1 / 12, 0.225, 7.5, 8)
    yield _figure("(r, Q) at (126.8, 328.5), cost", "78.0711625", r_q_cost(shop, 126.8, 328.5))


def _newsvendors() -> Iterator[Figure]:
    normal = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7)
    yield _figure("newsvendor Normal(50, 8), level", "56.603956", normal.level)
    yield _figure("newsvendor Normal(50, 8), cost", "1.9976052", normal.cost)
    late = newsvendor(Normal(50, 8), holding_cost=0.18, shortage_cost=0.7, lead_time=4)
    yield _figure("newsvendor Normal(50, 8) L=4, level", "264.766894", late.level)
    yield _figure("newsvendor Normal(50, 8) L=4, cost", "4.466781", late.cost)
    counted = newsvendor(poisson_pmf(6), holding_cost=1, shortage_cost=4)
    yield _figure("newsvendor Poisson(6), level", "8", counted.level)
    yield _figure("newsvendor Poisson(6), cost", "3.570106946", counted.cost)


def _figure(name: str, printed: str, computed: float) -> Figure:
    return Figure("classics", BOOK, name, printed, lambda: computed)
