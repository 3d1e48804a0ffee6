"""Every printed figure and how it is computed: one module a table."""

from collections.abc import Callable, Iterator

from restock.evaluation import StudySettings

from . import (
    backorders,
    classics,
    elsewhere,
    fixed_cost,
    perishables,
    serial,
    two_sources,
    zipkin,
)
from .figure import Computed, Figure, Row

__all__ = ["Computed", "Figure", "Row", "figures"]

TABLES: tuple[Callable[[StudySettings], Iterator[Figure]], ...] = (
    zipkin.figures,
    backorders.figures,
    serial.figures,
    two_sources.figures,
    fixed_cost.figures,
    classics.figures,
    perishables.figures,
    elsewhere.figures,
)


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List all figures; nothing is computed until a figure's row is asked for."""
    for table in TABLES:
        yield from table(settings)
