"""What is given? Products, locations, lanes and the instance that holds them."""

from restock.problem.instance import Instance
from restock.problem.lane import Lane
from restock.problem.location import Location
from restock.problem.product import Product

__all__ = ["Instance", "Lane", "Location", "Product"]
