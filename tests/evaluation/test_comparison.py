"""The table of policies: one set of resamples, differences against the reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from restock.errors import ConfigurationError, InputError
from restock.evaluation import Outcome, compare, evaluate, paired_gain
from restock.policies import BaseStock
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Scenario, World

PRODUCTS = 40


def _outcome(level_days: float, seed: int = 0, paths: int = 3) -> Outcome:
    """Evaluate base stock at ``level_days`` of demand; products of very different size, L = 2."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.linspace(0.5, 30, PRODUCTS)
    products = [
        Product(id=f"p{i}", list_price=4, unit_cost=2, holding_cost=0.02, shortage_cost=2)
        for i in range(PRODUCTS)
    ]
    world = World.from_instance(Instance.single_location(products, 2))
    rates = means[None, None, :, None].expand(paths, 60, PRODUCTS, 1)
    scenario = Scenario(torch.poisson(rates, generator))
    level = (level_days * means)[None, :, None]
    return evaluate(world, BaseStock(level), scenario, world.state_with(level))


def test_rows_hold_the_totals_inside_their_intervals_and_the_paired_gain() -> None:
    outcomes = {"lean": _outcome(2.5), "full": _outcome(4.0)}
    lean, full = compare(outcomes, "lean", seeds=Seeds(5), draws=2000)
    assert [lean.policy, full.policy] == ["lean", "full"]
    for row in (lean, full):
        for name in ("profit", "cost", "fill_rate", "turnover", "lost_sales_units"):
            estimate = getattr(row, name)
            assert estimate.value == pytest.approx(outcomes[row.policy].kpis()[name].total)
            assert estimate.low < estimate.value < estimate.high
    assert full.fill_rate.low > lean.fill_rate.high
    groups = np.broadcast_to(np.arange(PRODUCTS), (3, PRODUCTS))
    for figure, got in (("profit", full.profit_gain), ("cost", full.cost_gain)):
        alone = paired_gain(
            outcomes["full"].kpis()[figure].amount,
            outcomes["lean"].kpis()[figure].amount,
            groups,
            seeds=Seeds(5),
            draws=2000,
        )
        assert got is not None
        assert (got.percent, got.low, got.high) == pytest.approx(
            (alone.percent, alone.low, alone.high)
        )
        assert got.groups == PRODUCTS


def test_the_reference_gains_exactly_nothing_on_itself() -> None:
    (row,) = compare({"lean": _outcome(2.5)}, "lean", draws=200)
    assert row.profit_gain is not None
    assert (row.profit_gain.percent, row.profit_gain.low, row.profit_gain.high) == (0, 0, 0)


def test_the_gain_is_surer_than_the_profits_are() -> None:
    lean, full = compare({"lean": _outcome(2.5), "full": _outcome(4.0)}, "lean", draws=2000)
    assert full.profit.low < lean.profit.high  # their intervals overlap …
    assert full.profit_gain is not None
    assert full.profit_gain.excludes_zero  # … but the difference is beyond doubt


def test_groups_may_be_given_per_path() -> None:
    outcomes = {"lean": _outcome(2.5, paths=30)}
    (row,) = compare(outcomes, "lean", groups=np.arange(30)[:, None], draws=200)
    assert row.profit_gain is not None
    assert row.profit_gain.groups == 30


def test_a_reference_without_cost_has_no_percentage() -> None:
    free = replace(_outcome(2.5), **dict.fromkeys(("holding", "shortage"), np.zeros((3, PRODUCTS))))
    rows = compare({"free": free, "paid": _outcome(2.5)}, "free", draws=200)
    assert [row.cost_gain for row in rows] == [None, None]
    assert rows[1].profit_gain is not None


def test_policies_on_other_demand_are_refused() -> None:
    with pytest.raises(InputError, match="'other' and 'lean' did not face the same"):
        compare({"lean": _outcome(2.5), "other": _outcome(2.5, seed=1)}, "lean")


def test_a_misspelt_reference_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'lean'"):
        compare({"lean": _outcome(2.5)}, "laen")
