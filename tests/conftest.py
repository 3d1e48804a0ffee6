"""What every test runs under: shapes checked, hypothesis without deadlines, real data if present.

Skips are printed with their reasons and counted: ``-ra`` stands in ``pyproject.toml``.
"""

import os
import sys
from collections.abc import Hashable
from pathlib import Path
from types import ModuleType

import dataframely
import polars as pl
import pytest
from beartype import BeartypeConf, FrozenDict, beartype
from hypothesis import settings
from jaxtyping import install_import_hook

# beartype 0.23 stumbles over two classes whose repr is their own; anything hashable will do there
UNCHECKABLE = FrozenDict({pl.DataType: Hashable, dataframely.Schema: Hashable})
CHECKS = BeartypeConf(is_pep484_tower=True, hint_overrides=UNCHECKABLE)  # 4 may stand for 4.0

# the hook wants a dotted name, and must be there before anything imports restock
checker = ModuleType("restock_shape_checker")
checker.__dict__["check"] = beartype(conf=CHECKS)
sys.modules[checker.__name__] = checker
install_import_hook("restock", f"{checker.__name__}.check")

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds ``pyproject.toml``."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared(project_root: Path) -> Path:
    """Return the folder of real data and known answers, or skip the test and say so."""
    folder = Path(os.environ.get("RESTOCK_SHARED", project_root.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real data not found in {folder}; set RESTOCK_SHARED to the folder of data/")
    return folder
