"""Today's purchase proposals: one line per product, each with its exact waterfall."""

from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor

from restock.explanation import Waterfall, order_waterfall, sentence
from restock.planning.case import PlanningCase
from restock.planning.today import next_trading_days
from restock.simulation import PackedOrders, Policy, State
from restock.simulation.period import arrive, observe

__all__ = ["Proposals", "propose"]


@dataclass(frozen=True, eq=False)
class Proposals:
    """Today's list.

    ``table`` has one row per product, orders first, the dearest first: product, name, supplier,
    quantity (units), cases, cost (money), order_by and expected_receipt (dates), cover_days
    (trading days that stock, orders on the way and this order last), the waterfall's columns in
    units (``on_hand`` after today's arrivals), and the reason in a sentence.
    """

    table: pl.DataFrame
    rule: str
    stock_is_assumed: bool

    @property
    def total_cost(self) -> float:
        """Money that all orders of the list cost together."""
        return float(self.table["cost"].sum())

    @property
    def lines(self) -> int:
        """How many products are ordered."""
        return self.table.filter(pl.col("quantity") > 0).height


@torch.no_grad()
def propose(
    case: PlanningCase, policy: Policy, state: State, rule: str, *, stock_is_assumed: bool
) -> Proposals:
    """Ask the policy for the last day of the case, which is today, and explain every line.

    ``state`` is what today begins with; what is due today arrives before the policy looks.
    """
    state = arrive(case.world, state)
    observation = observe(case.world, state, case.scenario, case.history.n_days - 1)
    decision = policy.decide(observation)
    mean = observation.signal("forecast_mean")
    steps = order_waterfall(
        level=_flat(decision.target, mean),
        cap=None if decision.cap is None else _flat(decision.cap, mean),
        batch=None if decision.batch is None else _flat(decision.batch, mean),
        expected_demand=_flat(mean, mean),
        on_hand=_flat(state.on_hand, mean),
        on_order=_flat(state.on_order, mean),
        backlog=torch.zeros(mean.shape[1]) if state.backlog is None else _flat(state.backlog, mean),
        terms=_terms(case),
    )
    daily_mean = _flat(mean, mean) / (case.lead_time + 1)
    return Proposals(_table(case, steps, daily_mean), rule, stock_is_assumed)


def _flat(values: Tensor, like: Tensor) -> Tensor:
    return values.expand_as(like)[0, :, 0]


def _terms(case: PlanningCase) -> PackedOrders:
    lanes = {lane.product_id: lane for lane in case.instance.lanes}
    ordered = [lanes[product] for product in case.history.product_ids]
    return PackedOrders(
        case_pack=torch.tensor([lane.case_pack_units for lane in ordered]).double(),
        minimum=torch.tensor([lane.minimum_units for lane in ordered]).double(),
        capacity=torch.tensor([lane.capacity_units for lane in ordered]).double(),
    )


def _table(case: PlanningCase, steps: Waterfall, daily_mean: Tensor) -> pl.DataFrame:
    today = case.history.dates[-1]
    after = [today, *next_trading_days(case.history, int(case.lead_time.max()))]
    lanes = {lane.product_id: lane for lane in case.instance.lanes}
    products = case.instance.products
    ordered = [lanes[product.id] for product in products]
    leads = case.lead_time.tolist()
    stock = steps.on_hand + steps.on_order - steps.backlog + steps.quantity
    packs = pl.Series([max(lane.case_pack_units, 1) for lane in ordered])
    frame = pl.DataFrame(
        {
            "product": [product.id for product in products],
            "name": [product.name for product in products],
            "supplier": [lane.origin for lane in ordered],
            "quantity": steps.quantity,
            "cases": pl.Series(steps.quantity) // packs,
            "cost": steps.quantity * pl.Series([product.unit_cost for product in products]),
            "order_by": [today] * len(products),
            "expected_receipt": [after[lead] for lead in leads],
            "cover_days": stock / daily_mean.clamp_min(1e-6).numpy(),
            **{
                name: getattr(steps, name)
                for name in (
                    "expected_demand",
                    "safety",
                    "target",
                    "on_hand",
                    "on_order",
                    "backlog",
                    "need",
                    "rounding",
                )
            },
            "reason": [sentence(steps, index, lead) for index, lead in enumerate(leads)],
        }
    )
    frame = frame.with_columns(pl.col("cost", "cover_days").round(2))
    # goods that cost nothing are ordered too
    return frame.sort(pl.col("quantity") > 0, "cost", "product", descending=[True, True, False])
