"""Normalisation fitted on data: what a body reads has mean 0 and standard deviation 1.

Batches are taken in one after another (T. Chan, G. Golub & R. LeVeque, Algorithms for computing
the sample variance, The American Statistician 37(3), 1983, eqs. 2.1; for one row B. Welford,
Technometrics 4(3), 1962). With n rows of mean μ and sum of squared deviations S so far, and m rows
of mean ν and sum Q in the batch,

    δ = ν − μ,   μ′ = μ + δ·m/(n + m),   S′ = S + Q + δ²·n·m/(n + m),   scale = √(S′/(n + m)).

A column that is heavy-tailed is read as log(1 + x) first.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.simulation import Decision, Observation, Scenario, World, rollout

__all__ = ["Normaliser", "fit_normaliser", "heavy_tailed"]

LEAST_SCALE = 1e-6
# of the exponential distribution, the border to what has no scale of its own
SKEWED = 2.0


@runtime_checkable
class _Reading(Protocol):
    """A policy whose body reads features through a normaliser."""

    normaliser: "Normaliser | None"

    def features(self, observation: Observation) -> Tensor: ...

    def decide(self, observation: Observation) -> Decision: ...


def heavy_tailed(rows: Float[Tensor, "N F"]) -> Bool[Tensor, " F"]:
    """Return which columns are nowhere negative and more skewed than an exponential.

    >>> steady, wild = torch.arange(9.0), torch.tensor([1.0] * 8 + [400.0])
    >>> heavy_tailed(torch.stack([steady, wild], dim=-1))
    tensor([False,  True])
    """
    centred = rows.double() - rows.double().mean(0)
    spread = centred.square().mean(0).sqrt()
    skewness = centred.pow(3).mean(0) / spread.clamp_min(LEAST_SCALE).pow(3)
    return (rows >= 0).all(0) & (skewness > SKEWED)


class Normaliser(nn.Module):
    """Mean and scale of each of ``features`` (F), kept with the weights; at first it does nothing.

    A column that does not vary keeps the scale 1.

    >>> normaliser = Normaliser(1)
    >>> normaliser.fit(torch.tensor([[1.0], [3.0]]))
    >>> normaliser(torch.tensor([[1.0], [5.0]])).flatten().tolist()
    [-1.0, 3.0]
    """

    mean: Tensor
    scale: Tensor
    exact_mean: Tensor
    squares: Tensor
    rows: Tensor
    logarithmic: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("logarithmic", torch.zeros(features, dtype=torch.bool))
        # in double precision, since what a batch adds is small after many
        for name in ("exact_mean", "squares"):
            self.register_buffer(name, torch.zeros(features, dtype=torch.float64))
        self.register_buffer("rows", torch.zeros((), dtype=torch.float64))

    def forward(self, features: Float[Tensor, "*N F"]) -> Float[Tensor, "*N F"]:
        """Return (x − mean) / scale, of log(1 + x) in heavy-tailed columns."""
        return (self._read(features) - self.mean) / self.scale

    @torch.no_grad()
    def fit(self, batch: Float[Tensor, "*N F"]) -> None:
        """Forget what was seen, decide which columns are heavy-tailed, and take the batch in."""
        rows = batch.reshape(-1, batch.shape[-1])
        self.logarithmic.copy_(heavy_tailed(rows))
        for values in (self.exact_mean, self.squares, self.rows):
            values.zero_()
        self.update(rows)

    @torch.no_grad()
    def update(self, batch: Float[Tensor, "*N F"]) -> None:
        """Take a further batch in; all batches together count as one.

        Raises :class:`ConfigurationError` for a batch that is empty or not finite, which changes
        nothing.
        """
        rows = self._read(batch.reshape(-1, batch.shape[-1])).to(self.squares)
        require(
            len(rows) > 0 and bool(rows.isfinite().all()),
            ConfigurationError,
            f"a normaliser takes in rows of finite features; got {len(rows)} rows, of which"
            f" {int((~rows.isfinite()).any(-1).sum())} are not finite. Check the signals.",
        )
        mean, total = rows.mean(0), self.rows + len(rows)
        share, delta = len(rows) / total, mean - self.exact_mean
        self.squares += (rows - mean).square().sum(0) + delta.square() * self.rows * share
        self.exact_mean += delta * share
        self.rows.copy_(total)
        spread = (self.squares / total).sqrt()
        self.mean.copy_(self.exact_mean)
        self.scale.copy_(torch.where(spread > LEAST_SCALE, spread, 1.0))

    def _read(self, features: Float[Tensor, "*N F"]) -> Float[Tensor, "*N F"]:
        logarithms = torch.log1p(features.clamp_min(0))
        return torch.where(self.logarithmic, logarithms, features)


@torch.no_grad()
def fit_normaliser(policy: _Reading, world: World, scenario: Scenario) -> None:
    """Fit the policy's normaliser to what it reads on the way through ``scenario``, from empty.

    A fresh policy still decides as its anchor does: its body answers 0 to any features.

    Raises :class:`ConfigurationError` for a policy that has no normaliser.
    """
    if policy.normaliser is None:
        raise ConfigurationError(
            "this policy reads its features as they are. Give its config `normalises=True`."
        )
    reader = _Reader(policy)
    rollout(world, reader, scenario, world.empty_state(scenario.paths))
    policy.normaliser.fit(torch.cat(reader.seen))


class _Reader:
    """Lets a policy decide and keeps what it read."""

    def __init__(self, policy: _Reading) -> None:
        self.policy = policy
        self.seen: list[Tensor] = []

    def decide(self, observation: Observation) -> Decision:
        self.seen.append(self.policy.features(observation).flatten(0, -2))
        return self.policy.decide(observation)
