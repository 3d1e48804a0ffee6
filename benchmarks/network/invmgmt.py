"""Measure gym-invmgmt on the same network and print the row as JSON.

``PYTHON -m benchmarks.network.invmgmt '{"episodes": 10, "days": 365}'`` with an interpreter that
has gym-invmgmt; nothing of restock is imported. An episode is one product on one path. The rules
are the same but for two: an order is filled from what a centre had before the day's deliveries,
and lanes that ask for more than is there are filled in turn, not alike. Where distribution
centres hold enough for everybody neither matters, and the cost must equal the Python loop's.
"""

import importlib
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from benchmarks.network.plain_python import PythonShop
from benchmarks.network.shop import (
    DISTRIBUTION_CENTRES,
    FULFILMENT_CENTRES,
    HOLDING_COST,
    PARENT,
    PLACES,
    SHORTAGE_COST,
    SUPPLIER_LEAD_TIME,
    TRANSFER_LEAD_TIME,
    echelon_levels,
    mean_demand,
    opening_stock,
)
from numpy.typing import NDArray

SUPPLIER, FIRST_PLACE = 0, 1
FIRST_FULFILMENT = FIRST_PLACE + DISTRIBUTION_CENTRES
FIRST_MARKET = FIRST_PLACE + PLACES
TOLERANCE = 1e-10
AMPLE = 1.5

Values = NDArray[np.float64]


def the_network(stock: Sequence[float]) -> dict[str, Any]:
    """Return the network in the terms of gym-invmgmt's configuration files; prices are 0."""
    supply = [(SUPPLIER, FIRST_PLACE + n, SUPPLIER_LEAD_TIME) for n in range(DISTRIBUTION_CENTRES)]
    supply += [
        (FIRST_PLACE + parent, FIRST_FULFILMENT + n, TRANSFER_LEAD_TIME)
        for n, parent in enumerate(PARENT)
    ]
    places = [
        {"id": FIRST_PLACE + n, "I0": units, "h": HOLDING_COST} for n, units in enumerate(stock)
    ]
    markets = [{"id": FIRST_MARKET + n} for n in range(FULFILMENT_CENTRES)]
    selling = [
        {
            "from": FIRST_FULFILMENT + n,
            "to": FIRST_MARKET + n,
            "p": 0.0,
            "b": SHORTAGE_COST,
            "demand_dist": "poisson",
            "dist_param": {"mu": 1.0},
        }
        for n in range(FULFILMENT_CENTRES)
    ]
    lanes = [{"from": a, "to": b, "L": periods, "p": 0.0, "g": 0.0} for a, b, periods in supply]
    return {"nodes": [{"id": SUPPLIER}, *places, *markets], "edges": lanes + selling}


class Episode:
    """One product on one path in gym-invmgmt, driven by echelon base stock."""

    def __init__(self, levels: Sequence[float], stock: Sequence[float], demand: Values) -> None:
        self.days = len(demand)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(the_network(stock), file)  # every JSON text is a YAML text
            file.flush()
            self.env: Any = importlib.import_module("gym_invmgmt").make_custom_env(
                file.name,
                num_periods=self.days,
                backlog=False,
                user_D={
                    (FIRST_FULFILMENT + n, FIRST_MARKET + n): demand[:, n]
                    for n in range(FULFILMENT_CENTRES)
                },
            )
        network = self.env.network
        ends = [buyer for _, buyer in network.reorder_links]
        self.columns = np.array([network.node_map[buyer] for buyer in ends])
        self.levels = np.array([levels[buyer - FIRST_PLACE] for buyer in ends])
        self.reaches = np.eye(len(ends))
        for n, above in enumerate(ends):
            for m, below in enumerate(ends):
                if below >= FIRST_FULFILMENT and PARENT[below - FIRST_FULFILMENT] == above - 1:
                    self.reaches[n, m] = 1.0

    def orders(self, day: int) -> Values:
        """Return what each lane is asked for."""
        position = self.env.inventory[day, self.columns] + self.env.pipeline[day]
        orders: Values = np.maximum(self.levels - self.reaches @ position, 0.0)
        return orders

    def play(self) -> float:
        """Play the episode from its first day and return its cost."""
        self.env.reset(seed=0)
        cost = 0.0
        for day in range(self.days):
            cost -= self.env.step(self.orders(day))[1]
        return cost


def drawn(product: int, days: int) -> Values:
    """Draw a product's demand, ``[T, 20]``."""
    draws = np.random.default_rng(product).poisson(mean_demand(product), (days, FULFILMENT_CENTRES))
    return draws.astype(np.float64)


def looped(levels: Sequence[float], stock: Sequence[float], demand: Values) -> float:
    """Return the cost that the Python loop books."""
    shop = PythonShop(levels, stock)
    for day in demand.tolist():
        shop.day(day)
    return shop.cost


def largest_difference(days: int) -> float:
    """Return the largest relative difference of costs where upstream stock is ample."""
    worst = 0.0
    for product in range(4):
        levels, stock, demand = *ample(product), drawn(product, days)
        expected = looped(levels, stock, demand)
        worst = max(worst, abs(Episode(levels, stock, demand).play() - expected) / expected)
    return worst


def ample(product: int) -> tuple[list[float], list[float]]:
    """Return levels and opening stock with more than enough at the distribution centres."""
    levels, stock = echelon_levels(product), opening_stock(product)
    for centre in range(DISTRIBUTION_CENTRES):
        extra = (AMPLE - 1) * levels[centre]
        levels[centre] += extra
        stock[centre] += extra
    return levels, stock


def mebibytes() -> float:
    """Return the most memory that this process has held, in MiB (Linux counts in KiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def measure(episodes: int, days: int) -> dict[str, Any]:
    """Return the row's figures: an episode to warm up, then each on the clock."""
    importlib.import_module("gym_invmgmt")
    imported = mebibytes()
    difference = largest_difference(60)
    if not difference <= TOLERANCE:
        sys.exit(f"with ample stock gym-invmgmt books another cost: {difference} relative")
    shops = [(echelon_levels(n), opening_stock(n), drawn(n, days)) for n in range(episodes)]
    Episode(*shops[0]).play()
    processing, seconds, costs = 0.0, [], []
    for shop in shops:
        episode = Episode(*shop)
        begin, processed = time.perf_counter(), time.process_time()
        costs.append(episode.play())
        seconds.append(time.perf_counter() - begin)
        processing += time.process_time() - processed
    rates = [PLACES * days / each for each in seconds]
    return {
        "kind": "gym_invmgmt",
        "products": episodes,
        "paths": 1,
        "days": days,
        "threads": 1,
        "chunk_paths": 1,
        "location_days_per_second": PLACES * days * episodes / sum(seconds),
        "median_of_windows": statistics.median(rates),
        "lowest": min(rates),
        "highest": max(rates),
        "nanoseconds_per_location_day": sum(seconds) / (PLACES * days * episodes) * 1e9,
        "simulating_seconds": sum(seconds),
        "processor_seconds": processing,
        "peak_memory_mib": mebibytes(),
        "memory_after_import_mib": imported,
        "cost_per_location_day": sum(costs) / (PLACES * days * episodes),
        "ample_stock_relative_difference": difference,
        "cost_over_python_loop": sum(costs) / sum(looped(*shop) for shop in shops),
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
