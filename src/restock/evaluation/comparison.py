"""One table of policies: what each earned and served, and the paired difference to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from restock.errors import ConfigurationError, InputError, did_you_mean, require
from restock.evaluation.kpis import PERIODS_PER_YEAR, Kpi, Outcome
from restock.evaluation.paired import Gain
from restock.evaluation.resampling import (
    Estimate,
    percentile_interval,
    resampled_sums,
    sums_by_group,
)
from restock.seeds import Seeds

__all__ = ["ComparisonRow", "compare"]


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One policy's line: figures with 95 % intervals, and its gain on the reference.

    ``profit_gain`` and ``cost_gain`` are paired and in percent of the reference; more profit is
    better, less cost is better. They are ``None`` where the reference's total is zero, and zero
    in the reference's own line.
    """

    policy: str
    profit: Estimate
    cost: Estimate
    fill_rate: Estimate
    turnover: Estimate
    lost_sales_units: Estimate
    profit_gain: Gain | None
    cost_gain: Gain | None


def compare(
    outcomes: Mapping[str, Outcome],
    reference: str,
    groups: np.ndarray | None = None,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
    seeds: Seeds | None = None,
    draws: int = 10_000,
) -> list[ComparisonRow]:
    """Return one row per policy, in the order given.

    ``reference`` names the policy that the others are held against. ``groups`` labels dependent
    observations and is broadcast to ``[B, P]``; without it each product with all its paths and
    windows is a group. ``seeds`` (root 0 if not given) fixes the resamples.

    Raises :class:`ConfigurationError` for an unknown reference and :class:`InputError` when the
    policies did not face the same demand.
    """
    if reference not in outcomes:
        raise ConfigurationError(
            f"reference policy '{reference}' is not among the compared ones."
            f"{did_you_mean(reference, outcomes)}"
        )
    rival = outcomes[reference]
    for name, outcome in outcomes.items():
        _require_same_demand(name, outcome, reference, rival)
    labels = np.broadcast_to(
        np.arange(len(rival.product_ids)) if groups is None else groups, rival.demand.shape
    )
    figures = {name: _figures(outcome, periods_per_year) for name, outcome in outcomes.items()}
    columns = {
        (name, *key): column
        for name, kpis in figures.items()
        for key, column in _columns(kpis, figures[reference]).items()
    }
    sums = sums_by_group(np.stack([column.ravel() for column in columns.values()]), labels.ravel())
    resamples = resampled_sums(sums, seeds=seeds or Seeds(0), draws=draws)
    drawn = dict(zip(columns, resamples.T, strict=True))
    n_groups = sums.shape[1]

    def estimate(name: str, figure: str) -> Estimate:
        amount = drawn[name, figure, "amount"]
        per = drawn.get((name, figure, "per"))
        with np.errstate(divide="ignore", invalid="ignore"):
            values = amount if per is None else amount / per
        return Estimate(figures[name][figure].total, *percentile_interval(values, n_groups))

    def gain(name: str, figure: str) -> Gain | None:
        ours, theirs = figures[name][figure].total, figures[reference][figure].total
        if theirs == 0:
            return None
        percent = 100 * (ours - theirs) / abs(theirs)
        rivals = drawn[reference, figure, "amount"]
        return Gain.of_resamples(percent, drawn[name, figure, "difference"], rivals, n_groups)

    return [
        ComparisonRow(
            policy=name,
            profit=estimate(name, "profit"),
            cost=estimate(name, "cost"),
            fill_rate=estimate(name, "fill_rate"),
            turnover=estimate(name, "turnover"),
            lost_sales_units=estimate(name, "lost_sales_units"),
            profit_gain=gain(name, "profit"),
            cost_gain=gain(name, "cost"),
        )
        for name in outcomes
    ]


def _figures(outcome: Outcome, periods_per_year: float) -> dict[str, Kpi]:
    return {
        "profit": outcome.profit(),
        "cost": outcome.cost(),
        "fill_rate": outcome.fill_rate(),
        "turnover": outcome.turnover(periods_per_year),
        "lost_sales_units": outcome.lost_sales_units(),
    }


def _columns(
    kpis: Mapping[str, Kpi], rivals: Mapping[str, Kpi]
) -> dict[tuple[str, str], np.ndarray]:
    columns = {}
    for figure, kpi in kpis.items():
        columns[figure, "amount"] = kpi.amount
        if kpi.per is not None:
            columns[figure, "per"] = kpi.per
    for figure in ("profit", "cost"):
        # differences before summing, so that the reference's own are exactly zero
        columns[figure, "difference"] = kpis[figure].amount - rivals[figure].amount
    return columns


def _require_same_demand(name: str, outcome: Outcome, reference: str, rival: Outcome) -> None:
    same = outcome.product_ids == rival.product_ids and np.array_equal(outcome.demand, rival.demand)
    require(
        same,
        InputError,
        f"policies '{name}' and '{reference}' did not face the same products and demand, so their"
        " difference would measure luck. Evaluate both on one scenario.",
    )
