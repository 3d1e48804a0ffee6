"""One step downhill, taken only where it is finite."""

import math

import torch
from torch import Tensor, nn

__all__ = ["DivergenceError", "descend"]


class DivergenceError(ArithmeticError):
    """A loss or its gradient is not finite; no weight was touched."""

    def __init__(self, loss: float, norm: float, learning_rate: float) -> None:
        super().__init__(f"loss {loss}, gradient norm {norm}")
        self.loss, self.norm, self.learning_rate = loss, norm, learning_rate


def descend(
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    *,
    clip: float = math.inf,
    learning_rate: float | None = None,
) -> float:
    """Step down the gradient of ``loss``, clipped to norm ``clip``; return the norm before that.

    ``learning_rate`` replaces the optimizer's step size, for this step and those after it.

    Raises :class:`DivergenceError`, with all weights as they were, unless loss and norm are finite.

    >>> weight = torch.nn.Parameter(torch.tensor([3.0]))
    >>> descend((weight**2).sum(), torch.optim.SGD([weight], lr=0.1)), weight.data
    (6.0, tensor([2.4000]))
    """
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    if learning_rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    if not (math.isfinite(norm) and math.isfinite(loss.item())):
        raise DivergenceError(loss.item(), norm, float(optimizer.param_groups[0]["lr"]))
    optimizer.step()
    return norm
