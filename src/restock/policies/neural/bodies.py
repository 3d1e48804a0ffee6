"""Bodies: what turns features into the numbers that heads read.

A body maps ``[*, F]`` to ``[*, K]``, the same weights for every path and product: one network
decides for thousands of products, told apart by what it reads. Three kinds are here. A multilayer
perceptron reads all F numbers alike,

    h⁰ = x,   hᵏ = ELU(Wₖ hᵏ⁻¹ + bₖ),   y = W h + b;

the other two first summarise the last H features, a product's demand in each of the H latest
periods, oldest first: by convolutions over time (:class:`DemandConvolution`) or by a long
short-term memory (:class:`DemandMemory`), and then a perceptron reads summary and other features.

Weights are drawn from a generator, He-normal (He et al., Delving deep into rectifiers, 2015,
eq. 10), and W, b are zero: a fresh body answers 0 to everything, and a fresh policy is exactly
its classical anchor. ELU: Clevert et al., Fast and accurate deep network learning, 2016, eq. 15.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, did_you_mean, require

__all__ = [
    "Body",
    "DemandConvolution",
    "DemandMemory",
    "HistoryBody",
    "HistoryConfig",
    "body_for",
    "hidden_for",
    "mlp",
    "parameter_count",
]

M = TypeVar("M", nn.Linear, nn.Conv1d)

KINDS: Final = ("mlp", "cnn", "lstm")


@runtime_checkable
class Body(Protocol):
    """What turns F features into K numbers, for every path and product alike."""

    def __call__(self, features: Float[Tensor, "*N F"], /) -> Float[Tensor, "*N K"]:
        """Return the numbers that a head reads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryConfig:
    """How a body reads the demand of the latest ``periods`` (H).

    ``kind`` is "mlp" (each period is a feature like any other), "cnn" or "lstm". ``widths`` are the
    channels of each convolution, ``kernel_periods`` how many periods one looks at and
    ``stride_periods`` how far apart; with "lstm", ``widths`` has one number, its units.

    Raises :class:`ConfigurationError` for numbers out of range, another kind, or convolutions that
    need a longer history.

    >>> HistoryConfig(kind="cnn", periods=28).steps
    (28, 13, 5)
    """

    kind: str
    periods: int
    widths: tuple[int, ...] = (16, 16)
    kernel_periods: int = 4
    stride_periods: int = 2

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        require(
            self.kind in KINDS,
            ConfigurationError,
            f"`kind` must be one of {', '.join(KINDS)}; got '{self.kind}'."
            f"{did_you_mean(self.kind, KINDS)}",
        )
        for name in ("periods", "kernel_periods", "stride_periods"):
            value = getattr(self, name)
            require(
                value >= 1 and value % 1 == 0,
                ConfigurationError,
                f"`{name}` must be an integer ≥ 1; got {value}. Give a whole number of periods.",
            )
        require(
            len(self.widths) >= 1 and all(width >= 1 for width in self.widths),
            ConfigurationError,
            f"`widths` must be ≥ 1, one for each layer; got {self.widths}. Try (16, 16).",
        )
        require(
            self.kind != "lstm" or len(self.widths) == 1,
            ConfigurationError,
            f"`widths` of an LSTM must be one number, its units; got {self.widths}. Try (16,).",
        )
        require(
            self.kind != "cnn" or self.steps[-1] >= 1,
            ConfigurationError,
            f"{len(self.widths)} convolutions over {self.kernel_periods} periods, one in"
            f" {self.stride_periods}, need a longer history than `periods` = {self.periods}."
            " Lengthen it, or leave a layer out.",
        )

    @property
    def steps(self) -> tuple[int, ...]:
        """How many places there are before each convolution and after the last."""
        steps = [self.periods]
        for _ in self.widths:
            steps.append((steps[-1] - self.kernel_periods) // self.stride_periods + 1)
        return tuple(steps)


def _blank(kind: type[M], *sizes: int) -> M:
    """Return a layer whose weights nobody has drawn: torch's own generator is left alone."""
    layer: M = nn.utils.skip_init(kind, *sizes)  # type: ignore[no-untyped-call]
    return layer


def mlp(
    inputs: int, outputs: int, hidden: tuple[int, ...], generator: torch.Generator
) -> nn.Sequential:
    """Return a multilayer perceptron with ELU units whose last layer starts at zero.

    ``hidden`` are the widths of its layers; hidden weights are He-normal, drawn from ``generator``.

    >>> mlp(3, 2, (8,), torch.Generator())(torch.ones(5, 3)).abs().max().item()
    0.0
    """
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise((inputs, *hidden)):
        layer = _blank(nn.Linear, size_in, size_out)
        _draw(layer, size_in, generator)
        layers += [layer, nn.ELU()]
    last = _blank(nn.Linear, hidden[-1] if hidden else inputs, outputs)
    for values in last.parameters():
        nn.init.zeros_(values)
    return nn.Sequential(*layers, last)


def body_for(
    inputs: int,
    outputs: int,
    hidden: tuple[int, ...],
    generator: torch.Generator,
    history: HistoryConfig | None = None,
) -> "nn.Sequential | HistoryBody":
    """Return the body that a configuration asks for.

    ``inputs`` (F) counts all features, the last ``history.periods`` of them the history's.
    """
    if history is None or history.kind == "mlp":
        return mlp(inputs, outputs, hidden, generator)
    return HistoryBody(inputs, outputs, hidden, generator, history)


class DemandConvolution(nn.Module):
    """One-dimensional convolutions over the history, ``[N, H]`` to ``[N, summary]``.

    Layer k has ``widths[k]`` channels and looks at ``kernel_periods`` places at once,

        hᵏ[c, t] = ELU(b[c] + Σ_j Σ_i W[c, i, j] hᵏ⁻¹[i, stride·t + j]);

    the summary is the last layer's channels at each of its places, so that recent and old demand
    stay apart (Y. LeCun & Y. Bengio, Convolutional networks for images, speech, and time series,
    1995).
    """

    def __init__(self, config: HistoryConfig, generator: torch.Generator) -> None:
        super().__init__()
        kernel, stride = config.kernel_periods, config.stride_periods
        layers: list[nn.Module] = []
        for size_in, size_out in pairwise((1, *config.widths)):
            layer = _blank(nn.Conv1d, size_in, size_out, kernel, stride)
            _draw(layer, size_in * kernel, generator)
            layers += [layer, nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.summary = config.widths[-1] * config.steps[-1]

    def forward(self, history: Float[Tensor, "N H"]) -> Float[Tensor, "N S"]:
        """Return the summary."""
        summary: Tensor = self.layers(history.unsqueeze(1)).flatten(1)
        return summary


class DemandMemory(nn.Module):
    """A long short-term memory over the history, ``[N, H]`` to its last state ``[N, units]``.

    S. Hochreiter & J. Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997, with
    the forget gate of F. Gers et al., 2000, whose bias starts at 1, so that it remembers at first.
    Weights are uniform within ±1/√units, drawn from ``generator``.
    """

    def __init__(self, config: HistoryConfig, generator: torch.Generator) -> None:
        super().__init__()
        (units,) = config.widths
        # without torch's own initialisation, which draws from its global generator
        blank = nn.LSTM(1, units, batch_first=True, device="meta")
        self.lstm = blank.to_empty(device="cpu")
        with torch.no_grad():
            for weight in self.lstm.parameters():
                weight.uniform_(-(units**-0.5), units**-0.5, generator=generator)
            # torch keeps the gates in the order input, forget, cell, output, with two biases
            self.lstm.get_parameter("bias_ih_l0").zero_()
            bias = self.lstm.get_parameter("bias_hh_l0").zero_()
            bias[units : 2 * units] = 1.0
        self.summary = units

    def forward(self, history: Float[Tensor, "N H"]) -> Float[Tensor, "N S"]:
        """Return the state after the latest period."""
        last: Tensor = self.lstm(history.unsqueeze(-1))[1][0][-1]
        return last


class HistoryBody(nn.Module):
    """A summary of the history beside the other features, read by a perceptron.

    ``inputs`` (F) counts all features, of which the last ``config.periods`` are the history,
    oldest first.

    >>> config = HistoryConfig(kind="lstm", periods=7, widths=(4,))
    >>> body = HistoryBody(9, 2, (8,), torch.Generator(), config)
    >>> tuple(body(torch.ones(5, 3, 9)).shape)
    (5, 3, 2)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        config: HistoryConfig,
    ) -> None:
        super().__init__()
        self.others = inputs - config.periods
        require(
            self.others >= 0,
            ConfigurationError,
            f"`inputs` must count the history's {config.periods} periods too; got {inputs}.",
        )
        readers: dict[str, type[DemandConvolution | DemandMemory]]
        readers = {"cnn": DemandConvolution, "lstm": DemandMemory}
        self.reader = readers[config.kind](config, generator)
        self.trunk = mlp(self.others + self.reader.summary, outputs, hidden, generator)

    def forward(self, features: Float[Tensor, "*N F"]) -> Float[Tensor, "*N K"]:
        """Return the numbers that a head reads."""
        rows = features.reshape(-1, features.shape[-1])
        summary = self.reader(rows[:, self.others :])
        outputs: Tensor = self.trunk(torch.cat([rows[:, : self.others], summary], dim=-1))
        return outputs.reshape(*features.shape[:-1], -1)


def parameter_count(module: nn.Module) -> int:
    """Return how many numbers of a module are learned.

    >>> parameter_count(mlp(3, 2, (8,), torch.Generator()))
    50
    """
    return sum(values.numel() for values in module.parameters() if values.requires_grad)


def hidden_for(parameters: int, inputs: int, outputs: int, layers: int = 2) -> tuple[int, ...]:
    """Return equal widths w of a perceptron with about so many ``parameters``.

    It solves (layers − 1)·w² + (inputs + outputs + layers)·w + outputs = parameters for w.

    Raises :class:`ConfigurationError` for fewer parameters than one unit in each layer has.

    >>> parameter_count(mlp(8, 2, hidden_for(1_000_000, 8, 2), torch.Generator()))
    999966
    """
    linear, squares, rest = inputs + outputs + layers, layers - 1, parameters - outputs
    require(
        layers >= 1 and rest >= linear + squares,
        ConfigurationError,
        f"`parameters` must be ≥ {linear + squares + outputs} for {layers} layers between {inputs}"
        f" inputs and {outputs} outputs; got {parameters}. Give more, or fewer layers.",
    )
    width = rest / linear
    if squares:
        width = ((linear**2 + 4 * squares * rest) ** 0.5 - linear) / (2 * squares)
    return (max(round(width), 1),) * layers


def _draw(layer: nn.Linear | nn.Conv1d, fan_in: int, generator: torch.Generator) -> None:
    with torch.no_grad():
        layer.weight.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
