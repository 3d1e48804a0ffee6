"""Observations and rewards in units that networks learn well in, measured while training.

Both keep the count n, mean m and variance v of all they have seen, and take in a batch (n′, m′, v′)
by the parallel formula of T. Chan, G. Golub and R. LeVeque (Updating formulae and a pairwise
algorithm for computing sample variances, Stanford STAN-CS-79-773, 1979, eq. 2.1):

    δ = m′ − m,   m ← m + δ·n′/(n+n′),   v ← (n·v + n′·v′ + δ²·n·n′/(n+n′)) / (n+n′)
"""

from typing import NamedTuple

import gymnasium
import torch
from gymnasium.spaces import Box, Discrete
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from restock.errors import ConfigurationError

__all__ = ["Moments", "ObservationScale", "RewardScale", "merged"]

FURTHEST = 10.0
"""Scaled numbers are clipped to ± this, so that one outlier does not move a network far."""

SMALLEST = 1e-8
"""Added to variances, so that what never changes is divided by something."""


class Moments(NamedTuple):
    """Rows seen, mean and variance (of the population, not the sample) per number, float64."""

    rows: Float[Tensor, ""]
    mean: Float[Tensor, "*F"]
    variance: Float[Tensor, "*F"]


def merged(old: Moments, values: Float[Tensor, "N *F"]) -> Moments:
    """Return the moments of what ``old`` has seen and of N more rows.

    >>> none = Moments(*torch.zeros(3, dtype=torch.float64))
    >>> first = merged(none, torch.tensor([1.0, 2.0]))
    >>> [float(each) for each in merged(first, torch.tensor([3.0, 6.0]))]
    [4.0, 3.0, 3.5]
    """
    new = values.double()
    rows = old.rows + len(new)
    share = len(new) / rows
    move = new.mean(0) - old.mean
    within = old.variance * (1 - share) + new.var(0, correction=0) * share
    return Moments(rows, old.mean + move * share, within + move.square() * share * (1 - share))


class ObservationScale(nn.Module):
    """An observation as the numbers that a network reads.

    Of a Box: (x − m) / √v, clipped to ±10, with mean m and variance v of all observations given to
    :meth:`learn`; with ``learns=False``, and before the first, x itself. Of a Discrete space with n
    states: n numbers, a one at the state. The moments are buffers: they are saved with the weights.

    Raises :class:`ConfigurationError` for any other space.

    >>> scale = ObservationScale(Box(-9, 9, (1,)))
    >>> scale.learn(torch.tensor([[1.0], [3.0]]))
    >>> scale(torch.tensor([[4.0], [99.0]])).tolist()
    [[2.0], [10.0]]
    """

    count: Tensor
    mean: Tensor
    variance: Tensor
    centre: Tensor
    gain: Tensor

    def __init__(self, space: gymnasium.Space[object], *, learns: bool = True) -> None:
        super().__init__()
        if not isinstance(space, Box | Discrete):
            raise ConfigurationError(
                f"observations must be a Box or Discrete; got {space}. Wrap the environment in"
                " gymnasium.wrappers.FlattenObservation."
            )
        self.states = int(space.n) if isinstance(space, Discrete) else 0
        self.first = int(space.start) if isinstance(space, Discrete) else 0
        self.learns = learns and isinstance(space, Box)
        self.width = int(gymnasium.spaces.flatdim(space))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(self.width, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(self.width, dtype=torch.float64))
        self.register_buffer("centre", torch.zeros(self.width))
        self.register_buffer("gain", torch.ones(self.width))

    @property
    def is_new(self) -> bool:
        """Whether moments are to be learned and nothing was seen yet."""
        return self.learns and not self.count

    def forward(self, observation: Shaped[Tensor, "*B"]) -> Float[Tensor, "..."]:
        """Return the numbers, along one last axis."""
        if self.states:
            return nn.functional.one_hot(observation - self.first, self.states).float()
        if not self.learns:
            return observation.float()
        return ((observation - self.centre) * self.gain).clamp(-FURTHEST, FURTHEST)

    def learn(self, observation: Shaped[Tensor, "*B"]) -> None:
        """Take observations into the moments."""
        if not self.learns:
            return
        old = Moments(self.count, self.mean, self.variance)
        new = merged(old, observation.reshape(-1, self.width))
        self.count.copy_(new.rows)
        self.mean.copy_(new.mean)
        self.variance.copy_(new.variance)
        self.centre.copy_(new.mean)
        self.gain.copy_((new.variance + SMALLEST).rsqrt())


class RewardScale:
    """Rewards in units of the standard deviation of the discounted return so far.

    Each of ``count`` environments has a running sum R ← discount·R + r, that begins anew with an
    episode; a reward becomes r / √(v + 1e−8), clipped to ±10, with v the variance of all R seen.
    The mean stays: it carries what the task is. With ``learns=False`` rewards stay as they are.

    >>> scale = RewardScale(1, discount=0.0)
    >>> scale.scaled(torch.tensor([[1.0], [5.0]]), torch.tensor([[False], [False]])).tolist()
    [[0.5], [2.5]]
    """

    def __init__(self, count: int, discount: float, *, learns: bool = True) -> None:
        self.discount, self.learns = discount, learns
        self.sums = torch.zeros(count, dtype=torch.float64)
        self.moments = Moments(*torch.zeros(3, dtype=torch.float64))

    def begin(self) -> None:
        """Begin new episodes."""
        self.sums.zero_()

    def scaled(
        self, reward: Float[Tensor, "T B"], ended: Bool[Tensor, "T B"]
    ) -> Float[Tensor, "T B"]:
        """Take rewards in and return them scaled."""
        if not self.learns:
            return reward
        returns = torch.empty(reward.shape, dtype=torch.float64)
        keeps = self.discount * (~ended).double()
        for period, paid in enumerate(reward.double()):
            self.sums += paid
            returns[period] = self.sums
            self.sums *= keeps[period]
        self.moments = merged(self.moments, returns.flatten())
        scale = float((self.moments.variance + SMALLEST).rsqrt())
        return (reward * scale).clamp(-FURTHEST, FURTHEST)

    def state_dict(self) -> dict[str, list[float]]:
        """Return the moments; sums begin anew with the episodes after a checkpoint."""
        return {"moments": [float(each) for each in self.moments]}

    def load_state_dict(self, tree: dict[str, list[float]]) -> None:
        """Take them back."""
        self.moments = Moments(*torch.tensor(tree["moments"], dtype=torch.float64))
