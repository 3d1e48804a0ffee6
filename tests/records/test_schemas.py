from __future__ import annotations

import pytest

from restock.records import TABLES


def test_the_ten_tables_of_the_design_exist() -> None:
    names = "products locations lanes sales stock purchase_orders orders calendar prices feedback"
    assert set(TABLES) == set(names.split())


@pytest.mark.parametrize("name", TABLES)
def test_columns_with_defaults_and_dates_of_the_past_exist(name: str) -> None:
    table = TABLES[name]
    assert set(table.defaults) | set(table.past) <= set(table.columns)
    assert set(table.key) <= set(table.required)


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_in_its_schema(name: str) -> None:
    assert TABLES[name].schema.is_valid(TABLES[name].empty())
