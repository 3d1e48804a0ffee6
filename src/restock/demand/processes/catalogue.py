"""The demand processes by name."""

from collections.abc import Callable

from restock.demand.paths import DemandProcess
from restock.demand.processes.compound import Compound
from restock.demand.processes.correlated_normal import CorrelatedNormal
from restock.demand.processes.geometric import Geometric
from restock.demand.processes.negative_binomial import NegativeBinomial
from restock.demand.processes.normal import Normal
from restock.demand.processes.poisson import Poisson
from restock.demand.processes.rounded_gamma import RoundedGamma
from restock.demand.processes.seasonal import Seasonal
from restock.demand.processes.uniform_units import UniformUnits
from restock.errors import ConfigurationError, did_you_mean

__all__ = ["CATALOGUE", "process_class"]

CATALOGUE: dict[str, Callable[..., DemandProcess]] = {
    "compound": Compound,
    "correlated_normal": CorrelatedNormal,
    "geometric": Geometric,
    "negative_binomial": NegativeBinomial,
    "normal": Normal,
    "poisson": Poisson,
    "rounded_gamma": RoundedGamma,
    "seasonal": Seasonal,
    "uniform_units": UniformUnits,
}


def process_class(name: str) -> Callable[..., DemandProcess]:
    """Return the class of the demand process called ``name``.

    Raises :class:`ConfigurationError` for an unknown name.

    >>> process_class("poison")
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: demand process 'poison' is unknown. Did you mean 'poisson'?
    """
    if name not in CATALOGUE:
        raise ConfigurationError(
            f"demand process '{name}' is unknown.{did_you_mean(name, CATALOGUE)}"
        )
    return CATALOGUE[name]
