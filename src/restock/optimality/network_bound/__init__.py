"""The least cost of a whole network to somebody who knows all demand beforehand."""

from restock.optimality.network_bound.bound import Certificate, NetworkBound, network_bound
from restock.optimality.network_bound.hindsight import Hindsight

__all__ = ["Certificate", "Hindsight", "NetworkBound", "network_bound"]
