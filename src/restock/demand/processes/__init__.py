"""Demand processes: the truth of a simulated world. Policies and forecasts may not see them."""

from restock.demand.processes.catalogue import CATALOGUE, process_class
from restock.demand.processes.compound import Compound, GeometricSize, LognormalSize, OrderSize
from restock.demand.processes.geometric import Geometric
from restock.demand.processes.negative_binomial import NegativeBinomial
from restock.demand.processes.normal import Normal
from restock.demand.processes.poisson import Poisson
from restock.demand.processes.seasonal import Seasonal

__all__ = [
    "CATALOGUE",
    "Compound",
    "Geometric",
    "GeometricSize",
    "LognormalSize",
    "NegativeBinomial",
    "Normal",
    "OrderSize",
    "Poisson",
    "Seasonal",
    "process_class",
]
