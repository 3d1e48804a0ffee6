"""Signals that carry a forecast of demand over the lead time and the review period.

``forecast_mean``, ``forecast_sd`` and ``forecast_q…`` are of the total demand over L + 1 periods,
made from what was known before the period; :class:`SignalLevel` makes levels of them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require

__all__ = ["quantile_signal", "quantile_weights"]


def quantile_signal(level: float) -> str:
    """Return the name of the signal that carries the forecast quantile of ``level``.

    >>> quantile_signal(0.9)
    'forecast_q0.9'
    """
    return f"forecast_q{level:g}"


def quantile_weights(
    quantile: Float[Tensor, "*B P"], levels: tuple[float, ...]
) -> Float[Tensor, "*B P Q"]:
    """Return the weights of a forecast's ``levels`` that interpolate ``quantile`` linearly.

    Raises :class:`ConfigurationError` for a quantile outside the forecast's levels.

    >>> quantile_weights(torch.tensor([0.625]), (0.5, 0.75)).tolist()
    [[0.5, 0.5]]
    """
    grid = torch.tensor(levels, dtype=quantile.dtype)
    inside = (quantile >= grid[0]) & (quantile <= grid[-1])
    require(
        bool(inside.all()),
        ConfigurationError,
        f"`quantile` must lie in [{levels[0]}, {levels[-1]}], the forecast's levels; got"
        f" {quantile[~inside][:1].tolist()}. Choose a level inside.",
    )
    right = torch.searchsorted(grid, quantile.contiguous()).clamp(1, len(levels) - 1)
    share = (quantile - grid[right - 1]) / (grid[right] - grid[right - 1])
    weights = torch.zeros(*quantile.shape, len(levels), dtype=quantile.dtype)
    weights.scatter_(-1, (right - 1).unsqueeze(-1), (1 - share).unsqueeze(-1))
    weights.scatter_(-1, right.unsqueeze(-1), share.unsqueeze(-1))
    return weights
