"""One small plan of a generated company, whose product and supplier names are an attack."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

from restock.planning import Plan, Planner, ProjectSettings
from restock.records import DemoCompanyConfig, Records, generate_demo_company
from restock.reporting import Delivery, deliver
from restock.seeds import Seeds

SETTINGS = {
    "name": "Tea & <b>Sons</b>",
    "data": {"products": 12},
    "forecast": {"model": "negative_binomial", "refit_days": 400},
    "training": {"updates": 4, "seeds": 2},
    "backtest": {"weeks": 3, "tuning_weeks": 8},
}
ATTACK = "<script>alert(1)</script>"
FORMULA = "=HYPERLINK(A1)"


def _attacked(records: Records) -> Records:
    return replace(
        records,
        products=records.products.with_columns(pl.lit(ATTACK).alias("name")),
        lanes=records.lanes.with_columns(pl.lit(FORMULA).alias("supplier_id")),
    )


@pytest.fixture(scope="session")
def plan() -> Iterator[Plan]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are tiny: a second thread only waits
    company = generate_demo_company(DemoCompanyConfig(n_products=20, n_days=260), Seeds(3))
    settings = ProjectSettings.parse(SETTINGS, "the test")
    yield Planner(settings, _attacked(company.records)).run()
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def delivery(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return deliver(plan, tmp_path_factory.mktemp("runs") / "new" / "demo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"
