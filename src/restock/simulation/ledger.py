"""The plain ledger: the same world in plain Python numbers, one event a line, for anyone to audit.

One product, one path, no arrays. It is the reference that the batched simulator is held against;
it is written independently of it and shares no code with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from restock.problem import Lane, Product

__all__ = ["LedgerDay", "Wish", "keep_ledger"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rule wants: a level of the inventory position, units at most and at least at once."""

    target: float
    cap: float = float("inf")
    batch: float = 0.0


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """One period as a bookkeeper writes it: units, then money."""

    received: float
    ordered: float
    demand: float
    sold: float
    lost: float
    on_hand: float
    on_order: float
    backlog: float
    holding_cost: float
    shortage_cost: float
    fixed_cost: float


def keep_ledger(
    product: Product,
    lane: Lane,
    demand: Sequence[float],
    rule: Callable[[int, float], Wish],
    on_hand: float = 0.0,
) -> list[LedgerDay]:
    """Book every period of ``demand`` for one product under ``rule(period, position)``.

    >>> tea = Product(id="tea", holding_cost=1, shortage_cost=4)
    >>> lane = Lane(product_id="tea", origin="s", destination="w", lead_time_periods=1)
    >>> days = keep_ledger(tea, lane, [3, 5], lambda period, position: Wish(4))
    >>> [(day.received, day.ordered, day.sold, day.lost) for day in days]
    [(0.0, 4.0, 0.0, 3.0), (4.0, 0.0, 4.0, 1.0)]
    """
    due: dict[int, float] = {}
    backlog = 0.0
    days = []
    for period, asked in enumerate(demand):
        received = due.pop(period, 0.0)
        on_hand += received
        position = on_hand + sum(due.values()) - backlog
        ordered = _order(lane, rule(period, position), position)
        if lane.lead_time_periods == 0:
            on_hand += ordered
            received += ordered
        elif ordered > 0:
            arrival = period + lane.lead_time_periods
            due[arrival] = due.get(arrival, 0.0) + ordered
        settled = min(on_hand, backlog)
        fresh = min(on_hand - settled, asked)
        on_hand -= settled + fresh
        unmet = asked - fresh
        lost = product.lost_share * unmet
        backlog += unmet - lost - settled
        days.append(
            LedgerDay(
                received=received,
                ordered=ordered,
                demand=asked,
                sold=settled + fresh,
                lost=lost,
                on_hand=on_hand,
                on_order=float(sum(due.values())),
                backlog=backlog,
                holding_cost=product.holding_cost * on_hand,
                shortage_cost=product.shortage_cost * (lost + backlog),
                fixed_cost=lane.fixed_order_cost if ordered > 0 else 0.0,
            )
        )
    return days


def _order(lane: Lane, wish: Wish, position: float) -> float:
    wanted = max(wish.target - position, 0.0)
    wanted = min(wanted, wish.cap) if wanted >= wish.batch else 0.0
    pack = lane.case_pack_units
    if pack == 0:
        wanted = max(wanted, lane.minimum_units) if wanted > 0 else 0.0
        return float(min(wanted, lane.capacity_units))
    whole = int(wanted + 0.5)
    packs = -(-whole // pack)
    if packs:
        packs = max(packs, -(-lane.minimum_units // pack))
    if lane.capacity_units != float("inf"):
        packs = min(packs, int(lane.capacity_units // pack))
    return float(packs * pack)
