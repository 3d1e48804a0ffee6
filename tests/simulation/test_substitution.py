"""Substitution conserves units and customers and sends nobody where nothing is."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import ConfigurationError
from restock.problem import Instance, Product, Substitute
from restock.simulation.substitution import Substitution

PATHS, PRODUCTS, POINTS, SLOTS = 5, 6, 2, 3
NAN = float("nan")
seeds = st.integers(0, 2**32)


def random_substitution(generator: torch.Generator) -> Substitution:
    """Draw up to three candidates for each of six products; some have none."""
    candidate = torch.full((PRODUCTS, SLOTS), -1)
    for product in range(PRODUCTS):
        others = torch.randperm(PRODUCTS - 1, generator=generator)
        count = int(torch.randint(0, SLOTS + 1, (1,), generator=generator))
        candidate[product, :count] = (product + 1 + others[:count]) % PRODUCTS
    shares = torch.rand(2, PRODUCTS, SLOTS, generator=generator, dtype=torch.float64) / SLOTS
    shares = shares * (candidate >= 0)
    return Substitution(candidate, shares.amin(0), shares.amax(0))


def world(seed: int, *, whole: bool = False) -> tuple[Substitution, Tensor, Tensor, Tensor]:
    """Draw substitutes, lost units, proposals and what is left in stock."""
    generator = torch.Generator().manual_seed(seed)
    substitution = random_substitution(generator)
    shape = (2, PATHS, PRODUCTS, POINTS)
    lost, left = 12 * torch.rand(shape, generator=generator, dtype=torch.float64)
    left = left / 3
    if whole:
        lost, left = lost.floor(), left.floor()
    shown = torch.rand(PATHS, PRODUCTS, SLOTS, generator=generator, dtype=torch.float64)
    return substitution, lost, shown.round(), left


def dense(substitution: Substitution, shares: Tensor) -> Tensor:
    """Return the shares as a square table ``[B, from, to]``, product by product."""
    table = torch.zeros(*shares.shape[:1], PRODUCTS, PRODUCTS, dtype=torch.float64)
    for product in range(PRODUCTS):
        for slot in range(SLOTS):
            other = int(substitution.candidate[product, slot])
            if other >= 0:
                table[:, product, other] += shares[:, product, slot]
    return table


def test_a_substitute_is_asked_by_itself_and_more_when_proposed() -> None:
    # of 10 lost units of product 0: 20 % ask product 1 by themselves, 50 % if it is shown;
    # 10 % ask product 2 whether or not it is shown
    substitution = Substitution.from_pairs(
        torch.tensor([0, 0]),
        torch.tensor([1, 2]),
        torch.tensor([0.2, 0.1]),
        torch.tensor([0.5, 0.1]),
        3,
    )
    lost = torch.tensor([[[10.0], [0.0], [4.0]]])
    assert substitution.flow(lost).asked.flatten().tolist() == [0.0, 2.0, 1.0]
    shown = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    assert substitution.flow(lost, shown).asked.flatten().tolist() == [0.0, 5.0, 1.0]


def test_pairs_may_come_in_any_order() -> None:
    substitution = Substitution.from_pairs(
        torch.tensor([2, 0, 2]),
        torch.tensor([0, 1, 1]),
        torch.tensor([0.1, 0.2, 0.3]),
        torch.tensor([0.4, 0.5, 0.6]),
        3,
    )
    assert substitution.candidate.tolist() == [[1, -1], [-1, -1], [0, 1]]
    lost = torch.tensor([[[10.0], [0.0], [100.0]]])
    torch.testing.assert_close(
        substitution.flow(lost).asked.flatten(), torch.tensor([10.0, 2.0 + 30.0, 0.0])
    )


def test_the_substitutes_of_an_instance_are_read_by_name() -> None:
    products = (Product(id="tea"), Product(id="mate"), Product(id="pot"))
    shop = Instance.single_location(products, 1)
    assert Substitution.of(shop) is None
    pair = Substitute(
        product_id="pot", substitute_id="tea", spontaneous_share=0.25, accepted_share=0.5
    )
    substitution = Substitution.of(replace(shop, substitutes=(pair,)), torch.float64)
    assert substitution is not None
    assert substitution.candidate.tolist() == [[-1], [-1], [0]]
    assert substitution.spontaneous.tolist() == [[0.0], [0.0], [0.25]]
    assert substitution.accepted.tolist() == [[0.0], [0.0], [0.5]]


def test_what_a_substitute_served_is_shared_by_those_who_asked_it() -> None:
    # product 0 sends 6, product 1 sends 3; product 2 serves 6 of 9: 4 and 2
    substitution = Substitution.from_pairs(
        torch.tensor([0, 1]), torch.tensor([2, 2]), torch.ones(2), torch.ones(2), 3
    )
    switching = substitution.flow(torch.tensor([[[6.0], [3.0], [0.0]]]))
    saved = switching.absorbed(torch.tensor([[[0.0], [0.0], [6.0]]]))
    assert saved.flatten().tolist() == [4.0, 2.0, 0.0]


@given(seeds)
@settings(max_examples=60, derandomize=True)
def test_the_flow_is_that_of_the_square_table(seed: int) -> None:
    substitution, lost, shown, left = world(seed)
    switching = substitution.flow(lost, shown)
    table = dense(substitution, substitution.shares(shown))
    torch.testing.assert_close(switching.asked, table.transpose(1, 2) @ lost)
    served = torch.minimum(switching.asked, left)
    ratio = served / switching.asked.clamp_min(1e-300)
    torch.testing.assert_close(switching.absorbed(served), lost * (table @ ratio))


@given(seeds, st.booleans())
@settings(max_examples=60, derandomize=True)
def test_units_and_customers_are_conserved(seed: int, whole: bool) -> None:  # noqa: FBT001
    substitution, lost, shown, left = world(seed, whole=whole)
    generator = torch.Generator().manual_seed(seed)
    offset = torch.rand(lost.shape, generator=generator, dtype=torch.float64) if whole else None
    switching = substitution.flow(lost, shown, offset)
    served = torch.minimum(switching.asked, left)
    saved = switching.absorbed(served)
    torch.testing.assert_close(saved.sum(-2), served.sum(-2))
    assert bool((saved >= 0).all() and (saved <= lost + 1e-9).all())
    assert bool((switching.asked.sum(-2) <= lost.sum(-2) + 1e-9).all())
    has_none = (substitution.candidate < 0).all(-1)
    assert bool((saved[:, has_none] == 0).all())
    nobody_asks = ~torch.isin(torch.arange(PRODUCTS), switching.substitute)
    assert bool((switching.asked[:, nobody_asks] == 0).all())
    if whole:
        assert switching.units.equal(switching.units.round())


def test_a_substitute_that_serves_nothing_saves_nobody() -> None:
    substitution, lost, shown, _ = world(4)
    assert bool((substitution.flow(lost, shown).absorbed(torch.zeros_like(lost)) == 0).all())


def test_whole_units_are_right_in_expectation() -> None:
    # 2 lost units, 30 % and 45 % go over: 0.6 and 0.9 units, in whole units of 20,000 draws
    draws = 20_000
    substitution = Substitution.from_pairs(
        torch.tensor([0, 0]), torch.tensor([1, 2]), torch.tensor([0.3, 0.45]), torch.ones(2) / 2, 3
    )
    lost = torch.tensor([[[2.0], [0.0], [0.0]]]).expand(draws, -1, -1)
    offset = torch.rand(draws, 3, 1, generator=torch.Generator().manual_seed(7))
    asked = substitution.flow(lost, None, offset).asked[..., 0]
    assert asked.equal(asked.round())
    assert asked.sum(-1).max() <= 2
    mean, error = asked.mean(0), 4 * asked.std(0) / draws**0.5
    assert abs(mean[1].item() - 0.6) <= error[1]
    assert abs(mean[2].item() - 0.9) <= error[2]
    # rounding to the nearest unit instead is wrong: ⌊0.6 + ½⌋ = 1, ⌊1.5 + ½⌋ − 1 = 1
    nearest = substitution.flow(lost, None, torch.full_like(offset, 0.5)).asked.mean(0)
    assert nearest.flatten().tolist() == [0.0, 1.0, 1.0]


@given(seeds)
@settings(max_examples=20, derandomize=True)
def test_gradients_are_difference_quotients(seed: int) -> None:
    substitution, lost, shown, left = world(seed)
    shown = 0.2 + 0.6 * shown
    weights = torch.arange(1.0, 1 + lost.numel(), dtype=torch.float64)

    def worth(lost: Tensor, shown: Tensor, left: Tensor) -> Tensor:
        switching = substitution.flow(lost, shown)
        saved = switching.absorbed(torch.minimum(switching.asked, left))
        return (saved.flatten() @ weights) / 10 + switching.asked.square().sum()

    values = [value.requires_grad_() for value in (lost, shown, left)]
    gradients = torch.autograd.grad(worth(*values), values)
    generator = torch.Generator().manual_seed(seed)
    for which, gradient in enumerate(gradients):
        way = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        ahead, behind = list(values), list(values)
        ahead[which], behind[which] = values[which] + 1e-7 * way, values[which] - 1e-7 * way
        slope = (worth(*ahead) - worth(*behind)) / 2e-7
        torch.testing.assert_close((gradient * way).sum(), slope, rtol=1e-4, atol=1e-4)


def test_whole_units_pass_the_gradient_of_the_shares() -> None:
    substitution, lost, shown, _ = world(11, whole=True)
    gradients = []
    for offset in (None, torch.full_like(lost, 0.3)):
        shares = shown.clone().requires_grad_()
        asked = substitution.flow(lost, shares, offset).asked
        worth = torch.arange(1.0, 1 + asked.numel()).double() @ asked.flatten()
        gradients.append(torch.autograd.grad(worth, shares)[0])
    assert gradients[0].equal(gradients[1])
    assert bool((gradients[0] != 0).any())


def test_permuted_products_give_the_permuted_result() -> None:
    substitution, lost, shown, left = world(5)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    place = torch.argsort(order)
    renamed = torch.where(substitution.candidate < 0, -1, place[substitution.candidate])
    moved = Substitution(
        renamed[order], substitution.spontaneous[order], substitution.accepted[order]
    )
    switching = substitution.flow(lost, shown)
    other = moved.flow(lost[:, order], shown[:, order])
    torch.testing.assert_close(other.asked, switching.asked[:, order])
    served = torch.minimum(switching.asked, left)
    torch.testing.assert_close(
        other.absorbed(served[:, order]), switching.absorbed(served)[:, order]
    )


def test_a_hundred_thousand_products_need_no_square_table() -> None:
    products = 100_000
    whose = torch.arange(products)
    substitution = Substitution.from_pairs(
        whose, (whose + 1) % products, torch.full((products,), 0.5), torch.ones(products), products
    )
    lost = torch.ones(1, products, 1)
    assert substitution.flow(lost).asked.sum().item() == products / 2


def table(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "itself": (
        lambda: Substitution(torch.tensor([[0]]), table([0.1]), table([0.1])),
        "must name another product.*for product number 0",
    ),
    "outside": (
        lambda: Substitution(torch.tensor([[7], [-1]]), table([0.1], [0.0]), table([0.1], [0.0])),
        r"0 … 1, or be −1; got candidates \[7\]",
    ),
    "spontaneous above accepted": (
        lambda: Substitution(torch.tensor([[1], [0]]), table([0.5], [0.5]), table([0.5], [0.25])),
        "0 ≤ `spontaneous` ≤ `accepted`.*for product number 1",
    ),
    "nan": (
        lambda: Substitution(torch.tensor([[1], [0]]), table([NAN], [0.5]), table([0.5], [0.5])),
        "0 ≤ `spontaneous` ≤ `accepted`.*nan.*for product number 0",
    ),
    "nobody": (
        lambda: Substitution(torch.tensor([[1], [-1]]), table([0.1], [0.0]), table([0.1], [0.5])),
        "shares of no candidate must be 0",
    ),
    "sum": (
        lambda: Substitution(
            torch.tensor([[1, 2], [-1, -1], [-1, -1]]),
            table([0.1, 0.1], [0, 0], [0, 0]),
            table([0.6, 0.5], [0, 0], [0, 0]),
        ),
        "must sum to at most 1",
    ),
    "pairs": (
        lambda: Substitution.from_pairs(
            torch.tensor([9]), torch.tensor([1]), torch.ones(1), torch.ones(1), 3
        ),
        r"must name products 0 … 2; got \[9\] → \[1\]",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_contradictory_substitutes_are_refused(case: str) -> None:
    build, message = BAD[case]
    with pytest.raises(ConfigurationError, match=message):
        build()
