"""Bodies start at zero, draw from their generator alone, and read histories in order."""

import math

import pytest
import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError
from restock.policies.neural import HistoryConfig, hidden_for, mlp, parameter_count
from restock.policies.neural.bodies import DemandConvolution, DemandMemory, body_for

HISTORIES: dict[str, HistoryConfig | None] = {
    "no history": None,
    "mlp": HistoryConfig(kind="mlp", periods=14),
    "cnn": HistoryConfig(kind="cnn", periods=14, widths=(6,)),
    "lstm": HistoryConfig(kind="lstm", periods=14, widths=(6,)),
}
each_kind = pytest.mark.parametrize("kind", HISTORIES)


def body(kind: str, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    return body_for(18, 2, (8,), generator, HISTORIES[kind])


def awake(kind: str) -> nn.Module:
    """Return a body whose last layer is not zero."""
    module, generator = body(kind), torch.Generator().manual_seed(9)
    with torch.no_grad():
        for values in module.parameters():
            values.add_(0.3 * torch.randn(values.shape, generator=generator))
    return module


def rows(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


@each_kind
def test_a_fresh_body_answers_zero_to_everything(kind: str) -> None:
    assert torch.equal(body(kind)(1e3 * rows(5, 18)), torch.zeros(5, 2))
    assert not torch.equal(awake(kind)(rows(5, 18)), torch.zeros(5, 2))


@each_kind
def test_weights_are_a_function_of_the_generator_alone(kind: str) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one = body(kind).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    same, other = body(kind).state_dict(), body(kind, seed=1).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_torch_itself_would_draw_from_its_global_generator() -> None:
    before = torch.random.get_rng_state()
    nn.Linear(2, 2)
    assert not torch.equal(torch.random.get_rng_state(), before)


@each_kind
def test_each_product_is_decided_by_the_same_weights(kind: str) -> None:
    module, products = awake(kind), rows(2, 5, 18)
    together = module(products)
    assert together.shape == (2, 5, 2)
    torch.testing.assert_close(module(products.flip(1)), together.flip(1))
    torch.testing.assert_close(module(products[0, 3]), together[0, 3])


@pytest.mark.parametrize("parameters", [1_000, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_network_has_about_as_many_parameters_as_asked_for(parameters: int, layers: int) -> None:
    widths = hidden_for(parameters, 30, 3, layers)
    found = parameter_count(mlp(30, 3, widths, torch.Generator()))
    assert len(widths) == layers
    assert found == pytest.approx(parameters, rel=0.05)


def test_what_is_not_learned_is_not_counted() -> None:
    module = mlp(3, 2, (8,), torch.Generator())
    module[0].requires_grad_(requires_grad=False)
    assert parameter_count(module) == 8 * 2 + 2


def test_a_convolution_is_the_sum_that_its_formula_says() -> None:
    config = HistoryConfig(kind="cnn", periods=5, widths=(1,), kernel_periods=3, stride_periods=2)
    layer = DemandConvolution(config, torch.Generator())
    with torch.no_grad():
        layer.layers[0].weight.copy_(torch.tensor([[[1.0, 0.0, -2.0]]]))
        layer.layers[0].bias.fill_(0.5)
    # places 0 and 2: 0.5 + 1 − 2·3 = −4.5, of which ELU makes e^−4.5 − 1; 0.5 + 3 − 2·0 = 3.5
    found = layer(torch.tensor([[1.0, 2.0, 3.0, 4.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[math.expm1(-4.5), 3.5]]))


def test_a_memory_starts_with_its_forget_gate_open_and_follows_its_formula() -> None:
    layer = DemandMemory(HistoryConfig(kind="lstm", periods=2, widths=(3,)), torch.Generator())
    weights = dict(layer.lstm.named_parameters())
    assert weights["bias_hh_l0"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    state = cell = torch.zeros(3)
    history = torch.tensor([2.0, -1.0])
    for demand in history:
        gates = weights["weight_ih_l0"][:, 0] * demand + weights["weight_hh_l0"] @ state
        enter, forget, fresh, leave = (gates + weights["bias_hh_l0"]).chunk(4)
        cell = forget.sigmoid() * cell + enter.sigmoid() * fresh.tanh()
        state = leave.sigmoid() * cell.tanh()
    torch.testing.assert_close(layer(history.unsqueeze(0))[0], state)


def fitted_error(kind: str, *, shuffled: bool) -> float:
    """Return the share of variance that 150 steps leave unexplained of the demand a week ago."""
    generator = torch.Generator().manual_seed(0)
    module = body_for(15, 1, (16,), generator, HISTORIES[kind])
    adam = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(150):
        features = torch.randn(128, 15, generator=generator)
        target = features[:, -7:-6]
        if shuffled:
            features = features.gather(1, torch.rand(128, 15, generator=generator).argsort(1))
        loss = (module(features) - target).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return loss.item()


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_a_body_learns_what_was_asked_a_week_ago_unless_days_are_shuffled(kind: str) -> None:
    assert fitted_error(kind, shuffled=False) < 0.2
    assert fitted_error(kind, shuffled=True) > 0.6


def test_a_memory_tells_a_rise_from_a_fall() -> None:
    module, rise = awake("lstm"), torch.zeros(18)
    rise[4:] = torch.linspace(-1, 1, 14)
    fall = torch.cat([rise[:4], rise[4:].flip(0)])
    assert not torch.allclose(module(rise), module(fall))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "gru"}, "`kind` must be one of mlp, cnn, lstm; got 'gru'"),
        ({"periods": 0}, "`periods` must be an integer ≥ 1; got 0"),
        ({"widths": ()}, "`widths` must be ≥ 1, one for each layer"),
        ({"widths": (4, 0)}, "`widths` must be ≥ 1"),
        ({"kind": "lstm"}, "of an LSTM must be one number"),
        ({"periods": 8}, "need a longer history than `periods` = 8"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HistoryConfig(**{"kind": "cnn", "periods": 14, **settings})  # type: ignore[arg-type]


def test_a_network_too_small_for_its_inputs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"`parameters` must be ≥ 37 for 2 layers"):
        hidden_for(36, 28, 3, 2)
