"""Small shops to plan for: a few products, a forecaster that needs no training, one thread."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from restock.demand import WARM_UP_DAYS, DemandHistory
from restock.forecasting import forecaster
from restock.planning import PlanningCase, TuningGround
from restock.problem import Instance, Lane, Location, Product
from restock.records import TABLES, QualityReport, Records

MONDAY = date(2024, 1, 1)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the cases are tiny: a second thread only waits
    yield
    torch.set_num_threads(threads)


def _trading_days(count: int) -> tuple[date, ...]:
    """Return the first ``count`` days from a Monday on that are no Sundays."""
    days = (MONDAY + timedelta(days=day) for day in range(2 * count))
    return tuple(day for day in days if day.weekday() != 6)[:count]


def _history(units: np.ndarray) -> DemandHistory:
    return DemandHistory(
        product_ids=tuple(f"p{n}" for n in range(units.shape[1])),
        dates=_trading_days(len(units)),
        units=units.astype(float),
        censored=np.zeros(units.shape, dtype=bool),
        list_price=np.full(units.shape, 4.0),
        promoted=np.zeros(units.shape, dtype=bool),
    )


def _lane(product: str, lead_time: int, terms: dict[str, Any]) -> Lane:
    return Lane(
        product_id=product,
        origin="supplier",
        destination="shop",
        lead_time_periods=lead_time,
        **terms,
    )


def _instance(ids: Sequence[str], lead_times: Sequence[int], facts: dict[str, Any]) -> Instance:
    lane_keys = {"fixed_order_cost", "minimum_units", "case_pack_units", "capacity_units"}
    terms = {key: value for key, value in facts.items() if key in lane_keys}
    money: dict[str, Any] = {
        "list_price": 4.0,
        "unit_cost": 2.0,
        "holding_cost": 0.05,
        "shortage_cost": 2.0,
    }
    money |= {key: value for key, value in facts.items() if key not in lane_keys}
    return Instance(
        name="shop",
        products=tuple(Product(id=each, **money) for each in ids),
        locations=(Location(id="supplier", holds_stock=False), Location(id="shop")),
        lanes=tuple(
            _lane(each, lead_times[position % len(lead_times)], terms)
            for position, each in enumerate(ids)
        ),
    )


@pytest.fixture(scope="session")
def history_of() -> Callable[[np.ndarray], DemandHistory]:
    """Return the maker of a history from units ``[T, P]``, open from Monday to Saturday."""
    return _history


@pytest.fixture(scope="session")
def units_of() -> Callable[..., np.ndarray]:
    """Return the maker of random demand: products from rare to common, some of them lumpy."""

    def make(seed: int, days: int = WARM_UP_DAYS + 56, products: int = 4) -> np.ndarray:
        rng = np.random.default_rng(seed)
        mean = np.geomspace(0.4, 12.0, products)
        size = rng.negative_binomial(2.0, 2.0 / (2.0 + mean), (days, products))
        return size.astype(float)

    return make


@pytest.fixture(scope="session")
def case_of() -> Callable[..., PlanningCase]:
    """Return the maker of a case from units ``[T, P]``.

    ``lead_times`` are dealt out to the products in turn; ``facts`` are those of every product and
    lane, where they differ from the usual.
    """

    def make(
        units: np.ndarray,
        lead_times: Sequence[int] = (1, 3),
        refit_days: Sequence[int] = (WARM_UP_DAYS,),
        *,
        opening_cover_days: float = 3.0,
        end_write_down_share: float = 0.1,
        test_days: int = 12,
        **facts: float,
    ) -> PlanningCase:
        history = _history(units)
        return PlanningCase.build(
            history,
            _instance(history.product_ids, lead_times, facts),
            forecaster("negative_binomial"),
            list(refit_days),
            opening_cover_days=opening_cover_days,
            end_write_down_share=end_write_down_share,
            test_days=test_days,
        )

    return make


@pytest.fixture(scope="session")
def records_of() -> Callable[..., Records]:
    """Return the maker of records from rows by table; what a row leaves out has its default."""

    def make(**tables: Sequence[dict[str, Any]]) -> Records:
        frames = {
            name: pl.DataFrame(
                [{**TABLES[name].defaults, **row} for row in rows], schema=TABLES[name].types()
            )
            for name, rows in tables.items()
        }
        return Records.assemble(frames, QualityReport(()))

    return make


@pytest.fixture(scope="session")
def small_case(
    case_of: Callable[..., PlanningCase], units_of: Callable[..., np.ndarray]
) -> PlanningCase:
    """Return a case of 140 trading days and four products with two lead times."""
    return case_of(units_of(1))


@pytest.fixture(scope="session")
def ground(small_case: PlanningCase) -> TuningGround:
    """Return the 32 days after the warm-up to tune on; 24 more lie behind them."""
    return TuningGround(small_case, WARM_UP_DAYS, WARM_UP_DAYS + 32)
