"""Zipkin (2008), Operations Research 56(5):1256–1263, Tables 3 and 4: lost sales, one product.

The file's ``*_exact`` figures were computed for this project and round to the printed cells. The
instances with L = 4 and the rest of L = 3 run in ``studies/lost-sales``.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from restock.optimality import (
    geometric_pmf,
    poisson_pmf,
)
from restock.optimality.lost_sales import (
    LostSales,
    best_base_stock,
    best_capped_base_stock,
    evaluate,
    solve,
)

CASES = [
    (demand, shortage_cost, lead_time)
    for demand in ("poisson", "geometric")
    for shortage_cost in (4, 9, 19, 39)
    for lead_time in (1, 2)
] + [("poisson", 19, 3), ("geometric", 39, 3)]
EXACT = 0.0005


@dataclass(frozen=True)
class Published:
    printed: float
    optimal: float
    base_stock: dict[str, float]
    capped: dict[str, float]


def _problem(demand: str, shortage_cost: float, lead_time: int) -> LostSales:
    pmf = {"poisson": poisson_pmf, "geometric": geometric_pmf}[demand](5.0)
    return LostSales(pmf, lead_time, 1.0, shortage_cost)


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[tuple[str, float, int], Published]:
    path = shared / "known_answers" / "zipkin_2008.json"
    if not path.is_file():
        pytest.skip(f"published figures not found at {path}; set RESTOCK_SHARED")
    instances = json.loads(path.read_text(encoding="utf-8"))["instances"]
    return {
        (row["demand"], row["shortage_cost"], row["lead_time"]): Published(
            row["printed"]["optimal"],
            row["optimal_exact"],
            row["base_stock_exact"],
            row["capped_base_stock_exact"],
        )
        for row in instances
    }


Table = dict[tuple[str, float, int], Published]


def test_the_file_holds_all_32_instances(published: Table) -> None:
    assert len(published) == 32


@pytest.mark.parametrize("case", CASES)
def test_the_program_finds_the_published_optimum(
    case: tuple[str, float, int], published: Table
) -> None:
    cost = solve(_problem(*case)).cost
    assert cost == pytest.approx(published[case].optimal, abs=EXACT)
    assert round(cost, 2) == published[case].printed


@pytest.mark.parametrize("case", CASES)
def test_the_searches_find_the_published_levels(
    case: tuple[str, float, int], published: Table
) -> None:
    problem, known = _problem(*case), published[case]
    plain, capped = best_base_stock(problem), best_capped_base_stock(problem)
    assert plain.cost == pytest.approx(known.base_stock["cost"], abs=EXACT)
    assert plain.level == known.base_stock["S"]
    assert capped.cost <= known.capped["cost"] + EXACT
    if capped.cost > known.capped["cost"] - EXACT:
        assert (capped.level, capped.cap) == (known.capped["S"], known.capped["cap"])
    assert known.optimal - EXACT <= capped.cost <= plain.cost


@pytest.mark.parametrize("case", [("poisson", 4, 2), ("geometric", 39, 2)])
def test_broken_models_do_not_match(
    case: tuple[str, float, int], published: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand, shortage_cost, lead_time = case
    known = published[case].optimal
    # orders that arrive a period early
    assert abs(solve(_problem(demand, shortage_cost, lead_time - 1)).cost - known) > 100 * EXACT
    # demand that is one unit off
    shifted = LostSales(_problem(*case).pmf[1:] / _problem(*case).pmf[1:].sum(), 2, 1.0, 4.0)
    assert abs(solve(shifted).cost - known) > 100 * EXACT
    # stock that is charged before demand comes
    right = LostSales.period_costs
    monkeypatch.setattr(
        LostSales, "period_costs", lambda self, n: right(self, n) + 0.01 * np.arange(n)
    )
    assert abs(solve(_problem(*case)).cost - known) > 10 * EXACT


def test_a_base_stock_of_another_level_costs_more_than_the_published_best(
    published: Table,
) -> None:
    case = ("poisson", 9, 2)
    level = int(published[case].base_stock["S"])
    for other in (level - 1, level + 1):
        cost = evaluate(_problem(*case), lambda x, s=other: (s - x.sum(axis=1)).clip(0)).cost
        assert cost > published[case].base_stock["cost"] + EXACT
