"""Measure one row of the network benchmark in a process of its own and print it as JSON.

Called by ``benchmark.py`` as ``python -m benchmarks.network.measure '{"kind": "restock", …}'``.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from benchmarks.network.plain_numpy import NumpyShop
from benchmarks.network.plain_python import PythonShop
from benchmarks.network.restock_shop import RestockShop, the_instance
from benchmarks.network.shop import (
    DISTRIBUTION_CENTRES,
    FULFILMENT_CENTRES,
    PLACES,
    echelon_levels,
    mean_demand,
    opening_stock,
)
from torch import Tensor

from restock.seeds import Seeds
from restock.simulation import World

REGIONS, WHOLE_UNITS = "_regions", "_whole_units"


@dataclass(frozen=True, slots=True)
class Row:
    """What to measure: the ``kind`` of simulator, the size, and how it is cut.

    Demand is drawn ``window_days`` at a time. ``chunk_paths`` paths are simulated at once, a
    window of them after the other (0: all together).
    """

    kind: str
    products: int
    paths: int
    days: int
    window_days: int
    threads: int = 1
    chunk_paths: int = 0

    @property
    def has_regions(self) -> bool:
        """Whether demand comes from regions."""
        return self.kind.endswith(REGIONS)

    @property
    def chunks(self) -> list[slice]:
        """The paths of each chunk."""
        width = self.chunk_paths or self.paths
        return [slice(at, min(at + width, self.paths)) for at in range(0, self.paths, width)]


class Simulation(Protocol):
    """A simulator of some of the paths, for as many windows as are handed to it."""

    def run(self, demand: Any) -> None:  # noqa: ANN401 - each reads demand in a layout of its own
        """Simulate the days of a window."""
        ...

    @property
    def cost(self) -> float:
        """Money so far."""
        ...


Layout = Callable[[Tensor, Sequence[slice]], list[Any]]


class NumpyRun:
    """The numpy loop over a window's days."""

    def __init__(self, row: Row, paths: int) -> None:
        self.shop = NumpyShop(paths, row.products, np.float32, regions=row.has_regions)

    def run(self, demand: Any) -> None:  # noqa: ANN401
        """Simulate the days of a window ``[T, D, B, P]``."""
        for day in demand:
            self.shop.day(day)

    @property
    def cost(self) -> float:
        """Money so far."""
        return float(self.shop.cost.sum(dtype=np.float64))


class PythonRun:
    """The Python loop over a window's paths, products, days and locations."""

    def __init__(self, row: Row, paths: int) -> None:
        self.shops = [
            [
                PythonShop(echelon_levels(n), opening_stock(n), regions=row.has_regions)
                for n in range(row.products)
            ]
            for _ in range(paths)
        ]

    def run(self, demand: Any) -> None:  # noqa: ANN401
        """Simulate the days of a window, lists ``[B][P][T][D]``."""
        for shops, path in zip(self.shops, demand, strict=True):
            for shop, days in zip(shops, path, strict=True):
                for day in days:
                    shop.day(day)

    @property
    def cost(self) -> float:
        """Money so far."""
        return sum(shop.cost for shops in self.shops for shop in shops)


def builder(row: Row) -> Callable[[int], Simulation]:
    """Return what makes a simulation of some paths."""
    if row.kind.startswith("restock"):
        whole_units = row.kind.endswith(WHOLE_UNITS)
        instance = the_instance(row.products, regions=row.has_regions, whole_units=whole_units)
        world = World.from_instance(instance)
        return lambda paths: RestockShop(world, paths)
    if row.kind.startswith("numpy"):
        return lambda paths: NumpyRun(row, paths)
    return lambda paths: PythonRun(row, paths)


def layout(row: Row) -> Layout:
    """Return what turns a window ``[T, B, P, 20]`` into what each chunk's simulation reads."""

    def restock(units: Tensor, chunks: Sequence[slice]) -> list[Any]:
        if not row.has_regions:
            none_above = units.new_zeros(*units.shape[:-1], DISTRIBUTION_CENTRES)
            units = torch.cat([none_above, units], -1)
        return [units[:, paths].transpose(0, 1) for paths in chunks]

    def places_first(units: Tensor, chunks: Sequence[slice]) -> list[Any]:
        array = units.permute(0, 3, 1, 2).numpy()
        return [np.ascontiguousarray(array[:, :, paths]) for paths in chunks]

    def lists(units: Tensor, chunks: Sequence[slice]) -> list[Any]:
        return [units[:, paths].permute(1, 2, 0, 3).tolist() for paths in chunks]

    kinds = {"restock": restock, "numpy": places_first, "python": lists}
    return kinds[row.kind.split("_")[0]]


def drawn(row: Row, days: int, generator: torch.Generator) -> Tensor:
    """Draw a window of Poisson demand, ``[T, B, P, 20]``."""
    mean = torch.tensor([[mean_demand(product)] for product in range(row.products)])
    rate = mean.expand(days, row.paths, row.products, FULFILMENT_CENTRES)
    return torch.poisson(rate, generator=generator)


def mebibytes() -> float:
    """Return the most memory that this process has held, in MiB (Linux counts in KiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def measure(row: Row) -> dict[str, Any]:
    """Return the row's figures: a window to warm up, then the whole horizon on the clock."""
    torch.set_num_threads(row.threads)
    imported = mebibytes()
    begin = time.perf_counter()
    build = builder(row)
    building = time.perf_counter() - begin
    built = mebibytes()
    arranged, chunks = layout(row), row.chunks
    warm_up = arranged(drawn(row, row.window_days, Seeds(1).torch("demand")), chunks[:1])
    build(chunks[0].stop - chunks[0].start).run(warm_up[0])
    del warm_up
    simulations = [build(paths.stop - paths.start) for paths in chunks]
    generator = Seeds(0).torch("demand")
    drawing, processing = 0.0, 0.0
    seconds: list[float] = []
    days: list[int] = []
    while sum(days) < row.days:
        days.append(min(row.window_days, row.days - sum(days)))
        begin = time.perf_counter()
        windows = arranged(drawn(row, days[-1], generator), chunks)
        drawing += time.perf_counter() - begin
        begin, processed = time.perf_counter(), time.process_time()
        for simulation, window in zip(simulations, windows, strict=True):
            simulation.run(window)
        seconds.append(time.perf_counter() - begin)
        processing += time.process_time() - processed
    a_day = row.products * row.paths * PLACES
    rates = [a_day * count / each for count, each in zip(days, seconds, strict=True)]
    return {
        "kind": row.kind,
        "products": row.products,
        "paths": row.paths,
        "days": row.days,
        "threads": row.threads,
        "chunk_paths": row.chunk_paths or row.paths,
        "location_days_per_second": a_day * row.days / sum(seconds),
        "median_of_windows": statistics.median(rates),
        "lowest": min(rates),
        "highest": max(rates),
        "nanoseconds_per_location_day": sum(seconds) / (a_day * row.days) * 1e9,
        "simulating_seconds": sum(seconds),
        "processor_seconds": processing,
        "drawing_seconds": drawing,
        "building_seconds": building,
        "peak_memory_mib": mebibytes(),
        "memory_after_building_mib": built,
        "memory_after_import_mib": imported,
        "cost_per_location_day": sum(each.cost for each in simulations) / (a_day * row.days),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Row(**json.loads(sys.argv[1])))))
