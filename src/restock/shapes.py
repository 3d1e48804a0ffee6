"""The axes of every array, always in this order, and the shapes that many rooms share.

====  =============================================================
axis  meaning
====  =============================================================
B     paths: parallel, independent histories of the world
T     periods: trading days, unless the instance says otherwise
P     products
L     locations that hold stock
E     lanes into those locations, one per product and supplier
F     signals: named numbers that are known before a period's demand
Q     quantile levels
====  =============================================================

A ``#`` before an axis means that the axis may have length 1 and is then broadcast.
Shapes are checked while the tests run and cost nothing otherwise.
"""

from typing import TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = [
    "DemandPaths",
    "LaneFlags",
    "LaneIntegers",
    "LaneValues",
    "PathTotals",
    "SignalPaths",
    "StockValues",
]

StockValues: TypeAlias = Float[Tensor, "#B P L"]
LaneValues: TypeAlias = Float[Tensor, "#B P E"]
LaneIntegers: TypeAlias = Int[Tensor, "#B P E"]
LaneFlags: TypeAlias = Bool[Tensor, "#B P E"]
DemandPaths: TypeAlias = Float[Tensor, "B T P L"]
SignalPaths: TypeAlias = Float[Tensor, "#B T P F"]
PathTotals: TypeAlias = Float[Tensor, "B P"]
