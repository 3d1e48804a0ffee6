"""Q(s, a): what each action is worth, as a table or a formula that moves towards targets."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

__all__ = ["ActionValues", "repeated_step"]


class ActionValues(nn.Module, ABC):
    """Action values of a discrete environment; acts by the highest.

    All that is learned is in buffers: no automatic differentiation takes part, each kind of values
    writes down its own gradient.
    """

    kind: ClassVar[str]
    actions: int

    @abstractmethod
    def values(self, observation: Shaped[Tensor, "*N"]) -> Float[Tensor, "... A"]:
        """Return Q(s, ·) for each observation, in discounted rewards."""

    @abstractmethod
    def move(
        self,
        observation: Shaped[Tensor, "N *O"],
        action: Int[Tensor, " N"],
        error: Float[Tensor, " N"],
        step_size: float,
    ) -> float:
        """Move Q(s, a) by ``step_size`` (α) times ``error`` (δ), for N pairs of s and a at once.

        Returns the Euclidean norm of the gradient of −½ mean δ², targets held fixed.
        """

    @torch.no_grad()
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Int[Tensor, " B"]:
        """Return the action of the highest value; of equal ones the first."""
        return self.values(observation).argmax(-1)


def repeated_step(step_size: float, times: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """Return 1 − (1 − α)ⁿ, how far n steps of size α go towards the same target.

    >>> repeated_step(0.5, torch.tensor([0.0, 1.0, 2.0])).tolist()
    [0.0, 0.5, 0.75]
    >>> repeated_step(1.0, torch.tensor([0.0, 1.0, 2.0])).tolist()
    [0.0, 1.0, 1.0]
    """
    if step_size >= 1:
        # log 0 times 0 steps is none
        return (times > 0).to(times.dtype)
    return -torch.expm1(times * torch.log1p(torch.tensor(-step_size, dtype=times.dtype)))
