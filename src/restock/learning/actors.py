r"""Actors: policies that act by chance while they learn, and by their best guess afterwards.

A :class:`CategoricalActor` serves discrete actions, with probabilities π(a|o) ∝ exp z_a(o); a
:class:`GaussianActor` continuous ones, with a normal density of mean μ(o) and a standard deviation
σ that is learned and the same everywhere. Networks are tanh towers with orthogonal weights (Saxe,
McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
networks, ICLR 2014, §3), the last layer of an actor small, so that a fresh policy is nearly the
same everywhere (Andrychowicz et al., What matters in on-policy reinforcement learning, ICLR 2021,
§3.2: the single most important choice of initialisation).

An *action* here is what was drawn: a count, or a vector that is standard normal but for μ and σ.
What the environment is given comes from :meth:`Actor.to_environment`.
"""

import math
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import ClassVar

import gymnasium
import torch
from gymnasium.spaces import Box
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from restock.learning.interaction import Arena, require_continuous, require_discrete
from restock.learning.scaling import ObservationScale

__all__ = ["Actor", "CategoricalActor", "Critic", "GaussianActor", "actor_for", "tower"]

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
FRESH_GAIN = 0.01


def tower(
    inputs: int, outputs: int, hidden: tuple[int, ...], gain: float, generator: torch.Generator
) -> nn.Sequential:
    """Return a multilayer perceptron with tanh units, orthogonal weights and no biases yet.

    Hidden weights have the gain √2, the last layer's ``gain``.

    >>> net = tower(3, 2, (8,), 0.01, torch.Generator().manual_seed(0))
    >>> bool((net[2].weight @ net[2].weight.T - 1e-4 * torch.eye(2)).abs().max() < 1e-9)
    True
    """
    layers: list[nn.Module] = []
    sizes = (inputs, *hidden, outputs)
    for place, (size_in, size_out) in enumerate(pairwise(sizes)):
        is_last = place == len(sizes) - 2
        layer = nn.Linear(size_in, size_out)
        nn.init.orthogonal_(layer.weight, gain if is_last else math.sqrt(2), generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer] if is_last else [layer, nn.Tanh()]
    return nn.Sequential(*layers)


class Actor(nn.Module, ABC):
    """A policy that can be drawn from; ``scale`` makes numbers, called features, of observations.

    Features are made once for a whole rollout and then read many times.
    """

    kind: ClassVar[str]

    def __init__(self, scale: ObservationScale, net: nn.Module) -> None:
        super().__init__()
        self.scale, self.net = scale, net

    def features(self, observation: Shaped[Tensor, "*B"]) -> Float[Tensor, "..."]:
        """Return what actor and critic read of observations, along one last axis."""
        features: Tensor = self.scale(observation)
        return features

    @torch.no_grad()
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Shaped[Tensor, "B *A"]:
        """Return the best known action, in the environment's own units."""
        return self.to_environment(self.best(self.features(observation)))

    @abstractmethod
    def best(self, features: Float[Tensor, "B F"]) -> Shaped[Tensor, "B *A"]:
        """Return the most probable action."""

    @abstractmethod
    def draw(
        self, features: Float[Tensor, "B F"], generator: torch.Generator
    ) -> Shaped[Tensor, "B *A"]:
        """Return actions drawn from the policy."""

    @abstractmethod
    def judge(
        self, features: Float[Tensor, "*B F"], action: Shaped[Tensor, "..."]
    ) -> tuple[Float[Tensor, "*B"], Float[Tensor, "*B"]]:
        """Return log π(a|o), in nats, and the entropy of π(·|o), in nats."""

    @abstractmethod
    def to_environment(self, action: Shaped[Tensor, "B *A"]) -> Shaped[Tensor, "B *A"]:
        """Return what the environment is given for an action."""

    @abstractmethod
    def deviation(self) -> float | None:
        """Return the mean standard deviation of actions, in half-widths of the Box, if any."""


class CategoricalActor(Actor):
    """Probabilities of ``choices`` discrete actions, softmax of a network's outputs.

    >>> space, seed = Box(-1, 1, (3,)), torch.Generator().manual_seed(0)
    >>> actor = CategoricalActor(ObservationScale(space, learns=False), 4, (8,), seed)
    >>> log_probability, entropy = actor.judge(torch.zeros(2, 3), torch.tensor([0, 3]))
    >>> [round(each.item(), 4) for each in (log_probability[1].exp(), entropy[1])]
    [0.25, 1.3863]
    """

    kind = "categorical"

    def __init__(
        self,
        scale: ObservationScale,
        choices: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        super().__init__(scale, tower(scale.width, choices, hidden, FRESH_GAIN, generator))

    def best(self, features: Float[Tensor, "B F"]) -> Shaped[Tensor, "B *A"]:
        """Return the most probable action."""
        scores: Tensor = self.net(features)
        return scores.argmax(-1)

    def draw(
        self, features: Float[Tensor, "B F"], generator: torch.Generator
    ) -> Shaped[Tensor, "B *A"]:
        """Return actions drawn by the Gumbel trick: argmax of z − ln E, E standard exponential."""
        scores: Tensor = self.net(features)
        return (scores - torch.empty_like(scores).exponential_(generator=generator).log()).argmax(
            -1
        )

    def judge(
        self, features: Float[Tensor, "*B F"], action: Shaped[Tensor, "..."]
    ) -> tuple[Float[Tensor, "*B"], Float[Tensor, "*B"]]:
        """Return log π(a|o), in nats, and the entropy of π(·|o), in nats."""
        logs = self.net(features).log_softmax(-1)
        chosen = logs.gather(-1, action.unsqueeze(-1)).squeeze(-1)
        return chosen, -(logs.exp() * logs).sum(-1)

    def to_environment(self, action: Shaped[Tensor, "B *A"]) -> Shaped[Tensor, "B *A"]:
        """Return the action as it is."""
        return action

    def deviation(self) -> float | None:
        """Return ``None``: counts have none."""
        return None


class GaussianActor(Actor):
    """A normal density for actions in a Box, its mean a network's output.

    An action u is in half-widths of the Box from its middle: u = −1 is ``low`` and u = 1 is
    ``high``. The density is not squashed: what falls outside [−1, 1] is clipped *for the
    environment alone*, while log-probabilities are those of u itself, so that the gradient is that
    of the policy "draw u, give the environment clip(u)", and unbiased. ``deviation`` is the first
    σ; its logarithm is learned.

    >>> space, seed = Box(0, 10, (1,)), torch.Generator().manual_seed(0)
    >>> actor = GaussianActor(ObservationScale(space, learns=False), space, (8,), seed)
    >>> actor.to_environment(torch.tensor([[-3.0], [0.0], [0.5]])).tolist()
    [[0.0], [5.0], [7.5]]
    """

    kind = "Gaussian"
    low: Tensor
    high: Tensor

    def __init__(
        self,
        scale: ObservationScale,
        space: Box,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        deviation: float = 0.3,
    ) -> None:
        width = int(space.shape[0])
        super().__init__(scale, tower(scale.width, width, hidden, FRESH_GAIN, generator))
        self.log_deviation = nn.Parameter(torch.full((width,), math.log(deviation)))
        self.register_buffer("low", torch.from_numpy(space.low).float())
        self.register_buffer("high", torch.from_numpy(space.high).float())

    def best(self, features: Float[Tensor, "B F"]) -> Shaped[Tensor, "B *A"]:
        """Return the mean."""
        mean: Tensor = self.net(features)
        return mean

    def draw(
        self, features: Float[Tensor, "B F"], generator: torch.Generator
    ) -> Shaped[Tensor, "B *A"]:
        """Return u = μ + σ·ε, ε standard normal."""
        mean: Tensor = self.net(features)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return torch.addcmul(mean, self.log_deviation.exp(), noise)

    def judge(
        self, features: Float[Tensor, "*B F"], action: Shaped[Tensor, "..."]
    ) -> tuple[Float[Tensor, "*B"], Float[Tensor, "*B"]]:
        """Return log π(u|o) = −Σᵢ (½((uᵢ−μᵢ)/σᵢ)² + ln σᵢ + ½ ln 2π), and the entropy, in nats."""
        logs = self.log_deviation
        apart = (action - self.net(features)) * (-logs).exp()
        spread = (logs + HALF_LOG_TAU).sum()
        density = -0.5 * apart.square().sum(-1) - spread
        return density, (spread + 0.5 * len(logs)).expand(density.shape)

    def to_environment(self, action: Shaped[Tensor, "B *A"]) -> Shaped[Tensor, "B *A"]:
        """Return the action in the Box's units, clipped to it."""
        units = torch.lerp(self.low, self.high, (action + 1) / 2)
        return units.clamp(self.low, self.high)

    def deviation(self) -> float | None:
        """Return the mean of σ over the numbers of an action, in half-widths of the Box."""
        return float(self.log_deviation.detach().exp().mean())


class Critic(nn.Module):
    """V(o): the discounted sum of rewards to come, from the actor's features."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        self.net = tower(inputs, 1, hidden, 1.0, generator)

    def forward(self, features: Float[Tensor, "*B F"]) -> Float[Tensor, "*B"]:
        """Return V."""
        values: Tensor = self.net(features)
        return values.squeeze(-1)


def actor_for(
    arena: Arena,
    method: str,
    hidden: tuple[int, ...],
    generator: torch.Generator,
    *,
    deviation: float = 0.3,
    scales: bool = False,
) -> Actor:
    """Return a fresh actor for the observations and actions of ``arena``.

    Raises :class:`ConfigurationError` for a space that ``method`` cannot serve.

    >>> actor_for(Arena("CartPole-v1"), "PPO", (8,), torch.Generator()).kind
    'categorical'
    """
    scale = ObservationScale(arena.observation_space, learns=scales)
    if isinstance(arena.action_space, gymnasium.spaces.Discrete):
        return CategoricalActor(scale, require_discrete(arena, method), hidden, generator)
    space = require_continuous(arena, method)
    return GaussianActor(scale, space, hidden, generator, deviation)
