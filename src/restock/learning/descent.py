"""One step downhill, taken only where it is finite."""

import math

import torch
from torch import Tensor, nn

__all__ = ["DivergenceError", "descend"]


class DivergenceError(ArithmeticError):
    """Something is not finite: ``what``, the ``remedy``, and the ``batch`` that shows it.

    It is raised before the step that would follow. Without a batch, it is the one that was learned
    from last.
    """

    def __init__(self, what: str, remedy: str, batch: dict[str, Tensor] | None = None) -> None:
        super().__init__(what, remedy)
        self.what, self.remedy, self.batch = what, remedy, batch

    @classmethod
    def of_loss(cls, loss: float, norm: float, learning_rate: float) -> "DivergenceError":
        """Return that of a loss or of its gradient."""
        return cls(
            f"the loss is {loss} (gradient norm {norm})",
            f"Lower `learning_rate` (now {learning_rate}) or check the instance's costs",
        )


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
        raise DivergenceError.of_loss(loss.item(), norm, float(optimizer.param_groups[0]["lr"]))
    optimizer.step()
    return norm
