"""The planning case: one shop's history, its instance, and every day's signals, ready to decide."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from restock.demand import WARM_UP_DAYS, DemandHistory
from restock.errors import ConfigurationError, require
from restock.forecasting import Forecaster
from restock.policies import quantile_signal
from restock.problem import Instance
from restock.simulation import Scenario, State, World, recorded_scenario

__all__ = ["PlanningCase", "Window", "forecast_signals", "rolling_windows"]


@dataclass(frozen=True, slots=True)
class Window:
    """Trading days ``start`` (included) to ``stop`` (excluded) of a history, for testing."""

    start: int
    stop: int

    @property
    def days(self) -> int:
        """The window's length in trading days."""
        return self.stop - self.start


def rolling_windows(n_days: int, windows: int, days: int) -> list[Window]:
    """Return the last ``windows`` windows of ``days`` trading days, oldest first.

    Raises :class:`ConfigurationError` when less than ``WARM_UP_DAYS`` + ``days`` trading days
    would be left to tune and train on before the first.

    >>> rolling_windows(304, 3, 48)[0]
    Window(start=160, stop=208)
    """
    first = n_days - windows * days
    require(
        first >= WARM_UP_DAYS + days,
        ConfigurationError,
        f"{windows} test windows of {days} trading days leave {max(first, 0)} of {n_days} days"
        f" before the first; at least {WARM_UP_DAYS + days} are needed to tune and train on."
        " Ask for fewer or shorter windows, or give a longer history.",
    )
    return [Window(first + k * days, first + (k + 1) * days) for k in range(windows)]


@dataclass(frozen=True, eq=False)
class PlanningCase:
    """Everything that tuning, training, testing and proposing share.

    ``scenario`` is the whole record as one path; its signals hold the trailing signals and the
    rolling forecasts. ``opening_cover_days`` is the stock that every simulated test begins with,
    in days of recent demand beyond the lead time; ``end_write_down_share`` is what a unit left at
    the end of a test loses of its cost, and ``test_days`` how long a test is.
    """

    history: DemandHistory
    instance: Instance
    scenario: Scenario
    quantile_levels: tuple[float, ...]
    opening_cover_days: float
    end_write_down_share: float
    test_days: int

    @cached_property
    def planning_world(self) -> World:
        """The world that rules are tuned and trained in.

        The write-down at a test's end is spread over its days as a further holding cost, so that
        tuning on longer records weighs it as the test will, and does not hang on one last day.
        """
        costs = self.world.economics
        daily = self.end_write_down_share / self.test_days * costs.unit_cost
        return replace(
            self.world, economics=replace(costs, holding_cost=costs.holding_cost + daily)
        )

    @cached_property
    def world(self) -> World:
        """The world of the instance."""
        return World.from_instance(self.instance)

    @cached_property
    def lead_time(self) -> Int[Tensor, " P"]:
        """Lead time of each product in trading days."""
        return self.world.arrivals.lead_time[0, :, 0]

    def opening_state(self, day: int) -> State:
        """Return the state that a simulated test starts from on ``day``: shelves stocked."""
        scale = self.scenario.signals_at(day)[..., :1]  # type: ignore[index]
        cover = self.lead_time[:, None] + self.opening_cover_days
        return self.world.state_with(torch.floor(scale * cover + 0.5))

    def variability_classes(self, until: int) -> Int[Tensor, " P"]:
        """Class products by the days before ``until``: smooth, intermittent, erratic, lumpy (0–3).

        Cut-offs: mean interval between sales 1.32 days, squared coefficient of variation of the
        sizes 0.49 (Syntetos, Boylan and Croston, On the categorization of demand patterns,
        Journal of the Operational Research Society 56, 2005).
        """
        units = self.history.units[:until]
        sales = units > 0
        count = np.maximum(sales.sum(0), 1)
        mean = units.sum(0) / count
        variance = (np.where(sales, units - mean, 0.0) ** 2).sum(0) / count
        squared_cv = variance / np.maximum(mean, 1e-9) ** 2
        interval = units.shape[0] / count
        return torch.from_numpy((interval > 1.32) + 2 * (squared_cv > 0.49))

    def with_costs(self, instance: Instance) -> "PlanningCase":
        """Return the same case with other costs."""
        return replace(self, instance=instance)

    @classmethod
    def build(
        cls,
        history: DemandHistory,
        instance: Instance,
        forecaster: Forecaster,
        refit_days: list[int],
        *,
        opening_cover_days: float,
        end_write_down_share: float,
        test_days: int,
    ) -> "PlanningCase":
        """Compute every day's signals; the forecaster is fitted anew on each of ``refit_days``."""
        lanes = {lane.product_id: lane.lead_time_periods for lane in instance.lanes}
        horizon = np.array([lanes[product] + 1 for product in history.product_ids])
        extra, names, levels = forecast_signals(history, forecaster, horizon, refit_days)
        return cls(
            history=history,
            instance=instance,
            scenario=recorded_scenario(history, extra, names),
            quantile_levels=levels,
            opening_cover_days=opening_cover_days,
            end_write_down_share=end_write_down_share,
            test_days=test_days,
        )


def forecast_signals(
    history: DemandHistory,
    forecaster: Forecaster,
    horizon_days: Int[np.ndarray, " P"],
    refit_days: list[int],
) -> tuple[Tensor, tuple[str, ...], tuple[float, ...]]:
    """Return every day's forecast of demand over the horizon, as signals ``[T, P, F]``.

    On each of ``refit_days`` (increasing) the forecaster is fitted to the days before and
    forecasts the days up to the next refit, so that no forecast has seen its own day. Days before
    the first refit carry zeros. Returns the signals, their names and the quantile levels.
    """
    stops = [*refit_days[1:], history.n_days]
    parts: list[np.ndarray] = []
    levels: tuple[float, ...] = ()
    for start, stop in zip(refit_days, stops, strict=True):
        if stop <= start:
            continue
        fitted = forecaster.fit(history.days(0, start), horizon_days)
        belief = fitted.predict(history, np.arange(start, stop))
        levels = tuple(float(level) for level in belief.levels)
        columns = (belief.mean[..., None], belief.sd[..., None], belief.quantiles)
        parts.append(np.concatenate(columns, axis=-1, dtype=np.float32))
    signals = np.concatenate(parts)
    before = np.zeros((refit_days[0], *signals.shape[1:]), dtype=np.float32)
    names = ("forecast_mean", "forecast_sd", *(quantile_signal(level) for level in levels))
    return torch.from_numpy(np.concatenate([before, signals])), names, levels
