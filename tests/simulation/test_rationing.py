"""Shortage shared out: every rule keeps to what is there and what is wished, and does what it says.

Each rule is compared with another way to the answer: bisection on the level for water-filling, a
loop for rounding, difference quotients for gradients.
"""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import InstanceError
from restock.simulation.grouping import FixedGroups, VaryingGroups
from restock.simulation.rationing import (
    Shared,
    by_weight,
    in_whole_units,
    least_cover,
    proportional,
    round_shares,
)

DOUBLE = torch.float64
STEP = 1e-6
B, P = 3, 2

Rule = Callable[[Tensor, Tensor, Tensor, Tensor, FixedGroups], Shared]

RULES: dict[str, Rule] = {
    "proportional": lambda wish, has, _a, _b, groups: proportional(wish, has, groups),
    "least_cover": least_cover,
    "by_weight": lambda wish, has, _a, weight, groups: by_weight(wish, has, weight, groups),
}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())

members = st.lists(st.integers(0, 2), min_size=1, max_size=7)
seeds = st.integers(0, 2**32)


def lanes(member: list[int], dtype: torch.dtype = DOUBLE) -> FixedGroups:
    return FixedGroups.of(torch.tensor(member), 3, dtype)


def draw(member: list[int], seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return wish, available, position and rate; sources are short, exact and ample."""
    generator = torch.Generator().manual_seed(seed)
    shape = (B, P, len(member))
    wish = 10 * torch.rand(shape, generator=generator, dtype=DOUBLE)
    available = 0.1 + 30 * torch.rand(B, P, 3, generator=generator, dtype=DOUBLE).square()
    position = 20 * torch.rand(shape, generator=generator, dtype=DOUBLE) - 5
    rate = 0.1 + torch.rand(shape, generator=generator, dtype=DOUBLE)
    return wish, available, position, rate


def filled(wish: Tensor, start: Tensor, rate: Tensor, available: float) -> Tensor:
    """Pour by bisection on the level: an independent way to the same answer."""
    low, high = -1e6, 1e6
    for _ in range(200):
        level = (low + high) / 2
        poured = torch.minimum((level * rate - start).clamp_min(0), wish)
        low, high = (level, high) if poured.sum() <= available else (low, level)
    return poured


def compare_with_bisection(
    units: Tensor, member: list[int], wish: Tensor, available: Tensor, start: Tensor, rate: Tensor
) -> None:
    for b in range(B):
        for p in range(P):
            for source in set(member):
                at = [n for n, m in enumerate(member) if m == source]
                expected = filled(
                    wish[b, p, at], start[b, p, at], rate[b, p, at], available[b, p, source].item()
                )
                torch.testing.assert_close(units[b, p, at], expected, rtol=0, atol=1e-6)


@each_rule
@given(members, seeds)
def test_all_of_what_is_there_or_wished_is_shipped_and_never_more(
    rule: Rule, member: list[int], seed: int
) -> None:
    wish, available, position, rate = draw(member, seed)
    groups = lanes(member)
    units, left = rule(wish, available, position, rate, groups)
    asked = groups.total(wish)
    assert (units >= 0).all()
    assert (units <= wish + 1e-12).all()
    assert (left >= 0).all()
    torch.testing.assert_close(groups.total(units), torch.minimum(available, asked))
    torch.testing.assert_close(groups.total(units) + left, available)


@each_rule
def test_where_there_is_enough_the_wish_itself_is_given(rule: Rule) -> None:
    wish, available, position, rate = draw([0, 1, 1, 2], 7)
    units, left = rule(wish, available + 20, position, rate, lanes([0, 1, 1, 2]))
    assert torch.equal(units, wish)
    assert (left >= 0).all()


@each_rule
@given(seeds)
def test_permuted_askers_get_permuted_units(rule: Rule, seed: int) -> None:
    member = [0, 2, 0, 1, 0, 2]
    wish, available, position, rate = draw(member, seed)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    there = rule(wish, available, position, rate, lanes(member)).units[..., order]
    back = rule(
        wish[..., order],
        available,
        position[..., order],
        rate[..., order],
        FixedGroups.of(torch.tensor(member)[order], 3, DOUBLE),
    ).units
    torch.testing.assert_close(back, there)


@each_rule
@given(members, seeds)
@settings(derandomize=True)
def test_gradients_are_difference_quotients(rule: Rule, member: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    value = torch.rand(B, P, len(member), generator=generator, dtype=DOUBLE)

    def worth(*inputs: Tensor) -> Tensor:
        wish, available, position, rate = inputs
        shared = rule(wish, available, position, rate, lanes(member))
        return (shared.units * value).sum() + 0.3 * shared.left.square().sum()

    inputs = [part.requires_grad_() for part in draw(member, seed)]
    gradients = torch.autograd.grad(worth(*inputs), inputs, materialize_grads=True)
    ways = [torch.randn(part.shape, generator=generator, dtype=DOUBLE) for part in inputs]
    with torch.no_grad():
        ahead = worth(*(part + STEP * way for part, way in zip(inputs, ways, strict=True)))
        behind = worth(*(part - STEP * way for part, way in zip(inputs, ways, strict=True)))
    slope = (ahead - behind) / (2 * STEP)
    expected = sum((g * way).sum() for g, way in zip(gradients, ways, strict=True))
    torch.testing.assert_close(expected, slope, rtol=1e-5, atol=1e-5)


@given(members, seeds)
@settings(max_examples=30)
def test_least_cover_levels_cover_as_bisection_does(member: list[int], seed: int) -> None:
    wish, available, position, rate = draw(member, seed)
    units = least_cover(wish, available, position, rate, lanes(member)).units
    compare_with_bisection(units, member, wish, available, position, rate)


@given(members, seeds)
@settings(max_examples=30)
def test_weights_share_as_bisection_does(member: list[int], seed: int) -> None:
    wish, available, _, weight = draw(member, seed)
    units = by_weight(wish, available, weight, lanes(member)).units
    compare_with_bisection(units, member, wish, available, torch.zeros_like(wish), weight)


def test_least_cover_by_hand() -> None:
    # 8 units to destinations with 2, 5 and 40 units that sell 1, 2 and 1 a period: at a cover of
    # 5 periods the first two get 3 and 5, the third has more already
    wish = torch.full((1, 1, 3), 9.0)
    position, rate = torch.tensor([[[2.0, 5.0, 40.0]]]), torch.tensor([[[1.0, 2.0, 1.0]]])
    units = least_cover(
        wish, torch.full((1, 1, 3), 8.0), position, rate, lanes([0] * 3, wish.dtype)
    )
    assert units.units.tolist() == [[[3.0, 5.0, 0.0]]]
    # negative control: in proportion to wishes each would get the same
    same = proportional(wish, torch.full((1, 1, 3), 8.0), lanes([0] * 3, wish.dtype))
    assert same.units[0, 0, 2] > 2


def test_who_expects_no_demand_comes_last_but_gets_what_it_owes_first() -> None:
    wish = torch.tensor([[[4.0, 4.0, 4.0]]], dtype=DOUBLE)
    position = torch.tensor([[[0.0, 3.0, -2.0]]], dtype=DOUBLE)
    rate = torch.tensor([[[1.0, 0.0, 0.0]]], dtype=DOUBLE)
    for available, expected in ((5.0, [3.0, 0.0, 2.0]), (7.0, [4.0, 0.0, 3.0])):
        has = torch.full((1, 1, 3), available, dtype=DOUBLE)
        units = least_cover(wish, has, position, rate, lanes([0] * 3)).units
        torch.testing.assert_close(units[0, 0].tolist(), expected, rtol=0, atol=1e-6)


def test_weight_zero_waits_until_the_others_have_their_wish() -> None:
    wish = torch.tensor([[[4.0, 6.0, 2.0]]])
    weight = torch.tensor([[[1.0, 0.0, 0.0]]])
    for available, expected in ((3.0, [3, 0, 0]), (8.0, [4, 3, 1]), (20.0, [4, 6, 2])):
        has = torch.full((1, 1, 3), available)
        units = by_weight(wish, has, weight, lanes([0] * 3, wish.dtype)).units
        assert units.tolist() == [[expected]]


def test_available_may_differ_by_path_where_the_wish_does_not() -> None:
    wish = torch.tensor([[[4.0, 4.0]]])
    has = torch.tensor([[[2.0]], [[6.0]], [[9.0]]])
    groups = FixedGroups.of(torch.tensor([0, 0]), 1)
    units = by_weight(wish, has, torch.ones(1, 1, 2), groups).units
    assert units.tolist() == [[[1.0, 1.0]], [[3.0, 3.0]], [[4.0, 4.0]]]


def rounded(shares: list[float], member: list[int]) -> list[float]:
    """Round by a loop: each source's running sum, rounded down, in steps."""
    running: dict[int, float] = {}
    out = []
    for share, source in zip(shares, member, strict=True):
        before = running.get(source, 0.0)
        running[source] = before + share
        out.append(float(int(running[source]) - int(before)))
    return out


@given(members, seeds)
def test_whole_units_keep_totals_and_wishes(member: list[int], seed: int) -> None:
    wish, available, position, rate = draw(member, seed)
    wish, available, groups = wish.ceil(), available.floor(), lanes(member)
    shared = least_cover(wish, available, position, rate, groups)
    units, left = in_whole_units(shared, available, groups)
    assert (units == units.round()).all()
    assert (units <= wish).all()
    assert ((units - shared.units).abs() < 1).all()
    assert torch.equal(groups.total(units), torch.minimum(available, groups.total(wish)))
    assert torch.equal(groups.total(units) + left, available)


@pytest.mark.parametrize("varies", [False, True], ids=["fixed", "varying"])
@given(members, seeds)
def test_rounding_equals_the_loop_for_fixed_and_varying_groups(
    varies: bool,  # noqa: FBT001 - a case of the test
    member: list[int],
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    shares = 5 * torch.rand(B, P, len(member), generator=generator, dtype=DOUBLE)
    many = torch.tensor(member).expand(B, P, -1)
    if varies:
        many = (many + torch.arange(B).reshape(B, 1, 1)) % 3
    groups = VaryingGroups(many, 3) if varies else lanes(member)
    units = round_shares(shares, groups)
    for b in range(B):
        for p in range(P):
            expected = rounded(shares[b, p].tolist(), many[b, p].tolist())
            assert units[b, p].tolist() == expected


def test_shares_that_miss_a_whole_total_by_rounding_alone_give_that_total() -> None:
    groups = FixedGroups.of(torch.zeros(3, dtype=torch.long), 1)
    thirds = torch.full((1, 1, 3), 10 / 3)
    assert thirds.double().sum() != 10
    assert round_shares(thirds, groups).sum() == 10
    # negative control: a total that really is below ten stays below
    assert round_shares(thirds - 0.01, groups).sum() == 9


def test_gradients_pass_straight_through_rounding_and_leave_the_units_exact() -> None:
    shares = (7 * torch.rand(50, 1, 4, generator=torch.Generator().manual_seed(0))).requires_grad_()
    groups = FixedGroups.of(torch.tensor([0, 1, 0, 1]), 2)
    units = round_shares(shares, groups)
    assert torch.equal(units.detach(), round_shares(shares.detach(), groups))
    units.sum().backward()
    assert shares.grad is not None
    assert (shares.grad == 1).all()


def test_nothing_asked_of_an_empty_source_has_a_finite_gradient() -> None:
    wish = torch.tensor([[[0.0, 3.0]]], requires_grad=True)
    available = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    shared = proportional(wish, available, FixedGroups.of(torch.tensor([0, 1]), 2))
    (shared.units.sum() + shared.left.sum()).backward()
    assert wish.grad is not None
    assert available.grad is not None
    assert wish.grad.isfinite().all()
    assert available.grad.isfinite().all()


def test_a_lane_from_a_source_that_is_not_there_is_refused() -> None:
    with pytest.raises(InstanceError, match=r"must lie in 0 … 1; got \[-1\].*outside suppliers"):
        FixedGroups.of(torch.tensor([0, -1, 1]), 2)
