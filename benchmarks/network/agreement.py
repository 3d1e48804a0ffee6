"""Show that restock, the numpy loop and the Python loop book the same cost on the same demand.

``python -m benchmarks.network.agreement`` prints a row as JSON for each world, with the largest
relative difference of any product's cost on any path, in double precision. It fails where one is
above the tolerance.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from benchmarks.network.measure import Row, drawn
from benchmarks.network.plain_numpy import NumpyShop
from benchmarks.network.plain_python import PythonShop
from benchmarks.network.restock_shop import RestockShop, the_instance
from benchmarks.network.shop import DISTRIBUTION_CENTRES, echelon_levels, opening_stock

from restock.seeds import Seeds
from restock.simulation import World

TOLERANCE = 1e-10


def costs_of(row: Row) -> dict[str, torch.Tensor]:
    """Return what each rival books, money ``[B, P]``."""
    units = drawn(row, row.days, Seeds(0).torch("demand")).double()
    instance = the_instance(row.products, regions=row.has_regions, whole_units=False)
    ours = RestockShop(World.from_instance(instance, torch.float64), row.paths)
    at_places = units
    if not row.has_regions:
        none_above = units.new_zeros(*units.shape[:-1], DISTRIBUTION_CENTRES)
        at_places = torch.cat([none_above, units], -1)
    ours.run(at_places.transpose(0, 1))
    array = NumpyShop(row.paths, row.products, np.float64, regions=row.has_regions)
    for day in units.permute(0, 3, 1, 2).numpy():
        array.day(day)
    lists = units.permute(1, 2, 0, 3).tolist()
    loops = [[_looped(n, days, row) for n, days in enumerate(path)] for path in lists]
    total = ours.tally.total
    assert total is not None  # noqa: S101 - at least a day was simulated
    return {
        "restock": total.squeeze(-1),
        "numpy": torch.from_numpy(array.cost),
        "python": torch.tensor(loops, dtype=torch.float64),
    }


def _looped(product: int, days: list[list[float]], row: Row) -> float:
    shop = PythonShop(echelon_levels(product), opening_stock(product), regions=row.has_regions)
    for day in days:
        shop.day(day)
    return shop.cost


def compared(kind: str) -> dict[str, Any]:
    """Return a row with the differences of all rivals from restock."""
    row = Row(kind, products=16, paths=3, days=60, window_days=60)
    costs = costs_of(row)
    ours = costs["restock"]
    rivals = {
        f"{name}_relative_difference": float(((cost - ours).abs() / ours).max())
        for name, cost in costs.items()
        if name != "restock"
    }
    return {
        "part": "agreement",
        "kind": kind.replace("restock", "agreement"),
        "products": row.products,
        "paths": row.paths,
        "days": row.days,
        "cost": float(ours.sum()),
        **rivals,
    }


def main() -> None:
    """Print both rows; fail when a rival books another cost."""
    torch.set_num_threads(1)
    rows = [compared("restock"), compared("restock_regions")]
    for row in rows:
        for name, value in row.items():
            if name.endswith("_difference") and not value <= TOLERANCE:
                sys.exit(f"{name} is {value}, above {TOLERANCE}, in {row}")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
