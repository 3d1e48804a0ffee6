"""The price responses by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from restock.demand.price_response.additive import AdditiveNoise
from restock.demand.price_response.combined import CombinedResponse
from restock.demand.price_response.cross_price import CrossElasticity, CrossLinear
from restock.demand.price_response.elasticity import ConstantElasticity
from restock.demand.price_response.linear import LinearResponse
from restock.demand.price_response.logit import LogitResponse
from restock.demand.price_response.promotion import PromotionLift
from restock.demand.price_response.protocol import PriceResponse
from restock.demand.price_response.reference_price import ReferencePrice
from restock.errors import ConfigurationError, did_you_mean

__all__ = ["CATALOGUE", "price_response_class"]

#: Name of each price response and its class.
CATALOGUE: Mapping[str, Callable[..., PriceResponse]] = MappingProxyType(
    {
        "additive_noise": AdditiveNoise,
        "combined": CombinedResponse,
        "constant_elasticity": ConstantElasticity,
        "cross_elasticity": CrossElasticity,
        "cross_linear": CrossLinear,
        "linear": LinearResponse,
        "logit": LogitResponse,
        "promotion": PromotionLift,
        "reference_price": ReferencePrice,
    }
)


def price_response_class(name: str) -> Callable[..., PriceResponse]:
    """Return the class of the price response called ``name``.

    Raises :class:`ConfigurationError` for an unknown name.

    >>> price_response_class("linaer")
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: price response 'linaer' is unknown. Did you mean 'linear'?
    """
    if name not in CATALOGUE:
        raise ConfigurationError(
            f"price response '{name}' is unknown.{did_you_mean(name, CATALOGUE)}"
        )
    return CATALOGUE[name]
