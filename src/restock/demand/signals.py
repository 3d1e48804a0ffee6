"""What recent demand tells before today's demand is known: the signals that policies read.

For units u and a window of w trading days, m_w(t) is the mean of u over the days t−w … t−1.

=============  ===============================================================================
signal         meaning at day t, from days before t alone
=============  ===============================================================================
scale          x = m_42 + 0.1: typical units a day; levels are measured in it
level_w        log((m_w + 0.1·x) / x) for w in 6, 12, 24, 84: is demand rising or falling?
variability    log(1 + s_42 / x), s_42 the standard deviation over 42 days
zero_share_w   share of days without demand, for w in 24, 84
weekday_k      1 where day t is weekday k (Monday 0 … Sunday 6), known ahead
=============  ===============================================================================
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["SIGNAL_NAMES", "WARM_UP_DAYS", "trailing_signals"]

_SCALE_DAYS = 42
_LEVEL_DAYS = (6, 12, 24, 84)
_ZERO_DAYS = (24, 84)

WARM_UP_DAYS = max(_SCALE_DAYS, *_LEVEL_DAYS, *_ZERO_DAYS)
"""Days of history that the longest window needs; before, windows use what there is."""

SIGNAL_NAMES: tuple[str, ...] = (
    "scale",
    *(f"level_{days}" for days in _LEVEL_DAYS),
    "variability",
    *(f"zero_share_{days}" for days in _ZERO_DAYS),
    *(f"weekday_{day}" for day in range(7)),
)


def trailing_signals(
    units: Float[Tensor, "B T P"], weekday: Int[Tensor, "#B T"]
) -> Float[Tensor, "B T P F"]:
    """Return the signals of :data:`SIGNAL_NAMES` for every day of every path.

    Signals of the first :data:`WARM_UP_DAYS` days are not yet meaningful; cut them off.

    >>> flat = trailing_signals(torch.full((1, 90, 1), 5.0), torch.zeros(1, 90, dtype=torch.long))
    >>> round(flat[0, -1, 0, SIGNAL_NAMES.index("scale")].item(), 3)
    5.1
    """
    exact = units.double()
    total, squares, zeros = (
        _before(part) for part in (exact, exact.square(), (exact == 0).double())
    )
    mean = _trailing_mean(total, _SCALE_DAYS)
    scale = mean + 0.1
    variance = (_trailing_mean(squares, _SCALE_DAYS) - mean.square()).clamp_min(0)
    columns = [
        scale,
        *(torch.log((_trailing_mean(total, days) + 0.1 * scale) / scale) for days in _LEVEL_DAYS),
        torch.log1p(variance.sqrt() / scale),
        *(_trailing_mean(zeros, days) for days in _ZERO_DAYS),
    ]
    flags = torch.nn.functional.one_hot(weekday, 7).to(units)[:, :, None, :]
    signals = torch.stack(columns, dim=-1).to(units)
    return torch.cat([signals, flags.expand(*signals.shape[:3], 7)], dim=-1)


def _before(values: Float[Tensor, "B T P"]) -> Float[Tensor, "B U P"]:
    """Return sums over all days before each day, and over all days at the end (U = T + 1)."""
    return torch.nn.functional.pad(values.cumsum(1), (0, 0, 1, 0))


def _trailing_mean(total: Float[Tensor, "B U P"], window: int) -> Float[Tensor, "B T P"]:
    """Mean over the ``window`` days before each day, from sums over all days before each day."""
    before = total[:, :-1]
    days = before.shape[1]
    earlier = torch.nn.functional.pad(before, (0, 0, min(window, days), 0))[:, :days]
    count = torch.arange(days, dtype=total.dtype).clamp(1, window)
    return (before - earlier) / count[None, :, None]
