"""The published instances as worlds, and where every rule's levels start."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restock.demand.processes import CorrelatedNormal
from restock.errors import InputError
from restock.evaluation import StudySettings
from restock.problem import Instance, Product, StockTerms
from restock.simulation import SteadyDemand, World
from restock.simulation.supply import Rationing

__all__ = ["Stores", "published"]

WAREHOUSE_LEAD_TIME = 3
WAREHOUSE_HOLDING_COST = 0.3
CORRELATION = 0.5


@dataclass(frozen=True)
class Stores:
    """One instance: a warehouse and its stores, one number of each kind per store."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    shortage_cost: tuple[float, ...]
    holding_cost: tuple[float, ...]
    lead_time: tuple[int, ...]
    published_cost: float
    published_excess_percent_of_plain_network: float

    @classmethod
    def read(cls, entry: dict[str, Any]) -> "Stores":
        """Read an entry of the published file."""
        return cls(
            tuple(entry["mean"]),
            tuple(entry["standard_deviation"]),
            tuple(entry["shortage_cost"]),
            tuple(entry["holding_cost"]),
            tuple(entry["lead_time"]),
            entry["published_cost_per_store_and_period"],
            entry["published_excess_percent_of_plain_network"],
        )

    @property
    def number(self) -> int:
        """How many stores there are."""
        return len(self.mean)

    def world(self, rationing: Rationing = "proportional") -> World:
        """Assemble the world; the warehouse comes first."""
        names = [f"store {n + 1}" for n in range(self.number)]
        costs = zip(names, self.holding_cost, self.shortage_cost, strict=True)
        instance = Instance.warehouse_and_stores(
            Product(id="item", holding_cost=WAREHOUSE_HOLDING_COST),
            WAREHOUSE_LEAD_TIME,
            dict(zip(names, self.lead_time, strict=True)),
            stock_terms=tuple(
                StockTerms(
                    product_id="item", location=name, holding_cost=holding, shortage_cost=shortage
                )
                for name, holding, shortage in costs
            ),
        )
        return World.from_instance(replace(instance, rationing=rationing))

    def source(self) -> SteadyDemand:
        """Return the demand; nobody buys at the warehouse."""
        demand = CorrelatedNormal(
            torch.tensor([0.0, *self.mean]), torch.tensor([0.0, *self.sd]), CORRELATION
        )
        names = tuple(f"store {n + 1}" for n in range(self.number))
        return SteadyDemand(demand, points=("warehouse", *names))

    def start_levels(self) -> Tensor:
        """Return echelon levels ``[1, L]``: demand until the next delivery, one deviation above."""
        periods = torch.tensor(self.lead_time) + 1.0
        mean, sd = torch.tensor(self.mean), torch.tensor(self.sd)
        stores = mean * periods + sd * periods.sqrt()
        warehouse = stores.sum() + WAREHOUSE_LEAD_TIME * mean.sum()
        return torch.cat([warehouse.reshape(1), stores]).unsqueeze(0)

    def start_local_levels(self) -> Tensor:
        """Return local levels ``[1, L]``: the warehouse counts only what is its own."""
        levels = self.start_levels()
        own = torch.tensor([(WAREHOUSE_LEAD_TIME + 1) * sum(self.mean)])
        return torch.cat([own, levels[0, 1:]]).unsqueeze(0)

    def start_caps(self) -> Tensor:
        """Return caps ``[1, L]``: half as much again as the demand of a period."""
        mean = torch.tensor([sum(self.mean), *self.mean])
        return 1.5 * mean.unsqueeze(0)


def published(settings: StudySettings) -> dict[int, Stores]:
    """Return the published instances by their number of stores.

    Raises :class:`InputError` when the file is not there.
    """
    shared = Path(os.environ.get("RESTOCK_SHARED", Path.cwd().parent / "shared"))
    path = shared / settings.parameters["instances"]
    if not path.exists():
        raise InputError(
            f"{path} is missing. The study needs the published figures: run it from the project's"
            " root with ../shared beside it, or set RESTOCK_SHARED."
        )
    entries = json.loads(path.read_text(encoding="utf-8"))["instances"]
    return {entry["stores"]: Stores.read(entry) for entry in entries}
