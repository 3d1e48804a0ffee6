"""The plain ledger: the whole world in plain Python numbers, for anyone to audit.

One path, no arrays: dictionaries, loops and one event a line. It is the reference that the batched
simulator is held against; it is written independently of it and shares no code with it. A file
tells one of the things that happen; ``keeping`` tells them in their order.
"""

from restock.simulation.ledger.entries import (
    Happening,
    LaneKey,
    LedgerDay,
    PlaceKey,
    RouteKey,
    Wish,
    Wishes,
)
from restock.simulation.ledger.keeping import keep_ledger
from restock.simulation.ledger.responses import (
    Answer,
    constant_elasticity,
    cross_elasticity,
    linear,
    logit,
    promotion,
    reference_price,
)
from restock.simulation.ledger.satisfying import Goodwill

__all__ = [
    "Answer",
    "Goodwill",
    "Happening",
    "LaneKey",
    "LedgerDay",
    "PlaceKey",
    "RouteKey",
    "Wish",
    "Wishes",
    "constant_elasticity",
    "cross_elasticity",
    "keep_ledger",
    "linear",
    "logit",
    "promotion",
    "reference_price",
]
