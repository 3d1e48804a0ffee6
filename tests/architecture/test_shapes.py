"""Shapes and types in annotations are checks while the tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError

from restock.demand.history import DemandHistory
from restock.demand.paths import time_major
from restock.problem import Product


def test_an_array_of_another_shape_is_refused() -> None:
    assert time_major(torch.zeros(2, 3, 4)).shape == (3, 2, 4, 1)
    with pytest.raises(TypeCheckError, match=r"T B P"):
        time_major(torch.zeros(2, 3))


def test_an_argument_of_another_type_is_refused() -> None:
    with pytest.raises(TypeCheckError, match="product_ids"):
        DemandHistory("A", (), None, None, None, None)  # type: ignore[arg-type]


def test_a_whole_number_may_stand_for_a_real_one() -> None:
    assert Product(id="B17", list_price=4, unit_cost=3).margin == 1
