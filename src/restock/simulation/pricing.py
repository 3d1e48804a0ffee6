"""Step 2 for prices: a wish becomes a price that the rules allow, and the rule that bound is told.

In this order: floor and ceiling; the largest step from the present price; the nearest rung of the
ladder that the step reaches; and no change at all before the least number of periods is over.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.problem import Product

__all__ = ["PriceLimits", "PriceRule", "feasible_price", "periods_at_price"]

HAIR = 1e-6
"""Relative: a step from 4.2 to 4.3 is one of 0.1 in any precision."""


class PriceRule(IntEnum):
    """The rule that moved a price away from its wish; the strongest that bound is told."""

    NONE = 0
    FLOOR = 1
    CEILING = 2
    LADDER = 3
    STEP = 4
    WAIT = 5


@dataclass(frozen=True, slots=True, eq=False)
class PriceLimits:
    """The price rules of P products as tensors, money per unit.

    ``ladder`` ``[P, K]`` holds the allowed prices, filled up with NaN (K = 0, or a row of NaN: any
    price). ``floor``, ``ceiling``, ``largest_step`` and ``least_periods`` are ``[P, 1]``; ∞ where
    nothing limits.
    """

    ladder: Float[Tensor, "P K"]
    floor: Float[Tensor, "P 1"]
    ceiling: Float[Tensor, "P 1"]
    largest_step: Float[Tensor, "P 1"]
    least_periods: Float[Tensor, "P 1"]

    @classmethod
    def of(cls, products: Iterable[Product], dtype: torch.dtype = torch.float32) -> "PriceLimits":
        """Read the rules of products; without rules a product keeps its list price.

        >>> from restock.problem import PriceRules
        >>> rules = PriceRules(ladder=(3.0, 3.5, 4.0), largest_step=0.5)
        >>> tea = Product(id="tea", list_price=4.0, price_rules=rules)
        >>> PriceLimits.of([tea, Product(id="mate", list_price=2.0)]).ladder
        tensor([[3.0000, 3.5000, 4.0000],
                [   nan,    nan,    nan]])
        """
        ladders: list[tuple[float, ...]] = []
        bounds: list[tuple[float, float, float, float]] = []
        for product in products:
            rules = product.price_rules
            if rules is None:
                ladders.append(())
                bounds.append((product.list_price, product.list_price, math.inf, 0.0))
                continue
            wait = float(rules.least_periods_between_changes)
            ladders.append(rules.ladder)
            bounds.append((rules.floor, rules.ceiling, rules.largest_step, wait))
        width = max(map(len, ladders), default=0)
        rows = [(*ladder, *(math.nan,) * (width - len(ladder))) for ladder in ladders]
        ladder = torch.tensor(rows, dtype=dtype).reshape(len(rows), width)
        columns = torch.tensor(bounds, dtype=dtype).reshape(-1, 4).T.unsqueeze(-1)
        return cls(ladder, *columns.unbind())


def feasible_price(
    wish: Float[Tensor, "#B P 1"],
    current: Float[Tensor, "#B P 1"],
    periods_since_change: Float[Tensor, "#B P 1"],
    limits: PriceLimits,
) -> tuple[Float[Tensor, "#B P 1"], Int[Tensor, "#B P 1"]]:
    """Return the price for a wish, in money per unit, and the :class:`PriceRule` that bound.

    ``current`` is the price of the last period, ``periods_since_change`` for how many periods it
    has been asked (see :func:`periods_at_price`). Of the rungs within floor, ceiling and largest
    step the one nearest to the wish is taken, the lower of two as near; if the step reaches none
    the price stays. Gradients pass straight through the rounding to a rung; floor, ceiling, step
    and waiting have their own: where they bind, the wish does not move the price.

    >>> from restock.problem import PriceRules
    >>> rules = PriceRules(ladder=(3.0, 3.5, 4.0), largest_step=0.5)
    >>> limits = PriceLimits.of([Product(id="tea", list_price=4.0, price_rules=rules)])
    >>> wish, now = torch.tensor([[[3.6]], [[1.0]]]), torch.full((2, 1, 1), 4.0)
    >>> price, rule = feasible_price(wish, now, torch.full_like(now, 9.0), limits)
    >>> price.flatten().tolist(), [PriceRule(int(r)).name for r in rule]
    ([3.5, 3.5], ['LADDER', 'STEP'])
    """
    raised = torch.maximum(wish, limits.floor)
    bounded = torch.minimum(raised, limits.ceiling)
    lowest, highest = current - limits.largest_step, current + limits.largest_step
    stepped = torch.minimum(torch.maximum(bounded, lowest), highest)
    price = stepped
    if limits.ladder.shape[-1]:
        rung = _nearest_rung(stepped.detach(), current.detach(), limits)
        price = rung + (stepped - stepped.detach()) if stepped.requires_grad else rung
    waits = periods_since_change < limits.least_periods
    final = torch.where(waits, current, price)
    rule = torch.full_like(final, int(PriceRule.NONE), dtype=torch.long)
    for binds, name in (
        (raised != wish, PriceRule.FLOOR),
        (bounded != raised, PriceRule.CEILING),
        (price != stepped, PriceRule.LADDER),
        (stepped != bounded, PriceRule.STEP),
        (waits & (wish != current), PriceRule.WAIT),
    ):
        rule = torch.where(binds, int(name), rule)
    return final, rule


def periods_at_price(
    periods_since_change: Float[Tensor, "#B P 1"],
    price: Float[Tensor, "#B P 1"],
    current: Float[Tensor, "#B P 1"],
) -> Float[Tensor, "#B P 1"]:
    """Return for how many periods ``price`` will have been asked at the end of this one.

    >>> since, price = torch.full((2, 1, 1), 4.0), torch.tensor([[[2.0]], [[3.0]]])
    >>> periods_at_price(since, price, torch.full((2, 1, 1), 2.0)).flatten().tolist()
    [5.0, 1.0]
    """
    return torch.where(price == current, periods_since_change + 1, 1.0)


def _nearest_rung(
    wish: Float[Tensor, "#B P 1"], current: Float[Tensor, "#B P 1"], limits: PriceLimits
) -> Float[Tensor, "#B P 1"]:
    """Return the nearest rung in reach; the wish where there is no ladder, else the old price."""
    reach = limits.largest_step + HAIR * current.abs()
    kept, least = current, torch.full_like(current, math.inf)
    for rung in limits.ladder.unsqueeze(-1).unbind(-2):
        inside = (rung >= limits.floor * (1 - HAIR)) & (rung <= limits.ceiling * (1 + HAIR))
        in_reach = inside & ((rung - current).abs() <= reach)
        distance = torch.where(in_reach, (rung - wish).abs(), math.inf)
        kept = torch.where(distance < least, rung, kept)
        least = torch.minimum(distance, least)
    free = limits.ladder.isnan().all(dim=-1, keepdim=True)
    return torch.where(free | wish.isnan(), wish, kept)
