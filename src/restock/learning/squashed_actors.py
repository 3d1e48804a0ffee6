r"""Actors whose actions cannot leave the Box: a tanh at the end of the network.

Inside, an action is u = tanh(x) in (−1, 1), in half-widths of the Box from its middle: u = −1 is
``low`` and u = 1 is ``high``. A :class:`DeterministicActor` has x = f(o). A
:class:`SquashedGaussianActor` draws x ~ N(μ(o), σ(o)²), and the density of u is, exactly,

    log π(u|o) = Σᵢ log N(xᵢ; μᵢ, σᵢ²) − Σᵢ log(1 − tanh²(xᵢ))

(T. Haarnoja, A. Zhou, P. Abbeel and S. Levine, Soft actor-critic, ICML 2018, appendix C, eq. 21),
with log(1 − tanh² x) = 2 (log 2 − x − log(1 + e^{−2x})), which does not underflow. It is a density
over u, in half-widths: in the environment's units it would differ by a constant.
"""

import math
from abc import abstractmethod
from itertools import pairwise
from typing import NamedTuple

import torch
from gymnasium.spaces import Box
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from restock.learning.off_policy import OffPolicyModule
from restock.learning.scaling import ObservationScale

__all__ = [
    "DeterministicActor",
    "Draw",
    "SquashedActor",
    "SquashedGaussianActor",
    "relu_tower",
]

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
FRESH_BOUND = 3e-3
LOG_DEVIATIONS = (-5.0, 2.0)
"""log σ is kept in this range: e⁻⁵ of a half-width is no exploration, e² is a coin."""


def relu_tower(
    inputs: int, outputs: int, hidden: tuple[int, ...], generator: torch.Generator
) -> nn.Sequential:
    """Return a multilayer perceptron with ReLU units.

    Weights are uniform within ±1/√inputs of a layer, those of the last within ±0.003, so that a
    fresh actor is nearly the same everywhere (Lillicrap et al. 2016, §7).

    >>> net = relu_tower(3, 2, (8,), torch.Generator().manual_seed(0))
    >>> bool(net(torch.ones(1, 3)).abs().max() < 0.03)
    True
    """
    layers: list[nn.Module] = []
    for place, (size_in, size_out) in enumerate(pairwise((inputs, *hidden, outputs))):
        is_last = place == len(hidden)
        bound = FRESH_BOUND if is_last else size_in**-0.5
        layer = nn.Linear(size_in, size_out)
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        layers += [layer] if is_last else [layer, nn.ReLU()]
    return nn.Sequential(*layers)


class SquashedActor(OffPolicyModule):
    """A policy for a Box; ``scale`` makes features of observations, ``net`` reads them."""

    middle: Tensor
    half_width: Tensor

    def __init__(self, scale: ObservationScale, space: Box, net: nn.Module) -> None:
        super().__init__()
        self.scale, self.net = scale, net
        self.actions = int(space.shape[0])
        low, high = torch.from_numpy(space.low).float(), torch.from_numpy(space.high).float()
        self.register_buffer("middle", (low + high) / 2)
        self.register_buffer("half_width", (high - low) / 2)

    def features(self, observation: Shaped[Tensor, "K *O"]) -> Float[Tensor, "K F"]:
        """Return what actor and critics read of observations."""
        features: Tensor = self.scale(observation)
        return features

    @torch.no_grad()
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Shaped[Tensor, "B *A"]:
        """Return the best known action, in the environment's own units."""
        return self.to_environment(self.best(self.features(observation)))

    @abstractmethod
    def best(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return the best known action, in half-widths."""

    def to_environment(self, action: Float[Tensor, "K A"]) -> Float[Tensor, "K A"]:
        """Return an action in the environment's own units."""
        return torch.addcmul(self.middle, action, self.half_width)

    def from_environment(self, action: Float[Tensor, "K A"]) -> Float[Tensor, "K A"]:
        """Return an action in half-widths from the middle; 0 where the Box has no width."""
        return (action - self.middle) / self.half_width.clamp(min=torch.finfo(torch.float32).tiny)


class DeterministicActor(SquashedActor):
    """u = tanh(f(o)), one action for an observation.

    >>> space, seed = Box(0, 10, (1,)), torch.Generator().manual_seed(0)
    >>> actor = DeterministicActor(ObservationScale(space, learns=False), space, (8,), seed)
    >>> actor.to_environment(torch.tensor([[-1.0], [0.0], [0.5]])).flatten().tolist()
    [0.0, 5.0, 7.5]
    """

    def __init__(
        self,
        scale: ObservationScale,
        space: Box,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        net = relu_tower(scale.width, int(space.shape[0]), hidden, generator)
        super().__init__(scale, space, net)

    def best(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return u = tanh(f(o)), differentiable in the weights."""
        return torch.tanh(self.net(features))


class Draw(NamedTuple):
    """Actions u in half-widths, and log π(u|o) in nats."""

    action: Float[Tensor, "K A"]
    log_probability: Float[Tensor, " K"]


class SquashedGaussianActor(SquashedActor):
    """u = tanh(μ(o) + σ(o)·ε), ε standard normal; μ and log σ are outputs of one network.

    Log-probabilities are exact, also where tanh has saturated.

    >>> space, seed = Box(0, 10, (1,)), torch.Generator().manual_seed(0)
    >>> actor = SquashedGaussianActor(ObservationScale(space, learns=False), space, (8,), seed)
    >>> draw = actor.draw(torch.zeros(3, 1), seed)
    >>> again = actor.log_probability(torch.zeros(3, 1), draw.action)
    >>> torch.allclose(draw.log_probability, again, atol=1e-4)
    True
    """

    def __init__(
        self,
        scale: ObservationScale,
        space: Box,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        net = relu_tower(scale.width, 2 * int(space.shape[0]), hidden, generator)
        super().__init__(scale, space, net)

    def normal(
        self, features: Float[Tensor, "K F"]
    ) -> tuple[Float[Tensor, "K A"], Float[Tensor, "K A"]]:
        """Return μ and log σ of x, before the tanh."""
        mean, log_deviation = self.net(features).chunk(2, -1)
        return mean, log_deviation.clamp(*LOG_DEVIATIONS)

    def best(self, features: Float[Tensor, "K F"]) -> Float[Tensor, "K A"]:
        """Return tanh μ, the median action."""
        return torch.tanh(self.normal(features)[0])

    def draw(self, features: Float[Tensor, "K F"], generator: torch.Generator) -> Draw:
        """Draw actions; both parts are differentiable in the weights, for the same ε."""
        mean, log_deviation = self.normal(features)
        noise = torch.empty_like(mean).normal_(generator=generator)
        before = torch.addcmul(mean, log_deviation.exp(), noise)
        return Draw(torch.tanh(before), _log_density(before, noise, log_deviation))

    def log_probability(
        self, features: Float[Tensor, "K F"], action: Float[Tensor, "K A"]
    ) -> Float[Tensor, " K"]:
        """Return log π(u|o) of actions in (−1, 1), in nats."""
        mean, log_deviation = self.normal(features)
        before = torch.atanh(action)
        return _log_density(before, (before - mean) * (-log_deviation).exp(), log_deviation)


def _log_density(before: Tensor, noise: Tensor, log_deviation: Tensor) -> Tensor:
    """Return log π(tanh x) for x = ``before`` = μ + σ·``noise``."""
    normal = -0.5 * noise.square() - log_deviation - HALF_LOG_TAU
    stretch = 2 * (math.log(2) - before - nn.functional.softplus(-2 * before))
    return (normal - stretch).sum(-1)
