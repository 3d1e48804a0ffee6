"""The main job, stage by stage: forecast, fit, train, backtest, propose."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from restock.demand import WARM_UP_DAYS, DemandHistory, recorded_history
from restock.errors import ConfigurationError, InputError, did_you_mean, require
from restock.evaluation import ComparisonRow, compare
from restock.forecasting import (
    BacktestRow,
    FittedForecaster,
    Forecaster,
    forecaster,
    rolling_backtest,
)
from restock.learning import LogRow, TrainingRun
from restock.planning.backtest import Backtest, backtest
from restock.planning.case import PlanningCase, Window, rolling_windows
from restock.planning.learned import LearnedConfig, LearnedRule
from restock.planning.project import ProjectSettings
from restock.planning.propose import Proposals, propose
from restock.planning.rules import CLASSICAL_RULES, Rule
from restock.planning.supply import instance_of, trading_days_per_week
from restock.planning.today import state_today, with_today
from restock.planning.tuning import TuningGround
from restock.policies import NeuralOrderUpTo
from restock.records import Records
from restock.seeds import Seeds
from restock.simulation import Policy

__all__ = ["LEARNED", "REFERENCE", "Plan", "Planner", "Progress"]

LEARNED = "learned"
REFERENCE = "base_stock"

Progress = Callable[[str, str, float], None]
"""Called with the stage, what it is doing, and the share of the stage that is done."""


@dataclass(slots=True)
class Plan:
    """Everything that one run of the main job found out."""

    settings: ProjectSettings
    records: Records
    case: PlanningCase
    scores: list[BacktestRow]
    test: Backtest
    comparison: list[ComparisonRow]
    proposals: Proposals
    training: dict[str, list[LogRow]]
    seconds: dict[str, float]


class _FitOnce:
    """A forecaster that is not fitted twice to the same days: scores reuse the plan's own fit."""

    def __init__(self, model: Forecaster) -> None:
        self.model = model
        self.fits: dict[tuple[int, bytes], FittedForecaster] = {}

    @property
    def name(self) -> str:
        return self.model.name

    def fit(self, history: DemandHistory, horizon_days: Int[np.ndarray, " P"]) -> FittedForecaster:
        key = (history.n_days, horizon_days.tobytes())
        if key not in self.fits:
            self.fits[key] = self.model.fit(history, horizon_days)
        return self.fits[key]


class Planner:
    """Runs the stages of the main job on one shop's records.

    ``work`` is a folder for training checkpoints: a run that was interrupted goes on from there
    to the same result. ``progress`` hears what is going on. The last day of ``case`` is today.

    Raises :class:`InputError` when the record is too short or holds no demand at all.
    """

    def __init__(
        self,
        settings: ProjectSettings,
        records: Records,
        work: Path | None = None,
        progress: Progress = lambda _stage, _text, _share: None,
    ) -> None:
        self.settings, self.records, self.work, self.progress = settings, records, work, progress
        self.history = recorded_history(records, products=settings.data.products)
        require(
            bool((self.history.units > 0).any()),
            InputError,
            "no product was ever sold: all demand on record is 0. Check the units column of sales.",
        )
        weekly = trading_days_per_week(self.history)
        self.window_days = round(weekly * settings.backtest.weeks)
        self.tuning_days = round(weekly * settings.backtest.tuning_weeks)
        self.windows = rolling_windows(
            self.history.n_days, settings.backtest.windows, self.window_days
        )
        self.forecaster = _FitOnce(forecaster(settings.forecast.model))
        self.seconds: dict[str, float] = {}
        self.training: dict[str, list[LogRow]] = {}

    def run(self) -> Plan:
        """Run every stage and return the plan."""
        with self._stage("forecast"):
            case = self.build_case()
            scores = self.score_forecasts(case)
        with self._stage("train"):
            policy = self.todays_policy(case)
        with self._stage("backtest"):
            test = self.backtest(case)
            comparison = self.compare(test)
        with self._stage("propose"):
            proposals = self.propose(case, policy)
        return Plan(
            settings=self.settings,
            records=self.records,
            case=case,
            scores=scores,
            test=test,
            comparison=comparison,
            proposals=proposals,
            training=self.training,
            seconds=self.seconds,
        )

    def build_case(self) -> PlanningCase:
        """Forecast every day from the first tuning day to today, never with its own demand."""
        settings = self.settings
        history = with_today(self.history)
        instance = instance_of(self.records, history, settings.assumptions, settings.name)
        first = max(WARM_UP_DAYS, self.windows[0].start - self.tuning_days)
        fixed = {window.start for window in self.windows} | {self.history.n_days}
        spaced = range(first, self.windows[0].start, settings.forecast.refit_days)
        self.progress("forecast", f"forecasting with {settings.forecast.model}", 0.0)
        return PlanningCase.build(
            history,
            instance,
            self.forecaster,
            sorted(fixed | set(spaced)),
            opening_cover_days=settings.assumptions.opening_cover_days,
            end_write_down_share=settings.assumptions.end_write_down_share,
            test_days=self.window_days,
        )

    def score_forecasts(self, case: PlanningCase) -> list[BacktestRow]:
        """Score every forecaster of the catalogue on the last test window, weekly origins."""
        window = self.windows[-1]
        horizon = case.lead_time.numpy() + 1
        last = self.history.n_days - int(horizon.max())
        step = max(round(trading_days_per_week(self.history)), 1)
        # a window may be shorter than the longest horizon; the last origin then lies before it
        origins = np.arange(min(window.start, last), last + 1, step)
        names = ["seasonal_naive", "sba", "tsb", "empirical", "negative_binomial"]
        self.progress("forecast", "scoring forecasts", 0.8)
        models = [forecaster(name) for name in names if name != self.forecaster.name]
        models.append(self.forecaster)
        return rolling_backtest(self.history, models, horizon, origins, self.window_days)

    def rules(self) -> list[Rule]:
        """Return every rule: the classical ones, then the learned one."""
        return [*CLASSICAL_RULES, self._learned("backtest")]

    def rule(self, name: str, stage: str) -> Rule:
        """Return one rule by name; raises :class:`ConfigurationError` for an unknown name."""
        known: dict[str, Rule] = {rule.name: rule for rule in CLASSICAL_RULES}
        known[LEARNED] = self._learned(stage)
        require(
            name in known,
            ConfigurationError,
            f"unknown rule '{name}'.{did_you_mean(name, known)}",
        )
        return known[name]

    def todays_policy(self, case: PlanningCase) -> Policy:
        """Tune or train the rule that today's proposals follow, on all days before today."""
        return self.rule(self.settings.rule, "train").tune(self.ground(case, self.history.n_days))

    def ground(self, case: PlanningCase, stop: int) -> TuningGround:
        """Return the tuning days before day ``stop``."""
        return TuningGround(case, max(WARM_UP_DAYS, stop - self.tuning_days), stop)

    def backtest(self, case: PlanningCase) -> Backtest:
        """Test every rule on every window."""
        rules = self.rules()
        total = len(rules) * len(self.windows)
        done = 0

        def on_rule(window: Window, rule: Rule) -> None:
            nonlocal done
            day = case.history.dates[window.start]
            self.progress("backtest", f"{rule.name}, window from {day}", done / total)
            done += 1

        return backtest(case, self.windows, rules, self.tuning_days, on_rule)

    def compare(self, test: Backtest) -> list[ComparisonRow]:
        """Hold every rule of a backtest against the reference, with intervals."""
        return compare(test.outcomes, self.reference(test), seeds=Seeds(self.settings.seed))

    def reference(self, test: Backtest) -> str:
        """Return the classical rule with the least cost, which the others are held against."""
        classical = [rule.name for rule in CLASSICAL_RULES]
        return min(classical, key=lambda name: test.outcomes[name].cost().total)

    def propose(self, case: PlanningCase, policy: Policy) -> Proposals:
        """Propose today's orders."""
        self.progress("propose", "asking the policy for today", 0.0)
        state, recorded = state_today(case, self.records)
        return propose(case, policy, state, self.settings.rule, stock_is_assumed=not recorded)

    def _learned(self, stage: str) -> LearnedRule:
        training = self.settings.training
        config = LearnedConfig()
        pathwise = replace(config.pathwise, updates=training.updates)
        first = 1000 * self.settings.seed
        seeds = tuple(range(first, first + training.seeds))
        log = self.training.setdefault(stage, [])
        networks = len(config.views) * training.seeds
        networks *= len(self.windows) if stage == "backtest" else 1

        done = 0

        def listen(row: LogRow) -> None:
            share = (done + row.update / training.updates) / networks
            text = f"learning, network {done + 1} of {networks}, loss {row.loss:.3f}"
            self.progress(stage, text, min(share, 1.0))

        def trained(run: TrainingRun[NeuralOrderUpTo]) -> None:
            nonlocal done
            done += 1
            log.extend(run.log)

        return LearnedRule(
            name=LEARNED,
            config=replace(config, pathwise=pathwise),
            seeds=seeds,
            folder=self.work,
            listeners=(listen,),
            on_run=trained,
        )

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        self.progress(name, name, 0.0)
        yield
        self.seconds[name] = time.perf_counter() - started
        self.progress(name, name, 1.0)
