"""The rules that a given number must obey, and the messages when it does not.

Each function takes the value, the name of its field, its owner in words ("for product 'tea'") and
the mend. Conditions are written so that NaN fails them; a message is put together only when it is
needed, because an instance may hold a hundred thousand products.
"""

import math
from collections.abc import Hashable, Iterable
from typing import TypeVar

from restock.errors import InstanceError

__all__ = ["first_repeated", "must_be_amount", "must_be_limit", "must_be_share", "must_be_whole"]

T = TypeVar("T", bound=Hashable)


def must_be_amount(value: float, field: str, owner: str, mend: str) -> None:
    """Refuse what is not finite and ≥ 0, such as money or units.

    >>> must_be_amount(-0.3, "holding_cost", "for product 'tea'", "Enter money per unit.")
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `holding_cost` must be finite and ≥ 0; got -0.3 for product \
'tea'. Enter money per unit.
    """
    if not 0 <= value < math.inf:
        raise InstanceError(f"`{field}` must be finite and ≥ 0; got {value} {owner}. {mend}")


def must_be_limit(value: float, field: str, owner: str, mend: str) -> None:
    """Refuse what is not > 0; infinity stands for no limit.

    >>> must_be_limit(float("inf"), "storage_capacity", "at location 'shop'", "Leave it out.")
    """
    if not value > 0:
        raise InstanceError(f"`{field}` must be > 0; got {value} {owner}. {mend}")


def must_be_share(value: float, field: str, owner: str, mend: str) -> None:
    """Refuse what does not lie in [0, 1], such as shares and probabilities.

    >>> must_be_share(1.0, "lost_share", "for product 'tea'", "Use 1 for lost sales.")
    """
    if not 0 <= value <= 1:
        raise InstanceError(f"`{field}` must lie in [0, 1]; got {value} {owner}. {mend}")


def must_be_whole(value: float, least: int, field: str, owner: str, mend: str) -> None:
    """Refuse what is not an integer ≥ ``least``, such as numbers of periods.

    >>> must_be_whole(2, 0, "lead_time_periods", "on lane a → b", "Enter days.")
    """
    if not (value >= least and value % 1 == 0):
        raise InstanceError(f"`{field}` must be an integer ≥ {least}; got {value} {owner}. {mend}")


def first_repeated(values: Iterable[T]) -> T | None:
    """Return the first value that comes a second time, or ``None``.

    >>> first_repeated(["tea", "mug", "pot", "mug", "tea"])
    'mug'
    """
    seen: set[T] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
