"""Levels read off a forecast of demand over the lead time and the review period.

The world's signals must carry ``forecast_mean``, ``forecast_sd`` and ``forecast_q…`` of the total
demand over L + 1 periods, made from what was known before the period.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.shapes import LaneValues
from restock.simulation import Decision, Observation

__all__ = ["ForecastQuantile", "MeanPlusSafety", "quantile_signal", "quantile_weights"]


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


@dataclass(frozen=True)
class MeanPlusSafety:
    """Order up to mean + z·sd of the forecast; ``safety_factor`` is z, ``[#B, P, E]``."""

    safety_factor: LaneValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for mean + z·sd."""
        mean = observation.signal("forecast_mean")
        return Decision(
            (mean + self.safety_factor * observation.signal("forecast_sd")).clamp_min(0)
        )


@dataclass(frozen=True)
class ForecastQuantile:
    """Order up to a quantile of the forecast: the newsvendor's answer, renewed every day.

    ``weights`` ``[#B, P, Q]`` blend the forecast's quantile ``levels`` (see :meth:`at`).
    ``cap_periods`` ``[#B, P, E]`` caps an order at so many periods of forecast mean demand;
    ``None`` caps nothing.
    """

    levels: tuple[float, ...]
    weights: Float[Tensor, "*B P Q"]
    cap_periods: Float[Tensor, "#B #P E"] | None = None

    @classmethod
    def at(
        cls,
        quantile: Float[Tensor, "*B P"],
        levels: tuple[float, ...],
        cap_periods: Float[Tensor, "#B #P E"] | None = None,
    ) -> "ForecastQuantile":
        """Order up to ``quantile`` per product, interpolated between the forecast's ``levels``.

        Raises :class:`ConfigurationError` for a quantile outside the forecast's levels.
        """
        return cls(levels, quantile_weights(quantile, levels), cap_periods)

    def decide(self, observation: Observation) -> Decision:
        """Wish for the blended quantile, at most the cap at once."""
        quantiles = [observation.signal(quantile_signal(level)) for level in self.levels]
        target = (torch.cat(quantiles, dim=-1) * self.weights).sum(-1, keepdim=True)
        if self.cap_periods is None:
            return Decision(target)
        mean = observation.signal("forecast_mean") / (observation.lead_time + 1)
        return Decision(target, self.cap_periods * mean)
