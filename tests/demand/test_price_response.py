"""Price responses: exact at list prices, never negative, with the slopes that they claim."""

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand.price_response import (
    CATALOGUE,
    AdditiveNoise,
    CombinedResponse,
    ConstantElasticity,
    CrossElasticity,
    CrossLinear,
    LinearResponse,
    LogitResponse,
    PricePairs,
    PriceResponse,
    PromotionLift,
    ReferencePrice,
    price_response_class,
)
from restock.errors import ConfigurationError

PATHS, PRODUCTS, POINTS = 3, 4, 2
STEP = 1e-6


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


LIST = numbers(10.0, 4.0, 0.7, 30.0)
ELASTICITY = numbers(-0.5, -1.1, -2.5, 0.0)
PAIRS = PricePairs(
    torch.tensor([0, 0, 1, 3]), torch.tensor([1, 2, 0, 1]), numbers(0.4, -0.2, 0.3, 1.0)
)
MEAN = numbers(5.0, 2.0, 9.0, 1.0).unsqueeze(-1).expand(PRODUCTS, POINTS)


def logit() -> LogitResponse:
    share = numbers(0.3, 0.4, 0.2, 0.5)
    return LogitResponse(LIST, numbers(3.0, 2.0, 5.0, 1.0), share, torch.tensor([0, 0, 1, 1]))


def reference() -> ReferencePrice:
    return ReferencePrice(
        LIST, gain=torch.full_like(LIST, 0.5), loss=2 * torch.ones_like(LIST), memory=LIST * 0 + 0.8
    )


RESPONSES: dict[str, Callable[[], PriceResponse]] = {
    "additive_noise": lambda: AdditiveNoise(logit(), MEAN),
    "combined": lambda: CombinedResponse((logit(), PromotionLift(LIST, LIST / 10), reference())),
    "constant_elasticity": lambda: ConstantElasticity(LIST, ELASTICITY),
    "cross_elasticity": lambda: CrossElasticity(LIST, ELASTICITY, PAIRS),
    "cross_linear": lambda: CrossLinear(LIST, ELASTICITY, PAIRS),
    "linear": lambda: LinearResponse(LIST, ELASTICITY),
    "logit": logit,
    "promotion": lambda: PromotionLift(LIST, 3 * torch.ones_like(LIST)),
    "reference_price": reference,
}

each_response = pytest.mark.parametrize("name", RESPONSES)
seeds = st.integers(0, 2**32)


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw base demand, prices and reference prices from densities: no kink is hit."""
    generator = torch.Generator().manual_seed(seed)
    base = 8 * torch.rand(PATHS, PRODUCTS, POINTS, generator=generator, dtype=torch.float64)
    ratio = torch.rand(2, PATHS, PRODUCTS, 1, generator=generator, dtype=torch.float64)
    return base, LIST.unsqueeze(-1) * (0.2 + 2 * ratio[0]), LIST.unsqueeze(-1) * (0.5 + ratio[1])


def test_every_response_of_the_catalogue_is_examined() -> None:
    assert RESPONSES.keys() == CATALOGUE.keys()
    assert all(type(make()) is CATALOGUE[name] for name, make in RESPONSES.items())
    with pytest.raises(ConfigurationError, match="Did you mean 'logit'"):
        price_response_class("logitt")


@each_response
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_demand_at_list_prices_is_the_base_to_the_last_bit(name: str, dtype: torch.dtype) -> None:
    base, _, _ = drawn(1)
    at_list = LIST.unsqueeze(-1).expand(PATHS, -1, -1).to(dtype)
    response = in_precision(RESPONSES[name](), dtype)
    assert response.demand(base.to(dtype), at_list, at_list).equal(base.to(dtype))


def in_precision(value: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401 — any field of a response
    """Rebuild a response with its numbers in another precision."""
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, tuple):
        return tuple(in_precision(part, dtype) for part in value)
    return type(value)(*(in_precision(getattr(value, f.name), dtype) for f in fields(value)))


@each_response
@given(seed=seeds)
@settings(max_examples=40, derandomize=True)
def test_demand_is_finite_and_not_negative(name: str, seed: int) -> None:
    base, price, before = drawn(seed)
    for factor in (1e-9, 0.1, 1.0, 50.0):
        demand = RESPONSES[name]().demand(base, factor * price, before)
        assert bool((demand >= 0).all() and demand.isfinite().all())


@each_response
@given(seed=seeds)
@settings(max_examples=6, derandomize=True)
def test_gradients_are_difference_quotients(name: str, seed: int) -> None:
    response = RESPONSES[name]()
    weights = torch.arange(1.0, 1 + PATHS * PRODUCTS * POINTS, dtype=torch.float64)

    def total(base: Tensor, price: Tensor, before: Tensor) -> Tensor:
        after = response.next_reference(before, price)
        asked = response.demand(base, price, before).flatten() @ weights
        return asked + after.sum()

    values = [value.requires_grad_() for value in drawn(seed)]
    gradients = torch.autograd.grad(total(*values), values, materialize_grads=True)
    for which, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        for place in range(value.numel()):
            nudge = torch.zeros_like(value)
            nudge.view(-1)[place] = STEP
            ahead, behind = list(values), list(values)
            ahead[which], behind[which] = value + nudge, value - nudge
            slope = (total(*ahead) - total(*behind)) / (2 * STEP)
            torch.testing.assert_close(gradient.view(-1)[place], slope, rtol=1e-5, atol=1e-5)


def log_slopes(response: PriceResponse) -> Tensor:
    """Return ∂ log demand of i / ∂ log price of j at list prices, ``[P, P]``."""

    def log_demand(log_price: Tensor) -> Tensor:
        price = log_price.exp().reshape(1, -1, 1)
        at_list = LIST.reshape(1, -1, 1)
        ones = torch.ones(1, PRODUCTS, 1, dtype=torch.float64)
        return response.demand(ones, price, at_list).flatten().log()

    slopes: Tensor = torch.func.jacrev(log_demand)(LIST.log())
    return slopes


@pytest.mark.parametrize(
    "name", ["constant_elasticity", "linear", "cross_elasticity", "cross_linear"]
)
def test_elasticities_at_list_prices_are_those_given(name: str) -> None:
    expected = torch.diag(ELASTICITY)
    if name.startswith("cross"):
        expected[PAIRS.affected, PAIRS.changed] = PAIRS.elasticity
    torch.testing.assert_close(log_slopes(RESPONSES[name]()), expected)


def test_logit_elasticities_at_list_prices_are_those_of_the_formula() -> None:
    # own −β(1 − σ), to the price of another product of the group βσ, to other groups none
    beta, share = numbers(3.0, 2.0, 5.0, 1.0), numbers(0.3, 0.4, 0.2, 0.5)
    together = torch.eye(2, dtype=torch.float64).repeat_interleave(2, 0).repeat_interleave(2, 1)
    torch.testing.assert_close(log_slopes(logit()), together * (beta * share) - torch.diag(beta))


def test_constant_elasticity_is_constant_and_linear_is_not() -> None:
    ones = torch.ones(1, PRODUCTS, 1, dtype=torch.float64)

    def demand(response: PriceResponse, ratio: float) -> Tensor:
        return response.demand(ones, ratio * LIST.reshape(1, -1, 1), ones).flatten()

    constant, linear = ConstantElasticity(LIST, ELASTICITY), LinearResponse(LIST, ELASTICITY)
    steps = [demand(constant, ratio * 1.1) / demand(constant, ratio) for ratio in (0.5, 1.0, 3.0)]
    torch.testing.assert_close(steps[0], steps[2])
    assert not torch.allclose(
        demand(linear, 0.55) / demand(linear, 0.5), demand(linear, 1.32) / demand(linear, 1.2)
    )


def test_a_logit_customer_who_leaves_a_product_goes_to_the_group_in_proportion_or_home() -> None:
    # shares 0.3 and 0.4 at list prices, 0.3 outside; product 0 priced out of the market leaves
    # 0.4 / 0.7 of 100 customers for product 1; the other group does not move
    base = 100 * numbers(0.3, 0.4, 0.2, 0.5).reshape(1, -1, 1)
    price = LIST.clone()
    price[0] = 1e9
    demand = logit().demand(base, price.reshape(1, -1, 1), price.reshape(1, -1, 1)).flatten()
    torch.testing.assert_close(demand, numbers(0.0, 100 * 0.4 / 0.7, 20.0, 50.0))


@given(seed=seeds)
@settings(max_examples=30, derandomize=True)
def test_logit_demand_of_a_group_never_exceeds_its_customers(seed: int) -> None:
    _, price, before = drawn(seed)
    base = numbers(0.3, 0.4, 0.2, 0.5).reshape(1, -1, 1)
    demand = logit().demand(base, price, before).squeeze(-1)
    assert bool((demand[:, :2].sum(-1) < 1).all() and (demand[:, 2:].sum(-1) < 1).all())


def test_logit_shares_are_read_off_mean_demand() -> None:
    response = LogitResponse.from_mean_demand(
        LIST, LIST, torch.tensor([0, 0, 1, 1]), numbers(3.0, 1.0, 0.0, 0.0), outside_share=0.2
    )
    torch.testing.assert_close(response.share, numbers(0.6, 0.2, 0.0, 0.0))


def test_a_hundred_thousand_products_with_neighbours_need_no_square_table() -> None:
    products, neighbours = 100_000, 5
    whose = torch.arange(products).repeat_interleave(neighbours)
    whom = (whose + torch.arange(1, neighbours + 1).repeat(products)) % products
    pairs = PricePairs(whose, whom, torch.full((len(whose),), 0.1))
    response = CrossLinear(torch.ones(products), torch.full((products,), -1.0), pairs)
    price = torch.full((2, products, 1), 1.2)
    # 1 − 0.2 + 5 · 0.1 · 0.2 = 0.9; a square table would hold 40 GB
    demand = response.demand(torch.ones(2, products, 1), price, price)
    torch.testing.assert_close(demand, torch.full_like(demand, 0.9))


def test_losses_weigh_more_than_gains_and_the_reference_follows_the_price() -> None:
    response = reference()
    ones, at_list = torch.ones(1, PRODUCTS, 1, dtype=torch.float64), LIST.reshape(1, -1, 1)
    gained = response.demand(ones, 0.9 * at_list, at_list) - 1
    lost = 1 - response.demand(ones, 1.1 * at_list, at_list)
    # γ⁺ · 0.1 = 0.05 against γ⁻ · 0.1 = 0.2
    torch.testing.assert_close(gained, 0.05 * ones)
    torch.testing.assert_close(lost, 0.2 * ones)
    moved = at_list
    for _ in range(3):
        moved = response.next_reference(moved, 2 * at_list)
    # 2 − 0.8³ = 1.488 list prices after three periods at the double price
    torch.testing.assert_close(moved, 1.488 * at_list)


def test_a_reduction_is_lifted_by_its_depth_and_a_rise_is_no_promotion() -> None:
    lifted = PromotionLift(LIST, 2 * torch.ones_like(LIST))
    at_list = LIST.reshape(1, -1, 1)
    for ratio, factor in ((0.75, math.exp(0.5)), (1.0, 1.0), (1.4, 1.0)):
        torch.testing.assert_close(lifted.factor(ratio * at_list), torch.full_like(at_list, factor))


def test_only_a_response_with_a_reference_price_remembers() -> None:
    remembering = {name for name, make in RESPONSES.items() if make().remembers}
    assert remembering == {"combined", "reference_price"}
    base, price, before = drawn(2)
    for name, make in RESPONSES.items():
        after = make().next_reference(before, price)
        assert after.equal(before) == (name not in remembering)
        assert make().demand(base, price, before).shape == base.shape


def test_chance_grows_with_the_price_factor_only_where_noise_is_multiplicative() -> None:
    # demand 2 or 8 at list price (mean 5) and half of the mean at the price asked
    linear = LinearResponse(numbers(10.0), numbers(-1.0))
    base, price = numbers(2.0, 8.0).reshape(2, 1, 1), numbers(15.0).reshape(1, 1, 1)
    multiplied = linear.demand(base, price, price).flatten()
    added = AdditiveNoise(linear, numbers(5.0).unsqueeze(-1)).demand(base, price, price).flatten()
    assert multiplied.tolist() == [1.0, 4.0]
    assert added.tolist() == [0.0, 5.5]  # 2 − 2.5 is nothing, 8 − 2.5


def test_a_path_of_periods_may_be_asked_at_once() -> None:
    base, price, before = drawn(3)
    response = logit()
    whole = response.demand(base[None, :, :, :], price[None], before[None])
    torch.testing.assert_close(whole[0], response.demand(base, price, before))


NAN = float("nan")
BAD: dict[str, tuple[Callable[[], object], str]] = {
    "list price": (lambda: LinearResponse(numbers(0.0), numbers(-1.0)), "`list_price` must be > 0"),
    "list price nan": (lambda: PromotionLift(numbers(NAN), numbers(1.0)), "`list_price`.*got nan"),
    "elasticity": (lambda: ConstantElasticity(numbers(1.0), numbers(0.5)), "≤ 0; got 0.5"),
    "elasticity nan": (lambda: LinearResponse(numbers(1.0), numbers(NAN)), "`elasticity`.*got nan"),
    "lift": (lambda: PromotionLift(numbers(1.0), numbers(-1.0)), "`lift` must be finite and ≥ 0"),
    "memory": (
        lambda: ReferencePrice(numbers(1.0), numbers(1.0), numbers(1.0), numbers(1.5)),
        "`memory` must be at most 1; got 1.5",
    ),
    "loss nan": (
        lambda: ReferencePrice(numbers(1.0), numbers(1.0), numbers(NAN), numbers(0.5)),
        "`loss`.*got nan",
    ),
    "shares": (
        lambda: LogitResponse(
            numbers(1.0, 1.0), numbers(1.0, 1.0), numbers(0.6, 0.5), torch.tensor([0, 0])
        ),
        "sum over the group is at most 0.999; got 0.6",
    ),
    "share nan": (
        lambda: LogitResponse(numbers(1.0), numbers(1.0), numbers(NAN), torch.tensor([0])),
        "`share`.*got nan",
    ),
    "group": (
        lambda: LogitResponse(numbers(1.0), numbers(1.0), numbers(0.5), torch.tensor([-1])),
        "`group` must number groups from 0; got -1",
    ),
    "outside share": (
        lambda: LogitResponse.from_mean_demand(
            numbers(1.0), numbers(1.0), torch.tensor([0]), numbers(1.0), NAN
        ),
        "`outside_share` must lie in",
    ),
    "own pair": (
        lambda: PricePairs(torch.tensor([3]), torch.tensor([3]), numbers(0.1)),
        "product number 3 with itself",
    ),
    "pair twice": (
        lambda: PricePairs(torch.tensor([0, 0]), torch.tensor([1, 1]), numbers(0.1, 0.2)),
        "more than once",
    ),
    "pair nan": (
        lambda: PricePairs(torch.tensor([0]), torch.tensor([1]), numbers(NAN)),
        r"must be finite; got \[nan\] for pair number \[0\]",
    ),
    "pair outside": (
        lambda: CrossLinear(
            numbers(1.0),
            numbers(-1.0),
            PricePairs(torch.tensor([0]), torch.tensor([7]), numbers(0.1)),
        ),
        r"`changed` must name products 0 … 0; got \[7\]",
    ),
    "nothing": (lambda: CombinedResponse(()), "`parts` of a combined response is empty"),
    "two memories": (
        lambda: CombinedResponse((reference(), reference())),
        "at most one of `parts` may remember prices; got 2",
    ),
    "mean": (
        lambda: AdditiveNoise(logit(), numbers(1.0, NAN, 1.0, 1.0).unsqueeze(-1)),
        "`mean` must be finite and ≥ 0; got nan for product number 1",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_number_outside_its_range_is_refused(case: str) -> None:
    build, message = BAD[case]
    with pytest.raises(ConfigurationError, match=message):
        build()


def test_demand_falls_as_the_price_rises() -> None:
    ones, at_list = torch.ones(1, PRODUCTS, 1, dtype=torch.float64), LIST.reshape(1, -1, 1)
    for name, make in RESPONSES.items():
        if name in {"cross_elasticity", "cross_linear"}:  # a complement's price rises too
            continue
        asked = [float(make().demand(ones, r * at_list, at_list).sum()) for r in (0.8, 1.0, 1.3)]
        assert asked[0] > asked[1] >= asked[2], name
        assert not math.isclose(asked[0], asked[1])
