"""What is given? Products, locations, lanes, regions and the instance that holds them."""

from restock.problem.instance import Instance
from restock.problem.lane import Lane
from restock.problem.lead_time import LeadTimeDistribution
from restock.problem.location import Location
from restock.problem.outage import Outage
from restock.problem.prices import PriceRules
from restock.problem.product import Product
from restock.problem.region import Region, Shipping
from restock.problem.stock_terms import StockTerms
from restock.problem.substitute import Substitute

__all__ = [
    "Instance",
    "Lane",
    "LeadTimeDistribution",
    "Location",
    "Outage",
    "PriceRules",
    "Product",
    "Region",
    "Shipping",
    "StockTerms",
    "Substitute",
]
