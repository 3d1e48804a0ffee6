"""Bodies: what turns features into numbers that heads read."""

from itertools import pairwise

import torch
from torch import nn

__all__ = ["mlp"]


def mlp(
    inputs: int, outputs: int, hidden: tuple[int, ...], generator: torch.Generator
) -> nn.Sequential:
    """Return a multilayer perceptron with ELU units whose last layer starts at zero.

    Hidden weights are He-normal (He et al., Delving deep into rectifiers, 2015, eq. 10), drawn
    from ``generator``; with a zero last layer a fresh policy is exactly its classical anchor.
    """
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise((inputs, *hidden)):
        layer = nn.Linear(size_in, size_out)
        with torch.no_grad():
            layer.weight.normal_(0.0, (2.0 / size_in) ** 0.5, generator=generator)
            layer.bias.zero_()
        layers += [layer, nn.ELU()]
    last = nn.Linear(hidden[-1] if hidden else inputs, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
