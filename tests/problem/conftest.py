"""The classes of the room as users run them, without the tests' type checks."""

import importlib
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

MODULES = (
    *("product", "prices", "location", "lane", "lead_time", "outage"),
    *("region", "stock_terms", "substitute", "instance"),
)


def as_users_run_it(name: str) -> ModuleType:
    """Load a module of the room a second time, past the import hook that checks types."""
    file = importlib.import_module(f"restock.problem.{name}").__file__
    assert file is not None
    spec = importlib.util.spec_from_file_location(f"{name}_as_users_run_it", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def untyped() -> SimpleNamespace:
    """Return every class of the room by name; none of them checks a type."""
    modules = [as_users_run_it(name) for name in MODULES]
    return SimpleNamespace(
        **{name: getattr(module, name) for module in modules for name in module.__all__}
    )
