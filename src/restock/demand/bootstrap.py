"""Futures drawn from a recorded history: blocks of days that keep weekday and season.

The **calendar** of a path is the history's own. After its last day the history goes on as it
did 52 weeks before (that keeps weekday, season and closed days); a history shorter than 52 weeks
starts again as many whole weeks before as it has.

A path is cut into blocks of ``block_days`` trading days. For each block a source is drawn
uniformly among the recorded days that fall on the same weekday as the block's first calendar day
and lie, in any year, within ± ``season_window_days`` of it; the block then copies the trading
days from there on. Weekdays inside a block follow the source, so they can differ from the
calendar only where one of the two has a closed day. Source: Künsch (1989), Annals of Statistics
17(3), section 2.1 (moving blocks), with the starts restricted as said.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from restock.demand.history import DemandHistory
from restock.demand.paths import time_major
from restock.errors import ConfigurationError, InputError, require
from restock.shapes import DemandPaths

__all__ = ["BlockBootstrap", "BootstrapPaths", "ReplayedHistory"]

YEAR_DAYS = 365.25
YEAR_OF_WEEKS_DAYS = 364


@dataclass(frozen=True, eq=False)
class BootstrapPaths:
    """Sampled demand and where each day of it came from.

    ``demand`` is units, ``[B, T, P, 1]``, time first in memory. ``source_day`` is the position in
    the history of each path's day, ``[B, T]``, or ``[B, T, P]`` where products were drawn apart;
    signals such as price and promotion follow it (see :meth:`follow`).
    """

    demand: DemandPaths
    source_day: Int[Tensor, "B T *products"]

    def follow(self, recorded: Tensor) -> Tensor:
        """Return a recorded signal ``[days, P]`` on the sampled days, ``[B, T, P]``.

        Time lies first in memory, as in ``demand``.
        """
        return _rows(recorded, self.source_day.transpose(0, 1)).transpose(0, 1)


@dataclass(frozen=True, eq=False)
class BlockBootstrap:
    """Paths of demand drawn from ``history`` in blocks that keep weekday and season.

    ``block_days`` is trading days per block; ``season_window_days`` is calendar days to either
    side of a block's day of the year. ``growth_sd`` (g) is the standard deviation of the
    logarithm of each path's and product's level, e^(g z − g²/2) with z ~ N(0, 1): its mean is 1,
    and demand keeps whole units only where g = 0. ``joint`` draws the same days for all products
    of a path, which keeps what they have in common; otherwise each product draws its own.

    Recorded sales of censored days are taken as they are: correct the history before.

    Raises :class:`ConfigurationError` for a number outside its range and :class:`InputError` for
    a history shorter than a week or a block.
    """

    history: DemandHistory
    block_days: int = 14
    season_window_days: int = 21
    growth_sd: float = 0.0
    joint: bool = True
    _calendar: "_Calendar" = field(init=False, repr=False)
    _units: Float[Tensor, "days P"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the settings, then index the history by weekday and season."""
        for name, lowest in (("block_days", 1), ("season_window_days", 0)):
            value = getattr(self, name)
            require(
                value >= lowest and value == int(value),
                ConfigurationError,
                f"`{name}` must be an integer ≥ {lowest}; got {value}. Count whole days.",
            )
        require(
            0 <= self.growth_sd < float("inf"),
            ConfigurationError,
            f"`growth_sd` must be finite and ≥ 0; got {self.growth_sd}. Use 0 for no growth.",
        )
        require(
            self.history.n_days >= self.block_days,
            InputError,
            f"a history must have at least one block of {self.block_days} trading days; got"
            f" {self.history.n_days}. Record longer or choose a smaller `block_days`.",
        )
        units = torch.from_numpy(np.ascontiguousarray(self.history.units, dtype=np.float32))
        object.__setattr__(self, "_units", units)
        calendar = _Calendar.of(self.history.dates, self.season_window_days)
        object.__setattr__(self, "_calendar", calendar)

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return self.history.n_products

    def sample(
        self, paths: int, periods: int, generator: Generator, start_day: int | None = None
    ) -> BootstrapPaths:
        """Draw ``paths`` (B) futures of ``periods`` (T) trading days.

        ``start_day`` is the calendar position of the first period: a day of the history, or
        ``history.n_days`` and later for what comes after it; None draws one per path.
        """
        require(
            start_day is None or start_day >= 0,
            ConfigurationError,
            f"`start_day` must be ≥ 0; got {start_day}. Count from the history's first day.",
        )
        starts = self._starts(paths, generator, start_day)
        days = self._source_days(starts, periods, generator)
        units = _rows(self._units.to(generator.device), days)
        if self.growth_sd > 0:
            noise = torch.empty((paths, self.n_products), device=generator.device)
            noise.normal_(generator=generator)
            units *= noise.mul_(self.growth_sd).sub_(self.growth_sd**2 / 2).exp_()
        return BootstrapPaths(time_major(units), days.transpose(0, 1))

    def _starts(self, paths: int, generator: Generator, start_day: int | None) -> Int[Tensor, "B"]:
        if start_day is not None:
            return torch.full((paths,), start_day, device=generator.device)
        return torch.randint(
            self.history.n_days, (paths,), generator=generator, device=generator.device
        )

    def _source_days(
        self, starts: Int[Tensor, "B"], periods: int, generator: Generator
    ) -> Int[Tensor, "T B *products"]:
        calendar, device = self._calendar, generator.device
        first = torch.arange(0, periods, self.block_days, device=device)
        positions = calendar.home(starts + first.unsqueeze(1))
        if not self.joint:
            positions = positions.unsqueeze(-1).expand(-1, -1, self.n_products)
        sources = calendar.draw(positions, generator)
        offsets = torch.arange(self.block_days, device=device)
        offsets = offsets.view(1, -1, *[1] * (sources.ndim - 1))
        days = calendar.home(sources.unsqueeze(1) + offsets)
        return days.flatten(0, 1)[:periods]


@dataclass(frozen=True, eq=False)
class ReplayedHistory:
    """The history itself as a path: what really happened, for backtests."""

    history: DemandHistory

    def paths(self, start: int, stop: int) -> Float[Tensor, "1 T P 1"]:
        """Return days ``start`` (included) to ``stop`` (excluded) as the only path, in units.

        Raises :class:`InputError` when the history does not have these days.
        """
        require(
            0 <= start < stop <= self.history.n_days,
            InputError,
            f"replayed days must satisfy 0 ≤ start < stop ≤ {self.history.n_days}; got"
            f" {start} to {stop}. Choose days of the history.",
        )
        units = np.ascontiguousarray(self.history.units[start:stop], dtype=np.float32)
        return time_major(torch.from_numpy(units).unsqueeze(1))


@dataclass(frozen=True, eq=False)
class _Calendar:
    """Which recorded days may stand for which day, and how the history goes on after its end.

    ``candidates[d, :counts[d]]`` are the days that may stand for day d. From position ``n_days``
    on, days repeat those from position ``resume`` on.
    """

    candidates: Int[Tensor, "days most"]
    counts: Int[Tensor, "days"]
    resume: int

    @classmethod
    def of(cls, dates: tuple[date, ...], season_window_days: int) -> "_Calendar":
        ordinals = np.array([day.toordinal() for day in dates])
        alike = _alike(ordinals, season_window_days)
        counts = alike.sum(axis=1)
        order = np.argsort(~alike, axis=1, kind="stable")[:, : counts.max()]
        weeks = (int(ordinals[-1] - ordinals[0]) + 1) // 7
        require(
            weeks >= 1,
            InputError,
            f"a history must span at least one week; got {dates[0]} to {dates[-1]}. Record longer.",
        )
        back = min(7 * weeks, YEAR_OF_WEEKS_DAYS)
        resume = int(np.searchsorted(ordinals, ordinals[-1] - back, side="right"))
        return cls(torch.from_numpy(order.copy()), torch.from_numpy(counts), resume)

    def home(self, position: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
        """Return the recorded day that position stands for, also after the history's end."""
        cycle = len(self.counts) - self.resume
        later = self.resume + (position - self.resume) % cycle
        return torch.where(position < len(self.counts), position, later)

    def draw(self, day: Int[Tensor, "*any"], generator: Generator) -> Int[Tensor, "*any"]:
        """Draw, for each entry, one of the days that may stand for ``day``, all alike likely."""
        uniform = torch.rand(day.shape, generator=generator, device=generator.device)
        counts = self.counts.to(generator.device)[day]
        choice = (uniform * counts).long().clamp_(max=counts - 1)
        return self.candidates.to(generator.device)[day, choice]


def _alike(ordinals: Int[np.ndarray, "days"], window_days: int) -> Bool[np.ndarray, "days days"]:
    """Return which days share the weekday and lie near in the year, in any year."""
    apart = np.abs(ordinals[:, None] - ordinals[None, :])
    in_year = apart % YEAR_DAYS
    near = np.minimum(in_year, YEAR_DAYS - in_year) <= window_days
    alike: Bool[np.ndarray, "days days"] = (apart % 7 == 0) & near
    return alike


def _rows(table: Tensor, days: Tensor) -> Tensor:
    """Gather ``table[days]`` row by row for days ``[T, B]``, entry by entry for ``[T, B, P]``."""
    if days.ndim == 2:
        return table.index_select(0, days.flatten()).view(*days.shape, -1)
    return table[days, torch.arange(table.shape[1], device=table.device)]
