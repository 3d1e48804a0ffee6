"""Every forecaster by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from restock.errors import ConfigurationError, did_you_mean, require
from restock.forecasting.croston import Croston, CrostonConfig
from restock.forecasting.empirical import Empirical
from restock.forecasting.negative_binomial import NegativeBinomial
from restock.forecasting.protocols import Forecaster
from restock.forecasting.seasonal_naive import SeasonalNaive
from restock.forecasting.tsb import TSB

__all__ = ["CATALOGUE", "forecaster"]


def _lightgbm() -> Forecaster:
    from restock.forecasting.lightgbm_quantile import LightGBMQuantile

    return LightGBMQuantile()


#: Name of each forecaster and how to make it with its default configuration.
CATALOGUE: Mapping[str, Callable[[], Forecaster]] = MappingProxyType(
    {
        "seasonal_naive": SeasonalNaive,
        "croston": Croston,
        "sba": lambda: Croston(CrostonConfig(variant="sba")),
        "tsb": TSB,
        "empirical": Empirical,
        "negative_binomial": NegativeBinomial,
        "lightgbm": _lightgbm,
    }
)


def forecaster(name: str) -> Forecaster:
    """Return the forecaster called ``name`` with its default configuration.

    Raises :class:`ConfigurationError` for an unknown name.

    >>> forecaster("croston").name
    'croston'
    >>> forecaster("crostn")
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: unknown forecaster 'crostn'. Did you mean 'croston'?
    """
    require(
        name in CATALOGUE,
        ConfigurationError,
        f"unknown forecaster '{name}'.{did_you_mean(name, CATALOGUE)}",
    )
    return CATALOGUE[name]()
