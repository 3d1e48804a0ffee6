"""Demand processes: the truth of a simulated world. Policies and forecasts may not see them."""

from restock.demand.processes.catalogue import CATALOGUE, process_class
from restock.demand.processes.compound import Compound, GeometricSize, LognormalSize, OrderSize
from restock.demand.processes.correlated_normal import CorrelatedNormal
from restock.demand.processes.geometric import Geometric
from restock.demand.processes.negative_binomial import NegativeBinomial
from restock.demand.processes.normal import Normal
from restock.demand.processes.poisson import Poisson
from restock.demand.processes.rounded_gamma import RoundedGamma
from restock.demand.processes.seasonal import Seasonal
from restock.demand.processes.uniform_units import UniformUnits

__all__ = [
    "CATALOGUE",
    "Compound",
    "CorrelatedNormal",
    "Geometric",
    "GeometricSize",
    "LognormalSize",
    "NegativeBinomial",
    "Normal",
    "OrderSize",
    "Poisson",
    "RoundedGamma",
    "Seasonal",
    "UniformUnits",
    "process_class",
]
