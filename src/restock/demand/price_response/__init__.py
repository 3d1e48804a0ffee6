"""How customers answer prices: one family a file, all differentiable, all exact at list prices."""

from restock.demand.price_response.additive import AdditiveNoise
from restock.demand.price_response.catalogue import CATALOGUE, price_response_class
from restock.demand.price_response.combined import CombinedResponse
from restock.demand.price_response.cross_price import CrossElasticity, CrossLinear, PricePairs
from restock.demand.price_response.elasticity import ConstantElasticity
from restock.demand.price_response.linear import LinearResponse
from restock.demand.price_response.logit import LogitResponse
from restock.demand.price_response.promotion import PromotionLift
from restock.demand.price_response.protocol import PriceFactor, PriceResponse
from restock.demand.price_response.reference_price import ReferencePrice

__all__ = [
    "CATALOGUE",
    "AdditiveNoise",
    "CombinedResponse",
    "ConstantElasticity",
    "CrossElasticity",
    "CrossLinear",
    "LinearResponse",
    "LogitResponse",
    "PriceFactor",
    "PricePairs",
    "PriceResponse",
    "PromotionLift",
    "ReferencePrice",
    "price_response_class",
]
