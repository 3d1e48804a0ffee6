"""Prices keep their rules whatever is wished, and say which rule bound."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.problem import PriceRules, Product
from restock.simulation.pricing import PriceLimits, PriceRule, feasible_price, periods_at_price

FREE = 99.0
"""Periods since the last change: long enough for any rule."""

LADDER = PriceRules(ladder=(3.0, 3.5, 4.0, 5.0), largest_step=0.7)
RANGE = PriceRules(floor=3.0, ceiling=5.0, largest_step=0.5, least_periods_between_changes=4)

steps, waits = st.sampled_from([6.0, 7.5, math.inf]), st.integers(0, 4)
quarters = st.lists(st.integers(8, 32), max_size=6, unique=True).map(sorted)


def rules_of(rungs: list[int], step: float, wait: int) -> PriceRules:
    """Return rules with a ladder in quarters of money or, without rungs, a range."""
    bounds = {} if rungs else {"floor": 2.0, "ceiling": 8.0}
    return PriceRules(
        ladder=tuple(quarter / 4 for quarter in rungs),
        largest_step=step,
        least_periods_between_changes=wait,
        **bounds,
    )


def limits_of(*each: PriceRules, price: float = 4.0) -> PriceLimits:
    products = [
        Product(id=f"p{n}", list_price=rule.ladder[0] if rule.ladder else price, price_rules=rule)
        for n, rule in enumerate(each)
    ]
    return PriceLimits.of(products, torch.float64)


def answer(
    rule: PriceRules, wish: float, current: float, since: float = FREE
) -> tuple[float, PriceRule]:
    price, bound = feasible_price(*money(wish, current, since), limits_of(rule))
    return price.item(), PriceRule(int(bound))


def money(wish: float, current: float, since: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return three numbers as tensors of one path and one product."""
    values = torch.tensor([wish, current, since], dtype=torch.float64).reshape(3, 1, 1, 1)
    return values[0], values[1], values[2]


@pytest.mark.parametrize(
    ("wish", "current", "since", "price", "rule"),
    [
        (4.2, 4.0, FREE, 4.2, PriceRule.NONE),
        (2.9, 3.2, FREE, 3.0, PriceRule.FLOOR),
        (9.0, 4.8, FREE, 5.0, PriceRule.CEILING),
        (4.9, 4.0, FREE, 4.5, PriceRule.STEP),
        (1.0, 4.0, FREE, 3.5, PriceRule.STEP),  # the floor binds too, the step is stronger
        (4.2, 4.0, 3.0, 4.0, PriceRule.WAIT),
        (4.2, 4.0, 4.0, 4.2, PriceRule.NONE),
        (4.0, 4.0, 1.0, 4.0, PriceRule.NONE),  # no change is wished: nothing waits
    ],
)
def test_a_range_binds_as_it_says(
    wish: float, current: float, since: float, price: float, rule: PriceRule
) -> None:
    assert answer(RANGE, wish, current, since) == (price, rule)


@pytest.mark.parametrize(
    ("wish", "current", "price", "rule"),
    [
        (3.5, 4.0, 3.5, PriceRule.NONE),
        (3.6, 4.0, 3.5, PriceRule.LADDER),
        (3.75, 4.0, 3.5, PriceRule.LADDER),  # as near to 4.0: the lower
        (3.8, 4.0, 4.0, PriceRule.LADDER),
        (1.0, 4.0, 3.5, PriceRule.STEP),  # 3.3 is in reach, its next rung below is not
        (5.0, 4.0, 4.0, PriceRule.STEP),  # the rung above is a step of 1
        (4.8, 3.5, 4.0, PriceRule.STEP),
        (float("inf"), 3.0, 3.5, PriceRule.STEP),
    ],
)
def test_a_ladder_gives_the_nearest_rung_in_reach(
    wish: float, current: float, price: float, rule: PriceRule
) -> None:
    assert answer(LADDER, wish, current) == (price, rule)


def test_a_step_of_a_tenth_reaches_the_next_rung_in_single_precision() -> None:
    ladder = PriceRules(ladder=tuple(round(1 + n / 10, 1) for n in range(60)), largest_step=0.1)
    limits = PriceLimits.of([Product(id="tea", list_price=1.0, price_rules=ladder)])
    price = torch.ones(1, 1, 1)
    for rung in ladder.ladder[1:]:
        price, _ = feasible_price(torch.full_like(price, 9.0), price, price * 99, limits)
        assert price.item() == pytest.approx(rung)


def test_a_product_without_rules_keeps_its_list_price() -> None:
    limits = PriceLimits.of([Product(id="tea", list_price=2.5)], torch.float64)
    price, rule = feasible_price(*money(9.0, 2.5, FREE), limits)
    assert (price.item(), PriceRule(int(rule))) == (2.5, PriceRule.CEILING)


def test_rules_of_different_products_do_not_mix() -> None:
    limits = limits_of(LADDER, RANGE, PriceRules())
    wish = torch.tensor([3.6, 3.6, 3.6], dtype=torch.float64).reshape(1, 3, 1)
    price, rule = feasible_price(wish, torch.full_like(wish, 4.0), wish * 0 + FREE, limits)
    assert price.flatten().tolist() == [3.5, 3.6, 3.6]
    assert rule.flatten().tolist() == [PriceRule.LADDER, PriceRule.NONE, PriceRule.NONE]


@given(st.lists(st.tuples(quarters, steps, waits), min_size=1, max_size=4), st.integers(0, 2**32))
@settings(max_examples=150, derandomize=True)
def test_no_rule_is_ever_broken_on_a_random_walk_of_wishes(
    drawn: list[tuple[list[int], float, int]], seed: int
) -> None:
    each = [rules_of(*numbers) for numbers in drawn]
    limits = limits_of(*each)
    generator = torch.Generator().manual_seed(seed)
    price = torch.tensor(
        [rule.ladder[0] if rule.ladder else 4.0 for rule in each], dtype=torch.float64
    ).reshape(1, -1, 1)
    since, changed_at = torch.full_like(price, math.inf), [-math.inf] * len(each)
    for period in range(15):
        wish = 12 * torch.rand(price.shape, generator=generator, dtype=torch.float64)
        after, told = feasible_price(wish, price, since, limits)
        for n, rule in enumerate(each):
            old, new = price[0, n].item(), after[0, n].item()
            assert rule.admits(new)
            assert abs(new - old) <= rule.largest_step + 1e-9
            if new != old:
                assert period - changed_at[n] >= rule.least_periods_between_changes
                changed_at[n] = period
            assert (told[0, n] == PriceRule.NONE) == (new == wish[0, n])
        since, price = periods_at_price(since, after, price), after


def test_a_wish_that_is_no_number_is_not_hidden() -> None:
    price, _ = feasible_price(*money(float("nan"), 4.0, FREE), limits_of(LADDER))
    assert math.isnan(price.item())


@pytest.mark.parametrize("wish", [2.0, 3.7, 4.2, 4.9, 7.0])
@pytest.mark.parametrize("since", [1.0, FREE])
def test_gradients_are_difference_quotients_without_a_ladder(wish: float, since: float) -> None:
    limits = limits_of(RANGE)

    def price(values: Tensor) -> Tensor:
        asked, current = values.reshape(2, 1, 1, 1)
        return feasible_price(asked, current, torch.full_like(asked, since), limits)[0].sum()

    at = torch.tensor([wish, 4.1], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(price(at), at)
    for which, nudge in enumerate(1e-6 * torch.eye(2, dtype=torch.float64)):
        slope = (price(at + nudge) - price(at - nudge)) / 2e-6
        assert gradient[which].item() == pytest.approx(slope.item(), abs=1e-6)


@pytest.mark.parametrize("wish", [3.1, 3.6, 4.4, 9.0])
def test_gradients_pass_straight_through_the_rungs(wish: float) -> None:
    bare = PriceRules(floor=3.0, ceiling=5.0, largest_step=0.7)
    gradients = []
    for rule in (LADDER, bare):
        asked, current, since = money(wish, 4.0, FREE)
        asked.requires_grad_()
        current.requires_grad_()
        price, _ = feasible_price(asked, current, since, limits_of(rule))
        gradients.append(torch.autograd.grad(price.sum(), (asked, current)))
    assert gradients[0] == gradients[1]


def test_periods_are_counted_from_the_last_change() -> None:
    since, price = torch.tensor([[[math.inf]]]), torch.tensor([[[4.0]]])
    counted = []
    for after in (4.0, 5.0, 5.0, 5.0, 4.0):
        now = torch.full_like(price, after)
        since, price = periods_at_price(since, now, price), now
        counted.append(since.item())
    assert counted == [math.inf, 1.0, 2.0, 3.0, 1.0]
