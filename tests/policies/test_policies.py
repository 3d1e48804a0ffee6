"""The policies by hand: what each wishes for, what it refuses, and how a fresh network decides."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import ConfigurationError
from restock.policies import (
    BaseStock,
    CappedBaseStock,
    ConstantOrder,
    Ensemble,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    ReorderPoint,
    SignalLevel,
    quantile_signal,
    quantile_weights,
)
from restock.problem import Instance, Product
from restock.simulation import Observation, World
from restock.simulation.period import decide


def lane(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1)


def seen(
    on_hand: Tensor, on_order: Tensor | None = None, lead: int = 1, **signals: Tensor
) -> Observation:
    columns = [value.expand_as(on_hand) for value in signals.values()]
    return Observation(
        on_hand=on_hand,
        on_order=torch.zeros_like(on_hand) if on_order is None else on_order,
        pipeline=(on_order,),
        lead_time=torch.full((1, on_hand.shape[1], 1), lead),
        signals=torch.cat(columns, dim=-1) if columns else None,
        signal_names=tuple(signals),
    )


def test_base_stock_wishes_for_its_level_and_the_cap_where_there_is_one() -> None:
    observation = seen(lane(3.0))
    assert BaseStock(lane(9.0)).decide(observation).target.item() == 9
    assert BaseStock(lane(9.0)).decide(observation).cap is None
    capped = CappedBaseStock(lane(9.0), lane(4.0)).decide(observation)
    assert (capped.target.item(), capped.cap.item()) == (9, 4)  # type: ignore[union-attr]


def test_a_constant_order_is_on_top_of_whatever_is_there() -> None:
    assert ConstantOrder(lane(2.0)).decide(seen(lane(3.0), lane(4.0))).target.item() == 9


@pytest.mark.parametrize(("position", "target"), [(3.0, 20.0), (4.0, 20.0), (4.5, 4.5)])
def test_s_big_s_orders_at_the_reorder_point_and_not_above_it(
    position: float, target: float
) -> None:
    policy = ReorderPoint(lane(4.0), lane(20.0))
    assert policy.decide(seen(lane(position))).target.item() == target


@pytest.mark.parametrize(("position", "order"), [(6.0, 4.0), (3.0, 6.0), (6.5, 0.0), (12.0, 0.0)])
def test_a_signal_level_counts_in_periods_and_waits_until_a_batch_is_wanted(
    position: float, order: float
) -> None:
    # scale 2: level 10, at most 6 units at once, and less than 4 are not worth an order
    policy = SignalLevel(("scale",), lane(5.0), lane(3.0), lane(2.0))
    observation = seen(lane(position), scale=lane(2.0))
    shop = Instance.single_location([Product(id="A")], 1)
    world = World.from_instance(shop)
    assert decide(world, observation, policy.decide(observation)).item() == order


def test_an_ensemble_waits_for_the_mean_batch_of_its_members() -> None:
    # levels 10 and 14, batches 4 and 0: 12 less a position of 9.5 reaches the mean batch of 2
    members = [
        SignalLevel(("scale",), lane(5.0), lane(9.0), lane(2.0)),
        SignalLevel(("scale",), lane(7.0), lane(9.0), lane(0.0)),
    ]
    wish = Ensemble(members).decide(seen(lane(9.5), scale=lane(2.0)))
    assert wish.target.item() == 12
    assert wish.batch is not None
    assert wish.batch.item() == 2


def of_signals(weights: Tensor, *names: str) -> SignalLevel:
    return SignalLevel(names, weights, lane(1e6), lane(0.0))


def test_mean_plus_safety_adds_deviations_and_wishes_for_nothing_below_zero() -> None:
    # 10 + 1.5 × 4 = 16, and 10 − 3 × 4 < 0
    signals = {"forecast_mean": lane(10.0), "forecast_sd": lane(4.0), "scale": lane(1.0)}
    for factor, target in ((1.5, 16.0), (-3.0, 0.0)):
        policy = of_signals(torch.tensor([[[1.0, factor]]]), "forecast_mean", "forecast_sd")
        assert policy.decide(seen(lane(0.0), **signals)).target.item() == target


LEVELS = (0.5, 0.8, 0.9)
QUANTILES = {
    quantile_signal(0.5): lane(10.0, 1.0),
    quantile_signal(0.8): lane(20.0, 2.0),
    quantile_signal(0.9): lane(40.0, 3.0),
}


@pytest.mark.parametrize(
    ("quantile", "targets"),
    [
        ([0.5, 0.5], [10, 1]),
        ([0.9, 0.8], [40, 2]),
        # halfway from 0.8 to 0.9; a third of the way from 0.5 to 0.8
        ([0.85, 0.6], [30, 1 + 1 / 3]),
    ],
)
def test_a_forecast_quantile_is_interpolated_between_the_forecasts_levels(
    quantile: list[float], targets: list[float]
) -> None:
    policy = of_signals(quantile_weights(torch.tensor([quantile]), LEVELS), *QUANTILES)
    wish = policy.decide(seen(lane(0.0, 0.0), scale=lane(1.0, 1.0), **QUANTILES))
    torch.testing.assert_close(wish.target, lane(*targets))


@pytest.mark.parametrize("quantile", [0.4, 0.95, float("nan")])
def test_a_quantile_outside_the_forecasts_levels_is_refused(quantile: float) -> None:
    with pytest.raises(ConfigurationError, match=r"`quantile` must lie in \[0.5, 0.9\]"):
        quantile_weights(torch.tensor([0.5, quantile]), LEVELS)


def test_an_ensemble_averages_levels_and_caps_and_drops_a_cap_that_one_member_lacks() -> None:
    free, capped = BaseStock(lane(4.0, 8.0)), CappedBaseStock(lane(8.0, 8.0), lane(2.0, 6.0))
    tight = CappedBaseStock(lane(0.0, 0.0), lane(4.0, 0.0))
    both = Ensemble([capped, tight]).decide(seen(lane(0.0, 0.0)))
    assert both.target.flatten().tolist() == [4, 4]
    assert both.cap is not None
    assert both.cap.flatten().tolist() == [3, 3]
    assert Ensemble([free, capped]).decide(seen(lane(0.0, 0.0))).cap is None


def fresh(hidden: tuple[int, ...] = (8, 8), slots: int = 1, seed: int = 0) -> NeuralOrderUpTo:
    config = NeuralOrderUpToConfig(pipeline_slots=slots, hidden=hidden)
    generator = torch.Generator().manual_seed(seed)
    return NeuralOrderUpTo(config, torch.tensor([3.0, 4.0]), torch.tensor([2.0, 1.5]), generator)


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0.01, 500), st.integers(0, 12))
def test_a_fresh_network_is_exactly_its_capped_anchor(
    on_hand: float, on_order: float, scale: float, lead: int
) -> None:
    observation = seen(lane(on_hand, 1.0), lane(on_order, 0.0), lead=lead, scale=lane(scale, scale))
    wish = fresh().decide(observation)
    anchor = CappedBaseStock(
        lane(scale, scale) * lane(3.0, 4.0), lane(scale, scale) * lane(2.0, 1.5)
    ).decide(observation)
    assert torch.equal(wish.target, anchor.target)
    assert wish.cap is not None
    assert anchor.cap is not None
    assert torch.equal(wish.cap, anchor.cap)


def test_a_departure_multiplies_level_and_cap() -> None:
    observation = seen(lane(1.0, 1.0), scale=lane(5.0, 5.0))
    policy = fresh(hidden=())
    with torch.no_grad():
        policy.body[-1].bias.copy_(torch.tensor([2.0, 0.5]).log())
    wish = policy.decide(observation)
    assert wish.cap is not None
    # level 5 × 3 doubled, cap 5 × 2 halved
    torch.testing.assert_close(wish.target, lane(30.0, 40.0))
    torch.testing.assert_close(wish.cap, lane(5.0, 3.75))


def test_a_product_without_demand_gets_no_order_and_spoils_no_gradient() -> None:
    policy = fresh()
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(1))
    wish = policy.decide(seen(lane(7.0, 0.0), scale=lane(0.0, 5.0)))
    assert wish.target[0, 0].item() == 0
    assert wish.target[0, 1].item() > 0
    wish.target.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in policy.parameters())  # type: ignore[union-attr]


def test_the_first_weights_are_the_seeds_and_the_last_layer_starts_at_zero() -> None:
    one, again, other = fresh(seed=1), fresh(seed=1), fresh(seed=2)
    assert torch.equal(one.body[0].weight, again.body[0].weight)
    assert not torch.equal(one.body[0].weight, other.body[0].weight)
    assert not one.body[-1].weight.any()
    assert not one.body[-1].bias.any()


def test_stock_beyond_the_slots_that_are_read_changes_nothing_else_does() -> None:
    policy = fresh(slots=1)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(1))

    def target(*due: float) -> Tensor:
        pipeline = tuple(lane(units, units) for units in due)
        observation = Observation(
            on_hand=lane(1.0, 1.0),
            on_order=sum(pipeline, torch.zeros(1, 2, 1)),
            pipeline=pipeline,
            lead_time=torch.full((1, 2, 1), 3),
            signals=torch.full((1, 2, 1), 5.0),
            signal_names=("scale",),
        )
        return policy.decide(observation).target

    assert torch.equal(target(2.0, 3.0), target(2.0, 9.0))
    assert not torch.equal(target(2.0, 3.0), target(4.0, 3.0))


def test_anchors_may_differ_by_path() -> None:
    config = NeuralOrderUpToConfig(pipeline_slots=0)
    anchors = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    policy = NeuralOrderUpTo(config, anchors, torch.tensor(1.0), torch.Generator())
    wish = policy.decide(seen(torch.ones(2, 2, 1), scale=torch.full((1, 1, 1), 5.0)))
    assert wish.target.squeeze(-1).tolist() == [[5, 10], [15, 20]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pipeline_slots": -1}, "`pipeline_slots` must be ≥ 0; got -1"),
        ({"pipeline_slots": 0, "hidden": (8, 0)}, "`hidden` widths must be ≥ 1"),
    ],
)
def test_a_network_of_no_size_is_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        NeuralOrderUpToConfig(**settings)
