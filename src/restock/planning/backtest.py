"""The backtest: every rule, tuned on the days before each window, faces the window once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from restock.demand import WARM_UP_DAYS
from restock.evaluation import Outcome, concatenate, evaluate
from restock.optimality import SupplyTerms, perfect_information_bound
from restock.planning.case import PlanningCase, Window
from restock.planning.rules import Rule
from restock.planning.tuning import TuningGround
from restock.simulation import Policy

__all__ = ["Backtest", "HindsightBound", "backtest", "face", "hindsight_bound"]


@dataclass(frozen=True, slots=True)
class HindsightBound:
    """What no policy could beat with all demand known: money, summed over windows and products."""

    cost: float
    profit: float
    lost_sales_units: float
    fill_rate: float


@dataclass(slots=True)
class Backtest:
    """What every rule did in every window.

    ``outcomes[name]`` holds all windows of a rule along its path axis, ``policies[name]`` the
    policy tuned for the last window, ``seconds[name]`` the time that tuning took in all.
    """

    windows: list[Window]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    bound: HindsightBound | None = None


def backtest(
    case: PlanningCase,
    windows: Sequence[Window],
    rules: Sequence[Rule],
    tuning_days: int,
    on_rule: Callable[[Window, Rule], None] = lambda _window, _rule: None,
) -> Backtest:
    """Tune each rule on the ``tuning_days`` before each window and let it face the window once.

    ``on_rule`` is called before a rule is tuned for a window, for progress.
    """
    result = Backtest(list(windows))
    parts: dict[str, list[Outcome]] = {rule.name: [] for rule in rules}
    for window in windows:
        start = max(WARM_UP_DAYS, window.start - tuning_days)
        ground = TuningGround(case, start, window.start)
        for rule in rules:
            on_rule(window, rule)
            started = time.perf_counter()
            policy = rule.tune(ground)
            seconds = time.perf_counter() - started
            result.seconds[rule.name] = result.seconds.get(rule.name, 0.0) + seconds
            result.policies[rule.name] = policy
            parts[rule.name].append(face(case, window, policy))
    result.outcomes = {name: concatenate(outcomes) for name, outcomes in parts.items()}
    result.bound = hindsight_bound(case, windows)
    return result


def face(case: PlanningCase, window: Window, policy: Policy) -> Outcome:
    """Let a policy face a window of the record, from the case's opening stock."""
    return evaluate(
        case.world,
        policy,
        case.scenario.window(window.start, window.stop),
        case.opening_state(window.start),
        end_write_down_share=case.end_write_down_share,
    )


def hindsight_bound(case: PlanningCase, windows: Sequence[Window]) -> HindsightBound:
    """Return the perfect-information bound of all windows together.

    Where a share of unmet demand waits, it is sold later at the best: hindsight loses none of it.
    """
    prices = case.world.economics
    unit_cost = prices.unit_cost[:, 0].double().numpy()
    keep = 1 - case.end_write_down_share
    terms = SupplyTerms(
        lead_time=case.lead_time.numpy(),
        holding_cost=prices.holding_cost[:, 0].double().numpy(),
        shortage_cost=prices.shortage_cost[:, 0].double().numpy(),
        unit_cost=unit_cost,
        end_value=keep * unit_cost,
    )
    # profit is cash: the shortage cost steers decisions but is not paid
    cash = replace(terms, shortage_cost=0.0)
    list_price = prices.list_price[:, 0].double().numpy()
    lost_share = np.array([product.lost_share for product in case.instance.products])
    margin = np.maximum(list_price - unit_cost, 0.0)
    sums = np.zeros(4)
    for window in windows:
        demand = case.history.units[window.start : window.stop].astype(np.float64)
        opening = case.opening_state(window.start).on_hand[0, :, 0].double().numpy()
        least = perfect_information_bound(demand, terms, initial_stock=opening)
        best = perfect_information_bound(demand, cash, initial_stock=opening, unit_price=list_price)
        write_down = case.end_write_down_share * unit_cost * least.left
        waited = (1 - lost_share) * best.lost
        profit = best.profit + margin * waited - unit_cost * opening
        sums += [
            (least.cost + write_down).sum(),
            profit.sum(),
            (best.lost - waited).sum(),
            demand.sum(),
        ]
    cost, profit, lost, asked = (float(value) for value in sums)
    return HindsightBound(cost, profit, lost, 1 - lost / asked if asked else 1.0)
