"""The exact waterfall of an order: from expected demand to the quantity, in whole units.

    expected_demand + safety = target
    target − on_hand − on_order + backlog = need      (need is never below 0)
    need + rounding = quantity

Every learned or classical decision is a level, a cap and a batch (design convention 11), so one
waterfall explains them all. Where the cap binds, ``target`` is the level that the cap allows today;
where less than the batch is wanted, it is the position: the order waits.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from restock.errors import InputError, require
from restock.simulation import PackedOrders, Rule, feasible_order

__all__ = ["Waterfall", "order_waterfall", "sentence"]

Units = Int[np.ndarray, " P"]

_RULES = {
    Rule.NONE: "",
    Rule.WHOLE_UNITS: "",
    Rule.CASE_PACK: "rounded up to whole case packs",
    Rule.MINIMUM: "raised to the supplier's minimum",
    Rule.CAPACITY: "cut to the lane's capacity",
}


@dataclass(frozen=True, eq=False)
class Waterfall:
    """The steps from expected demand to the order, whole units per product ``[P]``.

    ``rule`` names what moved the quantity away from the need, ``capped`` marks orders that the
    policy's own cap holds below its level, ``waiting`` those that its batch puts off.
    """

    expected_demand: Units
    safety: Units
    target: Units
    on_hand: Units
    on_order: Units
    backlog: Units
    need: Units
    rounding: Units
    quantity: Units
    rule: tuple[Rule, ...]
    capped: tuple[bool, ...]
    waiting: tuple[bool, ...]


def order_waterfall(
    *,
    level: Tensor,
    cap: Tensor | None,
    expected_demand: Tensor,
    on_hand: Tensor,
    on_order: Tensor,
    backlog: Tensor,
    terms: PackedOrders,
    batch: Tensor | None = None,
) -> Waterfall:
    """Explain the orders that a level, a cap and a batch lead to; all are units ``[P]``.

    Stock is counted in whole units (rounded to the nearest). ``terms`` are the lanes' case packs
    (0 counts as 1), minimums and capacities.

    Raises :class:`InputError` when a level or an expected demand is not finite, or a cap or a
    batch is NaN.

    >>> units = lambda *values: torch.tensor(values, dtype=torch.float64)
    >>> steps = order_waterfall(
    ...     level=units(30.4),
    ...     cap=None,
    ...     expected_demand=units(21.0),
    ...     on_hand=units(8.0),
    ...     on_order=units(5.0),
    ...     backlog=units(0.0),
    ...     terms=PackedOrders(units(6.0), units(0.0), units(float("inf"))),
    ... )
    >>> steps.safety.item(), steps.target.item(), steps.need.item(), steps.quantity.item()
    (9, 30, 17, 18)
    """
    finite = all(bool(torch.isfinite(each).all()) for each in (level, expected_demand))
    known = not any(bool(torch.isnan(each).any()) for each in (cap, batch) if each is not None)
    require(
        finite and known,
        InputError,
        "the policy's levels, caps and batches and the expected demand must be numbers; check the"
        " signals and the policy's weights for NaN.",
    )
    on_hand, on_order, backlog = _whole(on_hand), _whole(on_order), _whole(backlog)
    position = on_hand + on_order - backlog
    wanted = (level.double() - position).clamp_min(0)
    least = torch.zeros_like(wanted) if batch is None else batch.double()
    waiting = (wanted > 0) & (wanted < least)
    uncapped = torch.where(waiting, torch.zeros_like(wanted), wanted)
    granted = uncapped if cap is None else torch.minimum(uncapped, cap.double())
    need = _whole(granted)
    ordering = need > 0
    target = torch.where(ordering, position + need, torch.minimum(_whole(level), position))
    quantity, rule = feasible_order(
        need,
        case_pack=terms.case_pack.double().clamp_min(1),
        minimum=terms.minimum.double(),
        capacity=terms.capacity.double(),
    )
    expected = _whole(expected_demand)
    return Waterfall(
        expected_demand=_plain(expected),
        safety=_plain(target - expected),
        target=_plain(target),
        on_hand=_plain(on_hand),
        on_order=_plain(on_order),
        backlog=_plain(backlog),
        need=_plain(need),
        rounding=_plain(quantity - need),
        quantity=_plain(quantity),
        rule=tuple(Rule(value) for value in rule.tolist()),
        capped=tuple((granted < uncapped).tolist()),
        waiting=tuple(waiting.tolist()),
    )


def sentence(steps: Waterfall, product: int, lead_time_days: int) -> str:
    """Return the order of one product (a position on the product axis) in a sentence."""
    quantity, target = int(steps.quantity[product]), int(steps.target[product])
    expected, safety = int(steps.expected_demand[product]), int(steps.safety[product])
    need, owed = int(steps.need[product]), int(steps.backlog[product])
    stock = f"{int(steps.on_hand[product] + steps.on_order[product])} on hand and on order"
    if owed:
        stock += f" less {owed} owed to customers"
    span = f"{lead_time_days + 1} trading day{'s' if lead_time_days else ''}"
    horizon = f"until the next order can arrive ({span})"
    margin = f"{'plus' if safety >= 0 else 'less'} {abs(safety)} for safety"
    aim = f"the target of {target} ({expected} expected {horizon} {margin})"
    if steps.waiting[product]:
        return f"Order nothing yet: {stock} fall short of the level by less than a batch."
    notes = []
    if steps.capped[product]:
        notes.append("held back by the policy's order cap")
    if _RULES[steps.rule[product]]:
        notes.append(_RULES[steps.rule[product]])
    why = f" The need of {need} was {' and '.join(notes)}." if notes else ""
    if need == 0:
        return f"Order nothing: {stock} cover {aim}.{why}"
    return f"Order {quantity}: {stock} fall {need} short of {aim}.{why}"


def _whole(units: Tensor) -> Tensor:
    return torch.floor(units.double() + 0.5)


def _plain(units: Tensor) -> Units:
    return units.long().numpy()
