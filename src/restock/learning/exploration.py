"""Trying what does not look best: ε-greedy actions, with an ε that falls while one learns.

With probability ε an action is drawn from all, each as likely as any other, else it is the greedy
one (Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, §2.2 and §5.4):

    π(a|s) = ε/A + (1 − ε) [a = argmax_a′ Q(s, a′)]
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.errors import ConfigurationError, require

__all__ = ["Exploration", "epsilon_greedy", "greedy_probabilities"]

SHAPES = ("linear", "exponential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """How ε falls from ``start`` to ``end`` during the first ``share`` of training, then stays.

    ``shape`` is how: ``"linear"``, the same difference every update, or ``"exponential"``, the same
    ratio. ``start = end`` is a constant ε.

    Raises :class:`ConfigurationError` for a probability or a share outside [0, 1], and for an
    exponential fall to 0, which never arrives.

    >>> fall = Exploration(start=1.0, end=0.1, share=0.5)
    >>> [round(fall.at(progress), 3) for progress in (0.0, 0.25, 0.5, 1.0)]
    [1.0, 0.55, 0.1, 0.1]
    """

    start: float = 1.0
    end: float = 0.05
    share: float = 0.5
    shape: str = "linear"

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        for name, example in (("start", 1.0), ("end", 0.05), ("share", 0.5)):
            value = getattr(self, name)
            require(
                0 <= value <= 1,
                ConfigurationError,
                f"`{name}` of exploration must be in [0, 1]; got {value}. Try {example}.",
            )
        require(
            self.shape in SHAPES,
            ConfigurationError,
            f"`shape` of exploration must be one of {', '.join(SHAPES)}; got '{self.shape}'."
            " Take 'linear'.",
        )
        require(
            self.shape == "linear" or min(self.start, self.end) > 0,
            ConfigurationError,
            f"an exponential ε must stay > 0; got {self.start} to {self.end}. Take a linear one,"
            " or end above 0.",
        )

    def at(self, progress: float) -> float:
        """Return ε after a share ``progress`` of training, in [0, 1]."""
        fallen = min(progress / self.share, 1.0) if self.share > 0 else 1.0
        if self.shape == "linear":
            return self.start + (self.end - self.start) * fallen
        return float(self.start * (self.end / self.start) ** fallen)


def epsilon_greedy(
    values: Float[Tensor, "*B A"], epsilon: float, generator: torch.Generator
) -> Int[Tensor, "*B"]:
    """Return an ε-greedy action for each row of action values; of equal values the first is best.

    >>> seed = torch.Generator().manual_seed(0)
    >>> epsilon_greedy(torch.tensor([[1.0, 3.0], [2.0, 0.0]]), 0.0, seed).tolist()
    [1, 0]
    """
    best = values.argmax(-1)
    if epsilon <= 0:
        return best
    draws = torch.rand((2, *best.shape), generator=generator)
    anything = (draws[1] * values.shape[-1]).long()
    return torch.where(draws[0] < epsilon, anything, best)


def greedy_probabilities(values: Float[Tensor, "*B A"], epsilon: float) -> Float[Tensor, "*B A"]:
    """Return π(a|s), the probability with which :func:`epsilon_greedy` takes each action.

    >>> greedy_probabilities(torch.tensor([1.0, 3.0]), 0.5).tolist()
    [0.25, 0.75]
    """
    spread = torch.full_like(values, epsilon / values.shape[-1])
    best = values.argmax(-1, keepdim=True)
    return spread.scatter_add(-1, best, torch.full_like(values[..., :1], 1 - epsilon))
